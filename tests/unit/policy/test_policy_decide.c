#include "oracle.h"
#include "verdicts.h"

/* --- hygiene ----------------------------------------------------------------------------- */

static const struct policy_rule_spec anybody = {.name = "anybody", .require = POLICY_REQUIRE_NONE};

static const char *const dirty[] = {"+",     "#",    "a+",       "#a",       "a/+/b", "\x01",
                                    "a\x1F", "\x7F", "\xC2\x80", "\xC2\x9F", "a\nb",  "\x1B[0m"};
static const char *const clean[] = {"a",   "a b", "\xC2\xA0",    "\xC3\xA4", "~",
                                    "a/b", "a$b", "caf\xC3\xA9", ""};

Test(policy_decide, hygiene_of_the_client_identifier)
{
    for (size_t index = 0; index < sizeof dirty / sizeof dirty[0]; index++) {
        struct policy_facts facts = plain_facts();
        facts.client_id = slice_from_text(dirty[index]);
        expect_verdict(&anybody, &facts, POLICY_DENY, POLICY_REASON_CLIENT_ID, dirty[index]);
        expect_verdict(NULL, &facts, POLICY_DENY, POLICY_REASON_CLIENT_ID, dirty[index]);
    }
    for (size_t index = 0; index < sizeof clean / sizeof clean[0]; index++) {
        struct policy_facts facts = plain_facts();
        facts.client_id = slice_from_text(clean[index]);
        expect_verdict(&anybody, &facts, POLICY_ALLOW, POLICY_REASON_ALLOWED, clean[index]);
    }
    struct policy_facts facts = plain_facts();
    facts.client_id = slice_of("a\0b", 3);
    expect_verdict(&anybody, &facts, POLICY_DENY, POLICY_REASON_CLIENT_ID, "NUL");
    facts.client_id = slice_of("a\xC2", 2);
    expect_verdict(&anybody, &facts, POLICY_ALLOW, POLICY_REASON_ALLOWED, "cut after C2");
}

/* The certificate cannot vouch for a name that is a wildcard either. */
Test(policy_decide, hygiene_of_the_user_name)
{
    for (size_t index = 0; index < sizeof dirty / sizeof dirty[0]; index++) {
        struct policy_facts facts = plain_facts();
        facts.has_identity = true;
        facts.has_username = true;
        facts.has_password = true;
        facts.username = facts.identity = slice_from_text(dirty[index]);
        expect_verdict(&anybody, &facts, POLICY_DENY, POLICY_REASON_USERNAME, dirty[index]);
        facts.has_username = false; /* then the slice says nothing */
        expect_verdict(&anybody, &facts, POLICY_ALLOW, POLICY_REASON_ALLOWED, dirty[index]);
    }
}

Test(policy_decide, hygiene_of_the_will_topic)
{
    static const char *const topics[] = {"$SYS/broker", "$", "a/+", "#", "a\x01", "a\xC2\x85"};
    for (size_t index = 0; index < sizeof topics / sizeof topics[0]; index++) {
        struct policy_facts facts = plain_facts();
        facts.has_will = true;
        facts.will_topic = slice_from_text(topics[index]);
        expect_verdict(&anybody, &facts, POLICY_DENY, POLICY_REASON_WILL_TOPIC, topics[index]);
        facts.has_will = false;
        expect_verdict(&anybody, &facts, POLICY_ALLOW, POLICY_REASON_ALLOWED, topics[index]);
    }
    struct policy_facts facts = plain_facts();
    facts.has_will = true;
    facts.will_topic = slice_from_text("a/$SYS");
    expect_verdict(&anybody, &facts, POLICY_ALLOW, POLICY_REASON_ALLOWED, "$ further in");
}

