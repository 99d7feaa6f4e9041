/*
 * What one client may publish and subscribe to: the topic lists of its rule, with the
 * client's facts in the places of their substitutions.
 *
 * A topic is permitted when one filter of `allow` covers all of it and none of `deny` has a
 * name in common with it; `deny` is read widely (see topic_overlaps()). Without `allow` it is
 * as if "#" stood there, so topics that begin with `$`, by which brokers are administered,
 * must be allowed by name. A filter that a fact makes void (missing, or made of levels and
 * wildcards) allows nothing and denies everything.
 */
#ifndef MOAT_POLICY_GRANTS_H
#define MOAT_POLICY_GRANTS_H

#include "moat/policy/policy.h"

struct policy_grants;

/* False when the rule has no topic lists: then its clients need no grants. */
bool policy_rule_has_topics(const struct policy_rule *rule) MOAT_MUST_CHECK;

/* NULL without memory. Borrows nothing. */
struct policy_grants *policy_grants_new(const struct policy_rule *rule,
                                        const struct policy_facts *facts) MOAT_MUST_CHECK;
void policy_grants_free(struct policy_grants *grants);

/* A valid topic name; a valid topic filter, shared or not. */
bool policy_grants_may_publish(const struct policy_grants *grants,
                               struct slice topic) MOAT_MUST_CHECK;
bool policy_grants_may_subscribe(const struct policy_grants *grants,
                                 struct slice filter) MOAT_MUST_CHECK;

/* True when all that `before` permitted is permitted now, so that a session may go on with its
 * subscriptions. What cannot be shown filter by filter counts as false. */
bool policy_grants_include(const struct policy_grants *now,
                           const struct policy_grants *before) MOAT_MUST_CHECK;

#endif
