/*
 * What a certificate file would be worth on a listener, without a connection.
 *
 * The chain is verified and the name is read by the very functions that do it in a handshake.
 */
#ifndef MOAT_TLS_IDENTIFY_H
#define MOAT_TLS_IDENTIFY_H

#include "moat/tls/conn.h"

enum tls_identify_status {
    TLS_IDENTIFY_OK = 0,    /* *out_peer is what a session would know; it may still have no name */
    TLS_IDENTIFY_NOT_ASKED, /* this listener asks clients for no certificate */
    TLS_IDENTIFY_REFUSED,   /* the handshake would fail */
    TLS_IDENTIFY_UNREADABLE,
};

/* `pem` is the client's certificate first, then those of its issuers. *out_peer is written for OK
 * and is to be released with tls_peer_deinit(); *out_fault, a static sentence without a full stop,
 * for all else. */
enum tls_identify_status tls_identify(const struct tls_context *context, struct slice pem,
                                      struct tls_peer *out_peer,
                                      const char **out_fault) MOAT_MUST_CHECK;

#endif
