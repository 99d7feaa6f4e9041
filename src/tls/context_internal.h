/* What the files of tls/ share and nobody else knows. */
#ifndef MOAT_TLS_CONTEXT_INTERNAL_H
#define MOAT_TLS_CONTEXT_INTERNAL_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "moat/tls/conn.h"
#include "moat/tls/context.h"

struct tls_crls;
struct tls_pins;
struct tls_tickets;
struct server_certificate;

struct tls_context {
    SSL_CTX *ssl_ctx;
    struct server_certificate *certificates;
    size_t certificate_count;
    enum tls_client_certificate client_certificate;
    X509_STORE *client_roots;    /* NULL without client_ca */
    struct tls_crls *crls;       /* NULL without client_crl */
    struct tls_pins *pins;       /* NULL without spki_pins */
    struct tls_tickets *tickets; /* NULL when there are to be none */
    enum tls_identity identity;
};

/* context.c: faults as they are found; the caller's array never overflows. */
struct fault_sink {
    struct tls_context_fault *list;
    size_t *count;
    bool has_error;
};
void fault_add(struct fault_sink *sink, enum tls_setting setting, size_t index, bool is_warning,
               const char *format, ...) MOAT_PRINTF(5, 6);

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

/* certificate.c: the certificates a server shows. They stand in the order of preference. */
struct server_certificate {
    CRYPTO_BUFFER **chain; /* leaf first */
    size_t chain_size;
    EVP_PKEY *key;
    char **names; /* the leaf's DNS names in lower case, NULL behind the last */
};
/* False, with the fault in the sink, when the pair cannot be used. */
bool certificate_load(struct server_certificate *certificate, const struct tls_pair *pair,
                      size_t index, struct fault_sink *sink) MOAT_MUST_CHECK;
void certificate_deinit(struct server_certificate *certificate);

/* select.c: the one to show to the client of this ClientHello; never NULL. */
const struct server_certificate *select_certificate(const struct tls_context *context,
                                                    const SSL_CLIENT_HELLO *hello);
/* Whether a name of a certificate, perhaps with a wildcard for its first label, is this name. */
enum select_match {
    SELECT_NONE = 0,
    SELECT_WILDCARD,
    SELECT_EXACT,
};
enum select_match select_match_name(const char *pattern, const char *name) MOAT_MUST_CHECK;

/* verify.c: NULL when the chain the client presented is good for client authentication at the time
 * `now` (seconds since 1970), with what that showed in *out_proof; else a static sentence, and the
 * alert that says so in TLS. At a time that no clock which was set can say, no chain is good. */
const char *verify_client_chain(const struct tls_context *context,
                                const STACK_OF(CRYPTO_BUFFER) * chain, int64_t now,
                                struct tls_proof *out_proof, uint8_t *out_alert) MOAT_MUST_CHECK;

/* strength.c: NULL when the key, or the way the certificate was signed, is good enough for a
 * client's chain; else a static sentence. */
const char *strength_check_key(X509 *certificate) MOAT_MUST_CHECK;
const char *strength_check_signature(const X509 *certificate) MOAT_MUST_CHECK;

/* anchors.c: warns of authorities whose clients are refused, now or soon, and of weak keys. */
void anchors_check(struct slice pem, struct fault_sink *sink);

/* issuer.c: in the form X509_STORE_set_get_issuer() wants. */
int issuer_find(X509 **out_issuer, X509_STORE_CTX *store, X509 *certificate);
/* At which time it looks; `now` must outlive the verification. False without memory. */
bool issuer_set_time(X509_STORE_CTX *store, int64_t *now) MOAT_MUST_CHECK;

/* crl.c: NULL, with the faults in the sink, when the file is not fit for use. */
struct tls_crls *crls_new(struct slice pem, X509_STORE *roots, bool is_expired_allowed,
                          struct fault_sink *sink) MOAT_MUST_CHECK;
void crls_free(struct tls_crls *crls);
/* NULL when nothing of a verified chain is revoked, else as verify_client_chain(). */
const char *crls_check(const struct tls_crls *crls, const STACK_OF(X509) * chain, int64_t now,
                       struct tls_proof *proof, uint8_t *out_alert) MOAT_MUST_CHECK;

/* pins.c */
struct tls_pins *pins_new(const char *const *texts, size_t count) MOAT_MUST_CHECK;
void pins_free(struct tls_pins *pins);
/* All keys in order, for digests over them; empty for NULL. */
struct slice pins_bytes(const struct tls_pins *pins);
bool pins_has(const struct tls_pins *pins, const uint8_t key[SECRET_DIGEST_SIZE]) MOAT_MUST_CHECK;
bool pins_parse_hex(struct slice text, uint8_t out_bytes[SECRET_DIGEST_SIZE]) MOAT_MUST_CHECK;

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

/* conn.c: has the key updates of every connection counted. */
void conn_count_key_updates(SSL_CTX *ssl_ctx);

/* fault.c: the thread's oldest error of TLS in plain words; clears the error queue. */
const char *fault_from_errors(const struct tls_conn *conn);

#endif
