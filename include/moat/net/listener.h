/*
 * A listening socket of one worker.
 *
 * Every worker has its own socket on the same address (SO_REUSEPORT) and the kernel
 * spreads connections over them. We accept ourselves: so the peer's address is known before
 * anything is spent on it, one turn of the loop takes no more than a batch, and a full
 * descriptor table is told to the owner instead of being worked around.
 */
#ifndef MOAT_NET_LISTENER_H
#define MOAT_NET_LISTENER_H

#include <uv.h>

#include "moat/base/address.h"
#include "moat/base/bytes.h"

/* Connections that the kernel keeps while nobody accepts them. */
#define NET_LISTENER_BACKLOG 1024
/* What one turn of the loop accepts at most, so that a flood of connections leaves time for the
 * sessions inside. */
#define NET_LISTENER_BATCH 16

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

/* The same for a socket that listens already, passed in by another process, which keeps it: every
 * worker gets a descriptor of it, and the kernel wakes whoever comes first. */
int net_inherit(int descriptor, size_t workers, struct net_bound *out_bound,
                struct net_bind_fault *out_fault) MOAT_MUST_CHECK;

/* Closes what nobody took over (a descriptor of -1 was taken). */
void net_bound_close(struct net_bound *bound);

struct net_listener {
    uv_poll_t poll;
    void *owner;
    /* The descriptor (not blocking, closed on exec) is the owner's from here on. */
    void (*on_connection)(struct net_listener *listener, int descriptor,
                          const struct address *address);
    /* accept(2) failed with libuv's `code` for want of something that this process, not one
     * connection, lacks. The listener has paused; the connection waits in the kernel. */
    void (*on_starved)(struct net_listener *listener, int code);
    void (*on_closed)(struct net_listener *listener);
    int descriptor;
    bool is_open;
    bool is_paused;
};

/* Takes over a bound descriptor and listens. Owner and callbacks are set before. 0, or libuv's
 * code: then the descriptor is closed and no callback will come. */
int net_listener_start(struct net_listener *listener, uv_loop_t *loop,
                       int descriptor) MOAT_MUST_CHECK;

/* No more callbacks of connections until resumed, also not from within on_connection; who comes
 * meanwhile waits in the kernel's backlog. Either does nothing when it is so already. */
void net_listener_pause(struct net_listener *listener);
void net_listener_resume(struct net_listener *listener);

void net_listener_close(struct net_listener *listener);

#endif
