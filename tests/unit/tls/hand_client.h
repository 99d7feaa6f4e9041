/*
 * A TLS 1.3 client made by hand, which may leave out or repeat any message of its flight.
 *
 * A library's client cannot be made to: its Finished covers what it should have said. This one's
 * covers what it did say, so nothing but the server's order of states can refuse it.
 */
#ifndef TEST_TLS_HAND_CLIENT_H
#define TEST_TLS_HAND_CLIENT_H

#include "pki_fixture.h"
#include "tls/context_internal.h"

struct hand_client {
    X509 *certificate;
    EVP_PKEY *key; /* ECDSA on P-256 */
    /* What is sent once the server's flight has come, in this order:
     *   C  Certificate             E  Certificate without one
     *   V  CertificateVerify       W  the same, signed by another key
     *   F  Finished                D  a record of application data, under the handshake's key */
    const char *flight;
    EVP_PKEY *other_key;        /* for W */
    struct slice compression;   /* methods of ClientHello; without data: the null method */
    struct slice more;          /* further extensions of ClientHello, as bytes */
    struct slice before_flight; /* records sent as they are before the flight */
};

/* The server's last status and its fault, when there is one; static. */
enum tls_status hand_client_visit(const struct tls_context *context,
                                  const struct hand_client *client, const char **out_fault);

#endif
