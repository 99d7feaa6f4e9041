/* Every limit of a rule, at it and one past it. */
#include "deciding.h"

#define ALLOWED POLICY_ALLOW, POLICY_REASON_ALLOWED

static void expect_limit(const struct policy_limits_spec *limits, const struct policy_facts *facts,
                         enum policy_reason reason, const char *what)
{
    const struct policy_rule_spec spec = {
        .name = "r", .require = POLICY_REQUIRE_NONE, .limits = *limits};
    expect_decision(&spec, facts, reason == POLICY_REASON_ALLOWED ? POLICY_ALLOW : POLICY_DENY,
                    reason, what);
}

static void expect_keep_alive(uint32_t limit_ms, enum policy_zero zero, unsigned seconds,
                              bool expected)
{
    const struct policy_limits_spec limits = {.keep_alive_ms = limit_ms, .keep_alive_zero = zero};
    struct policy_facts facts = a_client();
    char what[64];
    snprintf(what, sizeof what, "%us at %ums, zero %d", seconds, (unsigned)limit_ms, (int)zero);
    facts.keep_alive = (uint16_t)seconds;
    expect_limit(&limits, &facts, expected ? POLICY_REASON_ALLOWED : POLICY_REASON_KEEP_ALIVE,
                 what);
}

Test(policy_limits, keep_alive)
{
    expect_keep_alive(0, POLICY_ZERO_AS_LONGEST, 0, true);
    expect_keep_alive(0, POLICY_ZERO_AS_LONGEST, 65535, true);
    expect_keep_alive(0, POLICY_ZERO_DENY, 0, false);
    expect_keep_alive(0, POLICY_ZERO_DENY, 65535, true);
    expect_keep_alive(0, POLICY_ZERO_ALLOW, 0, true);
    expect_keep_alive(600000, POLICY_ZERO_AS_LONGEST, 599, true);
    expect_keep_alive(600000, POLICY_ZERO_AS_LONGEST, 600, true);
    expect_keep_alive(600000, POLICY_ZERO_AS_LONGEST, 601, false);
    expect_keep_alive(600000, POLICY_ZERO_AS_LONGEST, 0, false);
    expect_keep_alive(600000, POLICY_ZERO_DENY, 0, false);
    expect_keep_alive(600000, POLICY_ZERO_ALLOW, 0, true);
    expect_keep_alive(600000, POLICY_ZERO_ALLOW, 601, false);
    expect_keep_alive(1500, POLICY_ZERO_AS_LONGEST, 1, true);
    expect_keep_alive(1500, POLICY_ZERO_AS_LONGEST, 2, false);
    expect_keep_alive(65535000, POLICY_ZERO_AS_LONGEST, 65535, true);
    expect_keep_alive(65534000, POLICY_ZERO_AS_LONGEST, 65535, false);
}

Test(policy_limits, length_of_the_client_identifier)
{
    const struct policy_limits_spec limits = {.client_id_length = 8};
    struct policy_facts facts = a_client();
    expect_limit(&limits, &facts, POLICY_REASON_ALLOWED, "8 of 8");
    facts.client_id = slice_from_text("sensor-77");
    expect_limit(&limits, &facts, POLICY_REASON_CLIENT_ID_LIMIT, "9 of 8");
    facts.client_id = slice_from_text("");
    expect_limit(&limits, &facts, POLICY_REASON_ALLOWED, "0 of 8");
    /* Bytes, not characters: what the broker stores. */
    facts.client_id = slice_from_text("\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4x");
    expect_limit(&limits, &facts, POLICY_REASON_CLIENT_ID_LIMIT, "9 bytes");
}

Test(policy_limits, characters_of_the_client_identifier)
{
    const struct policy_limits_spec limits = {.client_id_characters = "[a-z0-9-]"};
    struct policy_facts facts = a_client();
    expect_limit(&limits, &facts, POLICY_REASON_ALLOWED, "sensor-7");
    facts.client_id = slice_from_text("Sensor-7");
    expect_limit(&limits, &facts, POLICY_REASON_CLIENT_ID_LIMIT, "Sensor-7");
}

