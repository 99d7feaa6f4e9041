#include "bindings_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "moat/base/log.h"
#include "service_internal.h"

static int inherit(const struct endpoint *endpoint, size_t workers, struct net_bound *out_bound,
                   size_t *out_count, struct net_bind_fault *out_fault)
{
    int descriptor = service_socket(endpoint->host);

    if (descriptor < 0) {
        snprintf(out_fault->what, sizeof out_fault->what,
                 "systemd has passed on no socket named %.100s; write FileDescriptorName=%.100s in "
                 "the .socket unit, and start that unit",
                 endpoint->host, endpoint->host);
        return -1;
    }
    if (net_inherit(descriptor, workers, out_bound, out_fault) != 0) {
        return -1;
    }
    *out_count = 1;
    return 0;
}

static int bind_listener(struct bindings *bindings, const struct config_listener *listener,
                         size_t index, size_t workers)
{
    struct net_bound *bound = &bindings->bound[index * NET_LISTENER_ADDRESSES];
    struct net_bind_fault fault;

    int status =
        listener->address.kind == ENDPOINT_SYSTEMD
            ? inherit(&listener->address, workers, bound, &bindings->counts[index], &fault)
            : net_bind(&listener->address, workers, bound, &bindings->counts[index], &fault);
    if (status != 0) {
        log_message(LOG_ERROR, "listen_failed", "listener %s: %s", listener->name, fault.what);
    }
    return status;
}

/* Without health nobody is hurt, so an address that nobody chose is no reason not to start. */
static int bind_admin(struct bindings *bindings, const struct config *config)
{
    struct net_bind_fault fault;

    if (!config->admin_health ||
        net_bind(&config->admin_http, 1, bindings->admin, &bindings->admin_count, &fault) == 0) {
        return 0;
    }
    bindings->admin_count = 0;
    if (!config_has(config, "admin.http")) {
        log_message(LOG_WARNING, "no_health", "admin.http: %s; nobody can ask how this gate is",
                    fault.what);
        return 0;
    }
    log_message(LOG_ERROR, "listen_failed", "admin.http: %s", fault.what);
    return -1;
}

int bindings_open(struct bindings *bindings, const struct config *config, size_t workers)
{
    size_t count = config->listener_count;
    int status = 0;

    *bindings =
        (struct bindings){.listener_count = count,
                          .bound = calloc(count * NET_LISTENER_ADDRESSES, sizeof *bindings->bound),
                          .counts = calloc(count, sizeof *bindings->counts)};
    if (bindings->bound == NULL || bindings->counts == NULL) {
        log_message(LOG_ERROR, "listen_failed", "not enough memory for the listeners");
        return -1;
    }
    /* Every listener is tried, so that one start tells of all of them. */
    for (size_t i = 0; i < count; i++) {
        if (bind_listener(bindings, &config->listeners[i], i, workers) != 0) {
            status = -1;
        }
        bindings->address_count += bindings->counts[i];
    }
    return bind_admin(bindings, config) == 0 ? status : -1;
}

static void announce(const char *event, const char *listener, const struct address *address)
{
    char text[ADDRESS_TEXT_SIZE];
    struct log_line line;

    address_format_port(address, text);
    log_begin(&line, LOG_INFO, event);
    if (listener != NULL) {
        log_text(&line, "listener", listener);
    }
    log_text(&line, "address", text);
    log_end(&line);
}

void bindings_announce(const struct bindings *bindings, const struct config *config)
{
    for (size_t i = 0; i < bindings->listener_count; i++) {
        for (size_t j = 0; j < bindings->counts[i]; j++) {
            announce("listening", config->listeners[i].name,
                     &bindings->bound[i * NET_LISTENER_ADDRESSES + j].address);
        }
    }
    for (size_t i = 0; i < bindings->admin_count; i++) {
        announce("health_at", NULL, &bindings->admin[i].address);
    }
}

int bindings_take(struct bindings *bindings, size_t listener, size_t address, size_t index)
{
    struct net_bound *bound = &bindings->bound[listener * NET_LISTENER_ADDRESSES + address];
    int descriptor = bound->descriptors[index];

    bound->descriptors[index] = -1;
    return descriptor;
}

void bindings_close(struct bindings *bindings)
{
    for (size_t i = 0; bindings->bound != NULL && i < bindings->listener_count; i++) {
        for (size_t j = 0; bindings->counts != NULL && j < bindings->counts[i]; j++) {
            net_bound_close(&bindings->bound[i * NET_LISTENER_ADDRESSES + j]);
        }
    }
    for (size_t i = 0; i < bindings->admin_count; i++) {
        net_bound_close(&bindings->admin[i]);
    }
    free(bindings->bound);
    free(bindings->counts);
    *bindings = (struct bindings){.bound = NULL};
}
