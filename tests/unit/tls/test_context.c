#include "base/whole_test.h"
#include "wire.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pool.h>

static struct fixture fixture;

static void set_up(void)
{
    fixture_init(&fixture);
}

static void tear_down(void)
{
    fixture_deinit(&fixture);
    cr_expect_eq(ERR_peek_error(), 0, "an error was left for the next caller");
}

#define TEST(name) WHOLE_TEST(context, name, set_up, tear_down)

/* --- settings that cannot be --- */

static struct tls_context_fault faults[TLS_CONTEXT_FAULTS];
static size_t count;

static void expect_fault(const struct tls_settings *settings, enum tls_setting setting,
                         const char *part)
{
    struct tls_context *context = tls_context_new(settings, faults, &count);
    cr_assert_null(context, "taken, instead of: %s", part);
    for (size_t i = 0; i < count; i++) {
        if (faults[i].setting == setting && strstr(faults[i].what, part) != NULL) {
            cr_expect_not(faults[i].is_warning);
            return;
        }
    }
    cr_assert_fail("%s, not: %s", count > 0 ? faults[0].what : "no fault", part);
}

TEST(every_fault_at_once)
{
    const struct tls_settings settings = {.certificate_count = 1,
                                          .client_certificate = TLS_CLIENT_CERTIFICATE_REQUIRED};
    expect_fault(&settings, TLS_SETTING_CHAIN, "no certificate in it");
    expect_fault(&settings, TLS_SETTING_KEY, "no private key");
    expect_fault(&settings, TLS_SETTING_CLIENT_CA, "no certificate in it");
    cr_expect_eq(count, 3);
}

TEST(a_ca_file_matters_only_where_certificates_are_asked_for)
{
    struct tls_settings settings = wire_settings(&fixture);
    settings.client_ca = slice_from_text("# empty\n");
    tls_context_free(wire_context(&settings));
    settings.client_certificate = TLS_CLIENT_CERTIFICATE_OPTIONAL;
    expect_fault(&settings, TLS_SETTING_CLIENT_CA, "no certificate in it");
}

TEST(somebody_elses_key)
{
    struct tls_settings settings = wire_settings(&fixture);
    char *pem = fixture_key_pem(fixture.client_key, NULL);
    settings.certificates[0].key = slice_from_text(pem);
    expect_fault(&settings, TLS_SETTING_KEY, "not the certificate's");
    free(pem);
}

static struct tls_context *make(const struct fixture_spec *spec)
{
    struct tls_settings settings = wire_settings(&fixture);
    X509 *certificate = fixture_certificate(spec);
    char *pem = fixture_pem(certificate);
    char *key_pem = fixture_key_pem(spec->key, NULL);
    settings.certificates[0].chain = slice_from_text(pem);
    settings.certificates[0].key = slice_from_text(key_pem);
    struct tls_context *context = tls_context_new(&settings, faults, &count);
    X509_free(certificate);
    free(pem);
    free(key_pem);
    return context;
}

static void expect_dates(int64_t from, int64_t until, bool is_made, const char *part)
{
    struct tls_context *context = make(
        &(struct fixture_spec){.key = fixture.server_key, .cn = "x", .from = from, .until = until});
    cr_expect_eq(context != NULL, is_made, "%s", part);
    cr_assert_eq(count, part != NULL ? 1 : 0);
    if (part != NULL) {
        cr_expect_not_null(strstr(faults[0].what, part), "%s", faults[0].what);
        cr_expect_eq(faults[0].is_warning, is_made);
    }
    tls_context_free(context);
}

TEST(dates_at_their_edges)
{
    expect_dates(-FIXTURE_DAY, -1, false, "has expired");
    expect_dates(60, FIXTURE_DAY, false, "not valid yet");
    expect_dates(-60, 60, true, "expires in 0 days");
    expect_dates(-60, 30 * FIXTURE_DAY - 60, true, "expires in 29 days");
    expect_dates(-60, 30 * FIXTURE_DAY + 60, true, NULL);
}