Test(policy_limits, versions)
{
    for (unsigned allowed = 0; allowed < 8; allowed++) {
        uint8_t protocols[3];
        size_t count = 0;
        for (uint8_t level = 3; level <= 5; level++) {
            if ((allowed & 1u << (level - 3)) != 0) {
                protocols[count++] = level;
            }
        }
        const struct policy_limits_spec limits = {.protocols = protocols, .protocol_count = count};
        for (uint8_t level = 3; level <= 5; level++) {
            struct policy_facts facts = a_client();
            bool expected = allowed == 0 || (allowed & 1u << (level - 3)) != 0;
            facts.protocol = level;
            expect_limit(&limits, &facts, expected ? POLICY_REASON_ALLOWED : POLICY_REASON_PROTOCOL,
                         "version");
        }
    }
}

Test(policy_limits, a_version_is_refused_before_anything_else_but_deny)
{
    static const char *const nobody[] = {"nobody"};
    const struct policy_rule_spec spec = {.name = "r",
                                          .require = POLICY_REQUIRE_BOTH,
                                          .bind_client_ids = nobody,
                                          .bind_client_id_count = 1,
                                          .limits = {.protocols = (const uint8_t[]){5},
                                                     .protocol_count = 1,
                                                     .needs_clean_session = true}};
    struct policy_facts facts = a_client();
    facts.has_identity = false;
    facts.clean_start = false;
    expect_decision(&spec, &facts, POLICY_DENY, POLICY_REASON_PROTOCOL, "version");
    facts.protocol = 5;
    expect_decision(&spec, &facts, POLICY_DENY, POLICY_REASON_FACTOR_MISSING, "then factors");
    facts.has_identity = true;
    give_names(&facts, "alice", true);
    expect_decision(&spec, &facts, POLICY_DENY, POLICY_REASON_BIND_CLIENT_ID, "then bind");
    facts.client_id = slice_from_text("nobody");
    expect_decision(&spec, &facts, POLICY_DENY, POLICY_REASON_CLEAN_SESSION, "then limits");
    facts.clean_start = true;
    expect_decision(&spec, &facts, POLICY_PROVE, POLICY_REASON_ALLOWED, "then the password");
}

Test(policy_limits, bridges)
{
    struct policy_rule_spec spec = {.name = "r", .require = POLICY_REQUIRE_NONE};
    struct policy_facts facts = a_client();
    facts.is_bridge = true;
    expect_decision(&spec, &facts, POLICY_DENY, POLICY_REASON_BRIDGE, "as shipped");
    spec.allows_bridges = true;
    expect_decision(&spec, &facts, ALLOWED, "by rule");
    facts.is_bridge = false;
    expect_decision(&spec, &facts, ALLOWED, "no bridge");
    spec.deny = true;
    facts.is_bridge = true;
    expect_decision(&spec, &facts, POLICY_DENY, POLICY_REASON_RULE_DENIES, "deny");
}

Test(policy_limits, clean_sessions)
{
    const struct policy_limits_spec limits = {.needs_clean_session = true};
    struct policy_facts facts = a_client();
    expect_limit(&limits, &facts, POLICY_REASON_ALLOWED, "clean");
    facts.clean_start = false;
    expect_limit(&limits, &facts, POLICY_REASON_CLEAN_SESSION, "not clean");
    facts.clean_start = true;
    facts.session_expiry = 1;
    expect_limit(&limits, &facts, POLICY_REASON_CLEAN_SESSION, "clean, but it outlives");
    expect_limit(&(struct policy_limits_spec){.packet_size = 0}, &facts, POLICY_REASON_ALLOWED,
                 "no limit");
}

/* --- wills -------------------------------------------------------------------------------- */

static struct policy_facts with_will(const char *topic, uint8_t qos, bool retain)
{
    struct policy_facts facts = a_client();
    facts.has_will = true;
    facts.will_topic = slice_from_text(topic);
    facts.will_qos = qos;
    facts.will_retain = retain;
    return facts;
}

Test(policy_limits, no_will)
{
    const struct policy_limits_spec limits = {.denies_will = true};
    struct policy_facts facts = with_will("a", 0, false);
    expect_limit(&limits, &facts, POLICY_REASON_WILL, "a will");
    facts.has_will = false; /* then the rest says nothing */
    expect_limit(&limits, &facts, POLICY_REASON_ALLOWED, "none");
}

