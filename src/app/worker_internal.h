/* One worker thread: a loop, its listeners, its sessions. */
#ifndef MOAT_APP_WORKER_INTERNAL_H
#define MOAT_APP_WORKER_INTERNAL_H

#include <stdatomic.h>

#include <uv.h>

#include "moat/config/snapshot.h"
#include "moat/net/listener.h"
#include "moat/session/session.h"

/* A listening address and the listener of the configuration it belongs to. */
struct worker_listener {
    struct net_listener socket;
    struct worker *worker;
    size_t index; /* into the snapshot's listeners */
};

struct worker {
    uv_thread_t thread;
    uv_loop_t loop;
    uv_async_t wake;
    struct session_worker sessions;
    struct worker_listener *listeners;
    size_t listener_count;
    size_t session_peak; /* the most sessions since memory was given back */
    bool is_draining;
    uv_timer_t beat;
    atomic_uint_least64_t beat_ms; /* when the loop last turned; WORKER_HAS_ENDED at the end */
    void (*on_done)(void *owner);  /* called on the worker's thread as its last act */
    void *owner;

    uv_mutex_t lock; /* over the orders of the main thread below */
    struct snapshot *ordered_snapshot;
    bool is_ordered_to_drain;
    bool is_ordered_to_stop;
};

/* How often a worker shows that its loop turns, and how long it may fail to. */
#define WORKER_BEAT_MS        1000u
#define WORKER_SILENCE_MAX_MS 10000u

/* Prepares everything that can fail; no thread runs yet. `number` tells the workers apart
 * in session identifiers. 0, or libuv's code with everything released. */
int worker_init(struct worker *worker, unsigned number, struct snapshot *snapshot,
                struct session_gauges *gauges, size_t listener_count) MOAT_MUST_CHECK;

/* Takes over a bound descriptor for listener `index` of the configuration. */
int worker_listen(struct worker *worker, size_t index, int descriptor) MOAT_MUST_CHECK;

int worker_start(struct worker *worker) MOAT_MUST_CHECK;

/* For how long its loop has not turned, by clock_monotonic_ms(); 0 when it has ended. Any thread.
 */
uint64_t worker_silence_ms(const struct worker *worker, uint64_t now_ms);

/* Orders from the main thread. Each returns at once. */
void worker_use_snapshot(struct worker *worker, struct snapshot *snapshot);
void worker_drain(struct worker *worker); /* no new sessions; ends when the last one does */
void worker_stop(struct worker *worker);  /* ends all sessions now */

/* Waits for the thread and releases everything. */
void worker_join(struct worker *worker);

/* Releases a worker whose thread was never started. */
void worker_discard(struct worker *worker);

#endif
