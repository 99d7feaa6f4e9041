/* Building a policy: every text is checked and copied, so that deciding cannot fail. */
#include "policy_internal.h"

#include <stdlib.h>

static const char out_of_memory[] = "out of memory";

static void globs_free(struct globs *globs)
{
    for (size_t index = 0; index < globs->count; index++) {
        free(globs->texts[index]);
    }
    free(globs->texts);
}

/* On a fault what was copied so far stays in *globs, for rule_deinit(). */
static const char *globs_copy(struct globs *globs, const char *const *texts, size_t count)
{
    if (count == 0) {
        return NULL;
    }
    globs->texts = calloc(count, sizeof *globs->texts);
    if (globs->texts == NULL) {
        return out_of_memory;
    }
    for (size_t index = 0; index < count; index++) {
        struct slice text = slice_from_text(texts[index]);
        const char *fault = policy_check_glob(text);
        if (fault != NULL) {
            return fault;
        }
        globs->texts[index] = slice_to_text(text);
        if (globs->texts[index] == NULL) {
            return out_of_memory;
        }
        globs->count++;
    }
    return NULL;
}

static const char *networks_copy(struct networks *networks, const char *const *texts, size_t count)
{
    if (count == 0) {
        return NULL;
    }
    networks->list = calloc(count, sizeof *networks->list);
    if (networks->list == NULL) {
        return out_of_memory;
    }
    for (size_t index = 0; index < count; index++) {
        const char *fault = cidr_parse(slice_from_text(texts[index]), &networks->list[index]);
        if (fault != NULL) {
            return fault;
        }
        networks->count++;
    }
    return NULL;
}

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
    free(rule->addresses.list);
    globs_free(&rule->certificates);
    globs_free(&rule->issuers);
    globs_free(&rule->usernames);
    globs_free(&rule->client_ids);
}

static const char *rule_init(struct policy_rule *rule, const struct policy_rule_spec *spec)
{
    *rule = (struct policy_rule){.deny = spec->deny, .require = spec->require};
    if (spec->name == NULL || spec->name[0] == '\0') {
        return "a rule needs a name";
    }
    rule->name = slice_to_text(slice_from_text(spec->name));
    if (rule->name == NULL) {
        return out_of_memory;
    }

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
    return calloc(1, sizeof(struct policy));
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
