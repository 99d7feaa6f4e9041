/* Building a policy: every text is checked and copied, so that deciding cannot fail. */
#include "policy_internal.h"

#include <stdlib.h>

static const char out_of_memory[] = "out of memory";

static const char *protocols_copy(unsigned *protocols, const uint8_t *levels, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        if (levels[index] < 3 || levels[index] > 5) {
            return "the protocol must be 3.1, 3.1.1 or 5.0";
        }
        *protocols |= 1u << levels[index];
    }
    return NULL;
}

static void rule_deinit(struct policy_rule *rule)
{
    free(rule->name);
    globs_free(&rule->listeners);
    networks_free(&rule->addresses);
    globs_free(&rule->certificates);
    globs_free(&rule->issuers);
    globs_free(&rule->usernames);
    globs_free(&rule->client_ids);
    globs_free(&rule->snis);
    templates_free(&rule->bind_client_ids);
    templates_free(&rule->bind_usernames);
    templates_free(&rule->limits.will_topics);
    templates_free(&rule->publish.allow);
    templates_free(&rule->publish.deny);
    templates_free(&rule->subscribe.allow);
    templates_free(&rule->subscribe.deny);
    characters_free(&rule->limits.client_id_characters);
}

static const char *match_copy(struct policy_rule *rule, const struct policy_rule_spec *spec)
{
    const struct {
        struct globs *to;
        const char *const *texts;
        size_t count;
    } copies[] = {
        {&rule->listeners, spec->listeners, spec->listener_count},
        {&rule->certificates, spec->certificates, spec->certificate_count},
        {&rule->issuers, spec->issuers, spec->issuer_count},
        {&rule->usernames, spec->usernames, spec->username_count},
        {&rule->client_ids, spec->client_ids, spec->client_id_count},
        {&rule->snis, spec->snis, spec->sni_count},
    };
    for (size_t index = 0; index < sizeof copies / sizeof copies[0]; index++) {
        const char *fault = globs_copy(copies[index].to, copies[index].texts, copies[index].count);
        if (fault != NULL) {
            return fault;
        }
    }
    const char *fault = networks_copy(&rule->addresses, spec->addresses, spec->address_count);
    if (fault != NULL) {
        return fault;
    }
    return protocols_copy(&rule->protocols, spec->protocols, spec->protocol_count);
}

static const char *bind_copy(struct policy_rule *rule, const struct policy_rule_spec *spec)
{
    const char *fault = templates_copy(&rule->bind_client_ids, TEMPLATE_NAME, spec->bind_client_ids,
                                       spec->bind_client_id_count);
    if (fault != NULL) {
        return fault;
    }
    fault = templates_copy(&rule->bind_usernames, TEMPLATE_NAME, spec->bind_usernames,
                           spec->bind_username_count);
    for (size_t index = 0; fault == NULL && index < rule->bind_usernames.count; index++) {
        fault = policy_check_bind_username(slice_from_text(rule->bind_usernames.texts[index]));
    }
    return fault;
}

static const char *limits_copy(struct policy_limits *limits, const struct policy_limits_spec *spec)
{
    *limits = (struct policy_limits){
        .keep_alive_ms = spec->keep_alive_ms,
        .keep_alive_zero = spec->keep_alive_zero,
        .packet_size = spec->packet_size,
        .denies_will = spec->denies_will,
        .will_qos_end = spec->will_qos_end,
        .denies_will_retain = spec->denies_will_retain,
        .needs_clean_session = spec->needs_clean_session,
        .client_id_length = spec->client_id_length,
        .connections = spec->connections,
    };
    const char *fault = templates_copy(&limits->will_topics, TEMPLATE_FILTER, spec->will_topics,
                                       spec->will_topic_count);
    if (fault != NULL) {
        return fault;
    }
    fault = characters_copy(&limits->client_id_characters, spec->client_id_characters);
    if (fault != NULL) {
        return fault;
    }
    return protocols_copy(&limits->protocols, spec->protocols, spec->protocol_count);
}

