#include "worker_internal.h"

#include <stdlib.h>

#include "moat/base/clock.h"
#include "moat/base/log.h"
#include "moat/base/memory.h"
#include "moat/base/secret.h"

/* Fewer sessions than these leave too little behind to be worth the trouble. */
#define WORKER_GIVE_BACK_SESSIONS 256u

/* --- ending --- */

static void end_if_idle(struct worker *worker)
{
    if (worker->is_draining && worker->sessions.session_count == 0 &&
        !uv_is_closing((uv_handle_t *)&worker->wake)) {
        uv_close((uv_handle_t *)&worker->wake, NULL);
        uv_close((uv_handle_t *)&worker->beat, NULL);
        session_watch_stop(&worker->sessions);
    }
}

static void on_listener_closed(struct net_listener *socket)
{
    (void)socket; /* its memory is the worker's */
}

static void drain(struct worker *worker)
{
    if (worker->is_draining) {
        return;
    }
    worker->is_draining = true;
    for (size_t i = 0; i < worker->listener_count; i++) {
        net_listener_close(&worker->listeners[i].socket);
    }
}

/* --- connections --- */

static void on_connection(struct net_listener *socket, int descriptor,
                          const struct address *address)
{
    struct worker_listener *listener = socket->owner;

    session_accept(&listener->worker->sessions, descriptor, address, listener->index);
}

static void on_starved(struct net_listener *socket, int code)
{
    struct worker_listener *listener = socket->owner;

    session_door_starved(&listener->worker->sessions, code);
}

static void on_door(struct session_worker *sessions, bool is_open)
{
    struct worker *worker = sessions->owner;

    for (size_t i = 0; i < worker->listener_count; i++) {
        if (is_open) {
            net_listener_resume(&worker->listeners[i].socket);
        } else {
            net_listener_pause(&worker->listeners[i].socket);
        }
    }
}

/* A flood of strangers must not own our memory after it has gone. Done when half of the
 * sessions have ended, so that its cost is spread over as many. */
static void give_back_memory(struct worker *worker)
{
    size_t count = worker->sessions.session_count;

    if (worker->session_peak <= count) {
        worker->session_peak = count + 1; /* with the one that has just been freed */
    }
    if (worker->session_peak >= WORKER_GIVE_BACK_SESSIONS && count <= worker->session_peak / 2) {
        worker->session_peak = count;
        memory_give_back();
    }
}

static void on_session_freed(struct session_worker *sessions)
{
    struct worker *worker = sessions->owner;

    give_back_memory(worker);
    end_if_idle(worker);
}

/* --- orders --- */

static void on_wake(uv_async_t *wake)
{
    struct worker *worker = wake->data;

    uv_mutex_lock(&worker->lock);
    struct snapshot *snapshot = worker->ordered_snapshot;
    bool must_drain = worker->is_ordered_to_drain;
    bool must_stop = worker->is_ordered_to_stop;
    worker->ordered_snapshot = NULL;
    uv_mutex_unlock(&worker->lock);

    if (snapshot != NULL) {
        snapshot_unref(worker->sessions.snapshot);
        worker->sessions.snapshot = snapshot;
        session_rejudge_all(&worker->sessions);
    }
    if (must_drain || must_stop) {
        drain(worker);
    }
    if (must_stop) {
        session_shut_down_all(&worker->sessions);
    }
    end_if_idle(worker);
}

void worker_use_snapshot(struct worker *worker, struct snapshot *snapshot)
{
    uv_mutex_lock(&worker->lock);
    struct snapshot *overtaken = worker->ordered_snapshot;
    worker->ordered_snapshot = snapshot_ref(snapshot);
    uv_mutex_unlock(&worker->lock);
    if (overtaken != NULL) {
        snapshot_unref(overtaken);
    }
    uv_async_send(&worker->wake);
}

static void order(struct worker *worker, bool *flag)
{
    uv_mutex_lock(&worker->lock);
    *flag = true;
    uv_mutex_unlock(&worker->lock);
    uv_async_send(&worker->wake);
}

