/*
 * A listening socket of one worker.
 *
 * Every worker has its own socket on the same address (SO_REUSEPORT) and the kernel
 * spreads connections over them. A listener whose owner does not take a connection
 * stops asking the kernel for more until net_listener_resume().
 */
#ifndef MOAT_NET_LISTENER_H
#define MOAT_NET_LISTENER_H

#include <uv.h>

#include "moat/base/address.h"
#include "moat/base/bytes.h"
#include "moat/net/stream.h"

#define NET_LISTENER_BACKLOG 1024

/* The sockets one endpoint gives: a name may have several addresses. */
#define NET_LISTENER_ADDRESSES 8

struct net_bound {
    int *descriptors; /* one for each worker */
    size_t count;
    struct address address; /* with the port that was really bound */
};

struct net_bind_fault {
    int code;       /* libuv's; 0 when all is well */
    char what[512]; /* a sentence with the remedy */
};

/* Binds every address of `endpoint` once for each worker, without listening yet. All or
 * nothing; the number of addresses in *out_count. 0 or -1 with *out_fault. A port that
 * another program listens on is an error even where SO_REUSEPORT would let us share it. */
int net_bind(const struct endpoint *endpoint, size_t workers,
             struct net_bound out_bound[NET_LISTENER_ADDRESSES], size_t *out_count,
             struct net_bind_fault *out_fault) MOAT_MUST_CHECK;

/* Closes what nobody took over (a descriptor of -1 was taken). */
void net_bound_close(struct net_bound *bound);

struct net_listener {
    uv_tcp_t tcp;
    void *owner;
    /* Take it with net_listener_accept(), or leave it waiting: no more will come. */
    void (*on_connection)(struct net_listener *listener);
    void (*on_closed)(struct net_listener *listener);
    bool is_waiting; /* a connection was left waiting */
    bool is_open;
};

/* Takes over a bound descriptor and listens. owner and callbacks are set before. 0 or libuv's code.
 */
int net_listener_start(struct net_listener *listener, uv_loop_t *loop,
                       int descriptor) MOAT_MUST_CHECK;

/* Accepts the connection into a stream that was initialised as TCP. 0 or libuv's code. */
int net_listener_accept(struct net_listener *listener, struct net_stream *stream) MOAT_MUST_CHECK;

/* Offers a connection that was left waiting again. */
void net_listener_resume(struct net_listener *listener);

void net_listener_close(struct net_listener *listener);

#endif
