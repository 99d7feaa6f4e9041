#include "base/whole_test.h"
#include "conn_contexts.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>

#define TEST(name) WHOLE_TEST(conn_bytes, name, set_up, tear_down)

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

/* What one room has not drawn the next one draws, without new bytes from the client. */
TEST(lending_nothing_leaves_what_was_lent)
{
    struct wire wire;
    uint8_t copy[200];
    uint8_t byte;
    const uint8_t *data = NULL;
    size_t size = 0;
    wire_open(&wire, plain, clients[1]);
    wire_client_write(&wire, "a");
    wire_client_write(&wire, "b");
    cr_assert(BIO_mem_contents(wire.from_client, &data, &size));
    memcpy(copy, data, size);
    cr_assert_eq(tls_conn_give(&wire.server, slice_of(copy, size)), 0);
    cr_assert_eq(tls_conn_read(&wire.server, &byte, 1, &size), TLS_OK);
    cr_assert_eq(tls_conn_give(&wire.server, slice_of(NULL, 0)), 0);
    wire_expect(&wire, slice_from_text("b"));
    wire_deinit(&wire);
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
