#include "base/whole_test.h"
#include "conn_contexts.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>

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
