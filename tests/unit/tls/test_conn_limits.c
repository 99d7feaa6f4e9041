#include "base/whole_test.h"
#include "conn_contexts.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>

#define TEST(name) WHOLE_TEST(conn_limits, name, set_up, tear_down)

/* --- limits that are the library's and that an upgrade could move --- */

static void update_keys(struct wire *wire, int times, int request)
{
    for (int i = 0; i < times; i++) {
        cr_assert(SSL_key_update(wire->client, request));
        cr_assert(SSL_write(wire->client, "", 0) >= 0);
    }
    wire_pass(wire);
}

TEST(thirty_two_key_updates_in_a_row_but_not_thirty_three)
{
    struct wire wire;
    uint8_t byte;
    size_t size = 0;
    wire_open(&wire, plain, clients[1]);
    update_keys(&wire, 32, SSL_KEY_UPDATE_NOT_REQUESTED);
    wire_client_write(&wire, "x");
    wire_pass(&wire);
    wire_expect(&wire, slice_from_text("x"));
    wire_deinit(&wire);

    wire_open(&wire, plain, clients[1]);
    update_keys(&wire, 33, SSL_KEY_UPDATE_NOT_REQUESTED);
    cr_expect_eq(tls_conn_read(&wire.server, &byte, 1, &size), TLS_FAILED);
    cr_expect_str_eq(tls_conn_fault(&wire.server), "the client sends too many key updates");
    cr_expect_eq(tls_conn_keep(&wire.server), 0);
    wire_deinit(&wire);
}

/* --- limits that are ours --- */

/* How many rounds of one key update and so many records of one byte are taken, up to 1,000. */
static size_t rounds_taken(size_t records)
{
    struct wire wire;
    size_t rounds = 0;
    enum tls_status status = TLS_OK;
    wire_open(&wire, plain, clients[1]);
    while (status == TLS_OK && rounds < 1000) {
        uint8_t byte;
        size_t size = 0;
        update_keys(&wire, 1, SSL_KEY_UPDATE_NOT_REQUESTED);
        for (size_t i = 0; i < records && status == TLS_OK; i++) {
            wire_client_write(&wire, "x");
            wire_pass(&wire);
            status = tls_conn_read(&wire.server, &byte, 1, &size);
        }
        rounds += status == TLS_OK ? 1 : 0;
    }
    if (status != TLS_OK) {
        cr_expect_str_eq(tls_conn_fault(&wire.server), "the client sends too many key updates");
        wire_return(&wire);
        wire_client_read(&wire);
        cr_expect_eq(wire.client_error, SSL_ERROR_SSL, "the client was told by an alert");
        tls_conn_close(&wire.server);
        cr_expect_eq(wire.output.size, 0, "nothing follows an alert");
    }
    wire_deinit(&wire);
    return rounds;
}

/* The library counts anew after every byte: to it, each of these is the first in a row. Ours are
 * 32 more than are paid for with four records each. */
TEST(key_updates_with_a_byte_in_between)
{
    cr_expect_eq(rounds_taken(1), 42);  /* 4 * 43 - 42 > 4 * 32 */
    cr_expect_eq(rounds_taken(3), 125); /* 4 * 126 - 3 * 125 > 4 * 32 */
    cr_expect_eq(rounds_taken(4), 1000);
}

/* A client that asks for ours with each of its own gets one, not one for each. */
TEST(key_updates_that_are_asked_for_are_answered_once)
{
    struct wire wire;
    uint8_t byte;
    size_t size = 0;
    wire_open(&wire, plain, clients[1]);
    cr_assert_eq(tls_conn_write(&wire.server, slice_from_text("x")), 0); /* and the ticket */
    wire_return(&wire);
    update_keys(&wire, 32, SSL_KEY_UPDATE_REQUESTED);
    cr_expect_eq(tls_conn_read(&wire.server, &byte, 1, &size), TLS_WANT_INPUT);
    cr_assert_eq(tls_conn_write(&wire.server, slice_from_text("x")), 0);
    cr_expect_leq(wire.output.size, 1 + TLS_RECORD_OVERHEAD, "%zu bytes", wire.output.size);
    wire_deinit(&wire);
}

/* --- again the library's --- */

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

/* Records that TLS 1.3 ignores, for the sake of old boxes on the way. */
TEST(thirty_two_changes_of_cipher_but_not_thirty_three)
{
    for (size_t count = 32; count <= 33; count++) {
        struct wire wire;
        wire_init(&wire, plain, clients[1]);
        SSL_do_handshake(wire.client);
        wire_pass(&wire);
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(wire.status, TLS_WANT_INPUT, "%zu", i);
            wire_give(&wire, slice_of("\x14\x03\x03\0\1\1", 6));
        }
        cr_expect_eq(wire.status, count == 32 ? TLS_WANT_INPUT : TLS_FAILED);
        wire_deinit(&wire);
    }
}

/* The first bytes of a ClientHello that says how long it is: too long is refused before the rest
 * has come, so that no memory is taken for it. */
static void expect_length(const struct tls_context *context, size_t size, bool is_good)
{
    uint8_t record[] = {0x16, 3, 1, 0, 4, 1, 0, (uint8_t)(size >> 8), (uint8_t)size};
    struct wire wire;
    record[6] = (uint8_t)(size >> 16);
    wire_init(&wire, context, clients[1]);
    wire_give(&wire, slice_of(record, sizeof record));
    cr_expect_eq(wire.status, is_good ? TLS_WANT_INPUT : TLS_FAILED, "%zu", size);
    if (!is_good) {
        cr_expect_str_eq(tls_conn_fault(&wire.server),
                         "the client sends a handshake message that is too large");
    }
    wire_deinit(&wire);
}

TEST(handshake_messages_of_16_kib_or_32_where_certificates_are_asked_for)
{
    expect_length(plain, 16384, true);
    expect_length(plain, 16385, false);
    expect_length(plain, 0xffffff, false);
    expect_length(strict, 32768, true);
    expect_length(strict, 32769, false);
    expect_length(strict, 0xffffff, false);
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
