/* Corners that a file hardly ever reaches, and functions asked for what they do not know. */
#include "files.h"
#include "starving.h"

#include "config/document_internal.h"
#include "config/field_internal.h"
#include "config/files_internal.h"
#include "config/require_internal.h"
#include "config/values_internal.h"
#include "moat/config/expectations.h"

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

TestSuite(corners, .init = set_up, .fini = tear_down);

static void load(const char *text)
{
    config_faults_deinit(&faults);
    config_faults_init(&faults);
    write_bytes("m.yaml", text, strlen(text), 0644);
    struct config *config = config_load("m.yaml", &faults);
    cr_expect_null(config);
    cr_expect_gt(faults.error_count, 0);
    config_free(config);
}

/* --- files ------------------------------------------------------------------------------- */

Test(corners, a_file_without_a_key)
{
    load("{}\n");
}

/* What stands in place of an alias is broken and was reported; nothing more is said of it. */
Test(corners, aliases_wherever_a_value_may_stand)
{
    load("listeners: [*a]\n");
    EXPECT_ERROR(&faults, 1, 13, "aliases are not supported");
    load("policy: {rules: [{name: r, require: *a}]}\n");
    EXPECT_ERROR(&faults, 1, 37, "aliases are not supported");
    load("policy: {rules: [{name: r, require: [*a]}]}\n");
    EXPECT_ERROR(&faults, 1, 38, "aliases are not supported");
}

Test(corners, nothing_in_a_list)
{
    load("policy: {rules: [{name: r, match: {address: [~]}}]}\n");
    EXPECT_ERROR(&faults, 1, 46, "found nothing");
}

/* Too long to be a slip of a known name. */
Test(corners, an_unknown_substitution_of_any_length)
{
    load("policy: {rules: [{name: r, bind: {client_id: "
         "\"${certificate_certificate_certificate_certificate}\"}}]}\n");
    EXPECT_ERROR(&faults, 1, 46, "certificate_certificate");
}

Test(corners, expectations_with_codes_that_are_none)
{
    static const char *const codes[] = {"\"1x22\"", "\"0y22\"", "\"0xg1\"", "\"0x1g\"",
                                        "\"0x123\""};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char text[200];
        config_faults_deinit(&faults);
        config_faults_init(&faults);
        int size = snprintf(text, sizeof text,
                            "- {name: n, client: {client_id: *a}, "
                            "expect: {verdict: deny, code: %s}}\n",
                            codes[i]);
        write_bytes("e.yaml", text, (size_t)size, 0644);
        cr_expect_null(expectations_load("e.yaml", &faults));
        EXPECT_ERROR(&faults, 1, 33, "aliases are not supported");
        EXPECT_ERROR(&faults, 1, 68, "code");
        show_faults(&faults);
    }
}

Test(corners, expectations_of_topics_without_memory)
{
    static const char text[] = "- name: n\n"
                               "  client: {}\n"
                               "  expect: {verdict: allow, publish: {a: allow, b: deny}}\n";
    size_t failures = 0;

    write_bytes("e.yaml", text, sizeof text - 1, 0644);
    for (size_t at = 0; starving_goes_on(at); at++) {
        config_faults_deinit(&faults);
        config_faults_init(&faults);
        struct expectations *expectations = expectations_load("e.yaml", &faults);
        bool has_failed = starving_end();
        cr_expect_eq(expectations == NULL, faults.error_count > 0, "allocation %zu", at);
        failures += has_failed ? 1 : 0;
        expectations_free(expectations);
    }
    cr_expect_gt(failures, 10);
}

Test(corners, an_alias_without_memory)
{
    write_bytes("m.yaml", "a: *b\n", 6, 0644);
    for (size_t at = 0; starving_goes_on(at); at++) {
        config_faults_deinit(&faults);
        config_faults_init(&faults);
        struct config *config = config_load("m.yaml", &faults);
        (void)starving_end();
        cr_expect_null(config);
        cr_expect_gt(faults.error_count, 0, "allocation %zu", at);
    }
}

/* --- reading ----------------------------------------------------------------------------- */

