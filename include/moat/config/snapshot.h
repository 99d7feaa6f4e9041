/*
 * What sessions work with: one configuration, loaded completely, checked completely,
 * immutable and reference-counted. Reload makes a new one and swaps; sessions keep
 * the one that judged them.
 */
#ifndef MOAT_CONFIG_SNAPSHOT_H
#define MOAT_CONFIG_SNAPSHOT_H

#include <stdatomic.h>

#include "moat/config/config.h"
#include "moat/guard/login_cache.h"
#include "moat/policy/credentials.h"
#include "moat/policy/networks.h"
#include "moat/policy/policy.h"
#include "moat/tls/context.h"

struct snapshot {
    atomic_uint references;
    struct config *config;
    struct tls_context **contexts; /* one for each of config->listeners */
    struct policy *policy;
    struct credentials *credentials; /* NULL without credentials.password_file */
    struct login_cache *logins;      /* forgets everything with the snapshot */
    struct policy_networks *trusted; /* limits.trusted */
};

/* Reads every file the configuration names. Takes ownership of `config` in every
 * case. NULL when there is any error; every fault is in `faults`. The caller holds
 * the one reference. */
struct snapshot *snapshot_new(struct config *config, struct config_faults *faults) MOAT_MUST_CHECK;

/* config_load() and snapshot_new() in one, with all faults of both. */
struct snapshot *snapshot_load(const char *path, struct config_faults *faults) MOAT_MUST_CHECK;

/* The rules alone: what a configuration decides can be asked without any of its secrets. What is
 * wrong with a rule is in `faults`; NULL only without memory. */
struct policy *snapshot_policy(const struct config *config,
                               struct config_faults *faults) MOAT_MUST_CHECK;

/* What a listener verifies clients with, and nothing that it shows of itself: enough for
 * tls_identify(), and no private key is read. NULL, with every fault reported, when it cannot be
 * made. */
struct tls_context *snapshot_client_context(const struct config *config, size_t listener,
                                            struct config_faults *faults) MOAT_MUST_CHECK;

struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot);

#endif
