/* What the files of tls/ share and nobody else knows. */
#ifndef MOAT_TLS_CONTEXT_INTERNAL_H
#define MOAT_TLS_CONTEXT_INTERNAL_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "moat/tls/conn.h"
#include "moat/tls/context.h"

struct tls_context {
    SSL_CTX *ssl_ctx;
    X509_STORE *client_roots; /* NULL when client certificates are not asked for */
    enum tls_client_certificate client_certificate;
    enum tls_identity identity;
};

/* material.c: PEM in, objects out. Each returns NULL and the sentence in *out_what when
 * the bytes are not what they should be. */
struct tls_chain {
    X509 *leaf;
    STACK_OF(CRYPTO_BUFFER) * certificates; /* leaf first */
};
bool material_chain(struct slice pem, struct tls_chain *out_chain,
                    const char **out_what) MOAT_MUST_CHECK;
void material_chain_deinit(struct tls_chain *chain);
EVP_PKEY *material_key(struct slice pem, const char **out_what) MOAT_MUST_CHECK;
X509_STORE *material_roots(struct slice pem, STACK_OF(CRYPTO_BUFFER) * *out_names,
                           const char **out_what) MOAT_MUST_CHECK;

/* verify.c: NULL when the chain the client presented is good for client authentication
 * now; else a static sentence, and the alert that says so in TLS. */
const char *verify_client_chain(const struct tls_context *context,
                                const STACK_OF(CRYPTO_BUFFER) * chain,
                                uint8_t *out_alert) MOAT_MUST_CHECK;

/* fault.c: the thread's oldest error of TLS in plain words; clears the error queue. */
const char *fault_from_errors(const struct tls_conn *conn);

#endif
