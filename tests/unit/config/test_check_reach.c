#include <criterion/criterion.h>

#include "config/table_internal.h"
#include "moat/policy/reach.h"

/* A condition that policy_rule_covers() does not know would make it call rules dead that are not.
 */
Test(check_reach, every_condition_is_known_to_policy_rule_covers)
{
    static const char *const known[] = {"listener", "address",  "sni",       "certificate",
                                        "issuer",   "username", "client_id", "protocol"};
    const struct table_row *row = NULL;
    size_t count = 0;
    while ((row = table_next("policy.rules[].match", row)) != NULL) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            is_known = is_known || strcmp(known[i], table_key(row)) == 0;
        }
        cr_expect(is_known, "teach policy_rule_covers() about match.%s", table_key(row));
        count++;
    }
    cr_expect_eq(count, sizeof(known) / sizeof(known[0]));
}

static void expect_needed(const struct policy_rule_spec *condition, const char *key)
{
    const struct policy_rule_spec all = {.name = "all"};
    cr_expect_not(policy_rule_covers(condition, &all), "%s narrows a rule", key);
    cr_expect(policy_rule_covers(&all, condition), "%s", key);
    cr_expect(policy_rule_covers(condition, condition), "%s", key);
}

Test(check_reach, each_condition_narrows_a_rule)
{
    const char *const text[] = {"a"};
    const char *const network[] = {"10.0.0.0/8"};
    const uint8_t level[] = {5};
    expect_needed(&(struct policy_rule_spec){.listeners = text, .listener_count = 1}, "listener");
    expect_needed(&(struct policy_rule_spec){.addresses = network, .address_count = 1}, "address");
    expect_needed(&(struct policy_rule_spec){.snis = text, .sni_count = 1}, "sni");
    expect_needed(&(struct policy_rule_spec){.certificates = text, .certificate_count = 1},
                  "certificate");
    expect_needed(&(struct policy_rule_spec){.issuers = text, .issuer_count = 1}, "issuer");
    expect_needed(&(struct policy_rule_spec){.usernames = text, .username_count = 1}, "username");
    expect_needed(&(struct policy_rule_spec){.client_ids = text, .client_id_count = 1},
                  "client_id");
    expect_needed(&(struct policy_rule_spec){.protocols = level, .protocol_count = 1}, "protocol");
}
