#include "check_internal.h"

#include "places_internal.h"
#include "table_internal.h"
#include "values_internal.h"

/* Which proofs clients can give under this configuration. */
struct proofs {
    bool password;
    bool certificate;
};

/* Where a key has a fault of its own, the better is assumed: that fault is reported already. */
static struct proofs find_proofs(const struct config *config)
{
    struct proofs proofs = {
        .password =
            config->password_file != NULL || !config_is_sound(config, "credentials.password_file"),
        .certificate = config->listener_count == 0 || !config_is_sound(config, "listeners"),
    };
    for (size_t i = 0; i < config->listener_count; i++) {
        proofs.certificate =
            proofs.certificate ||
            config->listeners[i].client_certificate != TLS_CLIENT_CERTIFICATE_NONE ||
            !config_is_sound(config, "listeners[%zu].tls.client_certificate", i);
    }
    return proofs;
}

static void check_rule_name(const struct config *config, size_t at, struct config_faults *faults)
{
    const char *name = config->rules[at].spec.name;
    for (size_t i = 0; name != NULL && i < at; i++) {
        const char *other = config->rules[i].spec.name;
        if (other != NULL && strcmp(other, name) == 0) {
            config_error(faults, config->path,
                         config_place_of(config, "policy.rules[%zu].name", at),
                         "policy.rules[%zu].name: policy.rules[%zu] has the same name; give each "
                         "its own",
                         at, i);
            return;
        }
    }
}

static bool has_condition(const struct config *config, size_t at)
{
    const struct table_row *row = NULL;
    while ((row = table_next("policy.rules[].match", row)) != NULL) {
        const char *key = table_key(row);
        if (config_has(config, "policy.rules[%zu].match.%s", at, key) ||
            !config_is_sound(config, "policy.rules[%zu].match.%s", at, key)) {
            return true;
        }
    }
    return false;
}

/* A `match` whose conditions were all taken out would turn into a rule for everybody. */
static void check_match(const struct config *config, size_t at, struct config_faults *faults)
{
    if (config_has(config, "policy.rules[%zu].match", at) && !has_condition(config, at)) {
        config_error(faults, config->path, config_place_of(config, "policy.rules[%zu].match", at),
                     "policy.rules[%zu].match: there is no condition in it; write one, or remove "
                     "match to make this a rule for every client",
                     at);
    }
}

static bool is_listener(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const char *known = config->listeners[i].name;
        if (known == NULL || strcmp(known, name) == 0) {
            return true; /* a listener without a name is reported where it stands */
        }
    }
    return config->listener_count == 0;
}

static void check_listener_names(const struct config *config, size_t at,
                                 struct config_faults *faults)
{
    const struct policy_rule_spec *spec = &config->rules[at].spec;
    if (!config_has(config, "policy.rules[%zu].match.listener", at)) {
        return;
    }
    for (size_t i = 0; i < spec->listener_count; i++) {
        const char *name = spec->listeners[i];
        if (strpbrk(name, "*?\\") != NULL || is_listener(config, name)) {
            continue;
        }
        struct suggestion suggestion;
        suggestion_init(&suggestion, name);
        for (size_t j = 0; j < config->listener_count; j++) {
            suggestion_offer(&suggestion, config->listeners[j].name);
        }
        config_error(
            faults, config->path, config_place_of(config, "policy.rules[%zu].match.listener", at),
            "policy.rules[%zu].match.listener: no listener is named \"%s\"; correct the "
            "name%s%s%s",
            at, name, suggestion.best != NULL ? " (did you mean \"" : "",
            suggestion.best != NULL ? suggestion.best : "", suggestion.best != NULL ? "\"?)" : "");
    }
}

static bool needs_password(const struct policy_rule_spec *spec, struct proofs proofs)
{
    return spec->require == POLICY_REQUIRE_PASSWORD || spec->require == POLICY_REQUIRE_BOTH ||
           (spec->require == POLICY_REQUIRE_ANY && !proofs.certificate);
}

static bool needs_certificate(const struct policy_rule_spec *spec, struct proofs proofs)
{
    return spec->require == POLICY_REQUIRE_CERTIFICATE || spec->require == POLICY_REQUIRE_BOTH ||
           (spec->require == POLICY_REQUIRE_ANY && !proofs.password);
}

static void check_require(const struct config *config, size_t at, struct proofs proofs,
                          struct config_faults *faults)
{
    const struct policy_rule_spec *spec = &config->rules[at].spec;
    if (spec->deny || !config_is_sound(config, "policy.rules[%zu].action", at) ||
        !config_is_sound(config, "policy.rules[%zu].require", at)) {
        return;
    }
    struct config_place place = config_place_of(config, "policy.rules[%zu].require", at);
    if (!config_has(config, "policy.rules[%zu].require", at)) {
        config_error(faults, config->path, place,
                     "policy.rules[%zu]: nothing says what clients must prove; write require: "
                     "[password], or require: none to let in everybody it matches",
                     at);
        return;
    }
    if (needs_password(spec, proofs) && !proofs.password) {
        config_error(faults, config->path, place,
                     "policy.rules[%zu].require: no password can be checked; write "
                     "credentials.password_file, or require something else",
                     at);
    }
    if (needs_certificate(spec, proofs) && !proofs.certificate) {
        config_error(faults, config->path, place,
                     "policy.rules[%zu].require: no listener asks for certificates; write "
                     "client_certificate and client_ca under its tls, or require something else",
                     at);
    }
}

/* True when some client could come in by this rule, given the right proofs. */
static bool lets_in(const struct config *config, size_t at)
{
    return !config->rules[at].spec.deny || !config_is_sound(config, "policy.rules[%zu].action", at);
}

static bool lets_everybody_in(const struct config *config, size_t at)
{
    return !config->rules[at].spec.deny && config->rules[at].spec.require == POLICY_REQUIRE_NONE &&
           config_has(config, "policy.rules[%zu].require", at);
}

static size_t count_rules(const struct config *config,
                          bool (*holds)(const struct config *config, size_t at))
{
    size_t count = 0;
    for (size_t i = 0; i < config->rule_count; i++) {
        count += holds(config, i) ? 1 : 0;
    }
    return count;
}

/* False, after the report, when no client could ever prove itself. */
static bool check_ways_in(const struct config *config, struct proofs proofs,
                          struct config_faults *faults)
{
    struct config_place place = config_place_of(config, "policy.rules");
    if (config->rule_count > 0 && count_rules(config, lets_in) == 0) {
        config_error(faults, config->path, place,
                     "policy.rules: every rule denies, so nobody could come in; add one without "
                     "action: deny");
    }
    if (!proofs.password && !proofs.certificate && count_rules(config, lets_everybody_in) == 0) {
        config_error(faults, config->path, place,
                     "there is no way to authenticate; write credentials.password_file, or "
                     "client_certificate and client_ca under the tls of a listener");
        return false;
    }
    return true;
}

void check_rules(const struct config *config, struct config_faults *faults)
{
    struct proofs proofs = find_proofs(config);
    bool is_provable = check_ways_in(config, proofs, faults);
    check_policy_mode(config, faults);
    for (size_t i = 0; i < config->rule_count; i++) {
        check_rule_name(config, i, faults);
        check_match(config, i, faults);
        check_listener_names(config, i, faults);
        check_require(config, i, is_provable ? proofs : (struct proofs){true, true}, faults);
        check_limits(config, i, faults);
        check_topics(config, i, faults);
    }
}
