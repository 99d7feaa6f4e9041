#include "files.h"

#include <dirent.h>
#include <signal.h>

#include "config/read_internal.h"
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

TestSuite(load, .init = set_up, .fini = tear_down);

/* --- the configurations of tests/vectors/config ------------------------------------------ */

struct expectation {
    bool is_warning;
    unsigned line;
    unsigned column;
    char words[300];
};

static bool read_expectation(const char *line, struct expectation *out)
{
    int used = 0;
    out->is_warning = strncmp(line, "# expect warning: ", 18) == 0;
    const char *at = line + (out->is_warning ? 18 : 10);
    if (!out->is_warning && strncmp(line, "# expect: ", 10) != 0) {
        return false;
    }
    cr_assert_eq(sscanf(at, "%u:%u: %n", &out->line, &out->column, &used), 2, "%s", line);
    cr_assert_gt(used, 0, "%s", line);
    snprintf(out->words, sizeof(out->words), "%s", at + used);
    out->words[strcspn(out->words, "\n")] = '\0';
    return true;
}

static size_t read_expectations(const char *path, struct expectation *list, size_t size)
{
    char line[400];
    size_t count = 0;
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        cr_assert_lt(count, size);
        count += read_expectation(line, &list[count]) ? 1 : 0;
    }
    fclose(file);
    return count;
}

static void check_vector(const char *name)
{
    static struct expectation expected[40];
    char path[512];
    size_t errors = 0;
    snprintf(path, sizeof(path), "%s/%s", CONFIG_VECTORS, name);
    size_t count = read_expectations(path, expected, 40);
    struct config *config = config_load(path, &faults);
    for (size_t i = 0; i < count; i++) {
        const struct expectation *one = &expected[i];
        errors += one->is_warning ? 0 : 1;
        cr_expect(has_fault(&faults, one->is_warning, one->line, one->column, one->words),
                  "%s: not reported: %u:%u: %s", name, one->line, one->column, one->words);
    }
    cr_expect_eq(faults.count, count, "%s: %zu faults, %zu expected", name, faults.count, count);
    cr_expect_eq(faults.error_count, errors, "%s", name);
    cr_expect_eq(config != NULL, errors == 0, "%s", name);
    if (faults.count != count) {
        show_faults(&faults);
    }
    config_free(config);
    config_faults_deinit(&faults);
}

Test(load, every_vector)
{
    size_t count = 0;
    DIR *folder = opendir(CONFIG_VECTORS);
    cr_assert_not_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        const char *ending = strrchr(entry->d_name, '.');
        if (ending != NULL && strcmp(ending, ".yaml") == 0) {
            check_vector(entry->d_name);
            count++;
        }
    }
    closedir(folder);
    cr_expect_geq(count, 25);
}

/* --- values ------------------------------------------------------------------------------ */

static void expect_strangers_unwritten(const struct config *config)
{
    cr_expect_eq(config->strangers.present, 64);
    cr_expect_eq(config->strangers.rate, 20);
    cr_expect_eq(config->strangers.burst, 100);
    cr_expect_eq(config->strangers.total_rate, 1000);
    cr_expect_eq(config->strangers.identity_rate, 10);
    cr_expect_eq(config->strangers.identity_burst, 60);
    cr_expect_eq(config->strangers.failures, 5);
    cr_expect_eq(config->strangers.window_ms, 60000);
    cr_expect_eq(config->strangers.ban_ms, 600000);
    cr_expect_eq(config->strangers.ban_max_ms, 86400000);
    cr_expect_eq(config->trusted_count, 0);
    cr_expect_eq(config->addresses, 20000);
}

static void expect_strangers_written(const struct config *config)
{
    cr_expect_eq(config->strangers.present, 0);
    cr_expect_eq(config->strangers.rate, 1000000);
    cr_expect_eq(config->strangers.burst, 1);
    cr_expect_eq(config->strangers.total_rate, 0);
    cr_expect_eq(config->strangers.identity_rate, 1);
    cr_expect_eq(config->strangers.identity_burst, 1000000);
    cr_expect_eq(config->strangers.failures, 1);
    cr_expect_eq(config->strangers.window_ms, 86400000);
    cr_expect_eq(config->strangers.ban_ms, 1000);
    cr_expect_eq(config->strangers.ban_max_ms, UINT64_C(365) * 86400000);
    cr_assert_eq(config->trusted_count, 2);
    cr_expect_str_eq(config->trusted[1], "2001:db8::/32");
    cr_expect_eq(config->addresses, 128);
}

