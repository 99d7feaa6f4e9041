/*
 * The verdict, in three steps: is what CONNECT carries clean, which rule applies,
 * and is what that rule asks for there. Each step can only refuse; observing turns a refusal
 * of the last two into a note, at one place, conclude().
 */
#include "judging_internal.h"

/* --- step 1: hygiene --------------------------------------------------------- */

/* U+0001..001F and U+007F..009F in UTF-8, and NUL. The CONNECT parser refuses them
 * too; facts may come from elsewhere, and the broker and its log see these texts. */
static bool has_control(struct slice text)
{
    for (size_t at = 0; at < text.size; at++) {
        uint8_t byte = text.data[at];
        if (byte < 0x20 || byte == 0x7F) {
            return true;
        }
        if (byte == 0xC2 && at + 1 < text.size && text.data[at + 1] < 0xA0) {
            return true;
        }
    }
    return false;
}

static bool has_wildcard(struct slice text)
{
    return text.size > 0 &&
           (memchr(text.data, '+', text.size) != NULL || memchr(text.data, '#', text.size) != NULL);
}

static bool is_clean_text(struct slice text)
{
    return !has_wildcard(text) && !has_control(text);
}

/*
 * Brokers put client identifier and user name into topic patterns of their ACLs; a
 * client that calls itself "#" then reads everything (CVE-2017-7650). A will on a
 * wildcard or on $SYS and its like has crashed brokers (CVE-2018-12543). So no rule
 * can let these through: they are refused before any rule is asked.
 */
static bool is_clean(const struct judging *judging, enum policy_reason *out_reason)
{
    const struct policy_facts *facts = judging->facts;
    bool is_will_clean =
        is_clean_text(facts->will_topic) && !slice_starts_with(facts->will_topic, "$");
    const struct {
        const char *key;
        bool has_fact;
        struct slice fact;
        bool is_clean;
        enum policy_reason reason;
    } texts[] = {
        {"client_id", true, facts->client_id, is_clean_text(facts->client_id),
         POLICY_REASON_CLIENT_ID},
        {"username", facts->has_username, facts->username, is_clean_text(facts->username),
         POLICY_REASON_USERNAME},
        {"will_topic", facts->has_will, facts->will_topic, is_will_clean, POLICY_REASON_WILL_TOPIC},
    };
    bool is_clean = true;
    for (size_t index = 0; index < sizeof texts / sizeof texts[0]; index++) {
        struct policy_trace_event event = {.key = texts[index].key,
                                           .has_fact = texts[index].has_fact,
                                           .fact = texts[index].fact,
                                           .held = !texts[index].has_fact || texts[index].is_clean};
        if (!judging_tell(judging, POLICY_TRACE_HYGIENE, event) && is_clean) {
            *out_reason = texts[index].reason;
            is_clean = false;
        }
    }
    return is_clean;
}

/* --- steps 2 and 3: the first rule whose conditions all hold, and what it asks for ------ */

/*
 * The broker applies its ACLs by the user name of CONNECT, so that name must be
 * true whatever the rule requires, `none` included. There are two ways to be true:
 *
 *   user name              the rule needs no password    the rule needs a password
 *   not there              allowed, nothing is claimed   refused: factor missing
 *   the identity, or bound allowed, certificate says so  proven by the password
 *   any other              proven by the password        proven by the password
 *
 * A user name that is empty or comes without a password is bad credentials, never a login:
 * other brokers took a missing password for the right one (CVE-2016-9877).
 *
 * Observing lets in what the rule refuses. What it does not give away is a name: where
 * only this one rule observes, other rules rely on names being true. Where the whole policy
 * observes nothing relies on it yet, and names pass as they did before the gate was there.
 */
static void conclude(const struct judging *judging, const struct demands *demands,
                     enum policy_mode mode, struct policy_verdict *verdict)
{
    const struct policy_facts *facts = judging->facts;
    bool gives_names_away = verdict->observes && mode == POLICY_MODE_OBSERVE;
    bool waives_password = gives_names_away || (verdict->observes && demands->is_name_proven);

