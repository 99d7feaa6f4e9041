/* Building a policy: what is copied, and what is refused. */
#include "moat/policy/policy.h"

#include <criterion/criterion.h>

static const char *const good_glob[] = {"sensor-*"};
static const char *const bad_glob[] = {"fine", "bad\\"};
static const char *const good_cidr[] = {"192.168.10.0/24", "2001:db8::/32"};
static const char *const bad_cidr[] = {"192.168.10.0/24", "192.168.10.1/24"};

static void expect_refused(const struct policy_rule_spec *spec, const char *part)
{
    struct policy *policy = policy_new();
    cr_assert_not_null(policy);
    const char *fault = policy_add(policy, spec);
    cr_assert_not_null(fault);
    cr_expect_not_null(strstr(fault, part), "%s", fault);
    cr_expect_eq(policy_rule_count(policy), 0, "a refused rule must leave no trace");
    policy_free(policy);
}

Test(policy, counts_what_was_added)
{
    struct policy *policy = policy_new();
    cr_assert_not_null(policy);
    cr_expect_eq(policy_rule_count(policy), 0);
    for (size_t added = 1; added <= 100; added++) {
        const struct policy_rule_spec spec = {
            .name = "rule",
            .listeners = good_glob,
            .listener_count = 1,
            .addresses = good_cidr,
            .address_count = 2,
            .certificates = good_glob,
            .certificate_count = 1,
            .issuers = good_glob,
            .issuer_count = 1,
            .usernames = good_glob,
            .username_count = 1,
            .client_ids = good_glob,
            .client_id_count = 1,
            .protocols = (const uint8_t[]){3, 4, 5},
            .protocol_count = 3,
        };
        cr_assert_null(policy_add(policy, &spec));
        cr_assert_eq(policy_rule_count(policy), added);
    }
    policy_free(policy);
}

Test(policy, free_takes_null)
{
    policy_free(NULL);
}

Test(policy, a_rule_needs_a_name)
{
    expect_refused(&(struct policy_rule_spec){.name = NULL}, "name");
    expect_refused(&(struct policy_rule_spec){.name = ""}, "name");
}

Test(policy, each_condition_is_checked)
{
    expect_refused(
        &(struct policy_rule_spec){.name = "r", .listeners = bad_glob, .listener_count = 2},
        "backslash");
    expect_refused(
        &(struct policy_rule_spec){.name = "r", .certificates = bad_glob, .certificate_count = 2},
        "backslash");
    expect_refused(&(struct policy_rule_spec){.name = "r", .issuers = bad_glob, .issuer_count = 2},
                   "backslash");
    expect_refused(
        &(struct policy_rule_spec){.name = "r", .usernames = bad_glob, .username_count = 2},
        "backslash");
    expect_refused(
        &(struct policy_rule_spec){.name = "r", .client_ids = bad_glob, .client_id_count = 2},
        "backslash");
    expect_refused(
        &(struct policy_rule_spec){.name = "r", .addresses = bad_cidr, .address_count = 2},
        "prefix");
}

Test(policy, protocols_at_and_past_their_limits)
{
    for (unsigned level = 0; level <= 255; level++) {
        struct policy *policy = policy_new();
        cr_assert_not_null(policy);
        const uint8_t levels[] = {(uint8_t)level};
        const struct policy_rule_spec spec = {
            .name = "r", .protocols = levels, .protocol_count = 1};
        bool good = level >= 3 && level <= 5;
        cr_expect_eq(policy_add(policy, &spec) == NULL, good, "%u", level);
        policy_free(policy);
    }
}

Test(policy, a_refused_rule_between_good_ones)
{
    struct policy *policy = policy_new();
    cr_assert_not_null(policy);
    const struct policy_rule_spec good = {
        .name = "good", .client_ids = good_glob, .client_id_count = 1};
    const struct policy_rule_spec bad = {.name = "bad",
                                         .client_ids = good_glob,
                                         .client_id_count = 1,
                                         .addresses = bad_cidr,
                                         .address_count = 2};
    cr_assert_null(policy_add(policy, &good));
    cr_assert_not_null(policy_add(policy, &bad));
    cr_assert_null(policy_add(policy, &good));
    cr_expect_eq(policy_rule_count(policy), 2);
    policy_free(policy);
}

Test(policy, texts_are_copied)
{
    char name[] = "people";
    char glob[] = "alice";
    const char *const globs[] = {glob};
    struct policy *policy = policy_new();
    cr_assert_not_null(policy);
    const struct policy_rule_spec spec = {.name = name, .client_ids = globs, .client_id_count = 1};
    cr_assert_null(policy_add(policy, &spec));
    memset(name, 'x', sizeof name - 1);
    memset(glob, 'x', sizeof glob - 1);

    struct policy_facts facts = {.client_id = slice_from_text("alice"), .protocol = 4};
    struct policy_verdict verdict;
    policy_decide(policy, &facts, &verdict);
    cr_expect_eq(verdict.outcome, POLICY_ALLOW);
    cr_expect_str_eq(verdict.rule, "people");
    policy_free(policy);
}

/* --- what a rule says about sessions that it lets in -------------------------------------- */

static void expect_of_rule(const struct policy_rule_spec *spec, enum policy_owner owner,
                           unsigned connections)
{
    struct policy *policy = policy_new();
    cr_assert_not_null(policy);
    cr_assert_null(policy_add(policy, spec));
    const struct policy_facts facts = {.protocol = 4};
    struct policy_verdict verdict;
    policy_decide(policy, &facts, &verdict);
    cr_assert_not_null(verdict.decider);
    cr_expect_eq(policy_rule_owner(verdict.decider), owner, "require %d, owner %d",
                 (int)spec->require, (int)spec->owner);
    cr_expect_eq(policy_rule_connections(verdict.decider), connections);
    policy_free(policy);
}

Test(policy, who_owns_is_told_by_what_the_rule_requires)
{
    static const enum policy_owner expected[] = {
        [POLICY_REQUIRE_NONE] = POLICY_OWNER_CERTIFICATE,
        [POLICY_REQUIRE_CERTIFICATE] = POLICY_OWNER_CERTIFICATE,
        [POLICY_REQUIRE_PASSWORD] = POLICY_OWNER_USERNAME,
        [POLICY_REQUIRE_BOTH] = POLICY_OWNER_CERTIFICATE,
        [POLICY_REQUIRE_ANY] = POLICY_OWNER_CERTIFICATE,
    };
    for (int require = POLICY_REQUIRE_NONE; require <= POLICY_REQUIRE_ANY; require++) {
        struct policy_rule_spec spec = {.name = "r", .require = (enum policy_require)require};
        expect_of_rule(&spec, expected[require], 0);
        spec.owner = POLICY_OWNER_USERNAME;
        expect_of_rule(&spec, POLICY_OWNER_USERNAME, 0);
        spec.owner = POLICY_OWNER_CERTIFICATE;
        expect_of_rule(&spec, POLICY_OWNER_CERTIFICATE, 0);
    }
}

Test(policy, connections_are_kept)
{
    const struct policy_rule_spec spec = {.name = "r", .limits = {.connections = 7}};
    expect_of_rule(&spec, POLICY_OWNER_CERTIFICATE, 7);
}
