/* The grants of one client of one rule, from lists as a configuration has them. */
#ifndef MOAT_TESTS_POLICY_TOPIC_LISTS_H
#define MOAT_TESTS_POLICY_TOPIC_LISTS_H

#include "moat/policy/grants.h"

#include <criterion/criterion.h>

#define LIST_MAX 4
struct lists {
    const char *allow[LIST_MAX + 1]; /* ends with NULL */
    const char *deny[LIST_MAX + 1];
};

static const struct lists no_lists = {.allow = {NULL}};

static inline struct policy_topics_spec spec_of(const struct lists *lists)
{
    struct policy_topics_spec spec = {.allow = lists->allow, .deny = lists->deny};
    while (lists->allow[spec.allow_count] != NULL) {
        spec.allow_count++;
    }
    while (lists->deny[spec.deny_count] != NULL) {
        spec.deny_count++;
    }
    return spec;
}

static inline struct policy_facts facts_of(const char *username)
{
    struct policy_facts facts = {.protocol = 4,
                                 .client_id = slice_from_text("c1"),
                                 .has_username = username != NULL,
                                 .username = slice_from_text(username)};
    cr_assert(address_parse(slice_from_text("192.0.2.7"), &facts.address));
    return facts;
}

/* The policy is freed before the grants are used: they borrow nothing from it. */
static inline struct policy_grants *grants_of(const struct lists *publish,
                                              const struct lists *subscribe,
                                              const struct policy_facts *facts)
{
    struct policy_rule_spec spec = {.name = "r",
                                    .require = POLICY_REQUIRE_NONE,
                                    .publish = spec_of(publish),
                                    .subscribe = spec_of(subscribe)};
    struct policy *policy = policy_new();
    struct policy_verdict verdict;
    struct policy_facts clean = facts_of(NULL); /* whose names nobody refuses beforehand */

    cr_assert_null(policy_add(policy, &spec));
    policy_decide(policy, &clean, &verdict);
    cr_assert_not_null(verdict.decider);
    cr_assert_eq(policy_rule_has_topics(verdict.decider),
                 spec.publish.allow_count + spec.publish.deny_count + spec.subscribe.allow_count +
                         spec.subscribe.deny_count >
                     0);
    struct policy_grants *grants = policy_grants_new(verdict.decider, facts);
    cr_assert_not_null(grants);
    policy_free(policy);
    return grants;
}

#endif
