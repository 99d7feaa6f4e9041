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

TestSuite(reload, .init = set_up, .fini = tear_down);

static void check_reload(const char *old_path, const char *new_path)
{
    struct config *running = load_sound(old_path, &faults);
    struct config *next = load_sound(new_path, &faults);
    config_check_reload(running, next, &faults);
    show_faults(&faults);
    config_free(running);
    config_free(next);
}

Test(reload, reload_changes_most)
{
    check_reload(CONFIG_VECTORS "/good_every_key.yaml", CONFIG_VECTORS "/good_every_key.yaml");
    cr_expect_eq(faults.count, 0);
    write_text(
        "a.yaml",
        "listeners: [{ name: a, address: 'h:1', tls: { certificates: [{ chain: x, key: y }] } }]\n"
        "upstream: { address: 'localhost:2' }\n"
        "policy: { rules: [{ name: b, require: none }] }\n",
        0644);
    write_text(
        "b.yaml",
        "listeners: [{ name: a, address: 'h:1', tls: { tickets: false, minimum_version: 1.3,\n"
        "  certificates: [{ chain: z, key: y }], client_certificate: required, client_ca: c } }]\n"
        "upstream: { address: 'localhost:3' }\n"
        "credentials: { password_file: p }\n"
        "limits: { connections: 4 }\n"
        "policy: { rules: [{ name: c, require: [password] }, { name: d, action: deny }] }\n",
        0644);
    check_reload("a.yaml", "b.yaml");
    EXPECT_WARNING(&faults, 6, 53, "never reached");
    cr_expect_eq(faults.error_count, 0);
}

Test(reload, reload_keeps_listeners_and_workers)
{
    write_text("a.yaml",
               "listeners:\n"
               "  - { name: a, address: 'h:1', tls: { certificates: [{ chain: x, key: y }] } }\n"
               "upstream: { address: 'localhost:2' }\n"
               "policy: { rules: [{ name: b, require: none }] }\n",
               0644);
    write_text("b.yaml",
               "workers: 3\n"
               "listeners:\n"
               "  - { name: c, address: 'h:2', tls: { certificates: [{ chain: x, key: y }] } }\n"
               "upstream: { address: 'localhost:9' }\n"
               "policy: { rules: [{ name: b, require: none }] }\n",
               0644);
    check_reload("a.yaml", "b.yaml");
    cr_expect_eq(faults.error_count, 3);
    EXPECT_ERROR(&faults, 1, 10, "workers: cannot change while moat runs, where it is 0; restart");
    EXPECT_ERROR(&faults, 3, 13,
                 "listeners[0].name: cannot change while moat runs, where it is \"a\"");
    EXPECT_ERROR(&faults, 3, 25, "listeners[0].address: cannot change");
    check_reload("b.yaml", CONFIG_VECTORS "/good_every_key.yaml");
    EXPECT_ERROR(&faults, 1, 1,
                 "listeners: the number of entries cannot change while moat runs, where it is 1");
}
