/*
 * The verdict, in three steps: is what CONNECT carries clean, which rule applies,
 * and is what that rule asks for there. Each step can only refuse.
 */
#include "glob_internal.h"
#include "policy_internal.h"

/* --- step 1: hygiene --------------------------------------------------------------------- */

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

/*
 * Brokers put client identifier and user name into topic patterns of their ACLs; a
 * client that calls itself "#" then reads everything (CVE-2017-7650). A will on a
 * wildcard or on $SYS and its like has crashed brokers (CVE-2018-12543). So no rule
 * can let these through: they are refused before any rule is asked.
 */
static bool is_clean(const struct policy_facts *facts, enum policy_reason *out_reason)
{
    if (has_wildcard(facts->client_id) || has_control(facts->client_id)) {
        *out_reason = POLICY_REASON_CLIENT_ID;
        return false;
    }
    if (facts->has_username && (has_wildcard(facts->username) || has_control(facts->username))) {
        *out_reason = POLICY_REASON_USERNAME;
        return false;
    }
    if (facts->has_will && (has_wildcard(facts->will_topic) || has_control(facts->will_topic) ||
                            slice_starts_with(facts->will_topic, "$"))) {
        *out_reason = POLICY_REASON_WILL_TOPIC;
        return false;
    }
    return true;
}

/* --- step 2: the first rule whose conditions all hold ------------------------------------ */

/* No such condition, or the fact is there and one of the globs takes it. */
static bool globs_hold(const struct globs *globs, bool has_fact, struct slice fact)
{
    if (globs->count == 0) {
        return true;
    }
    for (size_t index = 0; has_fact && index < globs->count; index++) {
        if (glob_match(slice_from_text(globs->texts[index]), fact)) {
            return true;
        }
    }
    return false;
}

static bool networks_hold(const struct networks *networks, const struct address *address)
{
    if (networks->count == 0) {
        return true;
    }
    for (size_t index = 0; index < networks->count; index++) {
        if (cidr_contains(&networks->list[index], address)) {
            return true;
        }
    }
    return false;
}

static bool protocol_holds(unsigned protocols, uint8_t level)
{
    return protocols == 0 || (level <= 5 && (protocols & (1u << level)) != 0);
}

static bool rule_matches(const struct policy_rule *rule, const struct policy_facts *facts)
{
    return globs_hold(&rule->listeners, true, facts->listener) &&
           networks_hold(&rule->addresses, &facts->address) &&
           globs_hold(&rule->certificates, facts->has_identity, facts->identity) &&
           globs_hold(&rule->issuers, facts->has_identity, facts->issuer) &&
           globs_hold(&rule->usernames, facts->has_username, facts->username) &&
           globs_hold(&rule->client_ids, true, facts->client_id) &&
           protocol_holds(rule->protocols, facts->protocol);
}

/* --- step 3: what the rule asks for, and what the name itself asks for ------------------- */

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

/* Byte for byte: case folding or Unicode forms would make two names one. */
static bool name_is_identity(const struct policy_facts *facts)
{
    return facts->has_identity && facts->identity.size > 0 &&
           slice_equal(facts->username, facts->identity);
}

/*
 * The broker applies its ACLs by the user name of CONNECT, so that name must be
 * true whatever the rule requires, `none` included. There are two ways to be true:
 *
 *   user name            the rule needs no password    the rule needs a password
 *   not there            allowed, nothing is claimed   refused: factor missing
 *   is the identity      allowed, certificate says so  proven by the password
 *   any other            proven by the password        proven by the password
 *
 * A password proves nothing without a user name (5.0 allows that), and a user name
 * that is empty or comes without a password is bad credentials, never a login: other
 * brokers took a missing password for the right one (CVE-2016-9877).
 */
static enum policy_outcome judge(enum policy_require require, const struct policy_facts *facts,
                                 enum policy_reason *out_reason)
{
    bool password_needed = needs_password(require, facts->has_identity);
    if ((needs_certificate(require) && !facts->has_identity) ||
        (password_needed && !facts->has_username)) {
        *out_reason = POLICY_REASON_FACTOR_MISSING;
        return POLICY_DENY;
    }
    bool name_to_prove = facts->has_username && !name_is_identity(facts);
    if (!password_needed && !name_to_prove) {
        *out_reason = POLICY_REASON_ALLOWED;
        return POLICY_ALLOW;
    }
    if (!facts->has_password || facts->username.size == 0) {
        *out_reason = POLICY_REASON_PASSWORD_MISSING;
        return POLICY_DENY;
    }
    *out_reason = POLICY_REASON_ALLOWED;
    return POLICY_PROVE;
}

static const struct policy_rule *first_match(const struct policy *policy,
                                             const struct policy_facts *facts)
{
    for (size_t index = 0; index < policy->count; index++) {
        if (rule_matches(&policy->rules[index], facts)) {
            return &policy->rules[index];
        }
    }
    return NULL;
}

void policy_decide(const struct policy *policy, const struct policy_facts *facts,
                   struct policy_verdict *out_verdict)
{
    struct policy_verdict verdict = {.outcome = POLICY_DENY, .reason = POLICY_REASON_NO_RULE};
    const struct policy_rule *rule = NULL;
    if (is_clean(facts, &verdict.reason)) {
        rule = first_match(policy, facts);
    }
    /* The first match is final: failing what it asks never falls through to a laxer rule. */
    if (rule != NULL) {
        verdict.rule = rule->name;
        if (rule->deny) {
            verdict.reason = POLICY_REASON_RULE_DENIES;
        } else {
            verdict.outcome = judge(rule->require, facts, &verdict.reason);
        }
    }
    *out_verdict = verdict;
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
    case POLICY_REASON_ALLOWED:
        return "allowed";
    }
    return "unknown";
}