Test(policy_decide, hygiene_comes_in_order_and_before_deny)
{
    const struct policy_rule_spec deny = {.name = "deny", .deny = true};
    struct policy_facts facts = plain_facts();
    facts.client_id = slice_from_text("#");
    facts.has_username = true;
    facts.username = slice_from_text("#");
    facts.has_will = true;
    facts.will_topic = slice_from_text("#");
    expect_verdict(&deny, &facts, POLICY_DENY, POLICY_REASON_CLIENT_ID, "first");
    facts.client_id = slice_from_text("c");
    expect_verdict(&deny, &facts, POLICY_DENY, POLICY_REASON_USERNAME, "second");
    facts.username = slice_from_text("u");
    expect_verdict(&deny, &facts, POLICY_DENY, POLICY_REASON_WILL_TOPIC, "third");
    facts.will_topic = slice_from_text("t");
    expect_verdict(&deny, &facts, POLICY_DENY, POLICY_REASON_RULE_DENIES, "fourth");
}

/* --- rules ------------------------------------------------------------------------------- */

Test(policy_decide, no_rule_denies)
{
    struct policy_facts facts = plain_facts();
    expect_verdict(NULL, &facts, POLICY_DENY, POLICY_REASON_NO_RULE, "empty policy");
    const struct policy_verdict zeroed = {0};
    cr_expect_eq(zeroed.outcome, POLICY_DENY);
}

Test(policy_decide, the_first_match_decides_and_is_named)
{
    const char *const c1[] = {"c1"};
    const struct policy_rule_spec specs[] = {
        {.name = "other", .client_ids = (const char *const[]){"c2"}, .client_id_count = 1},
        {.name = "needs",
         .client_ids = c1,
         .client_id_count = 1,
         .require = POLICY_REQUIRE_PASSWORD},
        {.name = "lax", .require = POLICY_REQUIRE_NONE},
    };
    struct policy *policy = policy_of(specs, 3);
    struct policy_facts facts = plain_facts();
    struct policy_verdict verdict;
    policy_decide(policy, &facts, &verdict);
    cr_expect_eq(verdict.outcome, POLICY_DENY,
                 "failing one rule must not fall through to the next");
    cr_expect_eq(verdict.reason, POLICY_REASON_FACTOR_MISSING);
    cr_expect_str_eq(verdict.rule, "needs");

    facts.client_id = slice_from_text("c3");
    policy_decide(policy, &facts, &verdict);
    cr_expect_eq(verdict.outcome, POLICY_ALLOW);
    cr_expect_str_eq(verdict.rule, "lax");

    facts.client_id = slice_from_text("#");
    policy_decide(policy, &facts, &verdict);
    cr_expect_null(verdict.rule, "no rule was asked");
    policy_free(policy);
}

Test(policy_decide, each_condition_holds_and_fails)
{
    const char *const x[] = {"no", "x*"};
    const char *const nets[] = {"10.0.0.0/8", "192.0.2.0/24"};
    const uint8_t levels[] = {3, 5};
    const struct policy_rule_spec specs[] = {
        {.name = "listener", .listeners = x, .listener_count = 2},
        {.name = "certificate", .certificates = x, .certificate_count = 2},
        {.name = "issuer", .issuers = x, .issuer_count = 2},
        {.name = "username", .usernames = x, .username_count = 2},
        {.name = "client_id", .client_ids = x, .client_id_count = 2},
        {.name = "address", .addresses = nets, .address_count = 2},
        {.name = "protocol", .protocols = levels, .protocol_count = 2},
    };
    for (size_t index = 0; index < sizeof specs / sizeof specs[0]; index++) {
        /* Facts that hold for that condition only. */
        struct policy_facts facts = plain_facts();
        struct slice right = slice_from_text("x1");
        facts.has_identity = true;
        facts.has_username = true;
        facts.listener = index == 0 ? right : slice_from_text("1x");
        facts.identity = index == 1 ? right : slice_from_text("1x");
        facts.issuer = index == 2 ? right : slice_from_text("1x");
        facts.username = index == 3 ? right : slice_from_text("1x");
        facts.client_id = index == 4 ? right : slice_from_text("1x");
        facts.address.bytes[0] = index == 5 ? 192 : 193;
        facts.protocol = index == 6 ? 5 : 4;
        for (size_t other = 0; other < sizeof specs / sizeof specs[0]; other++) {
            struct policy_verdict verdict = decide(&specs[other], 1, &facts);
            cr_expect_eq(verdict.reason != POLICY_REASON_NO_RULE, other == index, "%s by %s",
                         specs[other].name, specs[index].name);
        }
    }
}

