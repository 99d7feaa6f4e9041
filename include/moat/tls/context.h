/*
 * One listener's TLS: certificates, keys, versions, and how clients prove themselves.
 *
 * A context is shared by all workers and, but for its ticket keys, immutable once made; sessions
 * in flight keep it alive through the snapshot that owns it.
 */
#ifndef MOAT_TLS_CONTEXT_H
#define MOAT_TLS_CONTEXT_H

#include "moat/base/bytes.h"

enum tls_version {
    TLS_VERSION_OF_PROFILE = 0,
    TLS_1_2,
    TLS_1_3,
};

/* docs/tls.md lists the suites and groups of each. */
enum tls_profile {
    TLS_PROFILE_IOT = 0, /* TLS 1.2 and 1.3 */
    TLS_PROFILE_MODERN,  /* TLS 1.3 alone */
};

enum tls_client_certificate {
    TLS_CLIENT_CERTIFICATE_NONE = 0, /* not asked for */
    TLS_CLIENT_CERTIFICATE_OPTIONAL, /* asked for; one that is presented must be valid */
    TLS_CLIENT_CERTIFICATE_REQUIRED, /* a handshake without one fails */
};

/* What becomes of a client when the revocation list of its CA is out of date. */
enum tls_crl_expired {
    TLS_CRL_EXPIRED_DENY = 0,
    TLS_CRL_EXPIRED_WARN, /* the list is still used; see struct tls_proof */
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

#define TLS_CERTIFICATES_MAX 16
#define TLS_TICKET_KEYS_MAX  8

/* Plaintext bytes of one record. */
#define TLS_RECORD_MIN 512u
#define TLS_RECORD_MAX 16384u

/* A server certificate, its issuers behind it, and its unencrypted private key. */
struct tls_pair {
    struct slice chain;
    struct slice key;
};

/* Everything is given as the bytes of the files, PEM unless said; the caller read and checked the
 * files. A slice without data is a file that was not configured. */
struct tls_settings {
    struct tls_pair certificates[TLS_CERTIFICATES_MAX]; /* the first is the default */
    size_t certificate_count;
    enum tls_profile profile;
    enum tls_version minimum_version;
    size_t max_record; /* TLS_RECORD_MIN to TLS_RECORD_MAX, for what we send; 0: TLS_RECORD_MAX */
    enum tls_client_certificate client_certificate;
    struct slice client_ca;  /* certificates clients may chain to; this or pins unless NONE */
    struct slice client_crl; /* revocation lists of every CA that issues clients */
    enum tls_crl_expired crl_expired;
    const char *const *pins; /* texts that tls_check_pin() takes */
    size_t pin_count;
    enum tls_identity identity;
    bool tickets;
    struct slice ticket_keys; /* lines of 64 hex digits; the first encrypts, all decrypt */
    struct slice scope;       /* bound into tickets: the listener's name */
};

/* Which of the settings a fault is about, so that the caller can say where. */
enum tls_setting {
    TLS_SETTING_CHAIN, /* these two: of the certificate with the fault's index */
    TLS_SETTING_KEY,
    TLS_SETTING_CLIENT_CA,
    TLS_SETTING_CLIENT_CRL,
    TLS_SETTING_TICKET_KEYS,
    TLS_SETTING_OTHER,
};

struct tls_context_fault {
    enum tls_setting setting;
    size_t index;
    bool is_warning; /* the context was made all the same */
    char what[256];  /* a sentence with the remedy, without a full stop */
};

#define TLS_CONTEXT_FAULTS 16

struct tls_context;

/* NULL when a fault is an error. Up to TLS_CONTEXT_FAULTS faults are written, warnings included. An
 * expired or not yet valid server certificate, a key that is not the certificate's and a CA or CRL
 * file with nothing in it are errors; a certificate that ends within 30 days, a CRL that is out of
 * date and a clock that was never set are warnings. Without a certificate the context identifies
 * clients (tls_identify()) but cannot serve them. */
struct tls_context *tls_context_new(const struct tls_settings *settings,
                                    struct tls_context_fault out_faults[TLS_CONTEXT_FAULTS],
                                    size_t *out_fault_count) MOAT_MUST_CHECK;
void tls_context_free(struct tls_context *context);

/* NULL when the text is the SHA-256 of a public key (its SubjectPublicKeyInfo) in hex or base64;
 * else a static text of what was expected. */
const char *tls_check_pin(struct slice text) MOAT_MUST_CHECK;

#endif