void worker_drain(struct worker *worker)
{
    order(worker, &worker->is_ordered_to_drain);
}

void worker_stop(struct worker *worker)
{
    order(worker, &worker->is_ordered_to_stop);
}

/* --- life --- */

#define WORKER_HAS_ENDED UINT64_MAX

static void on_beat(uv_timer_t *timer)
{
    struct worker *worker = timer->data;

    atomic_store_explicit(&worker->beat_ms, clock_monotonic_ms(), memory_order_relaxed);
}

uint64_t worker_silence_ms(const struct worker *worker, uint64_t now_ms)
{
    uint64_t beat_ms = atomic_load_explicit(&worker->beat_ms, memory_order_relaxed);

    return beat_ms < now_ms ? now_ms - beat_ms : 0;
}

static void run(void *argument)
{
    struct worker *worker = argument;

    uv_run(&worker->loop, UV_RUN_DEFAULT);
    atomic_store_explicit(&worker->beat_ms, WORKER_HAS_ENDED, memory_order_relaxed);
    worker->on_done(worker->owner);
}

int worker_init(struct worker *worker, unsigned number, struct snapshot *snapshot,
                struct session_gauges *gauges, size_t listener_count)
{
    *worker = (struct worker){.listeners = calloc(listener_count, sizeof *worker->listeners)};
    worker->sessions.loop = &worker->loop;
    worker->sessions.gauges = gauges;
    worker->sessions.on_freed = on_session_freed;
    worker->sessions.on_door = on_door;
    worker->sessions.owner = worker;
    /* Identifiers are unlike those of other workers and of earlier runs. */
    secret_random(&worker->sessions.next_id, sizeof worker->sessions.next_id);
    worker->sessions.next_id = worker->sessions.next_id >> 24 << 24;
    worker->sessions.next_id ^= (uint64_t)number << 56;

    int status = worker->listeners != NULL && session_worker_init(&worker->sessions) == 0
                     ? uv_mutex_init(&worker->lock)
                     : UV_ENOMEM;
    if (status == 0) {
        status = uv_loop_init(&worker->loop);
    }
    if (status != 0) {
        session_worker_deinit(&worker->sessions);
        free(worker->listeners);
        return status;
    }
    /* Fails only when the loop could not be set up, and then uv_loop_init() has failed. */
    uv_async_init(&worker->loop, &worker->wake, on_wake);
    worker->wake.data = worker;
    worker->sessions.snapshot = snapshot_ref(snapshot);
    worker->beat.data = worker;
    uv_timer_init(&worker->loop, &worker->beat);
    uv_timer_start(&worker->beat, on_beat, 0, WORKER_BEAT_MS);
    atomic_init(&worker->beat_ms, clock_monotonic_ms());
    session_watch_start(&worker->sessions);
    return 0;
}

int worker_listen(struct worker *worker, size_t index, int descriptor)
{
    struct worker_listener *listener = &worker->listeners[worker->listener_count];

    listener->worker = worker;
    listener->index = index;
    listener->socket.owner = listener;
    listener->socket.on_connection = on_connection;
    listener->socket.on_starved = on_starved;
    listener->socket.on_closed = on_listener_closed;
    worker->listener_count++;
    return net_listener_start(&listener->socket, &worker->loop, descriptor);
}

int worker_start(struct worker *worker)
{
    return uv_thread_create(&worker->thread, run, worker);
}

static void release(struct worker *worker)
{
    uv_loop_close(&worker->loop);
    uv_mutex_destroy(&worker->lock);
    session_worker_deinit(&worker->sessions);
    if (worker->ordered_snapshot != NULL) {
        snapshot_unref(worker->ordered_snapshot);
    }
    snapshot_unref(worker->sessions.snapshot);
    free(worker->listeners);
}

void worker_join(struct worker *worker)
{
    uv_thread_join(&worker->thread);
    release(worker);
}

void worker_discard(struct worker *worker)
{
    drain(worker);
    end_if_idle(worker);
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    release(worker);
}
