#include "moat/net/listener.h"

static void on_close(uv_handle_t *handle)
{
    struct net_listener *listener = handle->data;
    listener->on_closed(listener);
}

static void on_incoming(uv_stream_t *server, int status)
{
    struct net_listener *listener = server->data;

    /* accept(2) failed: libuv has dealt with a full descriptor table by dropping the
     * connection, and any other failure is of that one connection. */
    if (status != 0 || !listener->is_open) {
        return;
    }
    /* While nobody accepts, libuv holds this connection and polls for no other. */
    listener->is_waiting = true;
    listener->on_connection(listener);
}

int net_listener_start(struct net_listener *listener, uv_loop_t *loop, int descriptor)
{
    int status = uv_tcp_init(loop, &listener->tcp);
    if (status != 0) {
        return status;
    }
    listener->tcp.data = listener;
    listener->is_open = true;
    status = uv_tcp_open(&listener->tcp, descriptor);
    if (status == 0) {
        status = uv_listen((uv_stream_t *)&listener->tcp, NET_LISTENER_BACKLOG, on_incoming);
    }
    if (status != 0) {
        net_listener_close(listener);
    }
    return status;
}

int net_listener_accept(struct net_listener *listener, struct net_stream *stream)
{
    listener->is_waiting = false;
    return uv_accept((uv_stream_t *)&listener->tcp, &stream->uv.stream);
}

void net_listener_resume(struct net_listener *listener)
{
    if (listener->is_open && listener->is_waiting) {
        listener->on_connection(listener);
    }
}

void net_listener_close(struct net_listener *listener)
{
    if (listener->is_open) {
        listener->is_open = false;
        uv_close((uv_handle_t *)&listener->tcp, on_close);
    }
}
