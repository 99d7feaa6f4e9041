#include "files.h"

#include "moat/base/clock.h"
#include "moat/base/secret.h"
#include "moat/config/snapshot.h"
#include "moat/tls/pki.h"

static struct config_faults faults;
static struct pki_pair ca;
static struct pki_pair server;
static struct pki_pair other;

/* bob, password "secret"; the cheapest hash there is, so that tests are quick. */
static char *user_line;

static void make_user(void)
{
    struct credentials_fault fault;
    user_line =
        credentials_make_line(slice_from_text("bob"), slice_from_text("secret"), 1000, &fault);
    cr_assert_not_null(user_line);
    write_text("passwords", user_line, 0600);
}

static void set_up(void)
{
    static struct pki_names names = {.dns_count = 1, .dns = {"localhost"}};
    config_faults_init(&faults);
    enter_test_folder();
    int64_t now = clock_wall_seconds();
    cr_assert(pki_make_ca(now, &ca));
    cr_assert(pki_issue_server(&ca, &names, now, &server));
    cr_assert(pki_issue_server(&ca, &names, now, &other));
    write_text("ca.crt", ca.certificate, 0644);
    write_text("server.crt", server.certificate, 0644);
    write_text("server.key", server.key, 0600);
    make_user();
}

static void tear_down(void)
{
    config_faults_deinit(&faults);
    pki_pair_deinit(&ca);
    pki_pair_deinit(&server);
    pki_pair_deinit(&other);
    secret_free_text(user_line);
    leave_test_folder();
}

TestSuite(snapshot, .init = set_up, .fini = tear_down);

static const char good[] = "listeners:\n"
                           "  - name: a\n"
                           "    address: 127.0.0.1:8883\n"
                           "    tls:\n"
                           "      certificates:\n"
                           "        - chain: server.crt\n"
                           "          key: server.key\n"
                           "      client_certificate: optional\n"
                           "      client_ca: ca.crt\n"
                           "upstream:\n"
                           "  address: 127.0.0.1:1883\n"
                           "credentials:\n"
                           "  password_file: passwords\n"
                           "policy:\n"
                           "  rules:\n"
                           "    - name: people\n"
                           "      require: { any: [password, certificate] }\n";

static struct snapshot *load(const char *text)
{
    write_text("moat.yaml", text, 0644);
    struct snapshot *snapshot = snapshot_load("moat.yaml", &faults);
    show_faults(&faults);
    return snapshot;
}

static void expect_error(unsigned line, unsigned column, const char *what)
{
    struct snapshot *snapshot = load(good);
    cr_expect_null(snapshot);
    cr_expect_eq(faults.count, 1);
    EXPECT_ERROR(&faults, line, column, what);
}

Test(snapshot, holds_everything)
{
    struct snapshot *snapshot = load(good);
    cr_assert_not_null(snapshot);
    cr_expect_eq(faults.count, 0);
    cr_expect_not_null(snapshot->contexts[0]);
    cr_expect_eq(policy_rule_count(snapshot->policy), 1);
    cr_assert_not_null(snapshot->credentials);
    cr_expect_eq(credentials_count(snapshot->credentials), 1);
    cr_expect(credentials_verify(snapshot->credentials, slice_from_text("bob"),
                                 slice_from_text("secret"), NULL));
    cr_expect_not_null(snapshot->logins);
    cr_expect_eq(snapshot_ref(snapshot), snapshot);
    snapshot_unref(snapshot);
    cr_expect_str_eq(snapshot->config->listeners[0].name, "a");
    snapshot_unref(snapshot);
    snapshot_unref(NULL);
}

Test(snapshot, takes_the_config)
{
    write_text("moat.yaml", good, 0644);
    struct config *config = config_load("moat.yaml", &faults);
    cr_assert_not_null(config);
    struct snapshot *snapshot = snapshot_new(config, &faults);
    cr_expect_not_null(snapshot);
    snapshot_unref(snapshot);
    cr_assert_eq(unlink("server.crt"), 0);
    config = config_load("moat.yaml", &faults);
    cr_assert_not_null(config);
    cr_expect_null(snapshot_new(config, &faults));
}

Test(snapshot, a_key_that_others_can_read)
{
    cr_assert_eq(chmod("server.key", 0644), 0);
    expect_error(7, 16, "listeners[0].tls.certificates[0].key: server.key is open to others");
}

Test(snapshot, a_key_that_is_not_the_certificates)
{
    write_text("server.key", other.key, 0600);
    expect_error(7, 16, "listeners[0].tls.certificates[0].key: ");
}

Test(snapshot, a_chain_without_a_certificate)
{
    write_text("server.crt", "nothing\n", 0644);
    expect_error(6, 18, "listeners[0].tls.certificates[0].chain: ");
}

Test(snapshot, a_ca_that_is_missing)
{
    cr_assert_eq(unlink("ca.crt"), 0);
    expect_error(9, 18, "listeners[0].tls.client_ca: cannot open ca.crt");
}

Test(snapshot, a_ca_without_a_certificate)
{
    write_text("ca.crt", "nothing\n", 0644);
    expect_error(9, 18, "listeners[0].tls.client_ca: ");
}

Test(snapshot, a_broken_password_line_has_its_own_place)
{
    char text[1024];
    snprintf(text, sizeof(text), "%s\nalice:plain\n", user_line);
    write_text("passwords", text, 0600);
    cr_expect_null(load(good));
    cr_assert_eq(faults.count, 1);
    cr_expect_str_eq(faults.list[0].file, "passwords");
    cr_expect_eq(faults.list[0].place.line, 2);
    cr_expect_eq(faults.list[0].place.column, 0);
}