Test(policy_limits, topics_of_wills)
{
    static const char *const topics[] = {"status/${certificate}", "alarm/${certificate}/#"};
    const struct policy_limits_spec limits = {.will_topics = topics, .will_topic_count = 2};
    static const struct {
        const char *topic;
        bool expected;
    } cases[] = {{"status/sensor-7", true},  {"status/sensor-8", false},
                 {"status", false},          {"status/sensor-7/x", false},
                 {"alarm/sensor-7", true},   {"alarm/sensor-7/a/b", true},
                 {"alarm/sensor-71", false}, {"other", false}};
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct policy_facts facts = with_will(cases[index].topic, 0, false);
        expect_limit(&limits, &facts,
                     cases[index].expected ? POLICY_REASON_ALLOWED : POLICY_REASON_WILL,
                     cases[index].topic);
        facts.has_identity = false;
        expect_limit(&limits, &facts, POLICY_REASON_WILL, "no certificate");
    }
    /* An identity of levels and wildcards chooses no levels. */
    static const char *const names[] = {"+", "#", "a/b", "$SYS", "a/#"};
    static const char *const wanted[] = {"status/x", "status/a/b", "status/$SYS", "alarm/a/x"};
    for (size_t name = 0; name < sizeof names / sizeof names[0]; name++) {
        for (size_t topic = 0; topic < sizeof wanted / sizeof wanted[0]; topic++) {
            struct policy_facts facts = with_will(wanted[topic], 0, false);
            facts.identity = slice_from_text(names[name]);
            expect_limit(&limits, &facts, POLICY_REASON_WILL, names[name]);
        }
    }
}

Test(policy_limits, qos_of_wills)
{
    for (uint8_t end = 0; end <= 3; end++) {
        const struct policy_limits_spec limits = {.will_qos_end = end};
        for (uint8_t qos = 0; qos <= 2; qos++) {
            struct policy_facts facts = with_will("a", qos, false);
            bool expected = end == 0 || qos < end;
            expect_limit(&limits, &facts, expected ? POLICY_REASON_ALLOWED : POLICY_REASON_WILL_QOS,
                         "QoS");
        }
    }
}

Test(policy_limits, retained_wills)
{
    const struct policy_limits_spec limits = {.denies_will_retain = true};
    struct policy_facts facts = with_will("a", 2, true);
    expect_limit(&limits, &facts, POLICY_REASON_WILL_RETAIN, "retained");
    facts = with_will("a", 2, false);
    expect_limit(&limits, &facts, POLICY_REASON_ALLOWED, "not retained");
}

/* --- the rest ------------------------------------------------------------------------------ */

Test(policy_limits, the_size_of_packets_is_handed_on)
{
    const struct policy_rule_spec spec = {
        .name = "r", .require = POLICY_REQUIRE_NONE, .limits = {.packet_size = 300}};
    struct policy *policy = policy_new();
    struct policy_facts facts = a_client();
    struct policy_verdict verdict;
    cr_assert_not_null(policy);
    cr_assert_null(policy_add(policy, &spec));
    policy_decide(policy, &facts, &verdict);
    cr_assert_not_null(verdict.decider);
    cr_expect_eq(policy_rule_packet_size(verdict.decider), 300);
    policy_free(policy);
}

Test(policy_limits, what_cannot_be_a_limit_is_refused)
{
    static const char *const bad[] = {"a/#/b"};
    const struct policy_limits_spec specs[] = {
        {.will_topics = bad, .will_topic_count = 1},
        {.client_id_characters = "[]"},
        {.protocols = (const uint8_t[]){6}, .protocol_count = 1},
    };
    for (size_t index = 0; index < sizeof specs / sizeof specs[0]; index++) {
        struct policy *policy = policy_new();
        cr_assert_not_null(policy);
        cr_expect_not_null(
            policy_add(policy, &(struct policy_rule_spec){.name = "r", .limits = specs[index]}));
        policy_free(policy);
    }
}