Test(policy_decide, absent_facts_match_no_glob_not_even_a_star)
{
    const char *const star[] = {"*"};
    struct policy_facts facts = plain_facts();
    facts.identity = facts.issuer = facts.username = slice_from_text("left over");
    expect_verdict(
        &(struct policy_rule_spec){.name = "r", .certificates = star, .certificate_count = 1},
        &facts, POLICY_DENY, POLICY_REASON_NO_RULE, "certificate");
    expect_verdict(&(struct policy_rule_spec){.name = "r", .issuers = star, .issuer_count = 1},
                   &facts, POLICY_DENY, POLICY_REASON_NO_RULE, "issuer");
    expect_verdict(&(struct policy_rule_spec){.name = "r", .usernames = star, .username_count = 1},
                   &facts, POLICY_DENY, POLICY_REASON_NO_RULE, "username");
    /* An empty user name is there: the star takes it, and it is refused as bad credentials. */
    facts.has_username = true;
    facts.username = slice_of(NULL, 0);
    expect_verdict(&(struct policy_rule_spec){.name = "r", .usernames = star, .username_count = 1},
                   &facts, POLICY_DENY, POLICY_REASON_PASSWORD_MISSING, "empty username");
}

Test(policy_decide, an_unknown_protocol_level_matches_no_condition)
{
    const uint8_t levels[] = {3, 4, 5};
    const struct policy_rule_spec spec = {.name = "r", .protocols = levels, .protocol_count = 3};
    for (unsigned level = 0; level <= 255; level++) {
        struct policy_facts facts = plain_facts();
        facts.protocol = (uint8_t)level;
        struct policy_verdict verdict = decide(&spec, 1, &facts);
        cr_expect_eq(verdict.outcome == POLICY_ALLOW, level >= 3 && level <= 5, "%u", level);
    }
}

Test(policy_decide, every_reason_has_words_of_its_own)
{
    for (int a = POLICY_REASON_NO_RULE; a <= POLICY_REASON_ALLOWED; a++) {
        cr_expect_str_neq(policy_reason_text((enum policy_reason)a), "unknown");
        for (int b = POLICY_REASON_NO_RULE; b < a; b++) {
            cr_expect_str_neq(policy_reason_text((enum policy_reason)a),
                              policy_reason_text((enum policy_reason)b));
        }
    }
    cr_expect_str_eq(policy_reason_text((enum policy_reason)99), "unknown");
}

/* --- random policies against a reading of them one condition at a time ------------------- */

struct small_rule {
    char globs[5][4]; /* listener, certificate, issuer, user name, client identifier */
    const char *glob_lists[5][1];
    bool has[5];
    const char *address[1];
    bool has_address;
    uint8_t protocol[1];
    bool has_protocol;
};

