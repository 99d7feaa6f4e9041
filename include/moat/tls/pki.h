/*
 * A small certificate authority of one's own: it makes itself, and certificates for servers.
 *
 * All keys are ECDSA on P-256. Certificates and keys travel as PEM text.
 */
#ifndef MOAT_TLS_PKI_H
#define MOAT_TLS_PKI_H

#include "moat/base/address.h"
#include "moat/base/bytes.h"

#define PKI_CA_DAYS       3652 /* ten years */
#define PKI_SERVER_DAYS   825  /* the most that all common TLS clients accept */
#define PKI_BACKDATE      3600 /* seconds: the clock of a device may be a little behind ours */
#define PKI_DNS_SIZE      254  /* a DNS name has at most 253 characters */
#define PKI_DNS_MAX       32
#define PKI_ADDRESSES_MAX 64

/* Under which names and addresses clients reach a server. At least one of either. */
struct pki_names {
    size_t dns_count;
    size_t address_count;
    char dns[PKI_DNS_MAX][PKI_DNS_SIZE]; /* letters, digits, hyphens and dots */
    struct address addresses[PKI_ADDRESSES_MAX];
};

/* A certificate and its private key, unencrypted (PKCS #8). */
struct pki_pair {
    char *certificate;
    char *key;
};

/* Wipes and releases both texts. A zeroed pair is allowed. */
void pki_pair_deinit(struct pki_pair *pair);

/* Makes a CA that signs end certificates only (path length 0) and is valid from an hour
 * before `now` (seconds since 1970, UTC) for PKI_CA_DAYS. Its name ends in random digits,
 * since clients mix up two CAs of one name. False without memory. */
bool pki_make_ca(int64_t now, struct pki_pair *out_ca) MOAT_MUST_CHECK;

/* Makes a server certificate for `names`, valid from an hour before `now` for
 * PKI_SERVER_DAYS. False without memory, or when `ca` is not a certificate and its key. */
bool pki_issue_server(const struct pki_pair *ca, const struct pki_names *names, int64_t now,
                      struct pki_pair *out_server) MOAT_MUST_CHECK;

#endif
