#include "wire.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>

static SSL_SESSION *last_session;

struct tls_settings wire_settings(const struct fixture *fixture)
{
    return (struct tls_settings){.certificates = {{slice_from_text(fixture->server_pem),
                                                   slice_from_text(fixture->server_key_pem)}},
                                 .certificate_count = 1,
                                 .client_ca = slice_from_text(fixture->ca_pem),
                                 .tickets = true,
                                 .scope = slice_from_text("mqtts")};
}

struct tls_context *wire_context(const struct tls_settings *settings)
{
    struct tls_context_fault faults[TLS_CONTEXT_FAULTS];
    size_t count = 0;
    struct tls_context *context = tls_context_new(settings, faults, &count);
    cr_assert_not_null(context, "%s", count > 0 ? faults[0].what : "no fault");
    /* The fixture's certificates live for a day only, which a context warns of. */
    for (size_t i = 0; i < count; i++) {
        cr_expect(faults[i].is_warning, "%s", faults[i].what);
    }
    return context;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(last_session);
    last_session = session;
    return 1;
}

SSL_SESSION *wire_take_session(void)
{
    SSL_SESSION *session = last_session;
    last_session = NULL;
    return session;
}

static enum ssl_verify_result_t believe(SSL *ssl, uint8_t *out_alert)
{
    (void)ssl;
    (void)out_alert;
    return ssl_verify_ok;
}

SSL_CTX *wire_client_context(uint16_t minimum, uint16_t maximum)
{
    SSL_CTX *client = SSL_CTX_new(TLS_with_buffers_method());
    cr_assert(SSL_CTX_set_min_proto_version(client, minimum));
    cr_assert(SSL_CTX_set_max_proto_version(client, maximum));
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client, on_session);
    SSL_CTX_set_custom_verify(client, SSL_VERIFY_PEER, believe);
    return client;
}

void wire_use_certificate(SSL_CTX *client, X509 *certificate, EVP_PKEY *key)
{
    CRYPTO_BUFFER *bytes = fixture_bytes(certificate);
    cr_assert(SSL_CTX_set_chain_and_key(client, &bytes, 1, key, NULL));
    CRYPTO_BUFFER_free(bytes);
    X509_free(certificate);
}

void wire_init(struct wire *wire, const struct tls_context *context, SSL_CTX *client)
{
    *wire =
        (struct wire){.output = {.data = malloc(WIRE_OUTPUT_SIZE), .capacity = WIRE_OUTPUT_SIZE},
                      .status = TLS_WANT_INPUT};
    cr_assert_eq(tls_conn_init(&wire->server, context, &wire->output), 0);
    wire->client = SSL_new(client);
    wire->to_client = BIO_new(BIO_s_mem());
    wire->from_client = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(wire->to_client, -1);
    SSL_set_bio(wire->client, wire->to_client, wire->from_client);
    SSL_set_connect_state(wire->client);
    SSL_set_renegotiate_mode(wire->client, ssl_renegotiate_freely);
}

void wire_deinit(struct wire *wire)
{
    SSL_free(wire->client);
    tls_conn_deinit(&wire->server);
    free(wire->output.data);
    SSL_SESSION_free(wire_take_session());
    ERR_clear_error();
}

static void drive(struct wire *wire, struct slice bytes)
{
    uint8_t *lent = malloc(bytes.size);
    memcpy(lent, bytes.data, bytes.size);
    cr_assert_eq(tls_conn_give(&wire->server, slice_of(lent, bytes.size)), 0);
    if (wire->status == TLS_WANT_INPUT) {
        wire->status = tls_conn_handshake(&wire->server);
    }
    cr_assert_eq(tls_conn_keep(&wire->server), 0);
    free(lent); /* whoever still looks at it is found by the sanitizer */
}

void wire_give(struct wire *wire, struct slice bytes)
{
    size_t step = wire->step != 0 ? wire->step : bytes.size;
    while (bytes.size > 0) {
        size_t size = bytes.size < step ? bytes.size : step;
        drive(wire, slice_of(bytes.data, size));
        bytes = slice_after(bytes, size);
    }
}

void wire_pass(struct wire *wire)
{
    const uint8_t *data = NULL;
    size_t size = 0;
    cr_assert(BIO_mem_contents(wire->from_client, &data, &size));
    uint8_t *copy = malloc(size + 1);
    memcpy(copy, data, size);
    BIO_reset(wire->from_client);
    wire_give(wire, slice_of(copy, size));
    free(copy);
}

size_t wire_return(struct wire *wire)
{
    size_t size = wire->output.size;
    if (size > 0) {
        cr_assert_eq(BIO_write(wire->to_client, wire->output.data, (int)size), (int)size);
    }
    wire->output.size = 0;
    return size;
}

void wire_client_read(struct wire *wire)
{
    uint8_t bytes[20000];
    int result = 1;
    while (result > 0) {
        result = SSL_read(wire->client, bytes, sizeof bytes);
    }
    wire->client_error = SSL_get_error(wire->client, result);
}

void wire_handshake(struct wire *wire)
{
    for (int turn = 0; turn < 8; turn++) {
        int result = SSL_do_handshake(wire->client);
        wire->client_error = SSL_get_error(wire->client, result);
        wire_pass(wire);
        wire_return(wire);
    }
    if (wire->client_error == SSL_ERROR_NONE) {
        wire_client_read(wire);
    }
    ERR_clear_error();
}

void wire_open(struct wire *wire, const struct tls_context *context, SSL_CTX *client)
{
    wire_init(wire, context, client);
    wire_handshake(wire);
    cr_assert_eq(wire->status, TLS_OK, "%s", tls_conn_fault(&wire->server));
    cr_assert_eq(wire->client_error, SSL_ERROR_WANT_READ);
}

void wire_client_write(struct wire *wire, const char *text)
{
    int size = (int)strlen(text);
    cr_assert_eq(SSL_write(wire->client, text, size), size);
}

void wire_expect(struct wire *wire, struct slice expected)
{
    uint8_t bytes[1000];
    size_t at = 0;
    size_t size = 0;
    while (tls_conn_read(&wire->server, bytes, sizeof bytes, &size) == TLS_OK) {
        cr_assert_leq(at + size, expected.size);
        cr_assert_eq(memcmp(bytes, expected.data + at, size), 0);
        at += size;
    }
    cr_expect_eq(at, expected.size);
}
