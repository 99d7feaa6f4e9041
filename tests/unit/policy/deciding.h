/* One rule, one client, one verdict: what several tests of verdicts share. */
#ifndef MOAT_TESTS_POLICY_DECIDING_H
#define MOAT_TESTS_POLICY_DECIDING_H

#include "moat/policy/trace.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* A client with a certificate for "sensor-7" and no user name. */
static inline struct policy_facts a_client(void)
{
    struct policy_facts facts = {
        .listener = slice_from_text("mqtts"),
        .protocol = 4,
        .client_id = slice_from_text("sensor-7"),
        .has_identity = true,
        .identity = slice_from_text("sensor-7"),
        .common_name = slice_from_text("Seven"),
        .issuer = slice_from_text("CN=Device CA"),
        .clean_start = true,
        .keep_alive = 60,
    };
    cr_assert(address_parse(slice_from_text("192.0.2.7"), &facts.address));
    return facts;
}

/* NULL: no user name. */
static inline void give_names(struct policy_facts *facts, const char *username, bool has_password)
{
    facts->has_username = username != NULL;
    facts->username = slice_from_text(username);
    facts->has_password = has_password;
}

/* `rule` and `decider` of the verdict are gone with the policy. */
static inline struct policy_verdict verdict_of(enum policy_mode mode,
                                               const struct policy_rule_spec *specs, size_t count,
                                               const struct policy_facts *facts)
{
    struct policy *policy = policy_new();
    struct policy_verdict verdict;
    cr_assert_not_null(policy);
    policy_set_mode(policy, mode);
    for (size_t index = 0; index < count; index++) {
        const char *fault = policy_add(policy, &specs[index]);
        cr_assert_null(fault, "%s", fault);
    }
    memset(&verdict, 0xA5, sizeof verdict); /* so that a field left alone is seen */
    policy_decide(policy, facts, &verdict);
    cr_expect_eq(verdict.rule == NULL, verdict.decider == NULL);
    verdict.rule = NULL;
    verdict.decider = NULL;
    policy_free(policy);
    return verdict;
}

static inline void expect_decision(const struct policy_rule_spec *spec,
                                   const struct policy_facts *facts, enum policy_outcome outcome,
                                   enum policy_reason reason, const char *what)
{
    struct policy_verdict verdict = verdict_of(POLICY_MODE_ENFORCE, spec, 1, facts);
    cr_expect_eq(verdict.outcome, outcome, "%s: outcome %d", what, (int)verdict.outcome);
    cr_expect_eq(verdict.reason, reason, "%s: %s", what, policy_reason_text(verdict.reason));
    cr_expect_not(verdict.is_observed, "%s", what);
    cr_expect_not(verdict.is_password_observed, "%s", what);
    cr_expect_not(verdict.observes, "%s", what);
}

#endif
