/*
 * One byte stream over libuv: a TCP connection or a unix socket.
 *
 * Reads land in a buffer that all streams of a worker share. Writes go to the kernel
 * at once; only what it refuses is copied and queued, and the owner is then expected
 * to stop reading whatever feeds this stream until on_drained.
 */
#ifndef MOAT_NET_STREAM_H
#define MOAT_NET_STREAM_H

#include <uv.h>

#include "moat/base/bytes.h"

/* The worker's read buffer. Its content is valid during one on_data only. */
struct net_scratch {
    uint8_t *data;
    size_t size;
};

struct net_stream;

/* After any callback that may close the stream, the stream's functions do nothing. */
struct net_stream_events {
    void (*on_data)(struct net_stream *stream, struct slice bytes);
    void (*on_end)(struct net_stream *stream, int status); /* 0: end of file; else libuv's code */
    void (*on_drained)(struct net_stream *stream);         /* the queue is empty again */
    void (*on_write_failed)(struct net_stream *stream,
                            int status);          /* no write will succeed again */
    void (*on_closed)(struct net_stream *stream); /* its memory may go now */
};

struct net_stream {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    uv_shutdown_t shutdown;
    const struct net_stream_events *events;
    const struct net_scratch *scratch;
    void *owner;
    size_t read_limit; /* bytes one read may bring; at most the scratch's size */
    size_t queued;     /* bytes the kernel has refused so far */
    uint64_t written;  /* bytes that net_stream_write() was given and has accepted */
    bool is_open;      /* the handle is initialised and not being closed */
    bool is_reading;
    bool is_shut;    /* end of file was sent, or will be behind the queue */
    bool has_failed; /* a write failed */
};

/* Initialises the handle: a unix socket's or a TCP one. 0 or libuv's code. From then on
 * on_closed will be called once, after net_stream_close(). */
int net_stream_init(struct net_stream *stream, uv_loop_t *loop, bool is_unix,
                    const struct net_stream_events *events, void *owner,
                    const struct net_scratch *scratch) MOAT_MUST_CHECK;

/* Makes a TCP stream of a descriptor that was accepted, which is the stream's from then on. 0; or
 * libuv's code, and the descriptor is the caller's still. */
int net_stream_open(struct net_stream *stream, int descriptor) MOAT_MUST_CHECK;

/* Turns off Nagle's delay and has the kernel notice a peer that vanished: within 120 s, whether
 * there was something for it or not. TCP only. */
void net_stream_tune(struct net_stream *stream);

/* Has the kernel wait at least `ms` for a peer that takes nothing; never less than above. */
void net_stream_wait_at_least(struct net_stream *stream, uint64_t ms);

/*
 * How many bytes the peer's kernel (TCP) or the peer itself (unix socket) has taken so far. Only
 * good for being compared with what it was before: as long as it stays the same while bytes are
 * queued, the peer takes nothing. What the own kernel holds for it does not count as taken, so
 * that a slow reader behind large buffers is told from one that reads nothing.
 */
uint64_t net_stream_taken(const struct net_stream *stream);

int net_stream_start(struct net_stream *stream);
void net_stream_stop(struct net_stream *stream);

/* Sends or queues all of `bytes`. A failure is told by on_write_failed from a later
 * callback for queued bytes, and by the result (libuv's code) for the others. */
int net_stream_write(struct net_stream *stream, struct slice bytes) MOAT_MUST_CHECK;

/* Sends end of file once the queue is empty. */
void net_stream_shutdown(struct net_stream *stream);

/* Closes at once; the queue is dropped. Nothing happens when it is closed already. */
void net_stream_close(struct net_stream *stream);

#endif
