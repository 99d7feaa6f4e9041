#include "moat/policy/networks.h"

#include <criterion/criterion.h>

static bool contain(const struct policy_networks *networks, const char *text)
{
    struct address address;
    cr_assert(address_parse(slice_from_text(text), &address));
    return policy_networks_contain(networks, &address);
}

Test(networks, who_is_in)
{
    static const char *const texts[] = {"10.1.0.0/16", "192.0.2.7", "2001:db8::/32"};
    const struct address nobody = {.family = ADDRESS_NONE};
    struct policy_networks *networks = policy_networks_new(texts, 3);
    cr_assert_not_null(networks);
    cr_expect(contain(networks, "10.1.255.255"));
    cr_expect(contain(networks, "::ffff:10.1.0.1"));
    cr_expect(contain(networks, "192.0.2.7"));
    cr_expect(contain(networks, "2001:db8:ffff::1"));
    cr_expect_not(contain(networks, "10.2.0.0"));
    cr_expect_not(contain(networks, "192.0.2.8"));
    cr_expect_not(contain(networks, "2001:db9::1"));
    cr_expect_not(policy_networks_contain(networks, &nobody));
    policy_networks_free(networks);
}

Test(networks, none)
{
    struct policy_networks *networks = policy_networks_new(NULL, 0);
    cr_assert_not_null(networks);
    cr_expect_not(contain(networks, "10.1.0.1"));
    policy_networks_free(networks);
    policy_networks_free(NULL);
}

Test(networks, what_is_none)
{
    static const char *const texts[] = {"10.1.0.0/16", "10.1.0.0/33"};
    cr_expect_null(policy_networks_new(texts, 2));
}
