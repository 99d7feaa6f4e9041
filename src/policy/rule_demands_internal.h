/* What the files that judge the deciding rule share. */
#ifndef MOAT_POLICY_RULE_DEMANDS_INTERNAL_H
#define MOAT_POLICY_RULE_DEMANDS_INTERNAL_H

#include "judging_internal.h"

void demand(const struct judging *judging, struct demands *demands, enum policy_trace_kind kind,
            enum policy_reason reason, struct policy_trace_event event);
bool demand_is_due(const struct judging *judging, const struct demands *demands);

/* limits.protocol and bridge: asked first, so that a client may come back with another version. */
void rule_demand_version(const struct judging *judging, struct demands *demands);

/* The rest of `limits` that CONNECT can break. */
void rule_demand_limits(struct judging *judging, struct demands *demands);

/* The topic lists of the rule, for a will. */
void rule_demand_will_is_permitted(struct judging *judging, struct demands *demands);

#endif
