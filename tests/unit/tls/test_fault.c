#include "base/whole_test.h"
#include "wire.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>

static struct fixture fixture;
static struct tls_context *context;

static void set_up(void)
{
    fixture_init(&fixture);
    struct tls_settings settings = wire_settings(&fixture);
    context = wire_context(&settings);
}

static void tear_down(void)
{
    tls_context_free(context);
    fixture_deinit(&fixture);
    cr_expect_eq(ERR_peek_error(), 0, "an error was left for the next caller");
}

#define TEST(name) WHOLE_TEST(fault, name, set_up, tear_down)

/* --- what is no handshake of ours --- */

static void expect_words(const void *bytes, size_t size, const char *words)
{
    /* All at once, and byte by byte. */
    for (size_t step = 0; step < 2; step++) {
        struct wire wire;
        SSL_CTX *client = wire_client_context(TLS1_2_VERSION, TLS1_3_VERSION);
        wire_init(&wire, context, client);
        wire.step = step;
        wire_give(&wire, slice_of(bytes, size));
        cr_expect_eq(wire.status, TLS_FAILED, "%s", words);
        cr_expect_str_eq(tls_conn_fault(&wire.server), words);
        wire_deinit(&wire);
        SSL_CTX_free(client);
    }
}

#define EXPECT_WORDS(bytes, words) expect_words(bytes, sizeof(bytes) - 1, words)

