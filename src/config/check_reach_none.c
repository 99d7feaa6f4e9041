/*
 * Rules that nobody can meet, whatever stands before them: names that the gate refuses before any
 * rule is asked, versions that one key matches and the other refuses, a bind to a certificate
 * that nobody is asked for.
 */
#include "check_internal.h"

#include "places_internal.h"

static void check_names(const struct config *config, size_t at, const char *key,
                        const char *const *globs, size_t count, struct config_faults *faults)
{
    for (size_t i = 0; i < count; i++) {
        const char *byte = strpbrk(globs[i], "+#"); /* neither can be an escape or a wildcard */
        if (byte != NULL) {
            config_warning(faults, config->path,
                           config_place_of(config, "policy.rules[%zu].match.%s", at, key),
                           "policy.rules[%zu].match.%s: \"%s\" matches nobody, because names with "
                           "%c are refused before any rule is asked; remove it%s",
                           at, key, globs[i], *byte, *byte == '#' ? " (for any text write *)" : "");
        }
    }
}

/* Bit 3, 4 and 5 for the versions; all of them when none is written. */
static unsigned versions_of(const uint8_t *levels, size_t count)
{
    unsigned versions = count == 0 ? ~0u : 0;
    for (size_t i = 0; i < count; i++) {
        versions |= 1u << levels[i];
    }
    return versions;
}

static void check_versions(const struct config *config, size_t at, struct config_faults *faults)
{
    const struct policy_rule_spec *spec = &config->rules[at].spec;
    const struct policy_limits_spec *limits = &spec->limits;
    unsigned matched = versions_of(spec->protocols, spec->protocol_count);
    unsigned allowed = versions_of(limits->protocols, limits->protocol_count);
    if (!spec->deny && (matched & allowed) == 0) {
        config_warning(faults, config->path,
                       config_place_of(config, "policy.rules[%zu].limits.protocol", at),
                       "policy.rules[%zu].limits.protocol: lets nobody in, because match.protocol "
                       "names other versions; remove one of the two",
                       at);
    }
}

/* Only a client with an empty identifier is not bound. */
static void check_bind(const struct config *config, size_t at, struct config_faults *faults)
{
    const struct policy_rule_spec *spec = &config->rules[at].spec;
    size_t bound = 0;
    for (size_t i = 0; i < spec->bind_client_id_count; i++) {
        bound += strstr(spec->bind_client_ids[i], "${certificate") != NULL ? 1 : 0;
    }
    if (!spec->deny && bound > 0 && bound == spec->bind_client_id_count &&
        !check_can_show_certificate(config, spec)) {
        config_warning(
            faults, config->path, config_place_of(config, "policy.rules[%zu].bind.client_id", at),
            "policy.rules[%zu].bind.client_id: no client can have this identifier, because no "
            "listener that this rule is for asks for certificates; write client_certificate: "
            "optional or required there",
            at);
    }
}

void check_reach_none(const struct config *config, size_t rule, struct config_faults *faults)
{
    const struct policy_rule_spec *spec = &config->rules[rule].spec;
    check_names(config, rule, "username", spec->usernames, spec->username_count, faults);
    check_names(config, rule, "client_id", spec->client_ids, spec->client_id_count, faults);
    check_versions(config, rule, faults);
    check_bind(config, rule, faults);
}