Test(load, what_is_not_written_has_its_default)
{
    struct config *config = load_sound(CONFIG_VECTORS "/good_smallest.yaml", &faults);
    cr_expect_eq(config->workers, 0);
    cr_assert_eq(config->listener_count, 1);
    cr_expect_str_eq(config->listeners[0].name, "mqtts");
    cr_expect_str_eq(config->listeners[0].address.host, "::");
    cr_expect_eq(config->listeners[0].address.port, 8883);
    cr_expect_eq(config->listeners[0].minimum_version, TLS_VERSION_OF_PROFILE);
    cr_expect_eq(config->listeners[0].client_certificate, TLS_CLIENT_CERTIFICATE_NONE);
    cr_expect_null(config->listeners[0].client_ca);
    cr_expect(config->listeners[0].tickets);
    cr_expect_eq(config->upstream.port, 1883);
    cr_expect_eq(config->upstream_connect_timeout_ms, 3000);
    cr_expect_not(config->allow_remote_plaintext);
    cr_expect_eq(config->certificate_identity, TLS_IDENTITY_CN);
    cr_expect_eq(config->login_cache_ms, 300000);
    cr_expect_eq(config->connect.packet_size, 65536);
    cr_expect_eq(config->connect.client_id_size, 256);
    cr_expect_eq(config->connect.username_size, 256);
    cr_expect_eq(config->connect.password_size, 1024);
    cr_expect_eq(config->connect.user_properties, 32);
    cr_expect_not(config->connect.strict_3_1);
    cr_expect_eq(config->connections, 9000);
    cr_expect_eq(config->hashing, 256);
    cr_expect_eq(config->listeners[0].connections, 0);
    expect_strangers_unwritten(config);
    cr_expect(config->guards_client_id);
    cr_expect_eq(config->guard_remember_ms, 86400000);
    cr_expect_eq(config->guard_identifiers, 20000);
    cr_expect_null(config->guard_state_file);
    cr_expect_not(config->silent);
    cr_expect_eq(config->handshake_timeout_ms, 10000);
    cr_expect_eq(config->connect_timeout_ms, 10000);
    cr_expect_eq(config->drain_timeout_ms, 30000);
    cr_expect_eq(config->log_level, LOG_INFO);
    cr_assert_eq(config->rule_count, 1);
    cr_expect_eq(config->rules[0].spec.require, POLICY_REQUIRE_PASSWORD);
    cr_expect_not(config->rules[0].spec.deny);
    config_free(config);
}

static void expect_every_rule(const struct config *config)
{
    cr_assert_eq(config->rule_count, 6);
    cr_expect(config->rules[0].spec.deny);
    cr_assert_eq(config->rules[0].spec.address_count, 2);
    cr_expect_str_eq(config->rules[0].spec.addresses[1], "2001:db8::/32");
    const struct policy_rule_spec *spec = &config->rules[1].spec;
    cr_expect_not(spec->deny);
    cr_assert_eq(spec->listener_count, 2);
    cr_expect_str_eq(spec->listeners[0], "devices");
    cr_assert_eq(spec->certificate_count, 1);
    cr_expect_str_eq(spec->certificates[0], "sensor-*");
    cr_assert_eq(spec->issuer_count, 1);
    cr_assert_eq(spec->client_id_count, 2);
    cr_assert_eq(spec->protocol_count, 3);
    cr_expect_eq(spec->protocols[0], 3);
    cr_expect_eq(spec->protocols[1], 4);
    cr_expect_eq(spec->protocols[2], 5);
    cr_expect_eq(spec->username_count, 0);
    cr_expect_eq(spec->require, POLICY_REQUIRE_CERTIFICATE);
    cr_expect_eq(config->rules[2].spec.require, POLICY_REQUIRE_BOTH);
    cr_expect_eq(config->rules[2].spec.owner, POLICY_OWNER_USERNAME);
    cr_expect_eq(config->rules[2].spec.limits.connections, 7);
    cr_expect_eq(config->rules[3].spec.owner, POLICY_OWNER_PROOF);
    cr_expect_eq(config->rules[3].spec.require, POLICY_REQUIRE_ANY);
    cr_expect_eq(config->rules[3].spec.username_count, 2);
    cr_expect_eq(config->rules[4].spec.require, POLICY_REQUIRE_PASSWORD);
    cr_expect_eq(config->rules[5].spec.require, POLICY_REQUIRE_NONE);
}

