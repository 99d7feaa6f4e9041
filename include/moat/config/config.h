/*
 * The configuration file as typed values, exactly as written plus the defaults.
 *
 * config_load() reads only the YAML file. What it names (certificates, keys,
 * password files) is read by snapshot_new(), which turns a config into what
 * sessions use.
 */
#ifndef MOAT_CONFIG_CONFIG_H
#define MOAT_CONFIG_CONFIG_H

#include <stdio.h>

#include "moat/base/address.h"
#include "moat/base/log.h"
#include "moat/config/faults.h"
#include "moat/guard/ledger.h"
#include "moat/mqtt/connect.h"
#include "moat/policy/policy.h"
#include "moat/tls/context.h"

/* Paths are absolute or relative to the working directory; those of the file, relative
 * to the file, have been joined with its folder. They are NULL when not written. */
struct config_certificate {
    char *chain;
    char *key;
};

struct config_listener {
    char *name;
    struct endpoint address;
    struct config_certificate *certificates; /* the first is the default */
    size_t certificate_count;
    enum tls_profile profile;
    enum tls_version minimum_version;
    unsigned max_record; /* bytes of plaintext */
    enum tls_client_certificate client_certificate;
    char *client_ca;
    char *client_crl;
    enum tls_crl_expired crl_expired;
    char **spki_pins;
    size_t spki_pin_count;
    bool tickets;
    char *ticket_key_file;
    unsigned connections; /* sessions of all workers together; 0: no limit of its own */
};

/* A rule as written; texts and lists owned by the config. */
struct config_rule {
    struct policy_rule_spec spec;
};

enum config_sandbox {
    SANDBOX_OFF,
    SANDBOX_AUTO,     /* what the kernel offers */
    SANDBOX_REQUIRED, /* everything, or no start */
};

/* For what kind of machine the defaults are. */
enum config_profile {
    CONFIG_PROFILE_FULL,
    CONFIG_PROFILE_SMALL, /* a router: no Argon2, no file is written to before the end */
};
#define CONFIG_LISTENERS_MAX 64

struct config_places;

struct config {
    char *path;                   /* of the file */
    struct config_places *places; /* where each key was written; see config_place_of() */

    enum config_profile profile;
    unsigned workers; /* 0: one for each processor */

    struct config_listener *listeners;
    size_t listener_count;

    struct endpoint upstream;
    uint64_t upstream_connect_timeout_ms;
    uint64_t connack_timeout_ms; /* upstream.connack_timeout */
    bool allow_remote_plaintext;

    enum tls_identity certificate_identity;
    char *password_file;     /* NULL when not written */
    uint64_t login_cache_ms; /* credentials.cache: how long a proven login is remembered */

    enum policy_mode policy_mode;
    struct config_rule *rules;
    size_t rule_count;

    bool guards_client_id; /* guard.client_id: on */
    uint64_t guard_remember_ms;
    uint32_t guard_identifiers;
    char *guard_state_file; /* NULL when not written */

    struct mqtt_connect_limits connect; /* limits.connect_size, client_id_size, ... */
    unsigned connections;               /* limits.connections: sessions of all workers together */
    unsigned handshakes;                /* limits.handshakes: strangers of one worker */
    unsigned hashing;                   /* limits.hashing: password checks queued or running */
    bool silent;                        /* refusal: silent */

    struct ledger_limits strangers; /* limits.unauthenticated_per_address, ... */
    char **trusted;                 /* networks; limits.trusted */
    size_t trusted_count;
    uint32_t addresses; /* limits.addresses: places of the ledger */

    uint64_t handshake_timeout_ms;
    uint64_t connect_timeout_ms;
    uint64_t keep_alive_grace_ms;
    uint64_t stall_timeout_ms;
    uint64_t drain_timeout_ms;
    uint64_t watch_ms; /* between two looks at the files; 0: none */

    char *user; /* NULL when not written */
    enum config_sandbox sandbox;

    enum log_level log_level;
    unsigned failed_login_alarm; /* of all addresses in ALARM_WINDOW_MS; 0: none */
    unsigned log_refusals;       /* lines of each reason in PACE_WINDOW_MS; 0: all */

    bool admin_health;
    struct endpoint admin_http;
};

/* In place of the path of a file: there is none, and what the variables of the environment say is
 * put around what is needed to make it a configuration. Paths are then relative to the
 * working directory. */
#define CONFIG_OF_ENVIRONMENT "@environment"

/* False for CONFIG_OF_ENVIRONMENT. */
bool config_is_file(const char *path);

/* True when the environment says enough to be a configuration without a file, well or not. */
bool config_environment_suffices(void);

/* Reads and checks the file, or the environment, whose variables go before the file. NULL when
 * there is any error; every fault is in `faults`, warnings also when a config is returned. */
struct config *config_load(const char *path, struct config_faults *faults) MOAT_MUST_CHECK;
void config_free(struct config *config);

/* Reports every key that differs between two configurations and cannot change while
 * running (the table's `reloadable` column), as errors at its place in the new file. */
void config_check_reload(const struct config *running, const struct config *next,
                         struct config_faults *faults);

/* Where a key stands in the file, by its path with indices ("listeners[0].tls.client_ca"). A key
 * that was not written has the place of the innermost one around it that was; line 0 if none. */
struct config_place config_place_of(const struct config *config, const char *format, ...)
    MOAT_PRINTF(2, 3);

/* True when this key itself was written and its value could be read. */
bool config_has(const struct config *config, const char *format, ...) MOAT_PRINTF(2, 3);

/* All keys with their values, defaults included, as YAML that config_load() reads back. */
void config_print(const struct config *config, FILE *stream);

#endif
