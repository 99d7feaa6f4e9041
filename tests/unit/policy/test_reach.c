#include <criterion/criterion.h>

#include <stdlib.h>

#include "moat/policy/reach.h"

/* --- patterns: what must be seen ------------------------------------------------------------ */

Test(reach, globs_that_cover)
{
    static const char *const pairs[][2] = {
        {"*", ""},          {"*", "*"},
        {"*", "a*b?"},      {"a", "a"},
        {"a*", "a"},        {"a*", "ab*"},
        {"a*", "a*b"},      {"?", "a"},
        {"?", "?"},         {"a?", "ab"},
        {"*b", "a*b"},      {"*a*", "ba?*"},
        {"**", "*"},        {"\\*", "\\*"},
        {"?", "\\*"},       {"*-*", "sensor-?*"},
        {"\\?", "\\?"},     {"sensor-*", "sensor-1"},
        {"*a*b*", "*a*b*"}, {"", ""},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        cr_expect(policy_glob_covers(pairs[i][0], pairs[i][1]), "\"%s\" takes all of \"%s\"",
                  pairs[i][0], pairs[i][1]);
    }
}

Test(reach, globs_that_do_not)
{
    static const char *const pairs[][2] = {
        {"a", "*"},
        {"a", "?"},
        {"?", "*"},
        {"a*", "*"},
        {"a", "b"},
        {"", "a"},
        {"", "*"},
        {"?", ""},
        {"\\*", "*"},
        {"\\*", "?"},
        {"a*", "b*"},
        {"*a", "*"},
        {"sensor-?", "sensor-*"},
        {"a", "\\*"},
        {"??", "*a"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        cr_expect_not(policy_glob_covers(pairs[i][0], pairs[i][1]), "\"%s\", \"%s\"", pairs[i][0],
                      pairs[i][1]);
    }
}

Test(reach, globs_for_everything)
{
    cr_expect(policy_glob_takes_all("*"));
    cr_expect(policy_glob_takes_all("***"));
    cr_expect_not(policy_glob_takes_all("?*"), "not the empty text");
    cr_expect_not(policy_glob_takes_all("\\*"));
    cr_expect_not(policy_glob_takes_all(""));
    cr_expect(policy_glob_takes("a?", slice_from_text("ab")));
    cr_expect_not(policy_glob_takes("a?", slice_from_text("a")));
}

/* --- patterns: what is said must be true ----------------------------------------------------- */

static unsigned pick(unsigned below)
{
    return (unsigned)rand() % below;
}

static void random_glob(char *out)
{
    static const char *const elements[] = {"a", "b", "*", "?", "\\*", "*"};
    size_t count = pick(5);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *element = elements[pick(6)];
        memcpy(out + strlen(out), element, strlen(element) + 1);
    }
}

/* Every text of up to five letters, numbered. */
static bool text_of(unsigned number, char *out)
{
    size_t size = 0;
    for (; number > 0; number /= 4) {
        if (number % 4 == 0) {
            return false;
        }
        out[size++] = "?ab*"[number % 4];
    }
    out[size] = '\0';
    return true;
}

static void expect_true_cover(const char *wide, const char *narrow)
{
    for (unsigned number = 0; number < 1024; number++) {
        char text[8];
        if (text_of(number, text) && policy_glob_takes(narrow, slice_from_text(text))) {
            cr_assert(policy_glob_takes(wide, slice_from_text(text)),
                      "\"%s\" was said to take all of \"%s\", but does not take \"%s\"", wide,
                      narrow, text);
        }
    }
}

Test(reach, no_cover_is_claimed_wrongly)
{
    size_t covers = 0;
    srand(1);
    for (int i = 0; i < 20000; i++) {
        char wide[16];
        char narrow[16];
        random_glob(wide);
        random_glob(narrow);
        if (policy_glob_covers(wide, narrow)) {
            covers++;
            expect_true_cover(wide, narrow);
        }
    }
    cr_expect_gt(covers, 2000, "enough were found to mean something");
}

/* --- rules ------------------------------------------------------------------------------------ */

/* The lists a random rule is made of. */
static const char *const globs[][2] = {{"*", "*"}, {"a", "b"}, {"a*", "?"}, {"b*", "a"}};
static const char *const networks[][2] = {
    {"10.0.0.0/8", "::/0"}, {"10.1.0.0/16", "2001:db8::/32"}, {"0.0.0.0/0", "10.1.2.3"}};
static const uint8_t protocols[][2] = {{3, 4}, {5, 4}, {3, 5}};

struct list {
    const char *const *texts;
    size_t count;
};

static struct list random_globs(void)
{
    return (struct list){globs[pick(4)], pick(2) == 0 ? 0 : pick(3)};
}

static void random_rule(struct policy_rule_spec *spec)
{
    struct list lists[6];
    for (size_t i = 0; i < 6; i++) {
        lists[i] = random_globs();
    }
    *spec = (struct policy_rule_spec){
        .require = POLICY_REQUIRE_NONE,
        .listeners = lists[0].texts,
        .listener_count = lists[0].count,
        .certificates = lists[1].texts,
        .certificate_count = lists[1].count,
        .issuers = lists[2].texts,
        .issuer_count = lists[2].count,
        .usernames = lists[3].texts,
        .username_count = lists[3].count,
        .client_ids = lists[4].texts,
        .client_id_count = lists[4].count,
        .snis = lists[5].texts,
        .sni_count = lists[5].count,
        .addresses = networks[pick(3)],
        .address_count = pick(2) == 0 ? 0 : pick(3),
        .protocols = protocols[pick(3)],
        .protocol_count = pick(2) == 0 ? 0 : pick(3),
    };
}

