/* Certificates of every kind, good and bad, made on the spot. */
#ifndef TEST_TLS_PKI_FIXTURE_H
#define TEST_TLS_PKI_FIXTURE_H

#include <openssl/base.h>

#include "moat/base/bytes.h"

enum fixture_kind {
    FIXTURE_P224,
    FIXTURE_P256,
    FIXTURE_P384,
    FIXTURE_P521,
    FIXTURE_ED25519,
    FIXTURE_X25519, /* for key exchange, so it can sign nothing */
    FIXTURE_RSA,
};

/* `bits` counts for RSA only. */
EVP_PKEY *fixture_key(enum fixture_kind kind, unsigned bits);
/* A public RSA key of so many bits that nobody has the private half of. */
EVP_PKEY *fixture_public_rsa(unsigned bits);

#define FIXTURE_DAY 86400

struct fixture_spec {
    EVP_PKEY *key;        /* the subject's */
    X509 *issuer;         /* NULL: signed by itself */
    EVP_PKEY *signer;     /* NULL: `key` */
    const char *cn;       /* NULL: none */
    size_t cn_size;       /* 0: strlen(cn) */
    int cn_type;          /* V_ASN1_...; 0: UTF8String */
    const char *cn2;      /* a second one */
    int64_t from;         /* seconds from now; with `until` 0 the defaults are an hour ago */
    int64_t until;        /* and a day ahead */
    const EVP_MD *digest; /* NULL: SHA-256 */
    const char *usage;    /* keyUsage; NULL: none */
    const char *extended; /* extendedKeyUsage; NULL: none */
    bool is_ca;
};

X509 *fixture_certificate(const struct fixture_spec *spec);

/* The same certificate with `from` replaced by `to` (of the same size) in its bytes, signed anew.
 * What no library would write. */
CRYPTO_BUFFER *fixture_forge(X509 *certificate, EVP_PKEY *signer, struct slice from,
                             struct slice to);

CRYPTO_BUFFER *fixture_bytes(X509 *certificate);

/* PEM texts, to be freed with free(). */
char *fixture_pem(X509 *certificate);
char *fixture_key_pem(EVP_PKEY *key, const char *passphrase);
char *fixture_joined(const char *a, const char *b);

/* A CA for clients, and one of the same name that we do not trust; a server's pair. */
struct fixture {
    EVP_PKEY *ca_key;
    X509 *ca;
    char *ca_pem;
    EVP_PKEY *other_ca_key;
    X509 *other_ca;
    EVP_PKEY *client_key;
    EVP_PKEY *server_key;
    X509 *server;
    char *server_pem;
    char *server_key_pem;
};

void fixture_init(struct fixture *fixture);
void fixture_deinit(struct fixture *fixture);

/* A client's certificate in good order; the spec's other fields may be changed before. */
struct fixture_spec fixture_client(const struct fixture *fixture, const char *cn);

#endif
