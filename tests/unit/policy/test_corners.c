/* Corners that a configuration hardly ever has, and that are answered all the same. */
#include "deciding.h"
#include "password_lines.h"

#include "moat/policy/reach.h"
#include "policy/glob_internal.h"

/* --- users ------------------------------------------------------------------------------- */

static void expect_same(const char *first, const char *second, const char *user, bool expected)
{
    struct credentials *a = parse(first);
    struct credentials *b = parse(second);

    cr_expect_eq(credentials_same(a, b, slice_from_text(user)), expected, "%s\n%s", first, second);
    cr_expect_eq(credentials_same(b, a, slice_from_text(user)), expected, "%s\n%s", second, first);
    credentials_free(a);
    credentials_free(b);
}

#define LANES(costs, salt, hash) "u:$argon2id$v=19$" costs "$" salt "$" hash
#define HASH_A                   "RVSaI2r4oXpUIYFWfv/RwGTEEK7p2HAPAdhT05LdIjU"
#define HASH_B                   "RVSaI2r4oXpUIYFWfv/RwGTEEK7p2HAPAdhT05LdIjE"

Test(corners, a_user_is_the_same_when_nothing_of_the_hash_changed)
{
    expect_same(ALICE, ALICE, "alice", true);
    expect_same(ALICE "\n" BOB, BOB, "bob", true);
    expect_same(ALICE, BOB, "alice", false);
    expect_same(ALICE, BOB, "carol", false);
    expect_same("u:$7$101$" SALT "$" HASH, "u:$7$102$" SALT "$" HASH, "u", false);
    expect_same("u:$7$101$" SALT "$" HASH, "u:$7$101$MDEyMzQ1Njc4OWFj$" HASH, "u", false);
    expect_same("u:$7$101$" SALT "$" HASH, "u:$6$" SALT "$" HASH, "u", false);
    expect_same("u:$6$" SALT "$" HASH, "u:$6$MDEyMzQ1Njc4OWFj$" HASH, "u", false);
    struct credentials *alice = parse(ALICE);
    cr_expect_not(credentials_same(NULL, alice, slice_from_text("alice")));
    cr_expect_not(credentials_same(alice, NULL, slice_from_text("alice")));
    cr_expect(credentials_has(alice, slice_from_text("alice")));
    cr_expect_not(credentials_has(alice, slice_from_text("bob")));
    credentials_free(alice);
}

Test(corners, a_user_whose_argon2_costs_changed_is_another)
{
    skip_without_argon2();
    expect_same(LANES("m=64,t=2,p=4", "c2FsdHNhbHQ", HASH_A),
                LANES("m=64,t=2,p=4", "c2FsdHNhbHQ", HASH_A), "u", true);
    expect_same(LANES("m=64,t=2,p=4", "c2FsdHNhbHQ", HASH_A),
                LANES("m=64,t=2,p=4", "c2FsdHNhbHQ", HASH_B), "u", false);
    expect_same(LANES("m=64,t=2,p=4", "c2FsdHNhbHQ", HASH_A),
                LANES("m=65,t=2,p=4", "c2FsdHNhbHQ", HASH_A), "u", false);
    expect_same(LANES("m=64,t=2,p=4", "c2FsdHNhbHQ", HASH_A),
                LANES("m=64,t=2,p=3", "c2FsdHNhbHQ", HASH_A), "u", false);
}

Test(corners, hashes_that_are_quickly_tried_are_weak)
{
    static const char *const lines[] = {ALICE, ERIN, SALT64, ARGON};
    static const bool is_weak[] = {true, true, false, false};

    skip_without_argon2();
    for (size_t i = 0; i < 4; i++) {
        struct credentials *credentials = parse(lines[i]);
        cr_expect_eq(credentials_is_weak(credentials, 0), is_weak[i], "%s", lines[i]);
        credentials_free(credentials);
    }
}

/* --- rules ------------------------------------------------------------------------------- */

static void on_event(void *context, const struct policy_trace_event *event)
{
    (void)event;
    ++*(size_t *)context;
}

static struct policy_verdict decide(const struct policy_rule_spec *spec,
                                    const struct policy_facts *facts, bool is_told)
{
    struct policy *policy = policy_new();
    struct policy_verdict verdict;
    size_t events = 0;
    struct policy_trace trace = {.on_event = on_event, .context = &events};

    cr_assert_null(policy_add(policy, spec));
    policy_decide_traced(policy, facts, is_told ? &trace : NULL, &verdict);
    cr_expect_eq(events > 0, is_told);
    policy_free(policy);
    return verdict;
}

/* A protocol level that there is not is none of those allowed, and has no name. */
Test(corners, an_unheard_of_protocol)
{
    static const uint8_t four[] = {4};
    static const uint8_t levels[] = {6, 7, 9, 255};
    struct policy_facts facts = a_client();

    for (size_t i = 0; i < 8; i++) {
        struct policy_rule_spec spec = {.name = "r", .require = POLICY_REQUIRE_NONE};
        bool is_told = i % 2 == 0;
        facts.protocol = levels[i / 2];
        spec.limits.protocols = four;
        spec.limits.protocol_count = 1;
        cr_expect_eq(decide(&spec, &facts, is_told).reason, POLICY_REASON_PROTOCOL);
        spec.limits.protocol_count = 0;
        spec.protocols = four;
        spec.protocol_count = 1;
        cr_expect_eq(decide(&spec, &facts, is_told).reason, POLICY_REASON_NO_RULE);
    }
}

/* The first thing that speaks against a client gives the reason, and without a witness the last
 * one asked. */
