#include "base/whole_test.h"
#include "conn_contexts.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>

TestSuite(conn_limits, .timeout = 60);

#define TEST(name) WHOLE_TEST(conn_limits, name, set_up, tear_down)

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
