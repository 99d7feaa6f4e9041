#include "base/whole_test.h"
#include "conn_contexts.h"

#include <stdlib.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>

#define TEST(name) WHOLE_TEST(conn_certificates, name, set_up, tear_down)

/* --- client certificates --- */

enum offer {
    OFFER_NONE,
    OFFER_GOOD,
    OFFER_WRONG_CA,
    OFFER_EXPIRED,
    OFFER_SERVER_ONLY,
    OFFER_SHA1,
    OFFER_RSA_1024,
    OFFERS,
};

static void present(SSL_CTX *client, enum offer offer)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    switch (offer) {
    case OFFER_NONE:
    case OFFERS:
        return;
    case OFFER_GOOD:
        break;
    case OFFER_WRONG_CA:
        spec.issuer = NULL;
        spec.signer = NULL;
        break;
    case OFFER_EXPIRED:
        spec.from = -FIXTURE_DAY;
        spec.until = -1;
        break;
    case OFFER_SERVER_ONLY:
        spec.extended = "serverAuth";
        break;
    case OFFER_SHA1:
        spec.digest = EVP_sha1();
        break;
    case OFFER_RSA_1024:
        spec.key = fixture_key(FIXTURE_RSA, 1024);
        break;
    }
    wire_use_certificate(client, fixture_certificate(&spec), spec.key);
    if (spec.key != fixture.client_key) {
        EVP_PKEY_free(spec.key);
    }
}

static void expect_offer(const struct tls_context *context, enum offer offer, bool is_taken,
                         const char *part)
{
    for (size_t i = 0; i < 2; i++) {
        struct wire wire;
        struct tls_peer peer;
        SSL_CTX *client = wire_client_context(versions[i], versions[i]);
        present(client, offer);
        wire_init(&wire, context, client);
        wire_handshake(&wire);
        if (is_taken) {
            cr_assert_eq(wire.status, TLS_OK, "%s", tls_conn_fault(&wire.server));
            cr_assert_eq(tls_conn_peer(&wire.server, &peer), 0);
            bool has_certificate = offer != OFFER_NONE && context != plain;
            cr_expect_eq(peer.has_certificate, has_certificate);
            cr_expect_eq(peer.identity != NULL, has_certificate);
            tls_peer_deinit(&peer);
        } else {
            cr_assert_eq(wire.status, TLS_FAILED, "taken, instead of: %s", part);
            cr_expect_not_null(strstr(tls_conn_fault(&wire.server), part), "%s",
                               tls_conn_fault(&wire.server));
            cr_expect_eq(wire.client_error, SSL_ERROR_SSL, "the client was told by an alert");
            tls_conn_close(&wire.server);
            cr_expect_eq(wire.output.size, 0, "nothing follows an alert");
        }
        wire_deinit(&wire);
        SSL_CTX_free(client);
    }
}

TEST(client_certificates_where_none_is_asked_for)
{
    for (enum offer offer = OFFER_NONE; offer < OFFERS; offer++) {
        expect_offer(plain, offer, true, NULL);
    }
}

static const char *const refusals[OFFERS] = {
    [OFFER_WRONG_CA] = "not from a CA that this listener trusts",
    [OFFER_EXPIRED] = "has expired",
    [OFFER_SERVER_ONLY] = "not made for client authentication",
    [OFFER_SHA1] = "SHA-1 or MD5",
    [OFFER_RSA_1024] = "2048 to 4096 bits",
};

TEST(client_certificates_where_one_is_optional)
{
    expect_offer(either, OFFER_NONE, true, NULL);
    expect_offer(either, OFFER_GOOD, true, NULL);
    for (enum offer offer = OFFER_WRONG_CA; offer < OFFERS; offer++) {
        expect_offer(either, offer, false, refusals[offer]);
    }
}

TEST(client_certificates_where_one_is_required)
{
    expect_offer(strict, OFFER_NONE, false, "presents no certificate");
    expect_offer(strict, OFFER_GOOD, true, NULL);
    for (enum offer offer = OFFER_WRONG_CA; offer < OFFERS; offer++) {
        expect_offer(strict, offer, false, refusals[offer]);
    }
}

static EVP_PKEY *thief_key;

