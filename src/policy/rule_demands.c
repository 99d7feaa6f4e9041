/*
 * What the deciding rule asks of a client: its action, the factors, `bind`, and whether the
 * user name is true. Nothing here can let in; it can only find what speaks against it.
 */
#include "rule_demands_internal.h"

/* Every demand goes through here. Only the first that is not met gives the reason. */
void demand(const struct judging *judging, struct demands *demands, enum policy_trace_kind kind,
            enum policy_reason reason, struct policy_trace_event event)
{
    if (!judging_tell(judging, kind, event) && !demands->is_refused) {
        demands->is_refused = true;
        demands->reason = reason;
    }
}

/* Once something speaks against the client, the rest is of interest to a witness alone. */
bool demand_is_due(const struct judging *judging, const struct demands *demands)
{
    return !demands->is_refused || judging->trace != NULL;
}

/* --- require ---------------------------------------------------------------------------- */

static bool needs_certificate(enum policy_require require)
{
    switch (require) {
    case POLICY_REQUIRE_CERTIFICATE:
    case POLICY_REQUIRE_BOTH:
        return true;
    case POLICY_REQUIRE_NONE:
    case POLICY_REQUIRE_PASSWORD:
    case POLICY_REQUIRE_ANY:
        return false;
    }
    return true; /* a value that is none of these asks for everything */
}

static bool needs_password(enum policy_require require, bool has_identity)
{
    switch (require) {
    case POLICY_REQUIRE_PASSWORD:
    case POLICY_REQUIRE_BOTH:
        return true;
    case POLICY_REQUIRE_ANY:
        return !has_identity; /* a verified certificate is factor enough */
    case POLICY_REQUIRE_NONE:
    case POLICY_REQUIRE_CERTIFICATE:
        return false;
    }
    return true;
}

static const char *require_text(enum policy_require require)
{
    switch (require) {
    case POLICY_REQUIRE_NONE:
        return "none";
    case POLICY_REQUIRE_CERTIFICATE:
        return "[certificate]";
    case POLICY_REQUIRE_PASSWORD:
        return "[password]";
    case POLICY_REQUIRE_BOTH:
        return "[certificate, password]";
    case POLICY_REQUIRE_ANY:
        return "{ any: [certificate, password] }";
    }
    return "unknown";
}

/* A password proves nothing without a user name (5.0 allows that), so it is no factor then. */
static void demand_factors(const struct judging *judging, struct demands *demands)
{
    const struct policy_facts *facts = judging->facts;
    enum policy_require require = judging->rule->require;
    const char *pattern = require_text(require);
    bool is_met = !(needs_certificate(require) && !facts->has_identity) &&
                  !(demands->needs_password && !facts->has_username);
    demand(judging, demands, POLICY_TRACE_REQUIRE, POLICY_REASON_FACTOR_MISSING,
           (struct policy_trace_event){.key = "require",
                                       .patterns = &pattern,
                                       .pattern_count = 1,
                                       .pattern = is_met ? pattern : NULL,
                                       .held = is_met});
}

/* --- bind ---------------------------------------------------------------------------------- */

static void demand_binds(struct judging *judging, struct demands *demands)
{
    const struct policy_facts *facts = judging->facts;
    const struct policy_rule *rule = judging->rule;
    if (rule->bind_client_ids.count > 0 && demand_is_due(judging, demands)) {
        struct policy_trace_event event = {
            .key = "bind.client_id", .has_fact = true, .fact = facts->client_id};
        judging_try_templates(judging, &rule->bind_client_ids, &event);
        demand(judging, demands, POLICY_TRACE_BIND, POLICY_REASON_BIND_CLIENT_ID, event);
    }
    /* Without a user name none is claimed, and there is nothing to bind. */
    if (rule->bind_usernames.count > 0 && demand_is_due(judging, demands)) {
        struct policy_trace_event event = {.key = "bind.username",
                                           .has_fact = facts->has_username,
                                           .fact = facts->username,
                                           .held = !facts->has_username};
        judging_try_templates(judging, &rule->bind_usernames, &event);
        demand(judging, demands, POLICY_TRACE_BIND, POLICY_REASON_BIND_USERNAME, event);
    }
}