Test(load, every_key_arrives)
{
    struct config *config = load_sound(CONFIG_VECTORS "/good_every_key.yaml", &faults);
    cr_expect_eq(config->workers, 256);
    cr_assert_eq(config->listener_count, 2);
    const struct config_listener *first = &config->listeners[0];
    cr_expect_str_eq(first->address.host, "0.0.0.0");
    cr_assert_eq(first->certificate_count, 2);
    cr_expect_str_eq(first->certificates[0].chain, "/etc/ssl/server.crt");
    cr_expect_str_eq(first->certificates[0].key, "/etc/ssl/server.key");
    cr_expect_str_eq(first->certificates[1].chain, CONFIG_VECTORS "/tls/rsa.crt");
    cr_expect_str_eq(first->client_ca, CONFIG_VECTORS "/tls/clients-ca.crt");
    cr_expect_str_eq(first->client_crl, CONFIG_VECTORS "/tls/clients.crl");
    cr_expect_eq(first->crl_expired, TLS_CRL_EXPIRED_WARN);
    cr_assert_eq(first->spki_pin_count, 2);
    cr_expect_str_eq(first->spki_pins[1], "HqOt4ZHtd1eTnpm0EYdzs8LgtmEvX9O5VU0cqyJ1C6k=");
    cr_expect_eq(first->profile, TLS_PROFILE_MODERN);
    cr_expect_eq(first->max_record, 512);
    cr_expect_eq(first->minimum_version, TLS_1_3);
    cr_expect_eq(first->client_certificate, TLS_CLIENT_CERTIFICATE_OPTIONAL);
    cr_expect_not(first->tickets);
    cr_expect_eq(config->listeners[1].client_certificate, TLS_CLIENT_CERTIFICATE_REQUIRED);
    const struct config_listener *second = &config->listeners[1];
    cr_expect_str_eq(second->certificates[0].key, CONFIG_VECTORS "/server.key");
    cr_expect_eq(second->minimum_version, TLS_1_2);
    cr_expect_eq(second->profile, TLS_PROFILE_IOT);
    cr_expect_eq(second->max_record, 16384);
    cr_expect_eq(second->crl_expired, TLS_CRL_EXPIRED_DENY);
    cr_expect_str_eq(second->ticket_key_file, CONFIG_VECTORS "/tls/ticket.keys");
    cr_expect(config->upstream.kind == ENDPOINT_UNIX);
    cr_expect_str_eq(config->upstream.path, "/run/mosquitto.sock");
    cr_expect_eq(config->upstream_connect_timeout_ms, 500);
    cr_expect(config->allow_remote_plaintext);
    cr_expect_str_eq(config->password_file, "/etc/moat/passwords");
    cr_expect_eq(config->login_cache_ms, 0);
    expect_every_rule(config);
    cr_expect_not(config->guards_client_id);
    cr_expect_eq(config->guard_remember_ms, UINT64_C(365) * 86400000);
    cr_expect_eq(config->guard_identifiers, 1000000);
    cr_expect_str_eq(config->guard_state_file, CONFIG_VECTORS "/guard.state");
    cr_expect_eq(second->connections, 1000000);
    expect_strangers_written(config);
    cr_expect(config->silent);
    cr_expect_eq(config->connect.packet_size, 262144);
    cr_expect_eq(config->connect.client_id_size, 23);
    cr_expect_eq(config->connect.username_size, 65535);
    cr_expect_eq(config->connect.password_size, 4096);
    cr_expect_eq(config->connect.user_properties, 0);
    cr_expect(config->connect.strict_3_1);
    cr_expect_eq(config->connections, 1000000);
    cr_expect_eq(config->hashing, 1);
    cr_expect_eq(config->handshake_timeout_ms, 1000);
    cr_expect_eq(config->connect_timeout_ms, 60000);
    cr_expect_eq(config->drain_timeout_ms, 3600000);
    cr_expect_str_eq(config->user, "moat");
    cr_expect_eq(config->sandbox, SANDBOX_REQUIRED);
    cr_expect_eq(config->log_level, LOG_DEBUG);
    config_free(config);
}

static void expect_place(struct config_place place, unsigned line, unsigned column)
{
    cr_expect_eq(place.line, line, "line %u", place.line);
    cr_expect_eq(place.column, column, "column %u", place.column);
}

Test(load, keys_have_places)
{
    struct config *config = load_sound(CONFIG_VECTORS "/good_smallest.yaml", &faults);
    expect_place(config_place_of(config, "listeners[0].tls.certificates[0].key"), 7, 16);
    expect_place(config_place_of(config, "listeners[%d].tls.client_ca", 0), 4, 5);
    expect_place(config_place_of(config, "listeners[0].tls"), 4, 5);
    expect_place(config_place_of(config, "listeners[0]"), 2, 5);
    expect_place(config_place_of(config, "listeners[1].name"), 1, 1);
    expect_place(config_place_of(config, "policy.rules[0].require"), 15, 16);
    expect_place(config_place_of(config, "workers"), 0, 0);
    config_free(config);
}

