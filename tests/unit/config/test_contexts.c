#include <criterion/criterion.h>

#include "moat/base/clock.h"
#include "moat/config/snapshot.h"
#include "moat/tls/pki.h"

#include "files.h"

static struct config_faults faults;
static struct pki_pair ca;

static void set_up(void)
{
    const struct pki_names names = {.dns_count = 1, .dns = {"gate.example"}};
    struct pki_pair server;
    enter_test_folder();
    config_faults_init(&faults);
    int64_t now = clock_wall_seconds();
    cr_assert(pki_make_ca(now, &ca));
    cr_assert(pki_issue_server(&ca, &names, now, &server));
    write_text("server.crt", server.certificate, 0644);
    write_text("server.key", server.key, 0600);
    write_text("ca.crt", ca.certificate, 0644);
    pki_pair_deinit(&server);
}

static void tear_down(void)
{
    config_faults_deinit(&faults);
    pki_pair_deinit(&ca);
    leave_test_folder();
}

TestSuite(contexts, .init = set_up, .fini = tear_down);

static struct snapshot *load(const char *tls)
{
    char text[1024];
    snprintf(text, sizeof text,
             "listeners:\n"
             "  - name: a\n"
             "    address: 127.0.0.1:8883\n"
             "    tls:\n"
             "      certificates: [{ chain: server.crt, key: server.key }%s\n"
             "upstream: { address: 127.0.0.1:1883 }\n"
             "policy: { rules: [{ name: all, require: none }] }\n",
             tls);
    write_text("moat.yaml", text, 0644);
    struct snapshot *snapshot = snapshot_load("moat.yaml", &faults);
    show_faults(&faults);
    return snapshot;
}

static void expect_error(const char *tls, unsigned line, unsigned column, const char *what)
{
    cr_expect_null(load(tls));
    cr_expect_eq(faults.count, 1);
    EXPECT_ERROR(&faults, line, column, what);
}

#define CLIENTS                                                                                    \
    "]\n"                                                                                          \
    "      client_certificate: optional\n"                                                         \
    "      client_ca: ca.crt\n"
#define CRL CLIENTS "      client_crl: clients.crl\n"
#define PIN "HqOt4ZHtd1eTnpm0EYdzs8LgtmEvX9O5VU0cqyJ1C6k="

Test(contexts, several_certificates)
{
    struct snapshot *snapshot = load(", { chain: server.crt, key: server.key }]");
    cr_assert_not_null(snapshot);
    cr_expect_not_null(snapshot->contexts[0]);
    snapshot_unref(snapshot);
}

Test(contexts, pins_without_an_authority)
{
    struct snapshot *snapshot = load("]\n"
                                     "      client_certificate: required\n"
                                     "      spki_pins: [" PIN "]\n");
    cr_assert_not_null(snapshot);
    cr_expect_not_null(snapshot->contexts[0]);
    snapshot_unref(snapshot);
}

Test(contexts, the_second_certificate_has_its_own_place)
{
    expect_error(", { chain: other.crt, key: server.key }]", 5, 71,
                 "listeners[0].tls.certificates[1].chain: cannot open other.crt");
}

Test(contexts, the_second_key_is_not_the_second_certificates)
{
    write_text("other.key", ca.key, 0600);
    expect_error(", { chain: server.crt, key: other.key }]", 5, 88,
                 "listeners[0].tls.certificates[1].key: this private key is not the certificate's");
}

Test(contexts, a_revocation_list_that_is_missing)
{
    expect_error(CRL, 8, 19, "listeners[0].tls.client_crl: cannot open clients.crl");
}

Test(contexts, an_empty_revocation_list)
{
    write_text("clients.crl", "", 0644);
    expect_error(CRL, 8, 19, "listeners[0].tls.client_crl: clients.crl is empty");
}

Test(contexts, a_revocation_list_of_comments)
{
    write_text("clients.crl", "# nobody yet\n", 0644);
    expect_error(CRL, 8, 19, "listeners[0].tls.client_crl: there is no CRL in it");
}

/* Longer than other files may be: a list grows with every device that is lost. */
Test(contexts, a_long_revocation_list)
{
    const size_t limit = (size_t)16 * 1024 * 1024;
    char *text = malloc(limit + 2);
    cr_assert_not_null(text);
    memset(text, '\n', limit + 1);
    text[limit + 1] = '\0';
    write_text("clients.crl", text, 0644);
    expect_error(CRL, 8, 19, "larger than 16 MiB");
    config_faults_deinit(&faults);
    text[limit] = '\0';
    write_text("clients.crl", text, 0644);
    expect_error(CRL, 8, 19, "there is no CRL in it");
    free(text);
}

Test(contexts, ticket_keys)
{
    static const char keys[] = "]\n      ticket_key_file: ticket.keys\n";
    write_text("ticket.keys", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
               0600);
    struct snapshot *snapshot = load(keys);
    cr_expect_not_null(snapshot);
    snapshot_unref(snapshot);
    cr_assert_eq(chmod("ticket.keys", 0644), 0);
    expect_error(keys, 6, 24, "listeners[0].tls.ticket_key_file: ticket.keys is open to others");
    config_faults_deinit(&faults);
    write_text("ticket.keys", "0011\n", 0600);
    cr_assert_eq(chmod("ticket.keys", 0600), 0);
    expect_error(keys, 6, 24, "listeners[0].tls.ticket_key_file: each line must be a key");
}
