#include "moat/policy/grants.h"

#include <stdlib.h>

#include "moat/base/topic.h"
#include "policy_internal.h"

struct filter {
    char *text;
    size_t size;
};

struct filters {
    struct filter *list;
    size_t count;
    bool has_void; /* one of them could not be filled in, and is not in the list */
};

/* One direction. */
struct permit {
    bool is_limited; /* false: no lists, everything is permitted */
    struct filters allow;
    struct filters deny;
};

struct policy_grants {
    struct permit publish;
    struct permit subscribe;
};

static bool is_limited(const struct policy_topics *topics)
{
    return topics->allow.count > 0 || topics->deny.count > 0;
}

bool policy_rule_has_topics(const struct policy_rule *rule)
{
    return is_limited(&rule->publish) || is_limited(&rule->subscribe);
}

/* --- filling in --- */

static void filters_free(struct filters *filters)
{
    for (size_t index = 0; index < filters->count; index++) {
        free(filters->list[index].text);
    }
    free(filters->list);
}

static void filters_add(struct filters *filters, char *text)
{
    filters->list[filters->count++] = (struct filter){.text = text, .size = strlen(text)};
}

/* False without memory; what is in the list by then is released with it. */
static bool filters_fill(struct filters *filters, const struct templates *templates,
                         const struct template_values *values)
{
    filters->list = calloc(templates->count + 1, sizeof *filters->list);
    if (filters->list == NULL) {
        return false;
    }
    for (size_t index = 0; index < templates->count; index++) {
        char *text = NULL;
        switch (template_expand(&templates->list[index], values, &text)) {
        case TEMPLATE_VOID:
            filters->has_void = true;
            break;
        case TEMPLATE_EXPANDED:
            filters_add(filters, text);
            break;
        case TEMPLATE_NO_MEMORY:
            return false;
        }
    }
    return true;
}

static bool permit_fill(struct permit *permit, const struct policy_topics *topics,
                        const struct template_values *values)
{
    permit->is_limited = is_limited(topics);
    if (!permit->is_limited) {
        return true;
    }
    if (!filters_fill(&permit->allow, &topics->allow, values) ||
        !filters_fill(&permit->deny, &topics->deny, values)) {
        return false;
    }
    if (topics->allow.count > 0) {
        return true;
    }
    char *everything = slice_to_text(slice_from_text("#"));
    if (everything == NULL) {
        return false;
    }
    filters_add(&permit->allow, everything); /* there is room for one more than was written */
    return true;
}

struct policy_grants *policy_grants_new(const struct policy_rule *rule,
                                        const struct policy_facts *facts)
{
    struct template_values values;
    struct policy_grants *grants = calloc(1, sizeof *grants);

    if (grants == NULL) {
        return NULL;
    }
    template_values_init(&values, facts);
    if (!permit_fill(&grants->publish, &rule->publish, &values) ||
        !permit_fill(&grants->subscribe, &rule->subscribe, &values)) {
        policy_grants_free(grants);
        return NULL;
    }
    return grants;
}

void policy_grants_free(struct policy_grants *grants)
{
    if (grants == NULL) {
        return;
    }
    filters_free(&grants->publish.allow);
    filters_free(&grants->publish.deny);
    filters_free(&grants->subscribe.allow);
    filters_free(&grants->subscribe.deny);
    free(grants);
}

/* --- judging --- */

static struct slice text_of(const struct filter *filter)
{
    return slice_of(filter->text, filter->size);
}

static bool one_covers(const struct filters *filters, struct slice topic)
{
    for (size_t index = 0; index < filters->count; index++) {
        if (topic_covers(text_of(&filters->list[index]), topic)) {
            return true;
        }
    }
    return false;
}

static bool one_overlaps(const struct filters *filters, struct slice topic)
{
    for (size_t index = 0; index < filters->count; index++) {
        if (topic_overlaps(text_of(&filters->list[index]), topic)) {
            return true;
        }
    }
    return false;
}

static bool permits(const struct permit *permit, struct slice topic)
{
    return !permit->deny.has_void && !one_overlaps(&permit->deny, topic) &&
           one_covers(&permit->allow, topic);
}

bool policy_grants_may_publish(const struct policy_grants *grants, struct slice topic)
{
    return !grants->publish.is_limited || permits(&grants->publish, topic);
}

/* A shared subscription gets what its filter gets; who shares it does not matter. */
bool policy_grants_may_subscribe(const struct policy_grants *grants, struct slice filter)
{
    struct slice topic;

    return !grants->subscribe.is_limited ||
           (topic_unshare(filter, &topic) && permits(&grants->subscribe, topic));
}

/* --- comparing --- */

static bool all_covered(const struct filters *wide, const struct filters *narrow)
{
    for (size_t index = 0; index < narrow->count; index++) {
        if (!one_covers(wide, text_of(&narrow->list[index]))) {
            return false;
        }
    }
    return true;
}

static bool permit_includes(const struct permit *now, const struct permit *before)
{
    if (!now->is_limited || before->deny.has_void) {
        return true;
    }
    return before->is_limited && !now->deny.has_void && all_covered(&now->allow, &before->allow) &&
           all_covered(&before->deny, &now->deny);
}

bool policy_grants_include(const struct policy_grants *now, const struct policy_grants *before)
{
    return permit_includes(&now->publish, &before->publish) &&
           permit_includes(&now->subscribe, &before->subscribe);
}
