/* A set of networks, as written in the configuration: who is in it? */
#ifndef MOAT_POLICY_NETWORKS_H
#define MOAT_POLICY_NETWORKS_H

#include "moat/base/address.h"

struct policy_networks;

/* Of texts that policy_check_cidr() has nothing against; none give a set that nobody is in. NULL
 * without memory, or for a text that is no network. */
struct policy_networks *policy_networks_new(const char *const *texts, size_t count) MOAT_MUST_CHECK;
/* NULL is allowed. */
void policy_networks_free(struct policy_networks *networks);

bool policy_networks_contain(const struct policy_networks *networks,
                             const struct address *address) MOAT_MUST_CHECK;

#endif
