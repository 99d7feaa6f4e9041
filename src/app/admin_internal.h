/*
 * The administrator's HTTP: /healthz and /readyz, on the main loop and away from the clients'
 * workers.
 *
 * Whoever reaches its address may ask, so it is bounded in everything: so many connections, of
 * which the oldest makes room for the next; one short request each; one answer; a deadline over
 * all.
 */
#ifndef MOAT_APP_ADMIN_INTERNAL_H
#define MOAT_APP_ADMIN_INTERNAL_H

#include "health_internal.h"
#include "moat/net/listener.h"
#include "moat/net/stream.h"

#define ADMIN_CONNECTIONS_MAX 16u
/* From the connection to its close; a probe is answered within one turn of the loop. */
#define ADMIN_DEADLINE_MS 5000u
/* Until the next try, when a connection could not be accepted. */
#define ADMIN_RETRY_MS 500u

struct admin_client;

struct admin {
    uv_loop_t *loop;
    const struct health *health;
    struct net_listener listeners[NET_LISTENER_ADDRESSES];
    size_t listener_count;
    uv_timer_t retry;
    struct net_scratch scratch;
    struct admin_client *oldest;
    struct admin_client *newest;
    size_t client_count;
    uint8_t buffer[4096];
};

/* Takes over the bound descriptors, each the first of its address. `health` outlives it. 0 or
 * libuv's code; admin_stop() is due either way. */
int admin_start(struct admin *admin, uv_loop_t *loop, const struct health *health,
                struct net_bound *bound, size_t bound_count) MOAT_MUST_CHECK;

/* Closes everything; the memory may go when the loop has run out. */
void admin_stop(struct admin *admin);

#endif
