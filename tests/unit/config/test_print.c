#include "files.h"

#include "moat/config/config.h"

static struct config_faults faults;

static void set_up(void)
{
    config_faults_init(&faults);
    enter_test_folder();
}

static void tear_down(void)
{
    config_faults_deinit(&faults);
    leave_test_folder();
}

TestSuite(print, .init = set_up, .fini = tear_down);

static char *printed(const struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    cr_assert_not_null(stream);
    config_print(config, stream);
    cr_assert_eq(fclose(stream), 0);
    return text;
}

static void check_print(const char *path)
{
    struct config *config = load_sound(path, &faults);
    char *first = printed(config);
    config_free(config);
    write_text("printed.yaml", first, 0644);
    config = load_sound("printed.yaml", &faults);
    char *second = printed(config);
    config_free(config);
    /* Relative paths were joined with a folder, so they are absolute from then on. */
    cr_expect_str_eq(first, second);
    free(first);
    free(second);
}

Test(print, what_is_printed_says_the_same)
{
    check_print(CONFIG_VECTORS "/good_every_key.yaml");
    check_print(CONFIG_VECTORS "/good_smallest.yaml");
    check_print(CONFIG_VECTORS "/good_empty_sections.yaml");
    write_text("c.yaml",
               "listeners: [{ name: 'a \"\\ b', address: '[::1]:1', tls: { certificates: [{ chain: "
               "/x, key: /y }] } }]\n"
               "upstream: { address: 'localhost:2' }\n"
               "policy: { rules: [{ name: b, require: none }] }\n",
               0644);
    check_print("c.yaml");
    write_text(
        "c.yaml",
        "listeners: [{ name: a, address: 'systemd:mqtts', tls: { certificates: [{ chain: /x, "
        "key: /y }] } }]\n"
        "upstream: { address: 'localhost:2' }\n"
        "policy: { rules: [{ name: b, require: none }] }\n",
        0644);
    check_print("c.yaml");
}

Test(print, what_is_printed_shows_defaults)
{
    struct config *config = load_sound(CONFIG_VECTORS "/good_smallest.yaml", &faults);
    char *text = printed(config);
    cr_expect_not_null(strstr(text, "\n  connections: 9000\n"));
    cr_expect_not_null(strstr(text, "\n  - name: \"mqtts\"\n    address: \"[::]:8883\"\n"));
    cr_expect_not_null(strstr(text, "\n  cache: 5m\n"));
    cr_expect_not_null(strstr(text, "\n  format: logfmt\n"));
    cr_expect_null(strstr(text, "match:"));
    free(text);
    config_free(config);
}