    verdict->reason = demands->reason;
    if (demands->is_refused && !verdict->observes) {
        return;
    }
    verdict->is_observed = demands->is_refused;
    if (!demands->needs_password && demands->is_name_proven) {
        verdict->outcome = POLICY_ALLOW;
    } else if (facts->has_username && facts->username.size > 0 && facts->has_password) {
        verdict->outcome = POLICY_PROVE;
        verdict->is_password_observed = waives_password;
    } else if (waives_password) {
        verdict->outcome = POLICY_ALLOW;
        verdict->reason = demands->is_refused ? demands->reason : POLICY_REASON_PASSWORD_MISSING;
        verdict->is_observed = true;
    } else {
        verdict->reason = POLICY_REASON_PASSWORD_MISSING;
        verdict->is_observed = false;
    }
}

/* The first match is final: failing what it asks never falls through to a laxer rule. */
static bool find_rule(const struct policy *policy, struct judging *judging)
{
    for (size_t index = 0; index < policy->count; index++) {
        judging->rule = &policy->rules[index];
        if (rule_matches(judging)) {
            return true;
        }
    }
    judging->rule = NULL;
    return false;
}

static bool mode_observes(enum policy_mode policy, enum policy_mode rule)
{
    return (rule == POLICY_MODE_INHERIT ? policy : rule) == POLICY_MODE_OBSERVE;
}

void policy_decide_traced(const struct policy *policy, const struct policy_facts *facts,
                          struct policy_trace *trace, struct policy_verdict *out_verdict)
{
    struct policy_verdict verdict = {.outcome = POLICY_DENY, .reason = POLICY_REASON_NO_RULE};
    struct judging judging = {.facts = facts, .trace = trace};
    struct demands demands;
    if (!is_clean(&judging, &verdict.reason)) {
        *out_verdict = verdict;
        return;
    }
    if (find_rule(policy, &judging)) {
        verdict.rule = judging.rule->name;
        verdict.decider = judging.rule;
        verdict.observes = mode_observes(policy->mode, judging.rule->mode);
        rule_demands(&judging, &demands);
        conclude(&judging, &demands, policy->mode, &verdict);
    } else if (policy->mode == POLICY_MODE_OBSERVE) {
        verdict.outcome = POLICY_ALLOW;
        verdict.is_observed = true;
        verdict.observes = true;
    }
    verdict.observes_names = verdict.observes && policy->mode == POLICY_MODE_OBSERVE;
    *out_verdict = verdict;
}

void policy_decide(const struct policy *policy, const struct policy_facts *facts,
                   struct policy_verdict *out_verdict)
{
    policy_decide_traced(policy, facts, NULL, out_verdict);
}

const char *policy_reason_text(enum policy_reason reason)
{
    switch (reason) {
    case POLICY_REASON_NO_RULE:
        return "no rule matches";
    case POLICY_REASON_RULE_DENIES:
        return "the rule denies";
    case POLICY_REASON_FACTOR_MISSING:
        return "the certificate or password that the rule requires is missing";
    case POLICY_REASON_PASSWORD_MISSING:
        return "user name without a password, or empty user name";
    case POLICY_REASON_CLIENT_ID:
        return "wildcard or control character in the client identifier";
    case POLICY_REASON_USERNAME:
        return "wildcard or control character in the user name";
    case POLICY_REASON_WILL_TOPIC:
        return "will topic with a wildcard or control character, or beginning with $";
    case POLICY_REASON_BIND_CLIENT_ID:
        return "the client identifier is not what the rule's bind.client_id says";
    case POLICY_REASON_BIND_USERNAME:
        return "the user name is not what the rule's bind.username says";
    case POLICY_REASON_CLIENT_ID_LIMIT:
        return "the client identifier is longer than the rule allows, or of other characters";
    case POLICY_REASON_PROTOCOL:
        return "the rule does not allow this version of MQTT";
    case POLICY_REASON_BRIDGE:
        return "the rule does not allow bridges";
    case POLICY_REASON_KEEP_ALIVE:
        return "the keep alive is longer than the rule allows, or off";
    case POLICY_REASON_CLEAN_SESSION:
        return "the rule requires a clean session";
    case POLICY_REASON_WILL:
        return "the rule does not allow a will, or not on this topic";
    case POLICY_REASON_WILL_QOS:
        return "the rule does not allow a will of this QoS";
    case POLICY_REASON_WILL_RETAIN:
        return "the rule does not allow a retained will";
    case POLICY_REASON_ALLOWED:
        return "allowed";
    }
    return "unknown";
}