Test(corners, a_disk_that_fails)
{
    struct file_bytes bytes;
    char what[FILE_FAULT_SIZE];

    write_bytes("f", "text", 4, 0644);
    failing_file(FILE_FAILS_AT_STAT);
    cr_expect_not(file_read("f", FILE_PUBLIC, &bytes, what));
    failing_file(FILE_FAILS_AT_READ);
    cr_expect_not(file_read("f", FILE_PUBLIC, &bytes, what));
    cr_expect_not_null(strstr(what, "cannot read f"), "%s", what);
    failing_file(FILE_ENDS_EARLY);
    cr_expect_not(file_read("f", FILE_PUBLIC, &bytes, what));
    cr_expect_not_null(strstr(what, "it changed"), "%s", what);
    failing_file(FILE_IS_INTERRUPTED);
    cr_assert(file_read("f", FILE_PUBLIC, &bytes, what), "%s", what);
    cr_expect(slice_is(file_slice(&bytes), "text"));
    failing_file(FILE_IS_SOUND);
    file_bytes_deinit(&bytes);
}

/* It grew by more than the one byte that would tell. */
Test(corners, a_file_that_grows_while_it_is_read)
{
    struct file_bytes bytes;
    char what[FILE_FAULT_SIZE];

    write_bytes("f", "text", 4, 0644);
    failing_file(FILE_GROWS);
    cr_expect_not(file_read("f", FILE_PUBLIC, &bytes, what));
    failing_file(FILE_IS_SOUND);
    cr_expect_not_null(strstr(what, "it changed"), "%s", what);
}

/* --- functions asked for what they do not know ------------------------------------------- */

Test(corners, kinds_of_nodes)
{
    const struct node broken = {.kind = NODE_BROKEN};
    const struct node strange = {.kind = (enum node_kind)9};
    enum policy_require require = POLICY_REQUIRE_NONE;
    struct require_fault fault;

    cr_expect_str_eq(node_kind_text(&broken), "something broken");
    cr_expect_str_eq(node_kind_text(&strange), "");
    cr_expect_not(require_parse(&broken, &require, &fault));
    cr_expect_str_eq(require_text((enum policy_require)9), "");
}

Test(corners, words_too_long_to_be_a_slip)
{
    static const char word[] =
        "a_word_that_is_longer_than_any_key_of_the_table_will_ever_be_and_more";
    struct suggestion suggestion;

    suggestion_init(&suggestion, "key");
    suggestion_offer(&suggestion, word);
    cr_expect_null(suggestion.best);
}

Test(corners, rows_that_hold_no_value)
{
    const struct table_row map = {.path = "m", .type = TABLE_MAP};
    const struct table_row maps = {.path = "l", .type = TABLE_MAPS, .maximum = 3};
    const struct table_row text = {.path = "t", .type = TABLE_TEXT};
    const struct table_row odd = {.path = "n", .type = TABLE_NUMBER, .size = 2};
    char what[FIELD_FAULT_SIZE];
    char type[TABLE_TYPE_TEXT_SIZE];
    struct config config = {.workers = 7};

    cr_expect_not(field_put(&map, &config, "x", "", what));
    cr_expect_str_eq(what, "cannot be one value");
    cr_expect(field_check_pattern(&text, "[", what), "a text is no pattern");
    cr_expect_eq(field_integer(&odd, &config), 0);
    cr_expect(field_is_set(&maps, &config), "what lives in the struct around it is always there");
    table_type_text(&maps, type);
    cr_expect_not_null(strstr(type, "list of entries"), "%s", type);
    field_print(&map, &config, stdout);
    field_release(&text, &config);
    cr_expect_eq(config.workers, 7);
}

Test(corners, an_empty_list_of_maps_is_not_set)
{
    const struct config config = {.workers = 0};
    const struct table_row *row = table_find("", "listeners");

    cr_assert_not_null(row);
    cr_expect_not(field_is_set(row, &config));
}

Test(corners, the_last_of_all_words_there_can_be)
{
    const struct table_row row = {
        .path = "w",
        .type = TABLE_WORD,
        .size = 4,
        .words = {{"a", 0}, {"b", 1}, {"c", 2}, {"d", 3}, {"e", 4}, {"f", 5}, {"g", 6}, {"h", 7}}};
    const uint32_t value = 7;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    cr_assert_not_null(stream);
    field_print(&row, &value, stream);
    fclose(stream);
    cr_expect_str_eq(text, "h");
    free(text);
}
