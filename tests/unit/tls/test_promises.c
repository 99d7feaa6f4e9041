/* What is promised of every handshake, whoever the client is. */
#include "base/whole_test.h"
#include "conn_contexts.h"

#include <stdlib.h>

#define TEST(name) WHOLE_TEST(promises, name, set_up, tear_down)

static SSL_SESSION *session_of(const struct tls_context *context, SSL_CTX *client)
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

/* A ticket that allows early data allows a CONNECT to be sent again by somebody else. */
TEST(tickets_allow_no_early_data)
{
    for (size_t i = 0; i < 2; i++) {
        SSL_CTX *client = wire_client_context(versions[i], versions[i]);
        SSL_CTX_set_early_data_enabled(client, 1);
        SSL_SESSION *session = session_of(plain, client);
        cr_expect_eq(SSL_SESSION_early_data_capable(session), 0);

        struct wire wire;
        wire_init(&wire, plain, client);
        cr_assert(SSL_set_session(wire.client, session));
        wire_handshake(&wire);
        cr_expect_eq(wire.status, TLS_OK);
        cr_expect(SSL_session_reused(wire.client));
        cr_expect_not(SSL_early_data_accepted(wire.client));
        cr_expect_not(SSL_early_data_accepted(wire.server.ssl));
        wire_deinit(&wire);
        SSL_SESSION_free(session);
        SSL_CTX_free(client);
    }
}

/* RFC 8446, 4.1.3: a client that could have spoken 1.3 sees by this that somebody on the way made
 * it speak 1.2. */
TEST(a_downgrade_can_be_seen)
{
    static const uint8_t sentinel[8] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', 1};
    struct wire wire;
    uint8_t random[32];
    wire_open(&wire, plain, clients[0]);
    cr_assert_eq(SSL_get_server_random(wire.client, random, sizeof random), sizeof random);
    cr_expect_arr_eq(random + 24, sentinel, sizeof sentinel);
    wire_deinit(&wire);
}

#define HANDSHAKES 1000

static int compare(const void *left, const void *right)
{
    return memcmp(left, right, 24);
}

/* CVE-2014-0016: the last eight bytes are the sentinel in TLS 1.2. CVE-2024-2511: a session is in
 * its ticket or nowhere, so a thousand clients leave nothing behind. */
TEST(randoms_are_distinct_and_no_session_stays)
{
    uint8_t(*randoms)[24] = calloc(HANDSHAKES, sizeof *randoms);
    struct tls_settings settings = wire_settings(&fixture);
    settings.tickets = false;
    struct tls_context *without = wire_context(&settings);
    for (size_t i = 0; i < HANDSHAKES; i++) {
        struct wire wire;
        uint8_t random[32];
        wire_open(&wire, i % 4 < 2 ? plain : without, clients[i % 2]);
        cr_assert_eq(SSL_get_server_random(wire.client, random, sizeof random), sizeof random);
        memcpy(randoms[i], random, sizeof randoms[i]);
        wire_deinit(&wire);
    }
    qsort(randoms, HANDSHAKES, sizeof *randoms, compare);
    for (size_t i = 1; i < HANDSHAKES; i++) {
        cr_expect_neq(compare(randoms[i - 1], randoms[i]), 0);
    }
    cr_expect_eq(SSL_CTX_sess_number(plain->ssl_ctx), 0);
    cr_expect_eq(SSL_CTX_sess_number(without->ssl_ctx), 0);
    tls_context_free(without);
    free(randoms);
}

/* A client that knows no better digest gets no signature of ours, and none of its own is taken. */
TEST(sha1_signs_nothing)
{
    static const uint16_t sha1[] = {SSL_SIGN_ECDSA_SHA1, SSL_SIGN_RSA_PKCS1_SHA1};
    SSL_CTX *client = wire_client_context(TLS1_2_VERSION, TLS1_2_VERSION);
    struct wire wire;
    cr_assert(SSL_CTX_set_verify_algorithm_prefs(client, sha1, 2));
    wire_init(&wire, plain, client);
    wire_handshake(&wire);
    cr_expect_eq(wire.status, TLS_FAILED);
    cr_expect_str_eq(tls_conn_fault(&wire.server),
                     "the client cannot verify our kind of certificate");
    wire_deinit(&wire);
    SSL_CTX_free(client);

    client = wire_client_context(TLS1_2_VERSION, TLS1_2_VERSION);
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    wire_use_certificate(client, fixture_certificate(&spec), spec.key);
    cr_assert(SSL_CTX_set_signing_algorithm_prefs(client, sha1, 1));
    wire_init(&wire, strict, client);
    wire_handshake(&wire);
    cr_expect_neq(wire.status, TLS_OK);
    wire_deinit(&wire);
    SSL_CTX_free(client);
}
