/* The sockets that the gate listens on: bound by us or passed in, and who has taken them over. */
#ifndef MOAT_APP_BINDINGS_INTERNAL_H
#define MOAT_APP_BINDINGS_INTERNAL_H

#include "moat/config/config.h"
#include "moat/net/listener.h"

struct bindings {
    size_t listener_count;
    struct net_bound *bound; /* NET_LISTENER_ADDRESSES for each listener of the configuration */
    size_t *counts;          /* how many of them are used, for each listener */
    size_t address_count;    /* in all */
    struct net_bound admin[NET_LISTENER_ADDRESSES]; /* of admin.http */
    size_t admin_count;
};

/* Binds every address once for each worker. Whatever fails is told in the log, all of it. 0, or -1
 * and bindings_close() is due. */
int bindings_open(struct bindings *bindings, const struct config *config,
                  size_t workers) MOAT_MUST_CHECK;

/* A line in the log for each address. */
void bindings_announce(const struct bindings *bindings, const struct config *config);

/* Hands over worker `index`'s descriptor of an address: the caller's from then on. */
int bindings_take(struct bindings *bindings, size_t listener, size_t address, size_t index);

/* Closes what nobody took over. */
void bindings_close(struct bindings *bindings);

#endif
