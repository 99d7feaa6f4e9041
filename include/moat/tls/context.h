/*
 * One listener's TLS: certificate, key, versions, and how clients prove themselves.
 *
 * A context is immutable once made and shared by all workers; sessions in flight
 * keep it alive through the snapshot that owns it.
 */
#ifndef MOAT_TLS_CONTEXT_H
#define MOAT_TLS_CONTEXT_H

#include "moat/base/bytes.h"

enum tls_version {
    TLS_1_2 = 0,
    TLS_1_3,
};

enum tls_client_certificate {
    TLS_CLIENT_CERTIFICATE_NONE = 0, /* not asked for */
    TLS_CLIENT_CERTIFICATE_OPTIONAL, /* asked for; one that is presented must be valid */
    TLS_CLIENT_CERTIFICATE_REQUIRED, /* a handshake without one fails */
};

/* Which part of a client's certificate is its name. Names are at most 256 bytes of UTF-8 without
 * control characters; a certificate with several of a kind gives none. */
enum tls_identity {
    TLS_IDENTITY_CN = 0,  /* the subject's common name */
    TLS_IDENTITY_SUBJECT, /* the whole subject as in RFC 4514 */
    TLS_IDENTITY_SAN_DNS, /* the subject alternative name of that type */
    TLS_IDENTITY_SAN_URI,
    TLS_IDENTITY_SAN_EMAIL,
    TLS_IDENTITY_SERIAL, /* lower-case hex digits, two a byte */
    TLS_IDENTITY_SHA256, /* of the certificate, lower-case hex digits */
    TLS_IDENTITY_SPKI,   /* SHA-256 of its public key, lower-case hex digits */
};

/* Everything is given as the bytes of the files, PEM; the caller read and checked the files. */
struct tls_settings {
    struct slice chain; /* server certificate first, then its issuers */
    struct slice key;   /* unencrypted private key */
    enum tls_version minimum_version;
    enum tls_client_certificate client_certificate;
    struct slice client_ca; /* certificates clients may chain to; needed unless NONE */
    enum tls_identity identity;
    bool tickets;
    struct slice scope; /* bound into tickets: the listener's name */
};

/* Which of the settings a fault is about, so that the caller can say where. */
enum tls_setting {
    TLS_SETTING_CHAIN,
    TLS_SETTING_KEY,
    TLS_SETTING_CLIENT_CA,
    TLS_SETTING_OTHER,
};

struct tls_context_fault {
    enum tls_setting setting;
    bool is_warning; /* the context was made all the same */
    char what[256];  /* a sentence with the remedy, without a full stop */
};

#define TLS_CONTEXT_FAULTS 4

struct tls_context;

/* NULL when a fault is an error. Up to TLS_CONTEXT_FAULTS faults are written, warnings included. An
 * expired or not yet valid server certificate, a key that is not the certificate's and a CA file
 * without certificates are errors; a certificate that ends within 30 days is a warning. */
struct tls_context *tls_context_new(const struct tls_settings *settings,
                                    struct tls_context_fault out_faults[TLS_CONTEXT_FAULTS],
                                    size_t *out_fault_count) MOAT_MUST_CHECK;
void tls_context_free(struct tls_context *context);

#endif
