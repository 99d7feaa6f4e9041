/* The conditions under `match`: which clients a rule is for. */
#include "judging_internal.h"

static bool networks_condition(const struct judging *judging)
{
    const struct networks *networks = &judging->rule->addresses;
    char text[ADDRESS_TEXT_SIZE] = "";
    struct policy_trace_event event = {
        .key = "match.address",
        .patterns = (const char *const *)networks->texts,
        .pattern_count = networks->count,
        .has_fact = judging->facts->address.family != ADDRESS_NONE,
    };
    for (size_t index = 0; !event.held && index < networks->count; index++) {
        if (cidr_contains(&networks->list[index], &judging->facts->address)) {
            event.pattern = networks->texts[index];
            event.held = true;
        }
    }
    if (judging->trace != NULL && event.has_fact) {
        address_format(&judging->facts->address, text);
        event.fact = slice_from_text(text);
    }
    return judging_tell(judging, POLICY_TRACE_CONDITION, event);
}

static bool protocol_condition(const struct judging *judging)
{
    char expected[PROTOCOLS_TEXT_SIZE];
    char found[PROTOCOLS_TEXT_SIZE];
    uint8_t level = judging->facts->protocol;
    struct policy_trace_event event = {
        .key = "match.protocol",
        .has_fact = true,
        .held = protocol_holds(judging->rule->protocols, level),
    };
    const char *pattern = expected;
    if (judging->trace != NULL) {
        protocols_text(judging->rule->protocols, expected);
        protocols_text(level < 8 ? 1u << level : 0, found);
        event.patterns = &pattern;
        event.pattern_count = 1;
        event.pattern = event.held ? pattern : NULL;
        event.fact = slice_from_text(found);
    }
    return judging_tell(judging, POLICY_TRACE_CONDITION, event);
}

/* The address and the protocol are no texts; all else is. True for as long as all hold. */
static bool globs_conditions(const struct judging *judging)
{
    const struct policy_facts *facts = judging->facts;
    const struct policy_rule *rule = judging->rule;
    const struct {
        const char *key;
        const struct globs *globs;
        bool has_fact;
        struct slice fact;
    } conditions[] = {
        {"match.listener", &rule->listeners, true, facts->listener},
        {"match.sni", &rule->snis, facts->has_sni, facts->sni},
        {"match.certificate", &rule->certificates, facts->has_identity, facts->identity},
        {"match.issuer", &rule->issuers, facts->has_identity, facts->issuer},
        {"match.username", &rule->usernames, facts->has_username, facts->username},
        {"match.client_id", &rule->client_ids, true, facts->client_id},
    };
    bool holds = true;
    for (size_t index = 0; index < sizeof conditions / sizeof conditions[0]; index++) {
        if (conditions[index].globs->count == 0 || (!holds && judging->trace == NULL)) {
            continue;
        }
        struct policy_trace_event event = {
            .key = conditions[index].key,
            .has_fact = conditions[index].has_fact,
            .fact = conditions[index].fact,
        };
        judging_try_globs(conditions[index].globs, &event);
        holds = judging_tell(judging, POLICY_TRACE_CONDITION, event) && holds;
    }
    return holds;
}

/* With a witness every condition is tried, without one only until the first that fails. */
bool rule_matches(struct judging *judging)
{
    const struct policy_rule *rule = judging->rule;
    bool is_told = judging->trace != NULL;
    bool holds = globs_conditions(judging);
    if (rule->addresses.count > 0 && (holds || is_told)) {
        holds = networks_condition(judging) && holds;
    }
    if (rule->protocols != 0 && (holds || is_told)) {
        holds = protocol_condition(judging) && holds;
    }
    return judging_tell(judging, POLICY_TRACE_RULE, (struct policy_trace_event){.held = holds});
}
