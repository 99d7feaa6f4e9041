/* A server connection of ours and a client made of BoringSSL alone, joined in memory. */
#ifndef TEST_TLS_WIRE_H
#define TEST_TLS_WIRE_H

#include "pki_fixture.h"
#include "tls/context_internal.h"

#define WIRE_OUTPUT_SIZE (80u * 1024)

struct wire {
    struct tls_conn server;
    struct tls_output output;
    SSL *client;
    BIO *to_client;
    BIO *from_client;
    size_t step; /* bytes that are given to the server at a time; 0: all there are */
    enum tls_status status;
    int client_error; /* SSL_get_error() of the client's last call */
};

/* --- contexts --- */

/* A context that takes the fixture's certificate; the caller changes what it wants. */
struct tls_settings wire_settings(const struct fixture *fixture);
struct tls_context *wire_context(const struct tls_settings *settings);

/* A client that believes everything and remembers the last session it was given. */
SSL_CTX *wire_client_context(uint16_t minimum, uint16_t maximum);
/* Takes ownership of the certificate. */
void wire_use_certificate(SSL_CTX *client, X509 *certificate, EVP_PKEY *key);
/* The last session; the caller frees it. NULL when none came. */
SSL_SESSION *wire_take_session(void);

/* --- connections --- */

void wire_init(struct wire *wire, const struct tls_context *context, SSL_CTX *client);
void wire_deinit(struct wire *wire);

/* Runs the handshake as far as it goes: wire->status is the server's, wire->client_error the
 * client's. What the server says behind it has been read by the client. */
void wire_handshake(struct wire *wire);
/* init and handshake, which must succeed on both sides. */
void wire_open(struct wire *wire, const struct tls_context *context, SSL_CTX *client);

/* Gives bytes to the server in a buffer that is gone afterwards, and drives it. */
void wire_give(struct wire *wire, struct slice bytes);
/* Passes what the client has written. */
void wire_pass(struct wire *wire);
/* Passes the server's output to the client; returns how many bytes that were. */
size_t wire_return(struct wire *wire);
/* Lets the client read; what it read is dropped. */
void wire_client_read(struct wire *wire);

/* Reads from the server until it wants more; the bytes are compared with `expected`. */
void wire_expect(struct wire *wire, struct slice expected);
void wire_client_write(struct wire *wire, const char *text);

#endif
