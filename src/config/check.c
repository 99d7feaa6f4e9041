/*
 * "Safe as shipped": keys that are each in order and together would leave a door
 * open, or shut every door. Keys with a fault of their own are left alone here, so that one
 * slip does not make a chain of reports.
 */
#include "read_internal.h"

#include "check_internal.h"
#include "places_internal.h"

/* --- listeners ------------------------------------------------------------------------- */

static void check_listener_unique(const struct config *config, size_t at,
                                  struct config_faults *faults)
{
    const struct config_listener *listener = &config->listeners[at];
    bool has_name = config_has(config, "listeners[%zu].name", at);
    /* Port 0 is any free port: two of them are two ports. */
    bool has_port = config_has(config, "listeners[%zu].address", at) && listener->address.port != 0;
    for (size_t i = 0; i < at; i++) {
        const struct config_listener *other = &config->listeners[i];
        if (has_name && other->name != NULL && strcmp(other->name, listener->name) == 0) {
            config_error(faults, config->path, config_place_of(config, "listeners[%zu].name", at),
                         "listeners[%zu].name: listeners[%zu] has the same name; give each its own",
                         at, i);
        }
        if (has_port && endpoint_equal(&other->address, &listener->address)) {
            config_error(
                faults, config->path, config_place_of(config, "listeners[%zu].address", at),
                "listeners[%zu].address: listeners[%zu] has the same address; change one", at, i);
        }
    }
}

static void check_listener(const struct config *config, size_t at, struct config_faults *faults)
{
    if (config->listeners[at].address.kind == ENDPOINT_UNIX) {
        config_error(faults, config->path, config_place_of(config, "listeners[%zu].address", at),
                     "listeners[%zu].address: clients cannot connect to a unix socket; write "
                     "an address with a port",
                     at);
    }
    check_listener_unique(config, at, faults);
    check_tls(config, at, faults);
}

/* --- the broker ------------------------------------------------------------------------ */

static bool is_every_address(const struct endpoint *endpoint)
{
    return strcmp(endpoint->host, "::") == 0 || strcmp(endpoint->host, "0.0.0.0") == 0;
}

/* A gate in front of itself would let each client in again and again until nothing is left. */
static bool leads_back(const struct endpoint *upstream, const struct endpoint *listener)
{
    bool is_same_port = upstream->kind == ENDPOINT_TCP && listener->kind == ENDPOINT_TCP &&
                        upstream->port == listener->port;
    return is_same_port && (strcmp(upstream->host, listener->host) == 0 ||
                            (endpoint_is_local(upstream) && is_every_address(listener)));
}

static void check_upstream(const struct config *config, struct config_faults *faults)
{
    const struct endpoint *upstream = &config->upstream;
    if (!config_has(config, "upstream.address")) {
        return;
    }
    struct config_place place = config_place_of(config, "upstream.address");
    if (upstream->kind == ENDPOINT_SYSTEMD) {
        config_error(faults, config->path, place,
                     "upstream.address: systemd passes on sockets of listeners, not of brokers; "
                     "write the broker's address");
        return;
    }
    if (upstream->kind == ENDPOINT_TCP && upstream->port == 0) {
        config_error(faults, config->path, place,
                     "upstream.address: port 0 cannot be connected to; write the broker's port");
    }
    if (!endpoint_is_local(upstream) && !config->allow_remote_plaintext &&
        config_is_sound(config, "upstream.allow_remote_plaintext")) {
        config_error(
            faults, config->path, place,
            "upstream.address: the broker is not on this machine, so passwords would cross "
            "the network unprotected; use a loopback address or a unix socket, or write "
            "upstream.allow_remote_plaintext: true");
    }
    for (size_t i = 0; i < config->listener_count; i++) {
        if (config_has(config, "listeners[%zu].address", i) &&
            leads_back(upstream, &config->listeners[i].address)) {
            config_error(faults, config->path, place,
                         "upstream.address: this is listeners[%zu] itself; write the broker's "
                         "address",
                         i);
        }
    }
}

static void check_admin(const struct config *config, struct config_faults *faults)
{
    if (config->admin_health && config->admin_http.kind != ENDPOINT_TCP) {
        config_error(faults, config->path, config_place_of(config, "admin.http"),
                     "admin.http: write an address with a port");
    }
}

void check_config(const struct config *config, struct config_faults *faults)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        check_listener(config, i, faults);
    }
    check_upstream(config, faults);
    check_admin(config, faults);
    check_strangers(config, faults);
    check_rules(config, faults);
    check_reach(config, faults);
}
