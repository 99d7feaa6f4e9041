/* One connection to the administrator's HTTP. */
#ifndef MOAT_APP_ADMIN_CLIENT_INTERNAL_H
#define MOAT_APP_ADMIN_CLIENT_INTERNAL_H

#include "admin_internal.h"
#include "http_request_internal.h"

struct admin_client {
    struct admin *admin;
    struct admin_client *older;
    struct admin_client *newer;
    struct net_stream stream;
    uv_timer_t deadline;
    unsigned handles; /* whose close callback will still come */
    struct http_request request;
    bool is_answered;
};

/* Takes over an accepted descriptor; without memory it is closed. */
void admin_client_accept(struct admin *admin, int descriptor);

void admin_client_close(struct admin_client *client);

#endif