static const char *topics_copy(struct policy_topics *topics, const struct policy_topics_spec *spec)
{
    const char *fault =
        templates_copy(&topics->allow, TEMPLATE_FILTER, spec->allow, spec->allow_count);
    return fault != NULL
               ? fault
               : templates_copy(&topics->deny, TEMPLATE_FILTER, spec->deny, spec->deny_count);
}

static const char *rule_init(struct policy_rule *rule, const struct policy_rule_spec *spec)
{
    *rule = (struct policy_rule){
        .mode = spec->mode,
        .deny = spec->deny,
        .require = spec->require,
        .owner = spec->owner,
        .allows_bridges = spec->allows_bridges,
        .keeps_expired = spec->keeps_expired,
    };
    if (spec->name == NULL || spec->name[0] == '\0') {
        return "a rule needs a name";
    }
    rule->name = slice_to_text(slice_from_text(spec->name));
    if (rule->name == NULL) {
        return out_of_memory;
    }
    const char *fault = match_copy(rule, spec);
    if (fault == NULL) {
        fault = bind_copy(rule, spec);
    }
    if (fault == NULL) {
        fault = limits_copy(&rule->limits, &spec->limits);
    }
    if (fault == NULL) {
        fault = topics_copy(&rule->publish, &spec->publish);
    }
    return fault != NULL ? fault : topics_copy(&rule->subscribe, &spec->subscribe);
}

/* Room for one rule more. */
static bool policy_grow(struct policy *policy)
{
    if (policy->count < policy->capacity) {
        return true;
    }
    size_t capacity = policy->capacity == 0 ? 8 : policy->capacity * 2;
    struct policy_rule *rules = reallocarray(policy->rules, capacity, sizeof *rules);
    if (rules == NULL) {
        return false;
    }
    policy->rules = rules;
    policy->capacity = capacity;
    return true;
}

struct policy *policy_new(void)
{
    struct policy *policy = calloc(1, sizeof *policy);
    if (policy != NULL) {
        policy->mode = POLICY_MODE_ENFORCE;
    }
    return policy;
}

void policy_set_mode(struct policy *policy, enum policy_mode mode)
{
    policy->mode = mode;
}

void policy_free(struct policy *policy)
{
    if (policy == NULL) {
        return;
    }
    for (size_t index = 0; index < policy->count; index++) {
        rule_deinit(&policy->rules[index]);
    }
    free(policy->rules);
    free(policy);
}

const char *policy_add(struct policy *policy, const struct policy_rule_spec *spec)
{
    if (!policy_grow(policy)) {
        return out_of_memory;
    }
    struct policy_rule *rule = &policy->rules[policy->count];
    const char *fault = rule_init(rule, spec);
    if (fault != NULL) {
        rule_deinit(rule);
        return fault;
    }
    policy->count++;
    return NULL;
}

size_t policy_rule_count(const struct policy *policy)
{
    return policy->count;
}

bool policy_rule_keeps_expired(const struct policy_rule *rule)
{
    return rule->keeps_expired;
}

size_t policy_rule_packet_size(const struct policy_rule *rule)
{
    return rule->limits.packet_size;
}

unsigned policy_rule_connections(const struct policy_rule *rule)
{
    return rule->limits.connections;
}

/* A certificate that a rule does not ask for may be there today and not tomorrow; its client
 * would become another one with it. */
enum policy_owner policy_rule_owner(const struct policy_rule *rule)
{
    switch (rule->owner) {
    case POLICY_OWNER_CERTIFICATE:
    case POLICY_OWNER_USERNAME:
        return rule->owner;
    case POLICY_OWNER_PROOF:
        break;
    }
    return rule->require == POLICY_REQUIRE_PASSWORD ? POLICY_OWNER_USERNAME
                                                    : POLICY_OWNER_CERTIFICATE;
}
