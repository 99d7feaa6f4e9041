#include "whole_test.h"
#include "wire.h"

#include <stdlib.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>

static struct fixture fixture;
static struct tls_context *plain;  /* no client certificates */
static struct tls_context *either; /* optional */
static struct tls_context *strict; /* required */
static SSL_CTX *clients[2];        /* TLS 1.2, TLS 1.3 */

static const uint16_t versions[2] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void set_up(void)
{
    fixture_init(&fixture);
    struct tls_settings settings = wire_settings(&fixture);
    plain = wire_context(&settings);
    settings.client_certificate = TLS_CLIENT_CERTIFICATE_OPTIONAL;
    either = wire_context(&settings);
    settings.client_certificate = TLS_CLIENT_CERTIFICATE_REQUIRED;
    strict = wire_context(&settings);
    for (size_t i = 0; i < 2; i++) {
        clients[i] = wire_client_context(versions[i], versions[i]);
    }
}

static void tear_down(void)
{
    for (size_t i = 0; i < 2; i++) {
        SSL_CTX_free(clients[i]);
    }
    tls_context_free(plain);
    tls_context_free(either);
    tls_context_free(strict);
    fixture_deinit(&fixture);
    cr_expect_eq(ERR_peek_error(), 0, "an error was left for the next caller");
}

TestSuite(conn, .timeout = 60);

#define TEST(name) WHOLE_TEST(conn, name, set_up, tear_down)

/* --- the handshake, however it is split --- */

static void expect_split(const struct tls_context *context, size_t i, size_t step)
{
    struct wire wire;
    wire_init(&wire, context, clients[i]);
    wire.step = step;
    wire_handshake(&wire);
    cr_assert_eq(wire.status, TLS_OK, "step %zu: %s", step, tls_conn_fault(&wire.server));
    wire_client_write(&wire, "hello");
    wire_pass(&wire);
    wire_expect(&wire, slice_from_text("hello"));
    cr_assert_eq(tls_conn_keep(&wire.server), 0);
    cr_expect_null(wire.server.kept, "an idle connection owns no buffer");
    wire_deinit(&wire);
}

TEST(a_handshake_in_pieces_of_every_size)
{
    for (size_t i = 0; i < 2; i++) {
        wire_use_certificate(clients[i],
                             fixture_certificate(&(struct fixture_spec){.key = fixture.client_key,
                                                                        .issuer = fixture.ca,
                                                                        .signer = fixture.ca_key,
                                                                        .cn = "pump-7"}),
                             fixture.client_key);
        for (size_t step = 1; step < 40; step++) {
            expect_split(strict, i, step);
        }
        for (size_t step = 40; step < 1500; step += 37) {
            expect_split(strict, i, step);
        }
        expect_split(plain, i, 1);
    }
}

TEST(a_client_hello_cut_at_every_byte)
{
    for (size_t i = 0; i < 2; i++) {
        size_t size = 1;
        for (size_t cut = 1; cut < size; cut++) {
            struct wire wire;
            const uint8_t *data = NULL;
            wire_init(&wire, plain, clients[i]);
            SSL_do_handshake(wire.client);
            cr_assert(BIO_mem_contents(wire.from_client, &data, &size));
            wire_give(&wire, slice_of(data, cut));
            cr_assert_eq(wire.status, TLS_WANT_INPUT, "cut at %zu", cut);
            cr_assert_eq(wire.output.size, 0);
            uint8_t rest[2000];
            cr_assert_leq(size - cut, sizeof rest);
            memcpy(rest, data + cut, size - cut);
            BIO_reset(wire.from_client);
            wire_give(&wire, slice_of(rest, size - cut));
            wire_return(&wire);
            wire_handshake(&wire);
            cr_assert_eq(wire.status, TLS_OK, "cut at %zu: %s", cut, tls_conn_fault(&wire.server));
            wire_deinit(&wire);
        }
    }
}

TEST(a_byte_changed_anywhere_is_an_end_not_a_crash)
{
    for (size_t i = 0; i < 2; i++) {
        size_t size = 6;
        for (size_t at = 5; at < size; at++) { /* behind the record's header */
            struct wire wire;
            const uint8_t *data = NULL;
            uint8_t copy[2000];
            wire_init(&wire, plain, clients[i]);
            SSL_do_handshake(wire.client);
            cr_assert(BIO_mem_contents(wire.from_client, &data, &size));
            cr_assert_leq(size, sizeof copy);
            memcpy(copy, data, size);
            copy[at] ^= 0x55;
            BIO_reset(wire.from_client);
            wire_give(&wire, slice_of(copy, size));
            wire_return(&wire);
            wire_handshake(&wire);
            /* Both sides have hashed what they saw: they can never agree. (A changed session
             * identifier or random makes it to the Finished, no further.) */
            cr_assert_neq(wire.status, TLS_OK, "byte %zu", at);
            cr_assert_not_null(tls_conn_fault(&wire.server));
            wire_deinit(&wire);
        }
    }
}

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

