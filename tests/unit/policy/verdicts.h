/* Asking a policy that is made for the question. */
#ifndef MOAT_TESTS_POLICY_VERDICTS_H
#define MOAT_TESTS_POLICY_VERDICTS_H

#include "moat/policy/policy.h"

#include <criterion/criterion.h>

static inline struct policy *policy_of(const struct policy_rule_spec *specs, size_t count)
{
    struct policy *policy = policy_new();
    cr_assert_not_null(policy);
    for (size_t index = 0; index < count; index++) {
        const char *fault = policy_add(policy, &specs[index]);
        cr_assert_null(fault, "%s", fault);
    }
    return policy;
}

static inline struct policy_verdict decide(const struct policy_rule_spec *specs, size_t count,
                                           const struct policy_facts *facts)
{
    struct policy *policy = policy_of(specs, count);
    struct policy_verdict verdict;
    memset(&verdict, 0xA5, sizeof verdict); /* so that a field left alone is seen */
    policy_decide(policy, facts, &verdict);
    policy_free(policy);
    verdict.rule = NULL; /* was the policy's */
    return verdict;
}

static inline void expect_verdict(const struct policy_rule_spec *spec,
                                  const struct policy_facts *facts, enum policy_outcome outcome,
                                  enum policy_reason reason, const char *what)
{
    struct policy_verdict verdict = decide(spec, spec != NULL ? 1 : 0, facts);
    cr_expect_eq(verdict.outcome, outcome, "%s: outcome %d", what, (int)verdict.outcome);
    cr_expect_eq(verdict.reason, reason, "%s: %s", what, policy_reason_text(verdict.reason));
}

static inline struct policy_facts plain_facts(void)
{
    struct policy_facts facts = {
        .listener = slice_from_text("mqtts"), .protocol = 4, .client_id = slice_from_text("c1")};
    cr_assert(address_parse(slice_from_text("192.0.2.7"), &facts.address));
    return facts;
}

#endif
