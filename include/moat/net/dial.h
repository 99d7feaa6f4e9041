/*
 * Connecting a stream to an endpoint: resolves a name on the thread pool and tries its
 * addresses one after the other until one answers.
 */
#ifndef MOAT_NET_DIAL_H
#define MOAT_NET_DIAL_H

#include "moat/base/address.h"
#include "moat/net/stream.h"

struct net_dial {
    struct net_stream *stream;
    const struct endpoint *endpoint;
    void *owner;
    /* Called once, with 0 or the libuv code of the last attempt; after net_dial_cancel()
     * only if a resolution was under way, when the thread pool has let go of it. */
    void (*on_done)(struct net_dial *dial, int status);

    /* The dial's own. */
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    struct addrinfo *addresses; /* what the name resolved to; NULL for a numeric address */
    struct addrinfo *next;      /* the one to try next */
    bool is_resolving;          /* on_done is due even after a cancel */
    bool is_retrying;           /* the stream is being closed to be made anew */
    bool is_cancelled;
};

/* Starts. The four fields above are set, the rest is zero; the stream is initialised for the
 * endpoint's kind and not touched until on_done. All pointers must outlive the dial. The
 * result is libuv's code when it could not even start; on_done is then not called. */
int net_dial_start(struct net_dial *dial) MOAT_MUST_CHECK;

/* To be called first thing from the stream's on_closed. True when the close was the
 * dial's own, between two attempts: the stream lives on. */
bool net_dial_on_closed(struct net_dial *dial);

/* Gives up; the caller then closes the stream. */
void net_dial_cancel(struct net_dial *dial);

/* Releases what was resolved. Only when nothing of the dial is under way. */
void net_dial_deinit(struct net_dial *dial);

#endif