static char *repeated(const char *text, size_t times)
{
    size_t size = strlen(text);
    char *many = malloc(times * size + 1);
    for (size_t i = 0; i < times; i++) {
        memcpy(many + i * size, text, size);
    }
    many[times * size] = '\0';
    return many;
}

static void expect_key(enum fixture_kind kind, unsigned bits, const char *part)
{
    EVP_PKEY *key = fixture_key(kind, bits);
    struct tls_context *context =
        make(&(struct fixture_spec){.key = key, .cn = "x", .from = -60, .until = 90 * FIXTURE_DAY});
    if (part == NULL) {
        cr_assert_not_null(context, "%s", count > 0 ? faults[0].what : "");
        cr_expect_eq(count, 0);
        /* A context that was made can serve a client of each version. */
        for (uint16_t version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            static const uint16_t algorithms[] = {
                SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_ED25519,
                SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PKCS1_SHA256};
            struct wire wire;
            SSL_CTX *client = wire_client_context(version, version);
            cr_assert(SSL_CTX_set_verify_algorithm_prefs(client, algorithms, 5));
            wire_open(&wire, context, client);
            wire_deinit(&wire);
            SSL_CTX_free(client);
        }
    } else {
        cr_assert_null(context, "taken, instead of: %s", part);
        cr_expect_not_null(strstr(faults[0].what, part), "%s", faults[0].what);
    }
    tls_context_free(context);
    EVP_PKEY_free(key);
}

TEST(keys_that_serve)
{
    expect_key(FIXTURE_P256, 0, NULL);
    expect_key(FIXTURE_P384, 0, NULL);
    expect_key(FIXTURE_ED25519, 0, NULL);
    expect_key(FIXTURE_RSA, 2048, NULL);
}

TEST(an_rsa_key_that_is_too_short)
{
    expect_key(FIXTURE_RSA, 1024, "has 1024 bits");
    expect_key(FIXTURE_RSA, 1920, "has 1920 bits");
}

/* Such a listener would start, and then fail every handshake. */
TEST(a_curve_that_no_signature_algorithm_of_ours_has)
{
    expect_key(FIXTURE_P521, 0, "P-256");
    expect_key(FIXTURE_P224, 0, "P-256");
}

TEST(a_certificate_not_meant_for_signing)
{
    struct tls_context *context = make(&(struct fixture_spec){.key = fixture.server_key,
                                                              .cn = "x",
                                                              .from = -60,
                                                              .until = 90 * FIXTURE_DAY,
                                                              .usage = "critical,keyAgreement"});
    cr_expect_null(context);
    cr_expect_not_null(strstr(faults[0].what, "cannot be used here"), "%s", faults[0].what);
}

/* What a handshake sends must fit into the output buffer of a worker: a chain and the names of
 * client CAs, both as large as they may be. */
TEST(the_longest_flight_can_be_sent)
{
    static char cn[65] = "A device CA with a name as long as the standard lets it be: 0000";
    X509 *ca =
        fixture_certificate(&(struct fixture_spec){.key = fixture.ca_key, .cn = cn, .is_ca = true});
    uint8_t *der = NULL;
    size_t name_size = (size_t)i2d_X509_NAME(X509_get_subject_name(ca), &der);
    size_t chain_size = (size_t)i2d_X509(fixture.server, NULL);
    char *ca_pem = fixture_pem(ca);
    char *names = repeated(ca_pem, 32768 / name_size);
    char *chain = repeated(fixture.server_pem, 32768 / chain_size);
    struct tls_settings settings = wire_settings(&fixture);

    settings.client_certificate = TLS_CLIENT_CERTIFICATE_OPTIONAL;
    settings.client_ca = slice_from_text(names);
    settings.certificates[0].chain = slice_from_text(chain);
    struct tls_context *context = wire_context(&settings);
    for (uint16_t version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct wire wire;
        SSL_CTX *client = wire_client_context(version, version);
        wire_open(&wire, context, client);
        wire_deinit(&wire);
        SSL_CTX_free(client);
    }
    tls_context_free(context);
    X509_free(ca);
    OPENSSL_free(der);
    free(ca_pem);
    free(names);
    free(chain);
}

