#include "files.h"

#include <dirent.h>
#include <signal.h>

#include "config/read_internal.h"
#include "moat/config/config.h"

#define VECTORS TEST_SOURCE_ROOT "/tests/vectors/config"

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
    snprintf(path, sizeof(path), "%s/%s", VECTORS, name);
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
    DIR *folder = opendir(VECTORS);
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

static struct config *load(const char *path)
{
    struct config *config = config_load(path, &faults);
    show_faults(&faults);
    cr_assert_not_null(config);
    return config;
}

Test(load, what_is_not_written_has_its_default)
{
    struct config *config = load(VECTORS "/good_smallest.yaml");
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
    struct config *config = load(VECTORS "/good_every_key.yaml");
    cr_expect_eq(config->workers, 256);
    cr_assert_eq(config->listener_count, 2);
    const struct config_listener *first = &config->listeners[0];
    cr_expect_str_eq(first->address.host, "0.0.0.0");
    cr_assert_eq(first->certificate_count, 2);
    cr_expect_str_eq(first->certificates[0].chain, "/etc/ssl/server.crt");
    cr_expect_str_eq(first->certificates[0].key, "/etc/ssl/server.key");
    cr_expect_str_eq(first->certificates[1].chain, VECTORS "/tls/rsa.crt");
    cr_expect_str_eq(first->client_ca, VECTORS "/tls/clients-ca.crt");
    cr_expect_str_eq(first->client_crl, VECTORS "/tls/clients.crl");
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
    cr_expect_str_eq(second->certificates[0].key, VECTORS "/server.key");
    cr_expect_eq(second->minimum_version, TLS_1_2);
    cr_expect_eq(second->profile, TLS_PROFILE_IOT);
    cr_expect_eq(second->max_record, 16384);
    cr_expect_eq(second->crl_expired, TLS_CRL_EXPIRED_DENY);
    cr_expect_str_eq(second->ticket_key_file, VECTORS "/tls/ticket.keys");
    cr_expect(config->upstream.is_unix);
    cr_expect_str_eq(config->upstream.path, "/run/mosquitto.sock");
    cr_expect_eq(config->upstream_connect_timeout_ms, 500);
    cr_expect(config->allow_remote_plaintext);
    cr_expect_str_eq(config->password_file, "/etc/moat/passwords");
    cr_expect_eq(config->login_cache_ms, 0);
    expect_every_rule(config);
    cr_expect_not(config->guards_client_id);
    cr_expect_eq(config->guard_remember_ms, UINT64_C(365) * 86400000);
    cr_expect_eq(config->guard_identifiers, 1000000);
    cr_expect_str_eq(config->guard_state_file, VECTORS "/guard.state");
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
    struct config *config = load(VECTORS "/good_smallest.yaml");
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
    struct config *config = load("c.yaml");
    cr_expect_str_eq(config->listeners[0].certificates[0].chain, "x");
    config_free(config);
    config = load("./c.yaml");
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
    struct config *config = config_load(VECTORS "/good_smallest.yaml", &faults);
    cr_expect_not_null(config);
    config_free(config);
}

/* --- printed and read again ------------------------------------------------------------------ */

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
    struct config *config = load(path);
    char *first = printed(config);
    config_free(config);
    write_text("printed.yaml", first, 0644);
    config = load("printed.yaml");
    char *second = printed(config);
    config_free(config);
    /* Relative paths were joined with a folder, so they are absolute from then on. */
    cr_expect_str_eq(first, second);
    free(first);
    free(second);
}

Test(load, what_is_printed_says_the_same)
{
    check_print(VECTORS "/good_every_key.yaml");
    check_print(VECTORS "/good_smallest.yaml");
    check_print(VECTORS "/good_empty_sections.yaml");
    write_text("c.yaml",
               "listeners: [{ name: 'a \"\\ b', address: '[::1]:1', tls: { certificates: [{ chain: "
               "/x, key: /y }] } }]\n"
               "upstream: { address: 'localhost:2' }\n"
               "policy: { rules: [{ name: b, require: none }] }\n",
               0644);
    check_print("c.yaml");
}

Test(load, what_is_printed_shows_defaults)
{
    struct config *config = load(VECTORS "/good_smallest.yaml");
    char *text = printed(config);
    cr_expect_not_null(strstr(text, "\n  connections: 9000\n"));
    cr_expect_not_null(strstr(text, "\n  - name: \"mqtts\"\n    address: \"[::]:8883\"\n"));
    cr_expect_not_null(strstr(text, "\n  cache: 5m\n"));
    cr_expect_not_null(strstr(text, "\n  format: logfmt\n"));
    cr_expect_null(strstr(text, "match:"));
    free(text);
    config_free(config);
}

