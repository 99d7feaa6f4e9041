/* What is set by variables, instead of a file and on top of one. */
#include "files.h"

#include "config/table_internal.h"

static struct config_faults faults;
static struct config *config;

static void set_up(void)
{
    enter_test_folder();
    config_faults_init(&faults);
    const struct table_row *row = NULL;
    while ((row = table_after(row)) != NULL) {
        if (row->variable != NULL) {
            unsetenv(row->variable);
        }
    }
}

static void tear_down(void)
{
    config_free(config);
    config_faults_deinit(&faults);
    leave_test_folder();
}

TestSuite(environment, .init = set_up, .fini = tear_down);

static void set(const char *variable, const char *value)
{
    cr_assert_eq(setenv(variable, value, 1), 0);
}

static void load(const char *path)
{
    config_free(config);
    config_faults_deinit(&faults);
    config = config_load(path, &faults);
    show_faults(&faults);
}

/* A fault of this variable, or of whatever else is named in place of a file. */
static void expect_fault_of(const char *source, const char *words)
{
    for (size_t i = 0; i < faults.count; i++) {
        if (strcmp(faults.list[i].file, source) == 0 &&
            strstr(faults.list[i].what, words) != NULL && faults.list[i].place.line == 0) {
            return;
        }
    }
    cr_expect(false, "no fault of %s says: %s", source, words);
}

static void set_the_least(void)
{
    set("MOAT_UPSTREAM", "127.0.0.1:1884");
    set("MOAT_CERTIFICATE", "tls.crt");
    set("MOAT_KEY", "/run/tls.key");
}

/* --- without a file -------------------------------------------------------------------------- */

Test(environment, suffices_with_the_brokers_address)
{
    cr_expect_not(config_environment_suffices());
    set("MOAT_UPSTREAM", "");
    cr_expect_not(config_environment_suffices(), "empty is not set");
    set("MOAT_UPSTREAM", "anything");
    cr_expect(config_environment_suffices());
}

Test(environment, a_password_file_makes_a_rule_that_requires_passwords)
{
    set_the_least();
    set("MOAT_PASSWORD_FILE", "passwords");
    load(CONFIG_OF_ENVIRONMENT);
    cr_assert_not_null(config);
    cr_expect_eq(faults.count, 0);
    cr_expect_eq(config->upstream.port, 1884);
    cr_expect_str_eq(config->password_file, "passwords");
    cr_assert_eq(config->listener_count, 1);
    const struct config_listener *listener = &config->listeners[0];
    cr_expect_eq(listener->address.port, 8883);
    cr_expect_eq(listener->client_certificate, TLS_CLIENT_CERTIFICATE_NONE);
    cr_expect_str_eq(listener->certificates[0].chain, "tls.crt");
    cr_expect_str_eq(listener->certificates[0].key, "/run/tls.key");
    cr_assert_eq(config->rule_count, 1);
    cr_expect_eq(config->rules[0].spec.require, POLICY_REQUIRE_PASSWORD);
    cr_expect_eq(config->policy_mode, POLICY_MODE_ENFORCE);
}

Test(environment, an_authority_makes_a_rule_that_requires_certificates)
{
    set_the_least();
    set("MOAT_CLIENT_CA", "ca.crt");
    load(CONFIG_OF_ENVIRONMENT);
    cr_assert_not_null(config);
    cr_expect_eq(faults.count, 0);
    cr_expect_eq(config->listeners[0].client_certificate, TLS_CLIENT_CERTIFICATE_REQUIRED);
    cr_expect_str_eq(config->listeners[0].client_ca, "ca.crt");
    cr_expect_eq(config->rules[0].spec.require, POLICY_REQUIRE_CERTIFICATE);
}

Test(environment, both_require_both)
{
    set_the_least();
    set("MOAT_CLIENT_CA", "ca.crt");
    set("MOAT_PASSWORD_FILE", "passwords");
    load(CONFIG_OF_ENVIRONMENT);
    cr_assert_not_null(config);
    cr_expect_eq(config->listeners[0].client_certificate, TLS_CLIENT_CERTIFICATE_REQUIRED);
    cr_expect_eq(config->rules[0].spec.require, POLICY_REQUIRE_BOTH);
}

Test(environment, nobody_comes_in_without_proof)
{
    set_the_least();
    set("MOAT_PASSWORD_FILE", "");
    load(CONFIG_OF_ENVIRONMENT);
    cr_expect_null(config);
    expect_fault_of(CONFIG_OF_ENVIRONMENT, "set MOAT_PASSWORD_FILE to the path");
}

Test(environment, what_is_not_set_is_named)
{
    set("MOAT_UPSTREAM", "127.0.0.1:1883");
    set("MOAT_PASSWORD_FILE", "passwords");
    load(CONFIG_OF_ENVIRONMENT);
    cr_expect_null(config);
    expect_fault_of(CONFIG_OF_ENVIRONMENT, "MOAT_CERTIFICATE is not set; for example MOAT_CERT");
    expect_fault_of(CONFIG_OF_ENVIRONMENT, "MOAT_KEY is not set; for example MOAT_KEY=");
    unsetenv("MOAT_UPSTREAM");
    load(CONFIG_OF_ENVIRONMENT);
    cr_expect_null(config);
    expect_fault_of(CONFIG_OF_ENVIRONMENT, "missing key \"upstream\"");
}

/* --- on top of a file ----------------------------------------------------------------------- */