Test(corners, the_first_refusal_is_the_one_that_counts)
{
    static const uint8_t five[] = {5};
    static const char *const will_topics[] = {"a/#"};
    struct policy_rule_spec spec = {.name = "r", .require = POLICY_REQUIRE_NONE};
    struct policy_facts facts = a_client();

    facts.is_bridge = true;
    facts.has_will = true;
    facts.will_topic = slice_from_text("b");
    facts.will_qos = 2;
    facts.will_retain = true;
    spec.limits = (struct policy_limits_spec){
        .protocols = five,
        .protocol_count = 1,
        .client_id_length = 2,
        .client_id_characters = "[a-z]",
        .denies_will = true,
        .will_topics = will_topics,
        .will_topic_count = 1,
        .will_qos_end = 1,
        .denies_will_retain = true,
    };
    spec.publish = (struct policy_topics_spec){
        .allow = will_topics, .allow_count = 1, .deny = will_topics, .deny_count = 1};
    for (int is_told = 0; is_told < 2; is_told++) {
        spec.limits.protocol_count = 1;
        spec.limits.client_id_length = 2;
        spec.limits.denies_will = true;
        spec.allows_bridges = false;
        cr_expect_eq(decide(&spec, &facts, is_told == 1).reason, POLICY_REASON_PROTOCOL);
        spec.limits.protocol_count = 0;
        cr_expect_eq(decide(&spec, &facts, is_told == 1).reason, POLICY_REASON_BRIDGE);
        spec.allows_bridges = true;
        cr_expect_eq(decide(&spec, &facts, is_told == 1).reason, POLICY_REASON_CLIENT_ID_LIMIT);
        spec.limits.client_id_length = 0;
        spec.limits.client_id_characters = NULL;
        cr_expect_eq(decide(&spec, &facts, is_told == 1).reason, POLICY_REASON_WILL);
        spec.limits.client_id_characters = "[a-z]";
    }
}

/* A value from outside the enumeration refuses. */
Test(corners, a_keep_alive_of_0_under_a_broken_rule)
{
    struct policy_rule_spec spec = {.name = "r", .require = POLICY_REQUIRE_NONE};
    struct policy_facts facts = a_client();

    facts.keep_alive = 0;
    cr_expect_eq(decide(&spec, &facts, false).outcome, POLICY_ALLOW);
    spec.limits.keep_alive_zero = (enum policy_zero)9;
    cr_expect_eq(decide(&spec, &facts, false).reason, POLICY_REASON_KEEP_ALIVE);
}

Test(corners, a_client_without_an_address_is_in_no_network)
{
    static const char *const everywhere[] = {"0.0.0.0/0", "::/0"};
    struct policy_rule_spec spec = {
        .name = "r", .require = POLICY_REQUIRE_NONE, .addresses = everywhere, .address_count = 2};
    struct policy_facts facts = a_client();

    facts.address = (struct address){.family = ADDRESS_NONE};
    cr_expect_eq(decide(&spec, &facts, true).reason, POLICY_REASON_NO_RULE);
    cr_expect_eq(decide(&spec, &facts, false).reason, POLICY_REASON_NO_RULE);
}

Test(corners, a_rule_says_whether_sessions_outlive_their_certificate)
{
    struct policy_rule_spec spec = {.name = "r", .require = POLICY_REQUIRE_NONE};
    const struct policy_facts facts = a_client();

    for (int keeps = 0; keeps < 2; keeps++) {
        struct policy *policy = policy_new();
        struct policy_verdict verdict;
        spec.keeps_expired = keeps == 1;
        cr_assert_null(policy_add(policy, &spec));
        policy_decide(policy, &facts, &verdict);
        cr_assert_not_null(verdict.decider);
        cr_expect_eq(policy_rule_keeps_expired(verdict.decider), keeps == 1);
        policy_free(policy);
    }
}

/* --- patterns ---------------------------------------------------------------------------- */

/* No configuration has one: policy_check_glob() refuses it. */
Test(corners, a_backslash_at_the_end_of_a_glob_is_itself)
{
    const struct slice glob = slice_from_text("a\\");

    cr_expect(glob_match(glob, slice_from_text("a\\")));
    cr_expect_not(glob_match(glob, slice_from_text("a")));
    cr_expect(policy_glob_covers("a\\", "a\\"));
    cr_expect_not(policy_glob_covers("a\\", "a"));
}

Test(corners, networks_that_are_none)
{
    static const char *const good[] = {"192.0.2.0/24"};
    static const char *const bad[] = {"192.0.2.0/1a"};
    static const uint8_t strange[] = {200};
    struct policy_rule_spec first = {.name = "a", .addresses = good, .address_count = 1};
    struct policy_rule_spec second = {.name = "b", .addresses = bad, .address_count = 1};

    cr_expect_not_null(policy_check_cidr(slice_from_text(bad[0])));
    cr_expect_not(policy_rule_covers(&first, &second));
    cr_expect_not(policy_rule_covers(&second, &first));
    cr_expect(policy_rule_covers(&first, &first));
    first.address_count = second.address_count = 0;
    first.protocols = strange;
    first.protocol_count = 1;
    cr_expect(policy_rule_covers(&first, &second), "a level that there is not is no condition");
}

Test(corners, dollar_signs_that_are_no_substitution)
{
    static const char *const texts[] = {"$a_b", "$a.b", "$a|b", "$ab", "$A", "$"};
    static const char *const shown[] = {"a_b", "a.b", "a", "ab", "", ""};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct slice unknown = {.size = 0};
        cr_expect_not_null(policy_check_template(slice_from_text(texts[i]), &unknown), "%s",
                           texts[i]);
        cr_expect(slice_is(unknown, shown[i]), "%s: %.*s", texts[i], (int)unknown.size,
                  (const char *)unknown.data);
        cr_expect_not_null(policy_check_bind_username(slice_from_text(texts[i])));
    }
}
