/*
 * The server's side of one TLS connection: bytes in, bytes out, no socket.
 *
 * Ciphertext that came from the client is lent with tls_conn_give() and drawn by
 * BoringSSL through a BIO of ours; every record it writes is gathered in one output
 * buffer that belongs to the worker. So a wake-up costs one read and one write,
 * whatever the number of records, and an idle connection owns no buffer.
 *
 * How a caller uses it, for each chunk of ciphertext:
 *     tls_conn_give(); then tls_conn_handshake() or tls_conn_read() until they say
 *     TLS_WANT_INPUT, or as long as there is room for plaintext; tls_conn_keep(); then
 *     send what is in the output.
 */
#ifndef MOAT_TLS_CONN_H
#define MOAT_TLS_CONN_H

#include "moat/base/bytes.h"
#include "moat/base/secret.h"
#include "moat/tls/context.h"

/* What a record costs at most on top of its plaintext. */
#define TLS_RECORD_OVERHEAD 64u

/* What connections of one worker have written and nobody has sent yet. It is empty
 * between two callbacks of the loop. */
struct tls_output {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

enum tls_status {
    TLS_OK = 0,     /* done: the handshake is complete, or bytes were read */
    TLS_WANT_INPUT, /* all ciphertext was taken; more is needed */
    TLS_CLOSED,     /* the client said close_notify; no more plaintext comes */
    TLS_FAILED,     /* see tls_conn_fault(); the alert, if one is due, is in the output */
};

/* What verifying a client's certificate has shown. */
struct tls_proof {
    bool is_pinned;      /* admitted by its public key alone: no CA vouches for anything in it */
    bool is_crl_expired; /* a revocation list that was consulted is out of date */
    /* SHA-256 of the issuing CA's public key; of the certificate's own when it is pinned. Two CAs
     * of one name differ here, and a CA that renews its certificate does not change. */
    uint8_t issuer_id[SECRET_DIGEST_SIZE];
    int64_t not_after; /* seconds since 1970: when the first certificate of the chain expires */
};

/* What a finished handshake tells of the client. Texts are owned, NULL when absent. */
struct tls_peer {
    const char *version; /* "1.2" or "1.3"; static */
    const char *cipher;  /* IETF name; static */
    bool is_resumed;
    char *sni;
    bool has_certificate;
    struct tls_proof proof;     /* zeroed without a certificate */
    enum tls_identity kind;     /* of `identity` */
    char *identity;             /* NULL when the certificate gives no usable name */
    const char *identity_fault; /* static: why it gives none */
    char *common_name;          /* NULL when there is not exactly one, or none is proven */
    char *issuer;               /* distinguished name as in RFC 4514; NULL when pinned */
    char *fingerprint;          /* SHA-256 of the certificate in hex */
};

struct ssl_st;

struct tls_conn {
    struct ssl_st *ssl;
    const struct tls_context *context;
    struct tls_output *output;
    struct slice input;       /* lent ciphertext that BoringSSL has not drawn yet */
    uint8_t *kept;            /* ciphertext kept between two wake-ups; NULL almost always */
    const char *fault;        /* static text of the first fault */
    uint16_t offered_version; /* highest of ClientHello, 0 before it */
    uint8_t first_byte;       /* of everything the client sent */
    bool has_first_byte;
    bool is_alert_next;       /* the header of an alert record was drawn */
    uint8_t plain_alert;      /* description of an unencrypted alert; 0 when none came */
    bool is_closed;           /* close_notify or a fatal alert was written */
    uint16_t key_update_debt; /* grows with each key update, shrinks with each record of data */
    uint8_t proof_alert;      /* what the client's certificate was refused with; 0 if it was not */
    struct tls_proof proof;
};

/* Makes a connection that waits for ClientHello. 0, or -1 without memory. The context
 * and the output must outlive it. */
int tls_conn_init(struct tls_conn *conn, const struct tls_context *context,
                  struct tls_output *output) MOAT_MUST_CHECK;
void tls_conn_deinit(struct tls_conn *conn);

/* Lends ciphertext until tls_conn_keep(), which must come before the lender's buffer is
 * used again. What was kept earlier goes first; an empty slice changes nothing. 0, or -1
 * without memory. */
int tls_conn_give(struct tls_conn *conn, struct slice ciphertext) MOAT_MUST_CHECK;

/* Copies lent ciphertext that was not drawn, so that the lender's buffer is free.
 * 0, or -1 without memory. */
int tls_conn_keep(struct tls_conn *conn) MOAT_MUST_CHECK;

/* Drives the handshake. TLS_OK when it is complete and the client's certificate, if
 * there is one, has been verified: also when the session was resumed, which BoringSSL
 * by itself does not do. */
enum tls_status tls_conn_handshake(struct tls_conn *conn) MOAT_MUST_CHECK;

/* Reads plaintext; *out_size is written for TLS_OK. */
enum tls_status tls_conn_read(struct tls_conn *conn, uint8_t *data, size_t capacity,
                              size_t *out_size) MOAT_MUST_CHECK;

/* Seals plaintext into the output, which must have room for it and for TLS_RECORD_OVERHEAD for
 * every started record, which is TLS_RECORD_MIN bytes where the listener's max_record is so small.
 * 0, or -1 when that failed. */
int tls_conn_write(struct tls_conn *conn, struct slice plaintext) MOAT_MUST_CHECK;

/* Writes close_notify into the output, once, if the handshake was completed. */
void tls_conn_close(struct tls_conn *conn);

/* Why the connection failed, in plain words. */
const char *tls_conn_fault(const struct tls_conn *conn);

/* True when that was a certificate of the client's which does not prove what it claims. What a
 * wrong clock or an old revocation list of ours could be the cause of is no such thing. */
bool tls_conn_is_refused(const struct tls_conn *conn) MOAT_MUST_CHECK;

/* Fills *out_peer after the handshake. 0, or -1 without memory. */
int tls_conn_peer(const struct tls_conn *conn, struct tls_peer *out_peer) MOAT_MUST_CHECK;
void tls_peer_deinit(struct tls_peer *peer);

/* After a reload: is the client still good by `context`, the listener's new one? NULL, and
 * *out_peer filled as tls_conn_peer() would, and the connection leans on `context` from then
 * on; else a static sentence, and the connection is as it was. */
const char *tls_conn_judge_again(struct tls_conn *conn, const struct tls_context *context,
                                 struct tls_peer *out_peer) MOAT_MUST_CHECK;

/* A digest of the kind of identity, its name and the key that vouches for it: what makes two
 * sessions the same client. It stays the same over restarts. False without an identity. */
bool tls_peer_identity_key(const struct tls_peer *peer,
                           uint8_t out_key[SECRET_DIGEST_SIZE]) MOAT_MUST_CHECK;

#endif