static const char two_listeners[] = "listeners:\n"
                                    "  - name: one\n"
                                    "    address: 127.0.0.1:8001\n"
                                    "    tls: { certificates: [{ chain: a, key: b }, { chain: c, "
                                    "key: d }] }\n"
                                    "  - name: two\n"
                                    "    address: 127.0.0.1:8002\n"
                                    "    tls: { certificates: [{ chain: e, key: f }] }\n"
                                    "credentials: { password_file: passwords }\n"
                                    "log: { level: warning }\n"
                                    "policy: { rules: [{ name: p, require: [password] }] }\n";

static void write_two_listeners(const char *rest)
{
    FILE *file = fopen("m.yaml", "w");
    cr_assert_not_null(file);
    fprintf(file, "%s%s", two_listeners, rest);
    cr_assert_eq(fclose(file), 0);
}

Test(environment, goes_before_the_file_and_the_file_before_the_default)
{
    write_two_listeners("upstream: { address: 127.0.0.1:1 }\n");
    set("MOAT_UPSTREAM", "unix:/run/broker");
    set("MOAT_WORKERS", "3");
    set("MOAT_ALLOW_REMOTE_PLAINTEXT", "true");
    set("MOAT_TLS_PROFILE", "modern");
    load("m.yaml");
    cr_assert_not_null(config);
    cr_expect_eq(config->upstream.kind, ENDPOINT_UNIX);
    cr_expect_eq(config->workers, 3);
    cr_expect(config->allow_remote_plaintext);
    cr_expect_eq(config->log_level, LOG_WARNING, "of the file");
    cr_expect_eq(config->drain_timeout_ms, 30000, "the default");
    cr_expect_eq(config->listeners[0].profile, TLS_PROFILE_MODERN);
    set("MOAT_LOG_LEVEL", "error");
    load("m.yaml");
    cr_expect_eq(config->log_level, LOG_ERROR);
}

Test(environment, may_be_all_there_is_of_a_section)
{
    write_two_listeners("");
    load("m.yaml");
    cr_expect_null(config);
    set("MOAT_UPSTREAM", "127.0.0.1:1883");
    load("m.yaml");
    cr_expect_not_null(config);
    cr_expect_eq(faults.count, 0);
    unsetenv("MOAT_UPSTREAM");
    set("MOAT_ALLOW_REMOTE_PLAINTEXT", "false");
    load("m.yaml");
    cr_expect_null(config, "the address is still missing");
    EXPECT_ERROR(&faults, 0, 0, "missing key \"address\" in upstream");
}

Test(environment, is_for_the_first_of_several)
{
    write_two_listeners("upstream: { address: 127.0.0.1:1 }\n");
    set("MOAT_LISTEN", "127.0.0.1:9");
    set("MOAT_CERTIFICATE", "x");
    load("m.yaml");
    cr_assert_not_null(config);
    cr_expect_eq(config->listeners[0].address.port, 9);
    cr_expect_eq(config->listeners[1].address.port, 8002);
    cr_expect_str_eq(config->listeners[0].certificates[0].chain, "x");
    cr_expect_str_eq(config->listeners[0].certificates[1].chain, "c");
    cr_expect_str_eq(config->listeners[1].certificates[0].chain, "e");
}

/* Paths of the file are relative to it, those of variables to the working directory. */
Test(environment, paths_are_relative_to_the_working_directory)
{
    cr_assert_eq(mkdir("folder", 0700), 0);
    write_two_listeners("upstream: { address: 127.0.0.1:1 }\n");
    cr_assert_eq(rename("m.yaml", "folder/m.yaml"), 0);
    set("MOAT_KEY", "keys/b");
    load("folder/m.yaml");
    cr_assert_not_null(config);
    cr_expect_str_eq(config->listeners[0].certificates[0].chain, "folder/a");
    cr_expect_str_eq(config->listeners[0].certificates[0].key, "keys/b");
}

/* --- faults ----------------------------------------------------------------------------------- */

Test(environment, faults_name_the_variable)
{
    write_two_listeners("upstream: { address: 127.0.0.1:1 }\n");
    set("MOAT_WORKERS", "many");
    set("MOAT_LOG_LEVEL", "loud");
    set("MOAT_LISTEN", "nowhere");
    set("MOAT_UPSTREAM", "192.0.2.1:1883"); /* found by a check of the whole */
    load("m.yaml");
    cr_expect_null(config);
    expect_fault_of("MOAT_WORKERS", "workers: ");
    expect_fault_of("MOAT_LOG_LEVEL", "log.level: ");
    expect_fault_of("MOAT_LISTEN", "listeners[0].address: ");
    expect_fault_of("MOAT_UPSTREAM", "upstream.address: the broker is not on this machine");
    cr_expect_eq(faults.count, 4);
}

Test(environment, a_reload_names_it_as_well)
{
    write_two_listeners("upstream: { address: 127.0.0.1:1 }\n");
    load("m.yaml");
    struct config *running = config;
    config = NULL;
    set("MOAT_WORKERS", "7");
    load("m.yaml");
    cr_assert_not_null(config);
    config_check_reload(running, config, &faults);
    expect_fault_of("MOAT_WORKERS", "workers");
    config_free(running);
}

Test(environment, every_variable_is_read)
{
    const struct table_row *row = NULL;
    size_t count = 0;
    while ((row = table_after(row)) != NULL) {
        if (row->variable == NULL || row->type == TABLE_PATH) {
            continue;
        }
        write_two_listeners("upstream: { address: 127.0.0.1:1 }\n");
        set(row->variable, "\x01");
        load("m.yaml");
        expect_fault_of(row->variable, "");
        unsetenv(row->variable);
        count++;
    }
    cr_expect_geq(count, 11);
}