/* --- what is negotiated --- */

static bool connects(const struct tls_settings *settings, uint16_t minimum, uint16_t maximum)
{
    struct wire wire;
    struct tls_context *context = wire_context(settings);
    SSL_CTX *client = wire_client_context(minimum, maximum);
    wire_init(&wire, context, client);
    wire_handshake(&wire);
    bool is_ok = wire.status == TLS_OK && wire.client_error == SSL_ERROR_WANT_READ;
    if (is_ok) {
        cr_expect_eq(SSL_version(wire.client), maximum);
    }
    wire_deinit(&wire);
    SSL_CTX_free(client);
    tls_context_free(context);
    return is_ok;
}

TEST(tls_1_2_and_1_3_only)
{
    struct tls_settings settings = wire_settings(&fixture);
    cr_expect(connects(&settings, TLS1_VERSION, TLS1_3_VERSION));
    cr_expect(connects(&settings, TLS1_VERSION, TLS1_2_VERSION));
    cr_expect_not(connects(&settings, TLS1_VERSION, TLS1_1_VERSION));
    cr_expect_not(connects(&settings, TLS1_VERSION, TLS1_VERSION));
    settings.minimum_version = TLS_1_3;
    cr_expect(connects(&settings, TLS1_VERSION, TLS1_3_VERSION));
    cr_expect_not(connects(&settings, TLS1_VERSION, TLS1_2_VERSION));
}

static bool connects_with_suite(const struct tls_context *context, const char *suite)
{
    struct wire wire;
    SSL_CTX *client = wire_client_context(TLS1_2_VERSION, TLS1_2_VERSION);
    cr_assert(SSL_CTX_set_strict_cipher_list(client, suite), "%s", suite);
    wire_init(&wire, context, client);
    wire_handshake(&wire);
    bool is_ok = wire.status == TLS_OK;
    if (!is_ok) {
        cr_expect_str_eq(tls_conn_fault(&wire.server),
                         "the client offers no cipher suite that we accept");
    }
    wire_deinit(&wire);
    SSL_CTX_free(client);
    return is_ok;
}

TEST(forward_secrecy_and_authenticated_encryption_only)
{
    static const char *const good[] = {
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    };
    static const char *const bad[] = {
        "ECDHE-ECDSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-SHA",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-SHA",
        "AES256-SHA",
        "DES-CBC3-SHA",
        "ECDHE-RSA-AES128-SHA",
    };
    struct tls_settings settings = wire_settings(&fixture);
    struct tls_context *context = wire_context(&settings);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_expect(connects_with_suite(context, good[i]), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_not(connects_with_suite(context, bad[i]), "%s", bad[i]);
    }
    tls_context_free(context);
}

static bool connects_with_alpn(const struct tls_context *context, const char *protocols,
                               const char *chosen)
{
    struct wire wire;
    const uint8_t *selected = NULL;
    unsigned size = 0;
    SSL_CTX *client = wire_client_context(TLS1_2_VERSION, TLS1_3_VERSION);
    cr_assert_eq(SSL_CTX_set_alpn_protos(client, (const uint8_t *)protocols, strlen(protocols)), 0);
    wire_init(&wire, context, client);
    wire_handshake(&wire);
    bool is_ok = wire.status == TLS_OK;
    SSL_get0_alpn_selected(wire.client, &selected, &size);
    if (is_ok) {
        cr_expect(slice_is(slice_of(selected, size), chosen));
    } else {
        cr_expect_not_null(strstr(tls_conn_fault(&wire.server), "other than mqtt"));
    }
    wire_deinit(&wire);
    SSL_CTX_free(client);
    return is_ok;
}