/* --- bytes in and out --- */

TEST(records_of_every_size)
{
    static const size_t sizes[] = {1, 100, 16383, 16384, 16385, 32768, 65536 - 1024};
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            struct wire wire;
            uint8_t *bytes = calloc(1, sizes[j]);
            uint8_t *back = malloc(sizes[j]);
            size_t records = (sizes[j] + TLS_RECORD_MAX - 1) / TLS_RECORD_MAX;
            size_t at = 0;
            wire_open(&wire, plain, clients[i]);
            /* The tickets leave with the first write; they are none of this count. */
            cr_assert_eq(tls_conn_write(&wire.server, slice_of("x", 1)), 0);
            wire_return(&wire);
            cr_assert_eq(SSL_read(wire.client, back, 1), 1);
            cr_assert_eq(tls_conn_write(&wire.server, slice_of(bytes, sizes[j])), 0);
            cr_expect_leq(wire.output.size, sizes[j] + records * TLS_RECORD_OVERHEAD);
            cr_expect_gt(wire.output.size, sizes[j] + (records - 1) * 20);
            wire_return(&wire);
            while (at < sizes[j]) {
                int count = SSL_read(wire.client, back + at, (int)(sizes[j] - at));
                cr_assert_gt(count, 0);
                cr_assert_leq(count, (int)TLS_RECORD_MAX);
                at += (size_t)count;
            }
            cr_expect_eq(memcmp(bytes, back, sizes[j]), 0);
            free(bytes);
            free(back);
            wire_deinit(&wire);
        }
    }
}

TEST(an_output_without_room_is_a_failure_not_an_overrun)
{
    struct wire wire;
    uint8_t bytes[2000] = {0};
    wire_open(&wire, plain, clients[1]);
    wire.output.capacity = 1000;
    cr_expect_eq(tls_conn_write(&wire.server, slice_of(bytes, sizeof bytes)), -1);
    cr_expect_leq(wire.output.size, 1000);
    wire_deinit(&wire);
}

TEST(lent_bytes_that_were_not_drawn_are_kept)
{
    for (size_t i = 0; i < 2; i++) {
        struct wire wire;
        char text[3100];
        uint8_t first[10];
        size_t size = 0;
        memset(text, 't', 3000);
        text[3000] = '\0';
        wire_open(&wire, plain, clients[i]);
        wire_client_write(&wire, text);
        wire_client_write(&wire, "second");
        wire_pass(&wire); /* given and kept, nothing read */
        cr_expect_not_null(wire.server.kept);
        cr_assert_eq(tls_conn_keep(&wire.server), 0, "keeping twice changes nothing");
        cr_assert_eq(tls_conn_read(&wire.server, first, sizeof first, &size), TLS_OK);
        cr_expect_eq(size, sizeof first);
        wire_client_write(&wire, " and third");
        wire_pass(&wire); /* behind what is kept */
        cr_assert_eq(tls_conn_give(&wire.server, slice_of(NULL, 0)), 0);
        size_t left = 3000 - sizeof first;
        memcpy(text + left, "second and third", 17);
        wire_expect(&wire, slice_of(text, left + 16));
        cr_assert_eq(tls_conn_keep(&wire.server), 0);
        cr_expect_null(wire.server.kept, "an idle connection owns no buffer");
        wire_deinit(&wire);
    }
}

TEST(a_record_cut_at_every_byte_waits_for_the_rest)
{
    for (size_t i = 0; i < 2; i++) {
        struct wire wire;
        wire_open(&wire, plain, clients[i]);
        for (int round = 0; round < 60; round++) {
            const uint8_t *data = NULL;
            uint8_t copy[200];
            uint8_t byte[10];
            size_t size = 0;
            wire_client_write(&wire, "hello");
            cr_assert(BIO_mem_contents(wire.from_client, &data, &size));
            memcpy(copy, data, size);
            BIO_reset(wire.from_client);
            size_t cut = (size_t)round % size;
            wire_give(&wire, slice_of(copy, cut));
            size_t none = 0;
            cr_assert_eq(tls_conn_read(&wire.server, byte, sizeof byte, &none), TLS_WANT_INPUT);
            cr_assert_eq(tls_conn_keep(&wire.server), 0);
            wire_give(&wire, slice_of(copy + cut, size - cut));
            wire_expect(&wire, slice_from_text("hello"));
        }
        wire_deinit(&wire);
    }
}

/* --- the end --- */

