#include "admin_internal.h"

#include "admin_client_internal.h"

static void on_retry(uv_timer_t *timer)
{
    struct admin *admin = timer->data;

    for (size_t i = 0; i < admin->listener_count; i++) {
        net_listener_resume(&admin->listeners[i]);
    }
}

static void on_connection(struct net_listener *listener, int descriptor,
                          const struct address *address)
{
    struct admin *admin = listener->owner;

    (void)address;
    /* Who came first has had the most time to ask. */
    if (admin->client_count == ADMIN_CONNECTIONS_MAX) {
        admin_client_close(admin->oldest);
    }
    admin_client_accept(admin, descriptor);
}

/* Without descriptors the probe waits, and fails if that lasts: then the gate is not well. */
static void on_starved(struct net_listener *listener, int code)
{
    struct admin *admin = listener->owner;

    (void)code;
    uv_timer_start(&admin->retry, on_retry, ADMIN_RETRY_MS, 0);
}

static void on_listener_closed(struct net_listener *listener)
{
    (void)listener; /* its memory is the owner's */
}

int admin_start(struct admin *admin, uv_loop_t *loop, const struct health *health,
                struct net_bound *bound, size_t bound_count)
{
    int status = 0;

    *admin = (struct admin){.loop = loop, .health = health};
    admin->scratch = (struct net_scratch){admin->buffer, sizeof admin->buffer};
    admin->retry.data = admin;
    uv_timer_init(loop, &admin->retry);
    for (size_t i = 0; status == 0 && i < bound_count; i++) {
        struct net_listener *listener = &admin->listeners[i];
        listener->owner = admin;
        listener->on_connection = on_connection;
        listener->on_starved = on_starved;
        listener->on_closed = on_listener_closed;
        int descriptor = bound[i].descriptors[0];
        bound[i].descriptors[0] = -1;
        status = net_listener_start(listener, loop, descriptor);
        admin->listener_count += status == 0;
    }
    return status;
}

void admin_stop(struct admin *admin)
{
    for (size_t i = 0; i < admin->listener_count; i++) {
        net_listener_close(&admin->listeners[i]);
    }
    while (admin->oldest != NULL) {
        admin_client_close(admin->oldest);
    }
    uv_close((uv_handle_t *)&admin->retry, NULL);
}
