/* Users of the password file that are of no use, or whose passwords are easily guessed. */
#include "check_internal.h"

#include <stdio.h>

#include "moat/policy/reach.h"
#include "places_internal.h"

#define USERS_NAMED 3 /* the others are counted */
#define USERS_TEXT  1024

/* True when a client of this name could come in by the rule, given the right proofs, and where what
 * the rule says could not be read. */
static bool lets_in(const struct config *config, size_t at, struct slice name)
{
    const struct policy_rule_spec *spec = &config->rules[at].spec;
    if (!config_is_sound(config, "policy.rules[%zu].match.username", at) ||
        !config_is_sound(config, "policy.rules[%zu].action", at)) {
        return true;
    }
    for (size_t i = 0; !spec->deny && i < spec->username_count; i++) {
        if (policy_glob_takes(spec->usernames[i], name)) {
            return true;
        }
    }
    return !spec->deny && spec->username_count == 0;
}

static bool is_in_no_rule(const struct config *config, const struct credentials *credentials,
                          size_t at)
{
    struct slice name = slice_from_text(credentials_name(credentials, at));
    for (size_t i = 0; i < config->rule_count; i++) {
        if (lets_in(config, i, name)) {
            return false;
        }
    }
    return true;
}

static bool is_weak(const struct config *config, const struct credentials *credentials, size_t at)
{
    (void)config;
    return credentials_is_weak(credentials, at);
}

static bool is_costly(const struct config *config, const struct credentials *credentials, size_t at)
{
    return config->profile == CONFIG_PROFILE_SMALL && credentials_is_costly(credentials, at);
}

/* "alice", "alice, bob", "alice, bob, eve and 9 others"; empty when there is none. */
static void name_users(const struct config *config, const struct credentials *credentials,
                       bool (*is_meant)(const struct config *config,
                                        const struct credentials *credentials, size_t at),
                       char out_text[USERS_TEXT])
{
    size_t found = 0;
    size_t used = 0;
    out_text[0] = '\0';
    for (size_t i = 0; i < credentials_count(credentials); i++) {
        if (!is_meant(config, credentials, i)) {
            continue;
        }
        found++;
        if (found <= USERS_NAMED && used < USERS_TEXT) {
            used += (size_t)snprintf(out_text + used, USERS_TEXT - used, "%s%.256s",
                                     found > 1 ? ", " : "", credentials_name(credentials, i));
        }
    }
    if (found > USERS_NAMED && used < USERS_TEXT) {
        snprintf(out_text + used, USERS_TEXT - used, " and %zu other%s", found - USERS_NAMED,
                 found > USERS_NAMED + 1 ? "s" : "");
    }
}

void check_users(const struct config *config, const struct credentials *credentials,
                 struct config_faults *faults)
{
    struct config_place place = config_place_of(config, "credentials.password_file");
    char names[USERS_TEXT];
    name_users(config, credentials, is_in_no_rule, names);
    if (names[0] != '\0') {
        config_warning(faults, config->path, place,
                       "credentials.password_file: no rule lets in %s; write one, or delete who is "
                       "not meant to come in",
                       names);
    }
    name_users(config, credentials, is_costly, names);
    if (names[0] != '\0') {
        /* A few strangers who try to log in would take all the memory that a router has. */
        config_error(faults, config->path, place,
                     "credentials.password_file: the hashes of %s are of Argon2, which takes more "
                     "memory than profile: small has; set these passwords anew with moat passwd",
                     names);
    }
    name_users(config, credentials, is_weak, names);
    if (names[0] != '\0') {
        config_warning(faults, config->path, place,
                       "credentials.password_file: the hashes of %s are quick to guess for whoever "
                       "gets the file; set these passwords anew with moat passwd",
                       names);
    }
}