TEST(what_is_not_tls)
{
    EXPECT_WORDS("\x10\x0c\0\4MQTT\4\2\0\x3c\0\0", "plaintext MQTT on the TLS port");
    EXPECT_WORDS("\x10\x80\x01\0\6MQIsdp\3", "plaintext MQTT on the TLS port");
    EXPECT_WORDS("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "plaintext HTTP on the TLS port");
    EXPECT_WORDS("POST /x HTTP/1.1\r\n", "plaintext HTTP on the TLS port");
    EXPECT_WORDS("CONNECT x:1 HTTP/1.1\r\n", "plaintext HTTP on the TLS port");
    EXPECT_WORDS("SSH-2.0-OpenSSH_9.2\r\n", "the client does not speak TLS");
    EXPECT_WORDS("\0\0\0\0\0\0\0\0", "the client does not speak TLS");
    EXPECT_WORDS("\x16\x02\0\0\5hello", "the client sends broken TLS records");
    EXPECT_WORDS("\x16\x03\1\xff\xffhello", "the client sends broken TLS records");
}

/* --- versions --- */

static void expect_version(uint16_t version, bool is_strict, const char *words)
{
    struct wire wire;
    struct tls_settings settings = wire_settings(&fixture);
    settings.minimum_version = is_strict ? TLS_1_3 : TLS_1_2;
    struct tls_context *own = wire_context(&settings);
    SSL_CTX *client = wire_client_context(TLS1_VERSION, version);
    wire_init(&wire, own, client);
    wire_handshake(&wire);
    cr_expect_eq(wire.status, TLS_FAILED);
    cr_expect_str_eq(tls_conn_fault(&wire.server), words);
    wire_deinit(&wire);
    SSL_CTX_free(client);
    tls_context_free(own);
}

TEST(versions_that_are_too_old)
{
    expect_version(TLS1_VERSION, false, "the client offers only TLS 1.0");
    expect_version(TLS1_1_VERSION, false, "the client offers only TLS 1.1");
    expect_version(TLS1_2_VERSION, true,
                   "the client offers only TLS 1.2, and this listener wants 1.3");
}

/* --- what the client says of us --- */

static uint8_t refusal;

static enum ssl_verify_result_t refuse(SSL *ssl, uint8_t *out_alert)
{
    (void)ssl;
    *out_alert = refusal;
    return ssl_verify_invalid;
}

static void expect_refusal(uint8_t alert, const char *words)
{
    for (uint16_t version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct wire wire;
        SSL_CTX *client = wire_client_context(version, version);
        refusal = alert;
        SSL_CTX_set_custom_verify(client, SSL_VERIFY_PEER, refuse);
        wire_init(&wire, context, client);
        wire_handshake(&wire);
        cr_expect_eq(wire.status, TLS_FAILED);
        cr_expect_str_eq(tls_conn_fault(&wire.server), words);
        wire_deinit(&wire);
        SSL_CTX_free(client);
    }
}

/* In TLS 1.3 this client's alert is encrypted, in 1.2 it is not. */
TEST(alerts_of_a_client_that_does_not_like_our_certificate)
{
    expect_refusal(SSL_AD_UNKNOWN_CA, "the client does not trust our CA");
    expect_refusal(SSL_AD_BAD_CERTIFICATE,
                   "the client rejects our certificate: it finds it broken or not ours");
    expect_refusal(SSL_AD_CERTIFICATE_EXPIRED,
                   "the client holds our certificate for expired; check its clock");
    expect_refusal(SSL_AD_CERTIFICATE_REVOKED, "the client holds our certificate for revoked");
    expect_refusal(SSL_AD_CERTIFICATE_UNKNOWN, "the client rejects our certificate");
    expect_refusal(SSL_AD_UNSUPPORTED_CERTIFICATE, "the client cannot use our kind of certificate");
    expect_refusal(SSL_AD_ACCESS_DENIED, "the client rejects our certificate: access denied");
}

/* Some libraries send it in the clear although TLS 1.3 has begun to encrypt. Its seven bytes come
 * in one piece; a client that cuts the header gets a less telling line in the log, no more. */
TEST(a_plain_alert_in_the_middle_of_tls_1_3)
{
    static const uint8_t alert[] = {0x15, 3, 3, 0, 2, 2, SSL_AD_UNKNOWN_CA};
    for (size_t step = 1; step <= sizeof alert; step++) {
        struct wire wire;
        SSL_CTX *client = wire_client_context(TLS1_3_VERSION, TLS1_3_VERSION);
        wire_init(&wire, context, client);
        SSL_do_handshake(wire.client);
        wire_pass(&wire);
        cr_assert_gt(wire_return(&wire), 0);
        wire.step = step;
        wire_give(&wire, slice_of(alert, sizeof alert));
        cr_expect_eq(wire.status, TLS_FAILED);
        if (step == 5 || step == 7) {
            cr_expect_str_eq(tls_conn_fault(&wire.server), "the client does not trust our CA");
        }
        wire_deinit(&wire);
        SSL_CTX_free(client);
    }
}

/* --- damage --- */

TEST(a_record_that_was_damaged)
{
    for (uint16_t version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct wire wire;
        const uint8_t *data = NULL;
        uint8_t copy[200];
        uint8_t byte;
        size_t size = 0;
        SSL_CTX *client = wire_client_context(version, version);
        wire_open(&wire, context, client);
        wire_client_write(&wire, "hello");
        cr_assert(BIO_mem_contents(wire.from_client, &data, &size));
        memcpy(copy, data, size);
        copy[size - 1] ^= 1;
        wire_give(&wire, slice_of(copy, size));
        cr_expect_eq(tls_conn_read(&wire.server, &byte, 1, &size), TLS_FAILED);
        cr_expect_str_eq(tls_conn_fault(&wire.server), "a record was damaged or forged on its way");
        cr_expect_gt(wire.output.size, 0, "an alert says so");
        wire_deinit(&wire);
        SSL_CTX_free(client);
    }
}

TEST(nothing_in_common)
{
    struct wire wire;
    static const int curve[] = {NID_secp521r1};
    SSL_CTX *client = wire_client_context(TLS1_3_VERSION, TLS1_3_VERSION);
    cr_assert(SSL_CTX_set1_curves(client, curve, 1));
    wire_init(&wire, context, client);
    wire_handshake(&wire);
    cr_expect_str_eq(tls_conn_fault(&wire.server),
                     "the client offers no elliptic curve that we accept");
    wire_deinit(&wire);
    SSL_CTX_free(client);

    static const uint16_t algorithm[] = {SSL_SIGN_RSA_PSS_RSAE_SHA256};
    client = wire_client_context(TLS1_3_VERSION, TLS1_3_VERSION);
    cr_assert(SSL_CTX_set_verify_algorithm_prefs(client, algorithm, 1));
    wire_init(&wire, context, client);
    wire_handshake(&wire);
    cr_expect_str_eq(tls_conn_fault(&wire.server),
                     "the client cannot verify our kind of certificate");
    wire_deinit(&wire);
    SSL_CTX_free(client);
}

TEST(a_connection_without_one_still_has_words)
{
    struct wire wire;
    SSL_CTX *client = wire_client_context(TLS1_2_VERSION, TLS1_3_VERSION);
    wire_init(&wire, context, client);
    cr_expect_not_null(tls_conn_fault(&wire.server));
    wire_deinit(&wire);
    SSL_CTX_free(client);
}