Test(load, the_working_directory_is_the_folder_of_a_bare_name)
{
    write_text(
        "c.yaml",
        "listeners: [{ name: a, address: 'h:1', tls: { certificates: [{ chain: x, key: y }] } }]\n"
        "upstream: { address: 'localhost:2' }\n"
        "policy: { rules: [{ name: b, require: none }] }\n",
        0644);
    struct config *config = load_sound("c.yaml", &faults);
    cr_expect_str_eq(config->listeners[0].certificates[0].chain, "x");
    config_free(config);
    config = load_sound("./c.yaml", &faults);
    cr_expect_str_eq(config->listeners[0].certificates[0].chain, "./x");
    config_free(config);
}

Test(load, names_have_a_limit)
{
    static const char format[] =
        "listeners: [{ name: %s, address: 'h:1', tls: { certificates: [{ chain: x, key: y }] } }]\n"
        "upstream: { address: 'localhost:2' }\n"
        "policy: { rules: [{ name: b, require: none }] }\n";
    char name[66];
    char text[400];
    for (size_t size = 64; size <= 65; size++) {
        memset(name, 'n', size);
        name[size] = '\0';
        snprintf(text, sizeof(text), format, name);
        write_text("c.yaml", text, 0644);
        struct config *config = config_load("c.yaml", &faults);
        cr_expect_eq(config != NULL, size == 64);
        config_free(config);
    }
    EXPECT_ERROR(&faults, 1, 21, "listeners[0].name: 65 bytes; expected 1 to 64");
}

static struct config *load_listeners(size_t count)
{
    FILE *file = fopen("c.yaml", "w");
    cr_assert_not_null(file);
    fputs("listeners:\n", file);
    for (size_t i = 0; i < count; i++) {
        fprintf(
            file,
            "  - { name: l%zu, address: 'h:%zu', tls: { certificates: [{ chain: x, key: y }] } }\n",
            i, i + 1);
    }
    fputs("upstream: { address: 'localhost:2' }\npolicy: { rules: [{ name: b, require: none }] }\n",
          file);
    cr_assert_eq(fclose(file), 0);
    return config_load("c.yaml", &faults);
}

Test(load, listeners_have_a_limit)
{
    struct config *config = load_listeners(64);
    cr_assert_not_null(config);
    cr_expect_eq(config->listener_count, 64);
    config_free(config);
    cr_expect_null(load_listeners(65));
    EXPECT_ERROR(&faults, 66, 5, "listeners: 65 entries, but this version takes at most 64");
}

Test(load, a_file_that_cannot_be_read)
{
    cr_expect_null(config_load("absent.yaml", &faults));
    EXPECT_ERROR(&faults, 0, 0, "cannot open absent.yaml: No such file or directory");
    cr_expect_null(config_load(".", &faults));
    EXPECT_ERROR(&faults, 0, 0, ". is not a regular file");
    write_text("empty.yaml", "", 0644);
    cr_expect_null(config_load("empty.yaml", &faults));
    EXPECT_ERROR(&faults, 0, 0, "empty.yaml is empty");
}

Test(load, earlier_errors_do_not_count)
{
    cr_expect_null(config_load("absent.yaml", &faults));
    struct config *config = config_load(CONFIG_VECTORS "/good_smallest.yaml", &faults);
    cr_expect_not_null(config);
    config_free(config);
}

/* --- files that the service manager passes in ------------------------------------------------ */

Test(load, a_credential_is_where_the_service_manager_put_it)
{
    const char *text = "listeners:\n"
                       "  - name: a\n"
                       "    address: 127.0.0.1:0\n"
                       "    tls: { certificates: [{ chain: a.crt, key: credential:server.key }] }\n"
                       "upstream: { address: 127.0.0.1:1883 }\n"
                       "policy: { rules: [{ name: all, require: none }] }\n";
    write_text("moat.yaml", text, 0644);
    setenv("CREDENTIALS_DIRECTORY", "/run/credentials/moat.service", 1);
    struct config *config = load_sound("moat.yaml", &faults);
    cr_expect_str_eq(config->listeners[0].certificates[0].key,
                     "/run/credentials/moat.service/server.key");
    config_free(config);
    unsetenv("CREDENTIALS_DIRECTORY");
    cr_expect_null(config_load("moat.yaml", &faults));
    EXPECT_ERROR(&faults, 4, 48, "LoadCredential=server.key:");
}