Test(snapshot, a_password_file_without_users)
{
    write_text("passwords", "\n", 0600);
    cr_expect_null(load(good));
    cr_assert_eq(faults.count, 1);
}

Test(snapshot, hashes_that_everybody_can_read)
{
    cr_assert_eq(chmod("passwords", 0644), 0);
    struct snapshot *snapshot = load(good);
    cr_expect_not_null(snapshot);
    EXPECT_WARNING(&faults, 13, 18, "run chmod o-rwx passwords");
    cr_expect_eq(faults.count, 1);
    snapshot_unref(snapshot);
}

Test(snapshot, files_that_everybody_can_change)
{
    cr_assert_eq(chmod("ca.crt", 0646), 0);
    cr_assert_eq(chmod("server.crt", 0666), 0);
    struct snapshot *snapshot = load(good);
    cr_expect_not_null(snapshot);
    EXPECT_WARNING(&faults, 9, 18, "user of this machine can change ca.crt; run chmod o-w ca.crt");
    EXPECT_WARNING(&faults, 6, 18, "can change server.crt");
    cr_expect_eq(faults.count, 2);
    snapshot_unref(snapshot);
    config_faults_deinit(&faults);
    cr_assert_eq(chmod("ca.crt", 0664), 0);
    cr_assert_eq(chmod("server.crt", 0664), 0);
    cr_assert_eq(chmod("moat.yaml", 0646), 0);
    snapshot = snapshot_load("moat.yaml", &faults);
    cr_expect_not_null(snapshot);
    EXPECT_WARNING(&faults, 0, 0, "run chmod o-w moat.yaml");
    cr_expect_eq(faults.count, 1, "a group may");
    snapshot_unref(snapshot);
}

/* --- users ------------------------------------------------------------------------------- */

static void write_users(const char *const *names, size_t count, unsigned iterations)
{
    FILE *file = fopen("passwords", "w");
    cr_assert_not_null(file);
    for (size_t i = 0; i < count; i++) {
        struct credentials_fault fault;
        char *line = credentials_make_line(slice_from_text(names[i]), slice_from_text("secret"),
                                           iterations, &fault);
        cr_assert_not_null(line);
        fprintf(file, "%s\n", line);
        secret_free_text(line);
    }
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod("passwords", 0600), 0);
}

static void load_rules(const char *rules)
{
    char text[sizeof(good) + 256];
    const char *end = strstr(good, "    - name: people");
    snprintf(text, sizeof(text), "%.*s%s", (int)(end - good), good, rules);
    struct snapshot *snapshot = load(text);
    cr_expect_not_null(snapshot);
    snapshot_unref(snapshot);
}

Test(snapshot, users_whom_no_rule_lets_in)
{
    static const char *const names[] = {"ann", "bob", "cleo", "dora", "eve", "fay"};
    write_users(names, 6, 1000);
    load_rules("    - { name: a, match: { username: [ann, \"b*\"] }, require: [password] }\n"
               "    - { name: b, match: { username: cleo }, action: deny }\n");
    EXPECT_WARNING(&faults, 13, 18, "no rule lets in cleo, dora, eve and 1 other;");
    cr_expect_eq(faults.count, 1);
}

Test(snapshot, users_whom_a_rule_lets_in)
{
    static const char *const names[] = {"ann", "bob"};
    write_users(names, 2, 1000);
    load_rules("    - { name: a, match: { username: ann }, require: [password] }\n"
               "    - { name: b, match: { address: 10.0.0.0/8 }, require: [password] }\n");
    cr_expect_eq(faults.count, 0);
}

Test(snapshot, hashes_that_are_quick_to_guess)
{
    static const char *const names[] = {"ann", "bob"};
    write_users(names, 2, 999);
    load_rules("    - { name: a, require: [password] }\n");
    EXPECT_WARNING(&faults, 13, 18, "the hashes of ann, bob are quick to guess");
    cr_expect_eq(faults.count, 1);
}

Test(snapshot, all_faults_of_all_files_in_one_run)
{
    write_text("server.crt", "nothing\n", 0644);
    cr_assert_eq(unlink("ca.crt"), 0);
    cr_assert_eq(chmod("server.key", 0604), 0);
    write_text("passwords", "bob:plain\n", 0600);
    char text[sizeof(good) + 32];
    snprintf(text, sizeof(text), "workers: many\n%s", good);
    cr_expect_null(load(text));
    EXPECT_ERROR(&faults, 1, 10, "workers");
    EXPECT_ERROR(&faults, 8, 16, "chmod 600 server.key");
    EXPECT_ERROR(&faults, 10, 18, "cannot open ca.crt");
    EXPECT_ERROR(&faults, 1, 0, "");
    cr_expect_eq(faults.count, 4);
}

/* Where a part has a fault of its own the rest is still looked at, and nothing is told twice. */
Test(snapshot, parts_that_are_missing)
{
    cr_expect_null(load("listeners: [{ tls: { client_ca: ca.crt } }, { name: b }]\n"
                        "credentials: { password_file: absent }\n"));
    EXPECT_ERROR(&faults, 2, 31, "cannot open absent");
    size_t files = 0;
    for (size_t i = 0; i < faults.count; i++) {
        files += strstr(faults.list[i].what, "cannot open") != NULL ? 1 : 0;
    }
    cr_expect_eq(files, 1);
}

Test(snapshot, no_file_at_all)
{
    cr_expect_null(snapshot_load("absent.yaml", &faults));
    EXPECT_ERROR(&faults, 0, 0, "cannot open absent.yaml");
}
