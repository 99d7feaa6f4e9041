/* Networks as written by a person: 192.0.2.0/24, 2001:db8::/32, or one address. */
#ifndef MOAT_POLICY_CIDR_INTERNAL_H
#define MOAT_POLICY_CIDR_INTERNAL_H

#include "moat/base/address.h"

struct network {
    struct address first; /* its first address; the bits past the prefix are 0 */
    unsigned prefix;      /* bits: 0..32 for IPv4, 0..128 for IPv6 */
};

/* What is wrong with the text, as a static sentence, or NULL when *out_network was written. */
const char *cidr_parse(struct slice text, struct network *out_network) MOAT_MUST_CHECK;

/* An address of another family, or of none, is in no network: 0.0.0.0/0 holds no
 * IPv6 client and ::/0 no IPv4 client. */
bool cidr_contains(const struct network *network, const struct address *address) MOAT_MUST_CHECK;

#endif
