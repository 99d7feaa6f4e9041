#include "context_internal.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#include "moat/base/clock.h"

#define TLS_ALERT_SIZE 2u /* level and description */

/* --- the BIO: draws from the lent ciphertext, gathers into the worker's output --- */

/* A client that does not like our certificate may say so in an alert that is not
 * encrypted yet although TLS 1.3 already expects it to be. BoringSSL then sees only a
 * record that is too short; we keep what the alert said. It draws a record's header and
 * its body one after the other. */
static void remember_alert(struct tls_conn *conn, const uint8_t *drawn, size_t size)
{
    if (size == SSL3_RT_HEADER_LENGTH) {
        conn->is_alert_next =
            drawn[0] == SSL3_RT_ALERT && drawn[3] == 0 && drawn[4] == TLS_ALERT_SIZE;
    } else if (conn->is_alert_next && size == TLS_ALERT_SIZE) {
        conn->plain_alert = drawn[1];
    }
}

static int bio_read(BIO *bio, char *data, int capacity)
{
    struct tls_conn *conn = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (conn->input.size == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t size = capacity > 0 ? (size_t)capacity : 0;
    if (size > conn->input.size) {
        size = conn->input.size;
    }
    memcpy(data, conn->input.data, size);
    conn->input = slice_after(conn->input, size);
    remember_alert(conn, (const uint8_t *)data, size);
    return (int)size;
}

static int bio_write(BIO *bio, const char *data, int size)
{
    struct tls_conn *conn = BIO_get_data(bio);
    struct tls_output *output = conn->output;

    BIO_clear_retry_flags(bio);
    /* The output has room for the longest flight and the longest write; see tls_conn_write(). */
    if (size < 0 || (size_t)size > output->capacity - output->size) {
        return -1;
    }
    memcpy(output->data + output->size, data, (size_t)size);
    output->size += (size_t)size;
    return size;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static const BIO_METHOD bio_method = {
    .type = BIO_TYPE_SOURCE_SINK,
    .name = "moat",
    .bwrite = bio_write,
    .bread = bio_read,
    .ctrl = bio_control,
    .create = bio_create,
};

/* --- key updates --- */

/* A key update costs us several times what a record does. BoringSSL refuses the 33rd in a row,
 * but begins a new count after every byte of data, so a client could send them for ever with one
 * byte in between. Here each one is owed until CONN_RECORDS_PER_UPDATE records have come. */
#define CONN_RECORDS_PER_UPDATE 4u
#define CONN_UPDATES_OWED_MAX   32u

static void on_message(int is_write, int version, int content_type, const void *bytes, size_t size,
                       SSL *ssl, void *argument)
{
    struct tls_conn *conn = SSL_get_app_data(ssl);
    (void)version;
    (void)argument;

    /* BoringSSL itself ends it long before the debt could overflow. */
    if (!is_write && content_type == SSL3_RT_HANDSHAKE && size > 0 &&
        *(const uint8_t *)bytes == SSL3_MT_KEY_UPDATE) {
        conn->key_update_debt = (uint16_t)(conn->key_update_debt + CONN_RECORDS_PER_UPDATE);
    }
}

void conn_count_key_updates(SSL_CTX *ssl_ctx)
{
    SSL_CTX_set_msg_callback(ssl_ctx, on_message);
}

/* After a record of data; false when too much is owed. */
static bool pay_key_updates(struct tls_conn *conn)
{
    if (conn->key_update_debt > CONN_UPDATES_OWED_MAX * CONN_RECORDS_PER_UPDATE) {
        return false;
    }
    if (conn->key_update_debt > 0) {
        conn->key_update_debt--;
    }
    return true;
}

/* --- the connection --- */

int tls_conn_init(struct tls_conn *conn, const struct tls_context *context,
                  struct tls_output *output)
{
    *conn = (struct tls_conn){.context = context, .output = output};
    SSL *ssl = SSL_new(context->ssl_ctx);
    BIO *bio = BIO_new(&bio_method);

    if (ssl == NULL || bio == NULL || !SSL_set_app_data(ssl, conn)) {
        SSL_free(ssl);
        BIO_free(bio);
        ERR_clear_error();
        return -1;
    }
    BIO_set_data(bio, conn);
    SSL_set_bio(ssl, bio, bio); /* takes the one reference for both directions */
    SSL_set_accept_state(ssl);
    SSL_set_shed_handshake_config(ssl, 1);
    conn->ssl = ssl;
    return 0;
}

void tls_conn_deinit(struct tls_conn *conn)
{
    SSL_free(conn->ssl);
    free(conn->kept);
    *conn = (struct tls_conn){.ssl = NULL};
}

int tls_conn_give(struct tls_conn *conn, struct slice ciphertext)
{
    if (ciphertext.size == 0) {
        return 0; /* what was lent before stands */
    }
    if (!conn->has_first_byte) {
        conn->first_byte = ciphertext.data[0];
        conn->has_first_byte = true;
    }
    if (conn->kept == NULL) {
        conn->input = ciphertext;
        return 0;
    }
    size_t size = conn->input.size + ciphertext.size;
    uint8_t *joined = malloc(size);
    if (joined == NULL) {
        return -1;
    }
    memcpy(joined, conn->input.data, conn->input.size);
    memcpy(joined + conn->input.size, ciphertext.data, ciphertext.size);
    free(conn->kept);
    conn->kept = joined;
    conn->input = slice_of(joined, size);
    return 0;
}

int tls_conn_keep(struct tls_conn *conn)
{
    uint8_t *copy = NULL;

    if (conn->input.size > 0) {
        copy = malloc(conn->input.size);
        if (copy == NULL) {
            return -1;
        }
        memcpy(copy, conn->input.data, conn->input.size);
    }
    free(conn->kept);
    conn->kept = copy;
    conn->input = slice_of(copy, conn->input.size);
    return 0;
}

/* BoringSSL's result of one call as ours. */
static enum tls_status status_of(struct tls_conn *conn, int result)
{
    switch (SSL_get_error(conn->ssl, result)) {
    case SSL_ERROR_NONE:
        return TLS_OK;
    case SSL_ERROR_WANT_READ:
        return TLS_WANT_INPUT;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_CLOSED;
    default:
        break;
    }
    const char *what = fault_from_errors(conn);
    if (conn->fault == NULL) {
        conn->fault = what;
    }
    conn->is_closed = true;
    return TLS_FAILED;
}

/* What is wrong is in conn->fault. */
static enum tls_status fail(struct tls_conn *conn, uint8_t alert)
{
    conn->is_closed = true;
    if (SSL_send_fatal_alert(conn->ssl, alert) <= 0) {
        ERR_clear_error(); /* it closes all the same */
    }
    return TLS_FAILED;
}

/* BoringSSL trusts the certificate inside a ticket as it was judged when the ticket was
 * made. It may have expired since, so it is judged again. */
static enum tls_status verify_resumed(struct tls_conn *conn)
{
    const struct tls_context *context = conn->context;
    const STACK_OF(CRYPTO_BUFFER) *chain = SSL_get0_peer_certificates(conn->ssl);
    uint8_t alert = 0;

    if (context->client_certificate == TLS_CLIENT_CERTIFICATE_NONE) {
        return TLS_OK;
    }
    if (context->client_certificate == TLS_CLIENT_CERTIFICATE_OPTIONAL && chain == NULL) {
        return TLS_OK;
    }
    conn->fault = verify_client_chain(context, chain, clock_wall_seconds(), &conn->proof, &alert);
    if (conn->fault == NULL) {
        return TLS_OK;
    }
    conn->proof_alert = alert;
    return fail(conn, alert);
}

enum tls_status tls_conn_handshake(struct tls_conn *conn)
{
    enum tls_status status = status_of(conn, SSL_do_handshake(conn->ssl));
    if (status == TLS_OK && SSL_session_reused(conn->ssl)) {
        status = verify_resumed(conn);
    }
    return status;
}

enum tls_status tls_conn_read(struct tls_conn *conn, uint8_t *data, size_t capacity,
                              size_t *out_size)
{
    int result = SSL_read(conn->ssl, data, capacity < INT32_MAX ? (int)capacity : INT32_MAX);
    if (result <= 0) {
        return status_of(conn, result);
    }
    if (!pay_key_updates(conn)) {
        conn->fault = "the client sends too many key updates";
        return fail(conn, SSL_AD_UNEXPECTED_MESSAGE);
    }
    *out_size = (size_t)result;
    return TLS_OK;
}

int tls_conn_write(struct tls_conn *conn, struct slice plaintext)
{
    while (plaintext.size > 0) {
        size_t size = plaintext.size < TLS_RECORD_MAX ? plaintext.size : TLS_RECORD_MAX;
        if (SSL_write(conn->ssl, plaintext.data, (int)size) != (int)size) {
            conn->fault = conn->fault != NULL ? conn->fault : "a record could not be sealed";
            ERR_clear_error();
            return -1;
        }
        plaintext = slice_after(plaintext, size);
    }
    return 0;
}

void tls_conn_close(struct tls_conn *conn)
{
    if (conn->ssl == NULL || conn->is_closed || SSL_in_init(conn->ssl)) {
        return;
    }
    conn->is_closed = true;
    if (SSL_shutdown(conn->ssl) < 0) {
        ERR_clear_error(); /* the socket's own end still tells the client */
    }
}

const char *tls_conn_fault(const struct tls_conn *conn)
{
    return conn->fault != NULL ? conn->fault : "the TLS connection failed";
}

bool tls_conn_is_refused(const struct tls_conn *conn)
{
    switch (conn->proof_alert) {
    case 0:
    case SSL_AD_CERTIFICATE_REQUIRED:
    case SSL_AD_CERTIFICATE_EXPIRED: /* or not valid yet */
    case SSL_AD_CERTIFICATE_UNKNOWN: /* no CRL, or an old one */
    case SSL_AD_INTERNAL_ERROR:
        return false;
    default:
        return true;
    }
}
