/* Topic lists of a rule that cannot be what their author meant. */
#include "check_internal.h"

#include "moat/base/topic.h"
#include "places_internal.h"

/* A substitution never leaves its level, so as text it is as good as any other level. */
static void check_useless(const struct config *config, size_t at, const char *key,
                          const struct policy_topics_spec *spec, struct config_faults *faults)
{
    for (size_t i = 0; i < spec->allow_count; i++) {
        for (size_t j = 0; j < spec->deny_count; j++) {
            if (topic_covers(slice_from_text(spec->deny[j]), slice_from_text(spec->allow[i]))) {
                config_warning(
                    faults, config->path,
                    config_place_of(config, "policy.rules[%zu].%s.allow", at, key),
                    "policy.rules[%zu].%s.allow: \"%s\" permits nothing, because deny takes "
                    "all of it with \"%s\"; remove one of them",
                    at, key, spec->allow[i], spec->deny[j]);
                break;
            }
        }
    }
}

void check_topics(const struct config *config, size_t rule, struct config_faults *faults)
{
    const struct policy_rule_spec *spec = &config->rules[rule].spec;
    check_useless(config, rule, "publish", &spec->publish, faults);
    check_useless(config, rule, "subscribe", &spec->subscribe, faults);
}