static struct slice random_text(void)
{
    static const char *const texts[] = {"", "a", "b", "ab", "ba", "c"};
    return slice_from_text(texts[pick(6)]);
}

static struct policy_facts random_facts(void)
{
    static const char *const addresses[] = {"10.1.2.3",  "10.1.9.9",    "10.9.9.9",
                                            "192.0.2.1", "2001:db8::1", "fe80::1"};
    struct policy_facts facts = {
        .listener = random_text(),
        .has_identity = pick(3) > 0,
        .identity = random_text(),
        .issuer = random_text(),
        .has_username = pick(3) > 0,
        .username = random_text(),
        .client_id = random_text(),
        .has_sni = pick(3) > 0,
        .sni = random_text(),
        .protocol = (uint8_t)(3 + pick(3)),
    };
    cr_assert(address_parse(slice_from_text(addresses[pick(6)]), &facts.address));
    return facts;
}

static void expect_never_reached(struct policy_rule_spec *earlier, struct policy_rule_spec *later)
{
    struct policy *policy = policy_new();
    earlier->name = "earlier";
    later->name = "later";
    cr_assert_null(policy_add(policy, earlier));
    cr_assert_null(policy_add(policy, later));
    for (int i = 0; i < 200; i++) {
        struct policy_facts facts = random_facts();
        struct policy_verdict verdict;
        policy_decide(policy, &facts, &verdict);
        cr_assert(verdict.rule == NULL || strcmp(verdict.rule, "later") != 0,
                  "the later rule was said never to be asked");
    }
    policy_free(policy);
}

Test(reach, no_rule_is_said_to_be_dead_that_is_not)
{
    size_t covers = 0;
    srand(2);
    for (int i = 0; i < 30000; i++) {
        struct policy_rule_spec earlier;
        struct policy_rule_spec later;
        random_rule(&earlier);
        random_rule(&later);
        if (policy_rule_covers(&earlier, &later)) {
            covers++;
            expect_never_reached(&earlier, &later);
        }
    }
    cr_expect_gt(covers, 300, "enough were found to mean something: %zu", covers);
}

Test(reach, rules_that_cover)
{
    const char *const any[] = {"*"};
    const char *const sensors[] = {"sensor-*"};
    const char *const one[] = {"sensor-1", "sensor-2"};
    const char *const wide[] = {"10.0.0.0/8"};
    const char *const narrow[] = {"10.1.0.0/16", "10.2.0.1"};
    const struct policy_rule_spec all = {.name = "all"};
    const struct policy_rule_spec group = {.certificates = sensors, .certificate_count = 1};
    const struct policy_rule_spec pair = {
        .certificates = one, .certificate_count = 2, .addresses = narrow, .address_count = 2};
    const struct policy_rule_spec lan = {.addresses = wide, .address_count = 1};
    const struct policy_rule_spec certified = {.certificates = any, .certificate_count = 1};
    const struct policy_rule_spec issued = {.issuers = one, .issuer_count = 1};
    const struct policy_rule_spec named = {.client_ids = any, .client_id_count = 1};

    cr_expect(policy_rule_covers(&all, &pair));
    cr_expect(policy_rule_covers(&all, &all));
    cr_expect(policy_rule_covers(&group, &pair));
    cr_expect(policy_rule_covers(&lan, &pair));
    cr_expect(policy_rule_covers(&certified, &group));
    cr_expect(policy_rule_covers(&certified, &issued), "an issuer means that there is a name");
    cr_expect(policy_rule_covers(&named, &all), "every client has an identifier");

    cr_expect_not(policy_rule_covers(&pair, &group));
    cr_expect_not(policy_rule_covers(&group, &all));
    cr_expect_not(policy_rule_covers(&certified, &all), "not all have a certificate");
    cr_expect_not(policy_rule_covers(&lan, &group));
    cr_expect_not(policy_rule_covers(&pair, &lan));
}

Test(reach, networks_that_cover)
{
    const char *const wide[] = {"10.0.0.0/8"};
    const char *const same_start[] = {"10.0.0.0/16"};
    const char *const every[] = {"::/0"};
    const struct policy_rule_spec large = {.addresses = wide, .address_count = 1};
    const struct policy_rule_spec small = {.addresses = same_start, .address_count = 1};
    const struct policy_rule_spec other = {.addresses = every, .address_count = 1};

    cr_expect(policy_rule_covers(&large, &small));
    cr_expect_not(policy_rule_covers(&small, &large));
    cr_expect_not(policy_rule_covers(&other, &large), "of the other family");
}

Test(reach, protocols_that_cover)
{
    const uint8_t old[] = {3, 4};
    const uint8_t every[] = {3, 4, 5};
    const struct policy_rule_spec none = {.name = "none"};
    const struct policy_rule_spec two = {.protocols = old, .protocol_count = 2};
    const struct policy_rule_spec one = {.protocols = old, .protocol_count = 1};
    const struct policy_rule_spec three = {.protocols = every, .protocol_count = 3};

    cr_expect(policy_rule_covers(&two, &one));
    cr_expect(policy_rule_covers(&three, &none), "there are no others");
    cr_expect_not(policy_rule_covers(&two, &none));
    cr_expect_not(policy_rule_covers(&one, &two));
}
