/*
 * A will is a message that the broker publishes for the client, so the topics that a rule
 * lets its clients publish to are those of wills as well.
 */
#include "rule_demands_internal.h"

static void demand_allowed(struct judging *judging, struct demands *demands)
{
    const struct templates *allow = &judging->rule->publish.allow;
    if (allow->count > 0 && demand_is_due(judging, demands)) {
        struct policy_trace_event event = {
            .key = "publish.allow", .has_fact = true, .fact = judging->facts->will_topic};
        judging_try_templates(judging, allow, &event);
        demand(judging, demands, POLICY_TRACE_LIMIT, POLICY_REASON_WILL, event);
    }
}

/* The witness is told the filter that takes the topic, or that nobody can tell what it takes. */
static void demand_not_denied(struct judging *judging, struct demands *demands)
{
    const struct templates *deny = &judging->rule->publish.deny;
    if (deny->count == 0 || !demand_is_due(judging, demands)) {
        return;
    }
    struct policy_trace_event event = {
        .key = "publish.deny", .has_fact = true, .fact = judging->facts->will_topic};
    judging_try_templates(judging, deny, &event);
    for (size_t index = 0; !event.held && index < deny->count; index++) {
        if (template_is_void(&deny->list[index], judging_values(judging))) {
            event.pattern = deny->texts[index];
            event.held = true;
        }
    }
    event.held = !event.held;
    demand(judging, demands, POLICY_TRACE_LIMIT, POLICY_REASON_WILL, event);
}

void rule_demand_will_is_permitted(struct judging *judging, struct demands *demands)
{
    demand_allowed(judging, demands);
    demand_not_denied(judging, demands);
}
