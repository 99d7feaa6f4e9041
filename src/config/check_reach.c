/*
 * Rules and patterns that do nothing. The gate is as safe with them; whoever wrote them
 * believes something that is not so.
 */
#include "check_internal.h"

#include "moat/policy/reach.h"
#include "places_internal.h"
#include "table_internal.h"

/* False when a condition of the rule could not be read: nothing can be said of it then. */
static bool is_readable(const struct config *config, size_t at)
{
    const struct table_row *row = NULL;
    bool is_sound = config_is_sound(config, "policy.rules[%zu].match", at);
    while (is_sound && (row = table_next("policy.rules[].match", row)) != NULL) {
        is_sound = config_is_sound(config, "policy.rules[%zu].match.%s", at, table_key(row));
    }
    return is_sound;
}

static void check_reached(const struct config *config, size_t at, struct config_faults *faults)
{
    for (size_t i = 0; i < at; i++) {
        if (!is_readable(config, i) ||
            !policy_rule_covers(&config->rules[i].spec, &config->rules[at].spec)) {
            continue;
        }
        config_warning(faults, config->path, config_place_of(config, "policy.rules[%zu]", at),
                       "policy.rules[%zu]: never reached, because policy.rules[%zu] before it "
                       "takes all of its clients; put it further up, or remove it",
                       at, i);
        return;
    }
}

/* --- patterns ------------------------------------------------------------------------------ */

struct pattern_list {
    const char *key;
    const char *const *globs;
    size_t count;
    bool is_always_there; /* every client has this, be it empty */
};

static void warn(const struct config *config, size_t at, const struct pattern_list *list,
                 const char *glob, const char *what, struct config_faults *faults)
{
    config_warning(faults, config->path,
                   config_place_of(config, "policy.rules[%zu].match.%s", at, list->key),
                   "policy.rules[%zu].match.%s: \"%s\" %s", at, list->key, glob, what);
}

/* A star behind a star; a backslash takes away the meaning of what it stands before. */
static bool has_double_star(const char *glob)
{
    bool is_star = false;
    for (const char *byte = glob; *byte != '\0'; byte++) {
        if (is_star && *byte == '*') {
            return true;
        }
        is_star = *byte == '*';
        byte += *byte == '\\' && byte[1] != '\0' ? 1 : 0;
    }
    return false;
}

static bool is_taken_by_another(const struct pattern_list *list, size_t at)
{
    for (size_t i = 0; i < list->count; i++) {
        bool takes = i != at && policy_glob_covers(list->globs[i], list->globs[at]);
        /* Of two that take each other the later one is the one too many. */
        if (takes && (i < at || !policy_glob_covers(list->globs[at], list->globs[i]))) {
            return true;
        }
    }
    return false;
}

/* The pattern of the list that makes it no condition at all, or NULL. */
static const char *find_for_all(const struct pattern_list *list)
{
    for (size_t i = 0; list->is_always_there && i < list->count; i++) {
        if (policy_glob_takes_all(list->globs[i])) {
            return list->globs[i];
        }
    }
    return NULL;
}

static void check_list(const struct config *config, size_t at, const struct pattern_list *list,
                       struct config_faults *faults)
{
    const char *for_all = find_for_all(list);
    if (for_all != NULL) {
        warn(config, at, list, for_all, "is met by every client; remove the condition", faults);
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        const char *glob = list->globs[i];
        if (has_double_star(glob)) {
            warn(config, at, list, glob, "means no more than with a single *; write one", faults);
        } else if (is_taken_by_another(list, i)) {
            warn(config, at, list, glob,
                 "adds nothing, because another pattern of the list takes all that it takes; "
                 "remove it",
                 faults);
        }
    }
}

static void check_patterns(const struct config *config, size_t at, struct config_faults *faults)
{
    const struct policy_rule_spec *spec = &config->rules[at].spec;
    const struct pattern_list lists[] = {
        {"listener", spec->listeners, spec->listener_count, true},
        {"certificate", spec->certificates, spec->certificate_count, false},
        {"issuer", spec->issuers, spec->issuer_count, false},
        {"username", spec->usernames, spec->username_count, false},
        {"client_id", spec->client_ids, spec->client_id_count, true},
        {"sni", spec->snis, spec->sni_count, false},
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        check_list(config, at, &lists[i], faults);
    }
}

/* --- certificates -------------------------------------------------------------------------- */

static bool is_for_listener(const struct policy_rule_spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->listener_count; i++) {
        if (policy_glob_takes(spec->listeners[i], slice_from_text(name))) {
            return true;
        }
    }
    return spec->listener_count == 0;
}

bool check_can_show_certificate(const struct config *config, const struct policy_rule_spec *spec)
{
    bool is_for_any = false;
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        if (listener->name == NULL || !is_for_listener(spec, listener->name)) {
            continue;
        }
        is_for_any = true;
        if (listener->client_certificate != TLS_CLIENT_CERTIFICATE_NONE ||
            !config_is_sound(config, "listeners[%zu].tls.client_certificate", i)) {
            return true;
        }
    }
    return !is_for_any;
}

static void check_certificates(const struct config *config, size_t at, struct config_faults *faults)
{
    const struct policy_rule_spec *spec = &config->rules[at].spec;
    bool has_condition = spec->certificate_count > 0 || spec->issuer_count > 0;
    bool is_required = !spec->deny && (spec->require == POLICY_REQUIRE_CERTIFICATE ||
                                       spec->require == POLICY_REQUIRE_BOTH);
    if (check_can_show_certificate(config, spec)) {
        return;
    }
    if (has_condition) {
        const char *key = spec->certificate_count > 0 ? "certificate" : "issuer";
        config_warning(
            faults, config->path, config_place_of(config, "policy.rules[%zu].match.%s", at, key),
            "policy.rules[%zu].match.%s: matches nobody, because no listener that this rule is for "
            "asks for certificates; write client_certificate: optional or required there",
            at, key);
    } else if (is_required && spec->listener_count > 0) {
        /* Without a condition on the listener this is an error of its own. */
        config_warning(
            faults, config->path, config_place_of(config, "policy.rules[%zu].require", at),
            "policy.rules[%zu].require: lets nobody in, because no listener that this rule is for "
            "asks for certificates; write client_certificate: optional or required there",
            at);
    }
}

void check_reach(const struct config *config, struct config_faults *faults)
{
    for (size_t i = 0; i < config->rule_count; i++) {
        if (is_readable(config, i)) {
            check_reached(config, i, faults);
            check_patterns(config, i, faults);
            check_certificates(config, i, faults);
            check_reach_none(config, i, faults);
        }
    }
}
