#include "moat/config/snapshot.h"

#include <stdlib.h>

#include "check_internal.h"
#include "contexts_internal.h"
#include "files_internal.h"
#include "places_internal.h"
#include "read_internal.h"

static const struct config_place whole_file = {.line = 0};

static void load_contexts(struct snapshot *snapshot, struct config_faults *faults)
{
    const struct config *config = snapshot->config;
    snapshot->contexts = calloc(config->listener_count + 1, sizeof(struct tls_context *));
    if (snapshot->contexts == NULL) {
        config_error(faults, config->path, whole_file, "not enough memory");
        return;
    }
    for (size_t i = 0; i < config->listener_count; i++) {
        snapshot->contexts[i] = context_load(config, i, faults);
    }
}

/* --- users and rules ------------------------------------------------------------------ */

static void parse_credentials(struct snapshot *snapshot, const struct file_bytes *bytes,
                              struct config_faults *faults)
{
    const struct config *config = snapshot->config;
    struct credentials_fault fault;
    snapshot->credentials = credentials_parse(file_slice(bytes), &fault);
    if (snapshot->credentials != NULL) {
        check_users(config, snapshot->credentials, faults);
        return;
    }
    if (fault.line > 0) {
        /* Without a column: lines of this file hold hashes and are never shown. */
        config_error(faults, config->password_file, (struct config_place){.line = fault.line}, "%s",
                     fault.what);
    } else {
        config_error(faults, config->path, config_place_of(config, "credentials.password_file"),
                     "credentials.password_file: %s: %s", config->password_file, fault.what);
    }
}

static void load_credentials(struct snapshot *snapshot, struct config_faults *faults)
{
    const struct config *config = snapshot->config;
    if (config->password_file == NULL) {
        return;
    }
    struct config_place place = config_place_of(config, "credentials.password_file");
    struct file_bytes bytes;
    char what[FILE_FAULT_SIZE];
    if (!file_read(config->password_file, FILE_CONFIDENTIAL, &bytes, what)) {
        config_error(faults, config->path, place, "credentials.password_file: %s", what);
        return;
    }
    if (bytes.exposed) {
        config_warning(faults, config->path, place,
                       "credentials.password_file: every user of this machine has access to the "
                       "hashes in %s; run chmod o-rwx %s",
                       config->password_file, config->password_file);
    }
    parse_credentials(snapshot, &bytes, faults);
    file_bytes_deinit(&bytes);
}

struct policy *snapshot_policy(const struct config *config, struct config_faults *faults)
{
    struct policy *policy = policy_new();
    if (policy == NULL) {
        config_error(faults, config->path, whole_file, "not enough memory");
        return NULL;
    }
    policy_set_mode(policy, config->policy_mode);
    for (size_t i = 0; i < config->rule_count; i++) {
        const struct policy_rule_spec *spec = &config->rules[i].spec;
        /* A rule without a name was reported when the file was read. */
        const char *fault = spec->name != NULL ? policy_add(policy, spec) : NULL;
        if (fault != NULL) {
            config_error(faults, config->path, config_place_of(config, "policy.rules[%zu]", i),
                         "policy.rules[%zu]: %s", i, fault);
        }
    }
    return policy;
}

/* --- the whole -------------------------------------------------------------------------- */

/* Loads whatever can be loaded of a config that may be incomplete, so that every fault of every
 * file is told. NULL when there were errors since the count was `errors_before`. */
static struct snapshot *build(struct config *config, size_t errors_before,
                              struct config_faults *faults)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (snapshot == NULL) {
        config_error(faults, config->path, whole_file, "not enough memory");
        config_free(config);
        return NULL;
    }
    atomic_init(&snapshot->references, 1);
    snapshot->config = config;
    load_contexts(snapshot, faults);
    snapshot->policy = snapshot_policy(config, faults);
    load_credentials(snapshot, faults);
    snapshot->logins = login_cache_new(config->login_cache_ms);
    snapshot->trusted =
        policy_networks_new((const char *const *)config->trusted, config->trusted_count);
    if (snapshot->logins == NULL || snapshot->trusted == NULL) {
        config_error(faults, config->path, whole_file, "not enough memory");
    }
    if (faults->error_count > errors_before) {
        snapshot_unref(snapshot);
        return NULL;
    }
    return snapshot;
}

struct snapshot *snapshot_new(struct config *config, struct config_faults *faults)
{
    return build(config, faults->error_count, faults);
}

struct snapshot *snapshot_load(const char *path, struct config_faults *faults)
{
    size_t errors_before = faults->error_count;
    struct config *config = config_read(path, faults);
    return config != NULL ? build(config, errors_before, faults) : NULL;
}

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

static void snapshot_free(struct snapshot *snapshot)
{
    for (size_t i = 0; snapshot->contexts != NULL && i < snapshot->config->listener_count; i++) {
        tls_context_free(snapshot->contexts[i]);
    }
    free(snapshot->contexts);
    policy_free(snapshot->policy);
    credentials_free(snapshot->credentials);
    login_cache_free(snapshot->logins);
    policy_networks_free(snapshot->trusted);
    config_free(snapshot->config);
    free(snapshot);
}

void snapshot_unref(struct snapshot *snapshot)
{
    /* Release what this thread did with it; the last one acquires what all did. */
    if (snapshot != NULL &&
        atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) == 1) {
        snapshot_free(snapshot);
    }
}
