#include "moat/net/dial.h"

#include <netinet/in.h>
#include <stdio.h>

static void done(struct net_dial *dial, int status)
{
    dial->on_done(dial, status);
}

static void attempted(struct net_dial *dial, int status)
{
    if (status != 0 && dial->next != NULL) {
        /* A handle that failed cannot connect again: close it and make it anew. */
        dial->is_retrying = true;
        net_stream_close(dial->stream);
        return;
    }
    done(dial, status);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct net_dial *dial = request->data;

    if (!dial->is_cancelled && !dial->is_retrying) {
        attempted(dial, status);
    }
}

static int connect_to(struct net_dial *dial, const struct sockaddr *address)
{
    dial->connect.data = dial;
    return uv_tcp_connect(&dial->connect, &dial->stream->uv.tcp, address, on_connected);
}

static void try_address(struct net_dial *dial)
{
    int status = UV_EAI_NODATA;

    if (dial->next != NULL) {
        const struct sockaddr *address = dial->next->ai_addr;
        dial->next = dial->next->ai_next;
        status = connect_to(dial, address);
    }
    /* An address without a route fails here and now. Its handle has a socket of its family
     * already, so the next address needs a new one all the same. */
    if (status != 0) {
        attempted(dial, status);
    }
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct net_dial *dial = request->data;

    dial->is_resolving = false;
    dial->addresses = addresses;
    dial->next = addresses;
    if (dial->is_cancelled) {
        done(dial, UV_ECANCELED);
    } else if (status != 0) {
        done(dial, status);
    } else {
        try_address(dial);
    }
}

static int resolve(struct net_dial *dial)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char port[8];

    snprintf(port, sizeof port, "%u", (unsigned)dial->endpoint->port);
    dial->resolve.data = dial;
    int status = uv_getaddrinfo(dial->stream->uv.handle.loop, &dial->resolve, on_resolved,
                                dial->endpoint->host, port, &hints);
    dial->is_resolving = status == 0;
    return status;
}

int net_dial_start(struct net_dial *dial)
{
    const struct endpoint *endpoint = dial->endpoint;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;

    if (endpoint->kind == ENDPOINT_UNIX) {
        dial->connect.data = dial;
        uv_pipe_connect(&dial->connect, &dial->stream->uv.pipe, endpoint->path, on_connected);
        return 0;
    }
    if (uv_ip4_addr(endpoint->host, endpoint->port, &ipv4) == 0) {
        return connect_to(dial, (const struct sockaddr *)&ipv4);
    }
    if (uv_ip6_addr(endpoint->host, endpoint->port, &ipv6) == 0) {
        return connect_to(dial, (const struct sockaddr *)&ipv6);
    }
    return resolve(dial);
}

bool net_dial_on_closed(struct net_dial *dial)
{
    struct net_stream *stream = dial->stream;

    if (!dial->is_retrying || dial->is_cancelled) {
        return false;
    }
    dial->is_retrying = false;
    int status = net_stream_init(stream, stream->uv.handle.loop, false, stream->events,
                                 stream->owner, stream->scratch);
    if (status != 0) {
        done(dial, status);
        return false;
    }
    try_address(dial);
    return true;
}

void net_dial_cancel(struct net_dial *dial)
{
    dial->is_cancelled = true;
    if (dial->is_resolving) {
        /* When a pool thread is at it already, it goes on and on_resolved comes later. */
        uv_cancel((uv_req_t *)&dial->resolve);
    }
}

void net_dial_deinit(struct net_dial *dial)
{
    uv_freeaddrinfo(dial->addresses);
    dial->addresses = NULL;
    dial->next = NULL;
}
