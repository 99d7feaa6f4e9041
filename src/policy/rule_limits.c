/* `limits` of the deciding rule, as far as CONNECT can break them. */
#include "rule_demands_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define NUMBER_TEXT_SIZE 32

/* One pattern for the witness, whose texts outlive the call of demand(). */
static void demand_limit(const struct judging *judging, struct demands *demands,
                         enum policy_reason reason, const char *pattern,
                         struct policy_trace_event event)
{
    event.patterns = &pattern;
    event.pattern_count = 1;
    event.pattern = event.held ? pattern : NULL;
    demand(judging, demands, POLICY_TRACE_LIMIT, reason, event);
}

/* A limit that is a word: deny, required. */
static void demand_word(const struct judging *judging, struct demands *demands,
                        enum policy_reason reason, const char *key, const char *word, bool is_met)
{
    demand_limit(judging, demands, reason, word,
                 (struct policy_trace_event){.key = key, .held = is_met});
}

/* A limit that is a number, with the client's. Texts are made for a witness alone. */
static void demand_number(const struct judging *judging, struct demands *demands,
                          enum policy_reason reason, struct policy_trace_event event,
                          const char *unit, uint64_t limit, uint64_t found)
{
    char limit_text[NUMBER_TEXT_SIZE] = "";
    char found_text[NUMBER_TEXT_SIZE] = "";
    if (judging->trace != NULL) {
        snprintf(limit_text, sizeof limit_text, "%" PRIu64 "%s", limit, unit);
        snprintf(found_text, sizeof found_text, "%" PRIu64 "%s", found, unit);
        event.has_fact = true;
        event.fact = slice_from_text(found_text);
    }
    demand_limit(judging, demands, reason, limit_text, event);
}

void rule_demand_version(const struct judging *judging, struct demands *demands)
{
    const struct policy_rule *rule = judging->rule;
    const struct policy_facts *facts = judging->facts;
    char expected[PROTOCOLS_TEXT_SIZE] = "";
    char found[PROTOCOLS_TEXT_SIZE] = "";
    if (rule->limits.protocols != 0 && demand_is_due(judging, demands)) {
        protocols_text(rule->limits.protocols, expected);
        protocols_text(facts->protocol < 8 ? 1u << facts->protocol : 0, found);
        demand_limit(judging, demands, POLICY_REASON_PROTOCOL, expected,
                     (struct policy_trace_event){
                         .key = "limits.protocol",
                         .has_fact = true,
                         .fact = slice_from_text(found),
                         .held = protocol_holds(rule->limits.protocols, facts->protocol)});
    }
    if (facts->is_bridge && demand_is_due(judging, demands)) {
        demand_word(judging, demands, POLICY_REASON_BRIDGE, "bridge",
                    rule->allows_bridges ? "allow" : "deny", rule->allows_bridges);
    }
}

static void demand_client_id(const struct judging *judging, struct demands *demands)
{
    const struct policy_limits *limits = &judging->rule->limits;
    struct slice client_id = judging->facts->client_id;
    if (limits->client_id_length > 0 && demand_is_due(judging, demands)) {
        demand_number(
            judging, demands, POLICY_REASON_CLIENT_ID_LIMIT,
            (struct policy_trace_event){.key = "limits.client_id_length",
                                        .held = client_id.size <= limits->client_id_length},
            "B", limits->client_id_length, client_id.size);
    }
    if (limits->client_id_characters.text != NULL && demand_is_due(judging, demands)) {
        demand_limit(judging, demands, POLICY_REASON_CLIENT_ID_LIMIT,
                     limits->client_id_characters.text,
                     (struct policy_trace_event){
                         .key = "limits.client_id_characters",
                         .has_fact = true,
                         .fact = client_id,
                         .held = characters_hold(&limits->client_id_characters, client_id)});
    }
}

static bool zero_is_refused(const struct policy_limits *limits)
{
    switch (limits->keep_alive_zero) {
    case POLICY_ZERO_AS_LONGEST:
        return limits->keep_alive_ms > 0;
    case POLICY_ZERO_ALLOW:
        return false;
    case POLICY_ZERO_DENY:
        return true;
    }
    return true;
}

/* 0 switches the broker's own time limit off: longer than any other (SlowITe, CVE-2020-13849). */
static void demand_keep_alive(const struct judging *judging, struct demands *demands)
{
    const struct policy_limits *limits = &judging->rule->limits;
    uint16_t seconds = judging->facts->keep_alive;
    bool has_limit = limits->keep_alive_ms > 0 || limits->keep_alive_zero != POLICY_ZERO_AS_LONGEST;
    if (!has_limit || !demand_is_due(judging, demands)) {
        return;
    }
    if (seconds == 0) {
        bool is_met = !zero_is_refused(limits);
        demand_word(judging, demands, POLICY_REASON_KEEP_ALIVE, "limits.keep_alive_zero",
                    is_met ? "allow" : "deny", is_met);
    } else if (limits->keep_alive_ms > 0) {
        demand_number(
            judging, demands, POLICY_REASON_KEEP_ALIVE,
            (struct policy_trace_event){.key = "limits.keep_alive",
                                        .held = seconds * UINT64_C(1000) <= limits->keep_alive_ms},
            "s", limits->keep_alive_ms / 1000, seconds);
    }
}

static void demand_clean_session(const struct judging *judging, struct demands *demands)
{
    const struct policy_facts *facts = judging->facts;
    if (judging->rule->limits.needs_clean_session && demand_is_due(judging, demands)) {
        demand_word(judging, demands, POLICY_REASON_CLEAN_SESSION, "limits.clean_session",
                    "required", facts->clean_start && facts->session_expiry == 0);
    }
}

static void demand_will_topic(struct judging *judging, struct demands *demands)
{
    const struct templates *topics = &judging->rule->limits.will_topics;
    if (topics->count > 0 && demand_is_due(judging, demands)) {
        struct policy_trace_event event = {
            .key = "limits.will_topics", .has_fact = true, .fact = judging->facts->will_topic};
        judging_try_templates(judging, topics, &event);
        demand(judging, demands, POLICY_TRACE_LIMIT, POLICY_REASON_WILL, event);
    }
}

static void demand_will(struct judging *judging, struct demands *demands)
{
    const struct policy_limits *limits = &judging->rule->limits;
    const struct policy_facts *facts = judging->facts;
    if (!facts->has_will) {
        return;
    }
    if (limits->denies_will && demand_is_due(judging, demands)) {
        demand_word(judging, demands, POLICY_REASON_WILL, "limits.will", "deny", false);
    }
    demand_will_topic(judging, demands);
    rule_demand_will_is_permitted(judging, demands);
    if (limits->will_qos_end > 0 && demand_is_due(judging, demands)) {
        demand_number(judging, demands, POLICY_REASON_WILL_QOS,
                      (struct policy_trace_event){.key = "limits.will_qos",
                                                  .held = facts->will_qos < limits->will_qos_end},
                      "", limits->will_qos_end - UINT64_C(1), facts->will_qos);
    }
    if (limits->denies_will_retain && demand_is_due(judging, demands)) {
        demand_word(judging, demands, POLICY_REASON_WILL_RETAIN, "limits.will_retain", "deny",
                    !facts->will_retain);
    }
}

void rule_demand_limits(struct judging *judging, struct demands *demands)
{
    demand_client_id(judging, demands);
    demand_keep_alive(judging, demands);
    demand_clean_session(judging, demands);
    demand_will(judging, demands);
}
