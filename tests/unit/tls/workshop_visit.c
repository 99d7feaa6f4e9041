/* One handshake between a tls_conn and a client made of BoringSSL alone, joined in memory. */
#include "workshop.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pool.h>

#define OUTPUT_SIZE (80u * 1024)

static SSL_SESSION *last_ticket;

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(last_ticket);
    last_ticket = session;
    return 1;
}

static enum ssl_verify_result_t believe(SSL *ssl, uint8_t *out_alert)
{
    (void)ssl;
    (void)out_alert;
    return ssl_verify_ok;
}

static CRYPTO_BUFFER *bytes_of(X509 *certificate)
{
    uint8_t *der = NULL;
    int size = i2d_X509(certificate, &der);
    cr_assert_gt(size, 0);
    CRYPTO_BUFFER *bytes = CRYPTO_BUFFER_new(der, (size_t)size, NULL);
    OPENSSL_free(der);
    return bytes;
}

static void bring_certificate(SSL_CTX *client, const struct visitor *visitor)
{
    CRYPTO_BUFFER *chain[2] = {bytes_of(visitor->certificate), NULL};
    size_t count = 1;
    if (visitor->intermediate != NULL) {
        chain[count++] = bytes_of(visitor->intermediate);
    }
    cr_assert(SSL_CTX_set_chain_and_key(client, chain, count, visitor->key, NULL));
    for (size_t i = 0; i < count; i++) {
        CRYPTO_BUFFER_free(chain[i]);
    }
}

static SSL_CTX *client_context(const struct visitor *visitor)
{
    SSL_CTX *client = SSL_CTX_new(TLS_with_buffers_method());
    cr_assert(SSL_CTX_set_min_proto_version(client, visitor->version));
    cr_assert(SSL_CTX_set_max_proto_version(client, visitor->version));
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client, on_ticket);
    SSL_CTX_set_custom_verify(client, SSL_VERIFY_PEER, believe);
    if (visitor->ciphers != NULL) {
        cr_assert(SSL_CTX_set_strict_cipher_list(client, visitor->ciphers));
    }
    if (visitor->signatures != NULL) {
        cr_assert(SSL_CTX_set_verify_algorithm_prefs(client, visitor->signatures,
                                                     visitor->signature_count));
    }
    if (visitor->group != 0) {
        cr_assert(SSL_CTX_set1_curves(client, &visitor->group, 1));
    }
    if (visitor->certificate != NULL) {
        bring_certificate(client, visitor);
    }
    return client;
}

static SSL *client_connection(SSL_CTX *context, const struct visitor *visitor)
{
    SSL *client = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(client, in, BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client);
    if (visitor->sni != NULL) {
        cr_assert(SSL_set_tlsext_host_name(client, visitor->sni));
    }
    if (visitor->ticket != NULL) {
        cr_assert(SSL_set_session(client, visitor->ticket));
    }
    return client;
}

static void pass_to_client(struct tls_output *output, SSL *client)
{
    if (output->size > 0) {
        cr_assert_eq(BIO_write(SSL_get_rbio(client), output->data, (int)output->size),
                     (int)output->size);
    }
    output->size = 0;
}

static void pass_to_server(SSL *client, struct tls_conn *server)
{
    const uint8_t *data = NULL;
    size_t size = 0;
    cr_assert(BIO_mem_contents(SSL_get_wbio(client), &data, &size));
    cr_assert_eq(tls_conn_give(server, slice_of(data, size)), 0);
    cr_assert_eq(tls_conn_keep(server), 0);
    cr_assert(BIO_reset(SSL_get_wbio(client)));
}

static void note_alert(struct visit *visit)
{
    uint32_t error = ERR_peek_error();
    int reason = ERR_GET_REASON(error);
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET) {
        visit->alert = (uint8_t)(reason - SSL_AD_REASON_OFFSET);
    }
    ERR_clear_error();
}

/* BoringSSL sends tickets of TLS 1.3 with the first bytes that follow the handshake. */
static void greet(struct tls_conn *server)
{
    cr_assert_eq(tls_conn_write(server, slice_from_text("x")), 0);
}

static void run(struct tls_conn *server, SSL *client, struct visit *visit)
{
    visit->status = TLS_WANT_INPUT;
    for (int round = 0; round < 6; round++) {
        uint8_t byte = 0;
        if (SSL_do_handshake(client) == 1) {
            (void)SSL_read(client, &byte, 1);
        }
        note_alert(visit);
        pass_to_server(client, server);
        if (visit->status == TLS_WANT_INPUT) {
            visit->status = tls_conn_handshake(server);
            if (visit->status == TLS_OK) {
                greet(server);
            }
        }
        pass_to_client(server->output, client);
    }
}

int workshop_connect(const struct tls_context *context, uint16_t version, struct tls_conn *conn,
                     struct tls_output *output)
{
    const struct visitor visitor = {.version = version};
    struct visit visit = {.status = TLS_FAILED};
    SSL_CTX *client_settings = client_context(&visitor);
    SSL *client = client_connection(client_settings, &visitor);

    cr_assert_eq(tls_conn_init(conn, context, output), 0);
    run(conn, client, &visit);
    SSL_free(client);
    SSL_CTX_free(client_settings);
    SSL_SESSION_free(last_ticket);
    last_ticket = NULL;
    return visit.status == TLS_OK ? 0 : -1;
}

struct visit workshop_visit(const struct tls_context *context, const struct visitor *visitor)
{
    struct visit visit = {.status = TLS_FAILED};
    struct tls_output output = {.data = malloc(OUTPUT_SIZE), .capacity = OUTPUT_SIZE};
    struct tls_conn server;
    SSL_CTX *client_settings = client_context(visitor);
    SSL *client = client_connection(client_settings, visitor);

    cr_assert_eq(tls_conn_init(&server, context, &output), 0);
    run(&server, client, &visit);
    if (visit.status == TLS_OK) {
        cr_assert_eq(tls_conn_peer(&server, &visit.peer), 0);
    } else {
        visit.fault = tls_conn_fault(&server);
    }
    const STACK_OF(CRYPTO_BUFFER) *chain = SSL_get0_peer_certificates(client);
    if (chain != NULL && sk_CRYPTO_BUFFER_num(chain) > 0) {
        visit.shown = sk_CRYPTO_BUFFER_value(chain, 0);
        CRYPTO_BUFFER_up_ref(visit.shown);
    }
    visit.is_resumed = SSL_session_reused(client) != 0;
    visit.ticket = last_ticket;
    last_ticket = NULL;
    SSL_free(client);
    SSL_CTX_free(client_settings);
    tls_conn_deinit(&server);
    free(output.data);
    ERR_clear_error();
    return visit;
}

void workshop_visit_free(struct visit *visit)
{
    if (visit->status == TLS_OK) {
        tls_peer_deinit(&visit->peer);
    }
    CRYPTO_BUFFER_free(visit->shown);
    SSL_SESSION_free(visit->ticket);
}
