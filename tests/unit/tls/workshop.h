/* Certificates, revocation lists and whole handshakes, made on the spot. */
#ifndef TEST_TLS_WORKSHOP_H
#define TEST_TLS_WORKSHOP_H

#include "tls/context_internal.h"

#define WORKSHOP_DAY 86400

EVP_PKEY *workshop_key(void);      /* ECDSA P-256 */
EVP_PKEY *workshop_p384_key(void); /* ECDSA P-384 */
EVP_PKEY *workshop_rsa_key(void);  /* 2048 bits; one for the whole process */

struct workshop_spec {
    EVP_PKEY *key;        /* the subject's */
    X509 *issuer;         /* NULL: signed by itself */
    EVP_PKEY *signer;     /* NULL: `key` */
    const char *cn;       /* NULL: none */
    size_t cn_size;       /* 0: strlen(cn) */
    int cn_type;          /* V_ASN1_...; 0: UTF8String */
    const char *cn2;      /* a second one */
    const char *san;      /* in the form DNS:a,URI:b; NULL: none */
    const char *usage;    /* key usage; NULL: none */
    const char *extended; /* extended key usage; NULL: none */
    int64_t from;         /* seconds from now; both 0: an hour ago to a day ahead */
    int64_t until;
    uint64_t serial; /* 0: a new one */
    bool is_ca;
};

X509 *workshop_certificate(const struct workshop_spec *spec);

/* A CA with its key. */
struct workshop_ca {
    EVP_PKEY *key;
    X509 *certificate;
    char *pem;
};
struct workshop_ca workshop_ca(const char *name, const struct workshop_ca *parent);
void workshop_ca_free(struct workshop_ca *ca);
/* A client's certificate of this CA, for this key. */
X509 *workshop_client(const struct workshop_ca *ca, EVP_PKEY *key, const char *cn, uint64_t serial);

/* PEM texts and joined texts, to be freed with free(). */
char *workshop_pem(X509 *certificate);
char *workshop_key_pem(EVP_PKEY *key);
char *workshop_join(const char *a, const char *b);
/* A CRL of `count` serial numbers; times in seconds from now. `extra` may add to it before it is
 * signed. */
char *workshop_crl(const struct workshop_ca *ca, const uint64_t *serials, size_t count,
                   int64_t from, int64_t until, void (*extra)(X509_CRL *list));

/* Settings of a listener "mqtts" with one ECDSA certificate for gate.example and *.wild.example,
 * which asks for nothing. */
struct tls_settings workshop_settings(void);
/* Must succeed without any fault. */
struct tls_context *workshop_context(const struct tls_settings *settings);

/* What a client brings to a handshake. */
struct visitor {
    X509 *certificate;
    X509 *intermediate;
    EVP_PKEY *key;
    uint16_t version;    /* TLS1_2_VERSION or TLS1_3_VERSION */
    const char *sni;     /* NULL: none */
    const char *ciphers; /* of TLS 1.2; NULL: all */
    const uint16_t *signatures;
    size_t signature_count;
    int group;           /* NID of the only one offered; 0: the usual ones */
    SSL_SESSION *ticket; /* NULL: none */
};

/* What came of it. */
struct visit {
    enum tls_status status;
    const char *fault;
    bool is_resumed;      /* as the client sees it */
    uint8_t alert;        /* that the client was sent; 0: none */
    struct tls_peer peer; /* zeroed unless the status is TLS_OK */
    CRYPTO_BUFFER *shown; /* the server's certificate; NULL when it was not sent */
    SSL_SESSION *ticket;  /* NULL: none was given */
};

struct visit workshop_visit(const struct tls_context *context, const struct visitor *visitor);
void workshop_visit_free(struct visit *visit);

/* A finished handshake with an ordinary client, whose connection is left to the caller; the output
 * is empty. 0, or -1 when the handshake failed. */
int workshop_connect(const struct tls_context *context, uint16_t version, struct tls_conn *conn,
                     struct tls_output *output);

#endif
