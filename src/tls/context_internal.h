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

/* verify.c: NULL when the chain the client presented is good for client authentication now, with
 * what that showed in *out_proof; else a static sentence, and the alert that says so in TLS. */
const char *verify_client_chain(const struct tls_context *context,
                                const STACK_OF(CRYPTO_BUFFER) * chain, struct tls_proof *out_proof,
                                uint8_t *out_alert) MOAT_MUST_CHECK;

/* identity.c: texts to be released with free(); NULL with *out_fault set when there is no such
 * name, with *out_fault NULL without memory. `fingerprint` is the certificate's, in hex. */
char *identity_of(const X509 *certificate, enum tls_identity kind, const char *fingerprint,
                  const char **out_fault) MOAT_MUST_CHECK;
char *identity_common_name(const X509 *certificate, const char **out_fault) MOAT_MUST_CHECK;
/* RFC 4514, everything unprintable escaped; NULL without memory. */
char *identity_name_text(const X509_NAME *name) MOAT_MUST_CHECK;
char *identity_hex(struct slice bytes) MOAT_MUST_CHECK;
/* SHA-256 of the SubjectPublicKeyInfo; false without memory. */
bool identity_key_id(const X509 *certificate, uint8_t out_id[SECRET_DIGEST_SIZE]) MOAT_MUST_CHECK;

/* peer.c: fills the names of a zeroed peer. 0, or -1 without memory; what was filled in then is
 * the caller's to release. */
int peer_read_certificate(const struct tls_context *context, CRYPTO_BUFFER *bytes,
                          const struct tls_proof *proof, struct tls_peer *peer) MOAT_MUST_CHECK;

/* fault.c: the thread's oldest BoringSSL error in plain words; clears the error queue. */
const char *fault_from_errors(const struct tls_conn *conn);

#endif