TEST(close_notify_is_said_once_and_heard)
{
    for (size_t i = 0; i < 2; i++) {
        struct wire wire;
        uint8_t byte;
        size_t size = 0;
        wire_open(&wire, plain, clients[i]);
        tls_conn_close(&wire.server);
        cr_expect_gt(wire_return(&wire), 0);
        tls_conn_close(&wire.server);
        cr_expect_eq(wire.output.size, 0);
        wire_client_read(&wire);
        cr_expect_eq(wire.client_error, SSL_ERROR_ZERO_RETURN);
        /* Ours does not end what the client has to say. */
        wire_client_write(&wire, "last");
        SSL_shutdown(wire.client);
        wire_pass(&wire);
        wire_expect(&wire, slice_from_text("last"));
        cr_expect_eq(tls_conn_read(&wire.server, &byte, 1, &size), TLS_CLOSED);
        cr_expect_eq(tls_conn_read(&wire.server, &byte, 1, &size), TLS_CLOSED);
        wire_deinit(&wire);
    }
}

TEST(no_close_notify_before_the_handshake_is_over)
{
    struct wire wire;
    wire_init(&wire, plain, clients[0]);
    tls_conn_close(&wire.server);
    cr_expect_eq(wire.output.size, 0);
    wire_deinit(&wire);
}

/* --- limits that are the library's and that an upgrade could move --- */

TEST(thirty_two_key_updates_in_a_row_but_not_thirty_three)
{
    struct wire wire;
    uint8_t byte;
    size_t size = 0;
    wire_open(&wire, plain, clients[1]);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 32; i++) {
            cr_assert(SSL_key_update(wire.client, SSL_KEY_UPDATE_NOT_REQUESTED));
            cr_assert(SSL_write(wire.client, "", 0) >= 0);
        }
        wire_client_write(&wire, "x"); /* bytes in between begin a new count */
        wire_pass(&wire);
        wire_expect(&wire, slice_from_text("x"));
    }
    for (int i = 0; i < 33; i++) {
        cr_assert(SSL_key_update(wire.client, SSL_KEY_UPDATE_NOT_REQUESTED));
        cr_assert(SSL_write(wire.client, "", 0) >= 0);
    }
    wire_client_write(&wire, "x");
    wire_pass(&wire);
    cr_expect_eq(tls_conn_read(&wire.server, &byte, 1, &size), TLS_FAILED);
    cr_expect_str_eq(tls_conn_fault(&wire.server), "the client sends too many key updates");
    cr_expect_eq(tls_conn_keep(&wire.server), 0);
    wire_deinit(&wire);
}

static void expect_flood(const char *record, size_t size, size_t allowed, const char *fault)
{
    struct wire wire;
    wire_init(&wire, plain, clients[0]);
    for (size_t i = 0; i < allowed; i++) {
        wire_give(&wire, slice_of(record, size));
        cr_assert_eq(wire.status, TLS_WANT_INPUT, "%zu: %s", i, tls_conn_fault(&wire.server));
    }
    wire_give(&wire, slice_of(record, size));
    cr_expect_eq(wire.status, TLS_FAILED);
    cr_expect_str_eq(tls_conn_fault(&wire.server), fault);
    wire_deinit(&wire);
}

TEST(thirty_two_empty_records_but_not_thirty_three)
{
    expect_flood("\x16\x03\x01\0\0", 5, 32, "the client sends too many empty records");
}

TEST(four_warning_alerts_but_not_five)
{
    expect_flood("\x15\x03\x01\0\2\1\x5a", 7, 4, "the client sends too many warning alerts");
}

/* A chain whose Certificate message has exactly so many bytes; the filler is no certificate. */
static void offer_chain(SSL_CTX *client, size_t i, size_t message)
{
    static uint8_t filler[40000];
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    X509 *certificate = fixture_certificate(&spec);
    CRYPTO_BUFFER *list[2] = {fixture_bytes(certificate), NULL};
    size_t leaf = CRYPTO_BUFFER_len(list[0]);
    /* RFC 5246, 7.4.2: 3 + (3 + n) each; RFC 8446, 4.4.2: 1 + 3 + (3 + n + 2) each. */
    size_t overhead = i == 0 ? 3 + 3 + 3 : 1 + 3 + 5 + 5;
    list[1] = CRYPTO_BUFFER_new(filler, message - overhead - leaf, NULL);
    cr_assert(SSL_CTX_set_chain_and_key(client, list, 2, fixture.client_key, NULL));
    CRYPTO_BUFFER_free(list[0]);
    CRYPTO_BUFFER_free(list[1]);
    X509_free(certificate);
}

TEST(a_client_chain_of_32_kib_but_not_one_byte_more)
{
    for (size_t i = 0; i < 2; i++) {
        for (size_t more = 0; more < 2; more++) {
            struct wire wire;
            SSL_CTX *client = wire_client_context(versions[i], versions[i]);
            offer_chain(client, i, 32768 + more);
            wire_init(&wire, strict, client);
            wire_handshake(&wire);
            cr_expect_eq(wire.status, TLS_FAILED);
            const char *part = more ? "too large" : "cannot be read";
            cr_expect_not_null(strstr(tls_conn_fault(&wire.server), part), "%s",
                               tls_conn_fault(&wire.server));
            wire_deinit(&wire);
            SSL_CTX_free(client);
        }
    }
}