static void small_rule_make(struct random *random, struct small_rule *rule,
                            struct policy_rule_spec *spec)
{
    static const char *const networks[] = {"10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"};
    for (size_t index = 0; index < 5; index++) {
        rule->has[index] = random_below(random, 3) == 0;
        do {
            (void)random_text(random, "ab*?", rule->globs[index], 3);
        } while (rule->globs[index][0] == '\0');
        rule->glob_lists[index][0] = rule->globs[index];
    }
    rule->has_address = random_below(random, 4) == 0;
    rule->address[0] = networks[random_below(random, 3)];
    rule->has_protocol = random_below(random, 4) == 0;
    rule->protocol[0] = (uint8_t)(3 + random_below(random, 3));
    *spec = (struct policy_rule_spec){
        .name = "r",
        .deny = true, /* so that the reason says whether it matched */
        .listeners = rule->glob_lists[0],
        .listener_count = rule->has[0],
        .certificates = rule->glob_lists[1],
        .certificate_count = rule->has[1],
        .issuers = rule->glob_lists[2],
        .issuer_count = rule->has[2],
        .usernames = rule->glob_lists[3],
        .username_count = rule->has[3],
        .client_ids = rule->glob_lists[4],
        .client_id_count = rule->has[4],
        .addresses = rule->address,
        .address_count = rule->has_address,
        .protocols = rule->protocol,
        .protocol_count = rule->has_protocol,
    };
}

static bool small_rule_holds(const struct small_rule *rule, const struct policy_facts *facts)
{
    const struct slice values[5] = {facts->listener, facts->identity, facts->issuer,
                                    facts->username, facts->client_id};
    const bool there[5] = {true, facts->has_identity, facts->has_identity, facts->has_username,
                           true};
    for (size_t index = 0; index < 5; index++) {
        if (rule->has[index] &&
            !(there[index] &&
              slow_glob_match(slice_from_text(rule->globs[index]), values[index]))) {
            return false;
        }
    }
    if (rule->has_address) {
        const uint8_t *bytes = facts->address.bytes;
        bool in_10 = facts->address.family == ADDRESS_IPV4 && bytes[0] == 10;
        bool in_10_1 = in_10 && bytes[1] == 1;
        bool in_db8 = facts->address.family == ADDRESS_IPV6 && bytes[0] == 0x20 &&
                      bytes[1] == 0x01 && bytes[2] == 0x0d && bytes[3] == 0xb8;
        bool in = strcmp(rule->address[0], "10.0.0.0/8") == 0    ? in_10
                  : strcmp(rule->address[0], "10.1.0.0/16") == 0 ? in_10_1
                                                                 : in_db8;
        if (!in) {
            return false;
        }
    }
    return !rule->has_protocol || rule->protocol[0] == facts->protocol;
}

Test(policy_decide, agrees_with_the_slow_reading_of_random_rules)
{
    static const char *const addresses[] = {"10.1.2.3", "10.2.0.1", "192.0.2.1", "2001:db8::1",
                                            "::1"};
    struct random random = random_start(5);
    unsigned matched = 0;
    const unsigned rounds = 20000;
    for (unsigned round = 0; round < rounds; round++) {
        struct small_rule rule;
        struct policy_rule_spec spec;
        small_rule_make(&random, &rule, &spec);
        char texts[5][4];
        struct policy_facts facts = {
            .listener = random_text(&random, "ab", texts[0], 3),
            .has_identity = random_below(&random, 2) == 0,
            .identity = random_text(&random, "ab", texts[1], 3),
            .issuer = random_text(&random, "ab", texts[2], 3),
            .protocol = (uint8_t)(3 + random_below(&random, 3)),
            .has_username = random_below(&random, 2) == 0,
            .username = random_text(&random, "ab", texts[3], 3),
            .client_id = random_text(&random, "ab", texts[4], 3),
        };
        cr_assert(
            address_parse(slice_from_text(addresses[random_below(&random, 5)]), &facts.address));
        bool expected = small_rule_holds(&rule, &facts);
        matched += expected;
        struct policy_verdict verdict = decide(&spec, 1, &facts);
        cr_assert_eq(verdict.reason, expected ? POLICY_REASON_RULE_DENIES : POLICY_REASON_NO_RULE,
                     "round %u", round);
    }
    cr_assert_gt(matched, rounds / 10);
    cr_assert_lt(matched, rounds - rounds / 10);
}
