/* What the keys of one rule say about each other, `require` aside. */
#include "check_internal.h"

#include "places_internal.h"

static void check_bind(const struct config *config, size_t at, struct config_faults *faults)
{
    const struct policy_rule_spec *spec = &config->rules[at].spec;
    for (size_t i = 0; i < spec->bind_username_count; i++) {
        const char *fault = policy_check_bind_username(slice_from_text(spec->bind_usernames[i]));
        if (fault != NULL) {
            config_error(faults, config->path,
                         config_place_of(config, "policy.rules[%zu].bind.username", at),
                         "policy.rules[%zu].bind.username: \"%s\": %s", at, spec->bind_usernames[i],
                         fault);
        }
    }
}

static void check_will(const struct config *config, size_t at, struct config_faults *faults)
{
    const struct policy_limits_spec *limits = &config->rules[at].spec.limits;
    if (limits->denies_will && limits->will_topic_count > 0) {
        config_error(faults, config->path,
                     config_place_of(config, "policy.rules[%zu].limits.will_topics", at),
                     "policy.rules[%zu].limits.will_topics: will: deny leaves no will that could "
                     "have a topic; remove one of the two",
                     at);
    }
}

/* Observing is for the time in which rules are tried out, and easily forgotten. */
static void check_mode(const struct config *config, size_t at, struct config_faults *faults)
{
    if (config->rules[at].spec.mode == POLICY_MODE_OBSERVE) {
        config_warning(faults, config->path, config_place_of(config, "policy.rules[%zu].mode", at),
                       "policy.rules[%zu].mode: what this rule refuses is logged (event=observed) "
                       "and let in; write mode: enforce once the log shows what you expect",
                       at);
    }
}

void check_limits(const struct config *config, size_t rule, struct config_faults *faults)
{
    check_bind(config, rule, faults);
    check_will(config, rule, faults);
    check_mode(config, rule, faults);
}

void check_policy_mode(const struct config *config, struct config_faults *faults)
{
    if (config->policy_mode == POLICY_MODE_OBSERVE) {
        config_warning(
            faults, config->path, config_place_of(config, "policy.mode"),
            "policy.mode: whatever the policy refuses is logged (event=observed) and let "
            "in, wrong passwords and unproven user names included: nobody is kept from "
            "the broker; write mode: enforce once the log shows what you expect");
    }
}