/* --- reload ------------------------------------------------------------------------------------
 */

static void check_reload(const char *old_path, const char *new_path)
{
    struct config *running = load(old_path);
    struct config *next = load(new_path);
    config_check_reload(running, next, &faults);
    show_faults(&faults);
    config_free(running);
    config_free(next);
}

Test(load, reload_changes_most)
{
    check_reload(VECTORS "/good_every_key.yaml", VECTORS "/good_every_key.yaml");
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

Test(load, reload_keeps_listeners_and_workers)
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
    write_text("c.yaml",
               "listeners:\n"
               "  - { name: a, address: 'h:1', tls: { certificates: [{ chain: x, key: y }] } }\n"
               "upstream: { address: 'localhost:2' }\n"
               "guard: { client_id: off, remember: 1h, identifiers: 7, state_file: s }\n"
               "policy: { rules: [{ name: b, require: none, owner: username }] }\n",
               0644);
    check_reload("a.yaml", "c.yaml");
    cr_expect_eq(faults.error_count, 3 + 2);
    EXPECT_ERROR(&faults, 4, 53, "guard.identifiers: cannot change while moat runs, where it is");
    EXPECT_ERROR(&faults, 4, 68,
                 "guard.state_file: cannot change while moat runs, where it is not written");
    check_reload("b.yaml", VECTORS "/good_every_key.yaml");
    EXPECT_ERROR(&faults, 1, 1,
                 "listeners: the number of entries cannot change while moat runs, where it is 1");
}

/* --- no file whatever makes it fall
 * --------------------------------------------------------------- */

static unsigned next_random(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    return *state >> 8;
}

/* Drops, doubles or overwrites a stretch of the text; what is beyond `size` is cut. */
static size_t mutate(char *text, size_t size, size_t capacity, unsigned *state)
{
    size_t at = next_random(state) % size;
    size_t length = 1 + next_random(state) % 40;
    length = length > size - at ? size - at : length;
    switch (next_random(state) % 4) {
    case 0:
        memmove(text + at, text + at + length, size - at - length);
        return size - length;
    case 1:
        if (size + length > capacity) {
            return size;
        }
        memmove(text + at + length, text + at, size - at);
        return size + length;
    case 2:
        text[at] = (char)next_random(state);
        return size;
    default:
        text[at] = "\n :-[]{}#&*!|>'\"%@`,?~0\t"[next_random(state) % 24];
        return size;
    }
}

Test(load, mutated_files_give_a_config_or_a_fault, .timeout = 120)
{
    static char original[16384];
    static char text[16384];
    FILE *file = fopen(VECTORS "/good_every_key.yaml", "r");
    cr_assert_not_null(file);
    size_t original_size = fread(original, 1, sizeof(original), file);
    fclose(file);
    unsigned state = 20261122;
    size_t good = 0;
    for (int i = 0; i < 600; i++) {
        size_t size = original_size;
        memcpy(text, original, size);
        for (unsigned j = 1 + next_random(&state) % 3; j > 0 && size > 0; j--) {
            size = mutate(text, size, sizeof(text), &state);
        }
        write_bytes("m.yaml", text, size, 0644);
        struct config *config = config_load("m.yaml", &faults);
        cr_assert_eq(config == NULL, faults.error_count > 0, "mutation %d", i);
        good += config != NULL ? 1 : 0;
        config_free(config);
        config_faults_deinit(&faults);
    }
    cr_expect(good > 0 && good < 600, "%zu of 600 were good", good);
}

Test(load, cut_at_every_byte, .timeout = 120)
{
    static char text[16384];
    FILE *file = fopen(VECTORS "/good_smallest.yaml", "r");
    cr_assert_not_null(file);
    size_t whole = fread(text, 1, sizeof(text), file);
    fclose(file);
    for (size_t size = 0; size <= whole; size++) {
        write_bytes("m.yaml", text, size, 0644);
        struct config *config = config_load("m.yaml", &faults);
        cr_expect_eq(config == NULL, faults.error_count > 0, "cut at %zu", size);
        /* Without the last newline, or the bracket before it, but never with less. */
        cr_expect(config == NULL || size >= whole - 1, "cut at %zu", size);
        config_free(config);
        config_faults_deinit(&faults);
    }
}
