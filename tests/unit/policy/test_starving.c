/* Without memory there is no policy, no list and no password file, rather than a part of one. */
#include "starving.h"

#include "moat/policy/grants.h"
#include "moat/policy/networks.h"
#include "password_lines.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* BoringSSL's random numbers take memory once, and do without it if there is none. */
static void warm_up(void)
{
    credentials_free(parse(BOB));
}

TestSuite(starving, .init = warm_up);

static const char *const globs[] = {"a*", "b?"};
static const char *const networks[] = {"192.0.2.0/24", "2001:db8::/32"};
static const char *const names[] = {"${certificate}-*", "${username}"};
static const char *const filters[] = {"a/${username}/#", "b/+"};
static const uint8_t protocols[] = {4, 5};

/* Something of everything. */
static const struct policy_rule_spec full = {
    .name = "rule",
    .require = POLICY_REQUIRE_NONE,
    .keeps_expired = true,
    .listeners = globs,
    .listener_count = 2,
    .addresses = networks,
    .address_count = 2,
    .certificates = globs,
    .certificate_count = 2,
    .issuers = globs,
    .issuer_count = 2,
    .usernames = globs,
    .username_count = 2,
    .client_ids = globs,
    .client_id_count = 2,
    .protocols = protocols,
    .protocol_count = 2,
    .snis = globs,
    .sni_count = 2,
    .bind_client_ids = names,
    .bind_client_id_count = 2,
    .bind_usernames = names,
    .bind_username_count = 1,
    .limits = {.will_topics = filters, .will_topic_count = 2, .client_id_characters = "[a-z]"},
    .publish = {.allow = filters, .allow_count = 2, .deny = filters, .deny_count = 1},
    .subscribe = {.deny = filters, .deny_count = 2},
};

Test(starving, policy)
{
    size_t failures = 0;

    for (size_t at = 0; starving_goes_on(at); at++) {
        struct policy *policy = policy_new();
        const char *fault = policy != NULL ? policy_add(policy, &full) : "out of memory";
        bool has_failed = starving_end();
        if (has_failed) {
            cr_expect_str_eq(fault != NULL ? fault : "", "out of memory", "allocation %zu", at);
            cr_expect(policy == NULL || policy_rule_count(policy) == 0);
            failures++;
        } else {
            cr_expect_null(fault);
            cr_expect_eq(policy_rule_count(policy), 1);
        }
        policy_free(policy);
    }
    cr_expect_gt(failures, 40, "only %zu allocations", failures);
}

static struct policy *one_rule(struct policy_verdict *out_verdict)
{
    const struct policy_rule_spec spec = {.name = "r",
                                          .require = POLICY_REQUIRE_NONE,
                                          .publish = full.publish,
                                          .subscribe = full.subscribe};
    const struct policy_facts anybody = {.protocol = 4, .client_id = slice_from_text("c")};
    struct policy *policy = policy_new();

    cr_assert_null(policy_add(policy, &spec));
    policy_decide(policy, &anybody, out_verdict);
    cr_assert_not_null(out_verdict->decider);
    return policy;
}

Test(starving, grants)
{
    const struct policy_facts ann = {.has_username = true, .username = slice_from_text("ann")};
    struct policy_verdict verdict;
    struct policy *policy = one_rule(&verdict);
    size_t failures = 0;

    for (size_t at = 0; starving_goes_on(at); at++) {
        struct policy_grants *grants = policy_grants_new(verdict.decider, &ann);
        bool has_failed = starving_end();
        cr_expect_eq(grants == NULL, has_failed, "allocation %zu", at);
        failures += has_failed ? 1 : 0;
        policy_grants_free(grants);
    }
    cr_expect_gt(failures, 8, "only %zu allocations", failures);
    policy_free(policy);
}

Test(starving, trusted_networks)
{
    size_t failures = 0;

    for (size_t at = 0; starving_goes_on(at); at++) {
        struct policy_networks *trusted = policy_networks_new(networks, COUNT_OF(networks));
        bool has_failed = starving_end();
        cr_expect_eq(trusted == NULL, has_failed, "allocation %zu", at);
        failures += has_failed ? 1 : 0;
        policy_networks_free(trusted);
    }
    cr_expect_gt(failures, 1, "only %zu allocations", failures);
}

Test(starving, password_file)
{
    static const char file[] = "# users\n" ALICE "\n" BOB "\n" ERIN "\n" SALT64 "\n" ARGON "\n";
    size_t failures = 0;

    skip_without_argon2();
    for (size_t at = 0; starving_goes_on(at); at++) {
        struct credentials_fault fault = {.line = 0};
        struct credentials *credentials = credentials_parse(slice_from_text(file), &fault);
        bool has_failed = starving_end();
        cr_expect_eq(credentials == NULL, has_failed, "allocation %zu", at);
        if (has_failed) {
            cr_expect_not_null(strstr(fault.what, "memory"), "allocation %zu: %s", at, fault.what);
        }
        failures += has_failed ? 1 : 0;
        credentials_free(credentials);
    }
    cr_expect_gt(failures, 8, "only %zu allocations", failures);
}

Test(starving, password_line)
{
    for (size_t at = 0; starving_goes_on(at); at++) {
        struct credentials_fault fault = {.line = 0};
        char *line =
            credentials_make_line(slice_from_text("ann"), slice_from_text("secret"), 1, &fault);
        bool has_failed = starving_end();
        cr_expect_eq(line == NULL, has_failed, "allocation %zu", at);
        cr_expect(!has_failed || fault.what[0] != '\0');
        free(line);
    }
}

/* What could not be checked is not right, and nobody is to blame for it. */
Test(starving, password_check)
{
    static const char *const lines[] = {BOB, ERIN, ARGON_LANES};
    static const char *const users[] = {"bob", "erin", "lanes"};
    static const char *const passwords[] = {BOB_PASSWORD, ERIN_PASSWORD, ARGON_PASSWORD};

    skip_without_argon2();
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct credentials *credentials = parse(lines[i]);
        for (size_t at = 0; starving_goes_on(at); at++) {
            bool is_checked = false;
            bool is_right = credentials_verify(credentials, slice_from_text(users[i]),
                                               slice_from_text(passwords[i]), &is_checked);
            bool has_failed = starving_end();
            cr_expect_neq(is_right, has_failed, "%s, allocation %zu", users[i], at);
            cr_expect_neq(is_checked, has_failed, "%s, allocation %zu", users[i], at);
        }
        credentials_free(credentials);
    }
}