static enum ssl_private_key_result_t sign_as_thief(SSL *ssl, uint8_t *out, size_t *out_size,
                                                   size_t max, uint16_t algorithm,
                                                   const uint8_t *in, size_t in_size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    (void)ssl;
    cr_assert_eq(algorithm, SSL_SIGN_ECDSA_SECP256R1_SHA256);
    *out_size = max;
    cr_assert(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, thief_key));
    cr_assert(EVP_DigestSign(context, out, out_size, in, in_size));
    EVP_MD_CTX_free(context);
    return ssl_private_key_success;
}

/* The certificate of somebody else, without the key to it. */
TEST(a_certificate_whose_key_the_client_does_not_hold)
{
    static const SSL_PRIVATE_KEY_METHOD method = {.sign = sign_as_thief};
    thief_key = fixture.server_key;
    for (size_t i = 0; i < 2; i++) {
        struct wire wire;
        struct fixture_spec spec = fixture_client(&fixture, "pump-7");
        X509 *certificate = fixture_certificate(&spec);
        CRYPTO_BUFFER *bytes = fixture_bytes(certificate);
        SSL_CTX *client = wire_client_context(versions[i], versions[i]);
        cr_assert(SSL_CTX_set_chain_and_key(client, &bytes, 1, NULL, &method));
        wire_init(&wire, strict, client);
        wire_handshake(&wire);
        cr_expect_eq(wire.status, TLS_FAILED);
        cr_expect_str_eq(tls_conn_fault(&wire.server),
                         "the client does not hold the private key of its certificate");
        wire_deinit(&wire);
        SSL_CTX_free(client);
        CRYPTO_BUFFER_free(bytes);
        X509_free(certificate);
    }
}

/* --- resumption --- */

static SSL_SESSION *session_with(const struct tls_context *context, SSL_CTX *client)
{
    struct wire wire;
    wire_open(&wire, context, client);
    cr_assert_eq(tls_conn_write(&wire.server, slice_from_text("x")), 0);
    wire_return(&wire);
    wire_client_read(&wire);
    SSL_SESSION *session = wire_take_session();
    wire_deinit(&wire);
    cr_assert_not_null(session);
    return session;
}

static void resume(struct wire *wire, const struct tls_context *context, SSL_CTX *client,
                   SSL_SESSION *session)
{
    wire_init(wire, context, client);
    cr_assert(SSL_set_session(wire->client, session));
    wire_handshake(wire);
}

/* BoringSSL itself would take it. */
TEST(a_certificate_that_expired_meanwhile_resumes_nothing)
{
    SSL_SESSION *sessions[2];
    SSL_CTX *short_lived[2];
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    spec.from = -60;
    spec.until = 3;
    for (size_t i = 0; i < 2; i++) {
        short_lived[i] = wire_client_context(versions[i], versions[i]);
        wire_use_certificate(short_lived[i], fixture_certificate(&spec), spec.key);
        sessions[i] = session_with(either, short_lived[i]);
        struct wire wire;
        resume(&wire, either, short_lived[i], sessions[i]);
        cr_assert_eq(wire.status, TLS_OK, "%s", tls_conn_fault(&wire.server));
        cr_assert(SSL_session_reused(wire.client));
        struct tls_peer peer;
        cr_assert_eq(tls_conn_peer(&wire.server, &peer), 0);
        cr_expect_str_eq(peer.identity, "pump-7", "a resumed session has its certificate");
        tls_peer_deinit(&peer);
        wire_deinit(&wire);
    }
    sleep(5);
    for (size_t i = 0; i < 2; i++) {
        struct wire wire;
        resume(&wire, either, short_lived[i], sessions[i]);
        cr_expect_eq(wire.status, TLS_FAILED);
        cr_expect_not_null(strstr(tls_conn_fault(&wire.server), "has expired"), "%s",
                           tls_conn_fault(&wire.server));
        wire_client_read(&wire);
        cr_expect_eq(wire.client_error, SSL_ERROR_SSL, "the client was told by an alert");
        tls_conn_close(&wire.server);
        cr_expect_eq(wire.output.size, 0, "nothing follows an alert");
        wire_deinit(&wire);
        SSL_SESSION_free(sessions[i]);
        SSL_CTX_free(short_lived[i]);
    }
}