/* --- is the user name true? -------------------------------------------------------------- */

static bool is_wildcard(const struct template *template, size_t index)
{
    return index < template->count && (template->parts[index].kind == TEMPLATE_RUN ||
                                       template->parts[index].kind == TEMPLATE_ONE);
}

/* Every substitution that may stand in bind.username is of a verified fact. */
static bool names_a_fact(const struct template *template)
{
    bool names = false;
    for (size_t index = 0; index < template->count; index++) {
        names = names || template->parts[index].kind == TEMPLATE_VARIABLE;
    }
    return names;
}

/*
 * A user name that bind.username permits needs no password when the text says enough about
 * whose name it is:
 *
 *   "${certificate}-*"  a fact that was verified is in it, and no wildcard touches the fact:
 *                       with "${certificate}*" a certificate for "ad" would make an "admin"
 *   "gateway"           it is this one name, written out, for clients of a rule that requires
 *                       a certificate and got one
 *   "*", "sensor-*"     says nothing about who may call himself so: needs a password
 */
static bool vouches(const struct judging *judging, const struct template *template)
{
    enum policy_require require = judging->rule->require;
    bool has_wildcard = false;
    for (size_t index = 0; index < template->count; index++) {
        bool touches =
            is_wildcard(template, index + 1) || (index > 0 && is_wildcard(template, index - 1));
        if (template->parts[index].kind == TEMPLATE_VARIABLE && touches) {
            return false;
        }
        has_wildcard = has_wildcard || is_wildcard(template, index);
    }
    if (names_a_fact(template)) {
        return true;
    }
    return !has_wildcard && judging->facts->has_identity &&
           (needs_certificate(require) || require == POLICY_REQUIRE_ANY);
}

/* The text of bind.username that makes the name true, or NULL. */
static const char *vouching_bind(struct judging *judging)
{
    const struct templates *binds = &judging->rule->bind_usernames;
    for (size_t index = 0; index < binds->count; index++) {
        if (vouches(judging, &binds->list[index]) &&
            template_match(&binds->list[index], judging_values(judging),
                           judging->facts->username)) {
            return binds->texts[index];
        }
    }
    return NULL;
}

/* Byte for byte: case folding or Unicode forms would make two names one. */
static bool name_is_identity(const struct policy_facts *facts)
{
    return facts->has_identity && facts->identity.size > 0 &&
           slice_equal(facts->username, facts->identity);
}

static bool find_proof(struct judging *judging)
{
    const struct policy_facts *facts = judging->facts;
    struct policy_trace_event event = {
        .key = "username", .has_fact = facts->has_username, .fact = facts->username};
    if (facts->has_username && facts->username.size > 0) {
        event.pattern = name_is_identity(facts) ? "${certificate}" : vouching_bind(judging);
    }
    event.held = !facts->has_username || event.pattern != NULL;
    return judging_tell(judging, POLICY_TRACE_NAME, event);
}

/* --- all of it ------------------------------------------------------------------------------ */

void rule_demands(struct judging *judging, struct demands *out_demands)
{
    const struct policy_rule *rule = judging->rule;
    struct demands demands = {.reason = POLICY_REASON_ALLOWED};
    demand(judging, &demands, POLICY_TRACE_ACTION, POLICY_REASON_RULE_DENIES,
           (struct policy_trace_event){.key = "action", .held = !rule->deny});
    if (!rule->deny) {
        demands.needs_password = needs_password(rule->require, judging->facts->has_identity);
        rule_demand_version(judging, &demands);
        if (demand_is_due(judging, &demands)) {
            demand_factors(judging, &demands);
        }
        demand_binds(judging, &demands);
        rule_demand_limits(judging, &demands);
    }
    demands.is_name_proven = find_proof(judging);
    *out_demands = demands;
}