TEST(alpn_is_mqtt_or_nothing)
{
    struct tls_settings settings = wire_settings(&fixture);
    struct tls_context *context = wire_context(&settings);
    cr_expect(connects_with_alpn(context, "", ""));
    cr_expect(connects_with_alpn(context, "\4mqtt", "mqtt"));
    cr_expect(connects_with_alpn(context, "\2h2\4mqtt", "mqtt"));
    cr_expect(connects_with_alpn(context, "\4mqtt\2h2", "mqtt"));
    cr_expect(connects_with_alpn(context, "\3mqt\4mqtt\5mqtts", "mqtt"));
    cr_expect_not(connects_with_alpn(context, "\2h2\10http/1.1", ""));
    cr_expect_not(connects_with_alpn(context, "\3mqt", ""));
    cr_expect_not(connects_with_alpn(context, "\5mqtts", ""));
    cr_expect_not(connects_with_alpn(context, "\4MQTT", ""));
    cr_expect_not(connects_with_alpn(context, "\6x\4mqtt", ""));
    tls_context_free(context);
}

/* --- tickets --- */

static SSL_SESSION *session_from(const struct tls_context *context, SSL_CTX *client)
{
    struct wire wire;
    wire_open(&wire, context, client);
    /* The library sends tickets with the first thing the server has to say. */
    cr_assert_eq(tls_conn_write(&wire.server, slice_from_text("x")), 0);
    wire_return(&wire);
    wire_client_read(&wire);
    SSL_SESSION *session = wire_take_session();
    wire_deinit(&wire);
    return session;
}

static bool resumes(const struct tls_context *context, SSL_CTX *client, SSL_SESSION *session)
{
    struct wire wire;
    struct tls_peer peer;
    wire_init(&wire, context, client);
    cr_assert(SSL_set_session(wire.client, session));
    wire_handshake(&wire);
    cr_assert_eq(wire.status, TLS_OK, "%s", tls_conn_fault(&wire.server));
    bool is_resumed = SSL_session_reused(wire.client);
    cr_assert_eq(tls_conn_peer(&wire.server, &peer), 0);
    cr_expect_eq(peer.is_resumed, is_resumed);
    tls_peer_deinit(&peer);
    wire_deinit(&wire);
    return is_resumed;
}

static void expect_tickets(uint16_t version)
{
    struct tls_settings settings = wire_settings(&fixture);
    SSL_CTX *client = wire_client_context(version, version);
    struct tls_context *context = wire_context(&settings);
    struct tls_context *again = wire_context(&settings);
    settings.scope = slice_from_text("other");
    struct tls_context *other = wire_context(&settings);
    settings.tickets = false;
    struct tls_context *without = wire_context(&settings);

    SSL_SESSION *session = session_from(context, client);
    cr_assert_not_null(session);
    cr_expect_leq(SSL_SESSION_get_timeout(session), 7200);
    cr_expect_not(SSL_SESSION_early_data_capable(session), "a CONNECT must not be replayable");
    cr_expect(resumes(context, client, session));
    cr_expect_not(resumes(again, client, session), "a reload makes tickets worthless");
    cr_expect_not(resumes(other, client, session), "and so does another listener");
    cr_expect_not(resumes(without, client, session));
    SSL_SESSION_free(session);
    session = session_from(without, client);
    cr_expect(session == NULL || !SSL_SESSION_has_ticket(session));
    SSL_SESSION_free(session);
    tls_context_free(context);
    tls_context_free(again);
    tls_context_free(other);
    tls_context_free(without);
    SSL_CTX_free(client);
}

TEST(a_ticket_of_one_context_is_worthless_on_another)
{
    expect_tickets(TLS1_3_VERSION);
    expect_tickets(TLS1_2_VERSION);
}
