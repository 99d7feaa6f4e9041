#include "server_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

#include "descriptors_internal.h"
#include "guard_state_internal.h"
#include "moat/base/log.h"
#include "pool_internal.h"
#include "worker_internal.h"

/* How much of what the guard remembers a power cut may cost. */
#define SERVER_SAVE_INTERVAL_MS 60000u

struct server {
    const char *path;
    struct snapshot *snapshot;
    struct session_gauges gauges;
    struct guard_state guard;
    uv_loop_t loop;
    uv_signal_t on_hangup;
    uv_signal_t on_terminate;
    uv_signal_t on_interrupt;
    uv_async_t worker_done;
    uv_timer_t drain_deadline;
    uv_work_t pool; /* the first work of the pool, which makes its threads */
    struct worker *workers;
    size_t worker_count;
    struct net_bound *bound; /* NET_LISTENER_ADDRESSES for each listener */
    size_t *bound_counts;    /* how many of them are used, for each listener */
    size_t address_count;    /* in all */
    atomic_size_t workers_left;
    struct descriptor_spares spares;
    bool is_draining;
};

/* --- the way down --- */

static void on_drain_deadline(uv_timer_t *timer)
{
    struct server *server = timer->data;

    log_message(LOG_INFO, "stopping", "the drain time is over; closing the sessions that are left");
    for (size_t i = 0; i < server->worker_count; i++) {
        worker_stop(&server->workers[i]);
    }
}

static void on_end_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;

    if (server->is_draining) {
        log_message(LOG_INFO, "stopping",
                    "a second signal came; closing the sessions that are left");
        for (size_t i = 0; i < server->worker_count; i++) {
            worker_stop(&server->workers[i]);
        }
        return;
    }
    uint64_t drain_ms = server->snapshot->config->drain_timeout_ms;
    server->is_draining = true;
    log_message(LOG_INFO, "draining",
                "signal %d: no new clients; sessions have %llu s to end by themselves", number,
                (unsigned long long)(drain_ms / 1000));
    uv_timer_start(&server->drain_deadline, on_drain_deadline, drain_ms, 0);
    for (size_t i = 0; i < server->worker_count; i++) {
        worker_drain(&server->workers[i]);
    }
}

static void close_handle(uv_handle_t *handle, void *argument)
{
    (void)argument;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void on_worker_done(uv_async_t *handle)
{
    struct server *server = handle->data;

    if (atomic_load(&server->workers_left) == 0) {
        uv_walk(&server->loop, close_handle, NULL);
    }
}

/* On the worker's thread. */
static void tell_done(void *owner)
{
    struct server *server = owner;
    atomic_fetch_sub(&server->workers_left, 1);
    uv_async_send(&server->worker_done);
}

/* --- reload --- */

static void on_reload_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    struct config_faults faults;
    (void)number;

    config_faults_init(&faults);
    descriptors_free_spares(&server->spares);
    struct snapshot *next = snapshot_load(server->path, &faults);
    descriptors_take_spares(&server->spares, uv_backend_fd(&server->loop));
    if (next != NULL) {
        config_check_reload(server->snapshot->config, next->config, &faults);
    }
    config_faults_log(&faults);
    if (next == NULL || faults.error_count > 0) {
        log_message(LOG_ERROR, "reload_refused",
                    "%s: %zu errors; the configuration that was loaded before stays in force",
                    server->path, faults.error_count);
        if (next != NULL) {
            snapshot_unref(next);
        }
    } else {
        log_set_level(next->config->log_level);
        ownership_set_remember(server->gauges.ownership, next->config->guard_remember_ms);
        for (size_t i = 0; i < server->worker_count; i++) {
            worker_use_snapshot(&server->workers[i], next);
        }
        snapshot_unref(server->snapshot);
        server->snapshot = next;
        log_message(LOG_INFO, "reloaded", "%s is in force for new clients", server->path);
    }
    config_faults_deinit(&faults);
}

/* --- the way up --- */

static size_t count_workers(const struct config *config)
{
    uv_cpu_info_t *processors = NULL;
    int count = 0;

    if (config->workers > 0) {
        return config->workers;
    }
    if (uv_cpu_info(&processors, &count) != 0) {
        return 1;
    }
    uv_free_cpu_info(processors, count);
    return count > 0 ? (size_t)count : 1;
}

static int bind_all(struct server *server)
{
    const struct config *config = server->snapshot->config;
    int status = 0;

    server->bound = calloc(config->listener_count * NET_LISTENER_ADDRESSES, sizeof *server->bound);
    server->bound_counts = calloc(config->listener_count, sizeof *server->bound_counts);
    if (server->bound == NULL || server->bound_counts == NULL) {
        log_message(LOG_ERROR, "start_failed", "there is not enough memory");
        return -1;
    }
    /* Every listener is tried, so that one start tells of all of them. */
    for (size_t i = 0; i < config->listener_count; i++) {
        struct net_bind_fault fault;
        if (net_bind(&config->listeners[i].address, server->worker_count,
                     &server->bound[i * NET_LISTENER_ADDRESSES], &server->bound_counts[i],
                     &fault) != 0) {
            log_message(LOG_ERROR, "listen_failed", "listener %s: %s", config->listeners[i].name,
                        fault.what);
            status = -1;
        }
        server->address_count += server->bound_counts[i];
    }
    return status;
}

static int listen_on(struct server *server, struct worker *worker, size_t worker_index)
{
    for (size_t i = 0; i < server->snapshot->config->listener_count; i++) {
        for (size_t j = 0; j < server->bound_counts[i]; j++) {
            struct net_bound *bound = &server->bound[i * NET_LISTENER_ADDRESSES + j];
            int descriptor = bound->descriptors[worker_index];
            bound->descriptors[worker_index] = -1; /* the listener's now, whatever comes */
            int status = worker_listen(worker, i, descriptor);
            if (status != 0) {
                return status;
            }
        }
    }
    return 0;
}

static int share_descriptors(const struct server *server, size_t workers,
                             struct descriptor_share *out_share)
{
    const struct descriptor_plan plan = {
        .connections = server->snapshot->config->connections,
        .handshakes = server->snapshot->config->handshakes,
        .workers = workers,
        .addresses = server->address_count,
    };
    size_t limit = descriptors_raise(&plan);
    size_t minimum = descriptors_minimum(&plan);

    if (limit < minimum) {
        log_message(LOG_ERROR, "few_descriptors",
                    "%zu open files are allowed and at least %zu are needed with workers: %zu; "
                    "raise the limit (ulimit -n, LimitNOFILE=) or lower workers",
                    limit, minimum, workers);
        return -1;
    }
    *out_share = descriptors_divide(&plan, limit);
    return 0;
}

static int start_workers(struct server *server, size_t count)
{
    int status = pool_start(&server->loop, &server->pool);

    server->worker_count = 0; /* those that run */
    server->workers = calloc(count, sizeof *server->workers);
    if (server->workers == NULL) {
        return UV_ENOMEM;
    }
    struct descriptor_share share;
    if (share_descriptors(server, count, &share) != 0) {
        return UV_EMFILE;
    }
    size_t ready = 0;
    while (status == 0 && ready < count) {
        struct worker *worker = &server->workers[ready];
        status = worker_init(worker, (unsigned)ready, server->snapshot, &server->gauges,
                             server->address_count);
        if (status != 0) {
            break;
        }
        worker->sessions.session_limit = share.sessions;
        worker->sessions.descriptor_ceiling = share.ceiling;
        worker->on_done = tell_done;
        worker->owner = server;
        status = listen_on(server, worker, ready++);
    }
    atomic_store(&server->workers_left, ready);
    while (status == 0 && server->worker_count < ready) {
        status = worker_start(&server->workers[server->worker_count]);
        server->worker_count += status == 0;
    }
    for (size_t i = server->worker_count; i < ready; i++) {
        worker_discard(&server->workers[i]);
        atomic_fetch_sub(&server->workers_left, 1);
    }
    return status;
}

static void announce(const struct server *server)
{
    const struct config *config = server->snapshot->config;

    for (size_t i = 0; i < config->listener_count; i++) {
        for (size_t j = 0; j < server->bound_counts[i]; j++) {
            const struct net_bound *bound = &server->bound[i * NET_LISTENER_ADDRESSES + j];
            char address[ADDRESS_TEXT_SIZE];
            struct log_line line;

            address_format_port(&bound->address, address);
            log_begin(&line, LOG_INFO, "listening");
            log_text(&line, "listener", config->listeners[i].name);
            log_text(&line, "address", address);
            log_end(&line);
        }
    }
    log_message(LOG_INFO, "ready", "moat %s, %zu workers", MOAT_VERSION, server->worker_count);
}

static void start_signals(struct server *server)
{
    /* A write to a closed connection is an error code, not a reason to die. */
    signal(SIGPIPE, SIG_IGN);
    server->on_hangup.data = server;
    server->on_terminate.data = server;
    server->on_interrupt.data = server;
    server->worker_done.data = server;
    server->drain_deadline.data = server;
    uv_signal_init(&server->loop, &server->on_hangup);
    uv_signal_init(&server->loop, &server->on_terminate);
    uv_signal_init(&server->loop, &server->on_interrupt);
    uv_async_init(&server->loop, &server->worker_done, on_worker_done);
    uv_timer_init(&server->loop, &server->drain_deadline);
    guard_state_start(&server->guard, &server->loop, SERVER_SAVE_INTERVAL_MS);
    uv_signal_start(&server->on_hangup, on_reload_signal, SIGHUP);
    uv_signal_start(&server->on_terminate, on_end_signal, SIGTERM);
    uv_signal_start(&server->on_interrupt, on_end_signal, SIGINT);
}

static int make_guard(struct server *server)
{
    if (guard_state_init(&server->guard, server->snapshot->config) != 0) {
        return -1;
    }
    server->gauges.ownership = server->guard.ownership;
    server->gauges.ledger = server->guard.ledger;
    server->gauges.quota = quota_new();
    return server->gauges.quota != NULL ? 0 : -1;
}

static void release(struct server *server)
{
    size_t listeners = server->snapshot->config->listener_count;
    for (size_t i = 0; server->bound != NULL && i < listeners * NET_LISTENER_ADDRESSES; i++) {
        net_bound_close(&server->bound[i]);
    }
    guard_state_deinit(&server->guard);
    quota_free(server->gauges.quota);
    free(server->workers);
    free(server->bound);
    free(server->bound_counts);
    snapshot_unref(server->snapshot);
}

int server_run(const char *path, struct snapshot *snapshot)
{
    struct server server = {.path = path, .snapshot = snapshot};
    int code = EX_UNAVAILABLE;

    log_set_level(snapshot->config->log_level);
    server.worker_count = count_workers(snapshot->config);
    size_t count = server.worker_count;
    if (bind_all(&server) != 0) {
        server.worker_count = 0;
        release(&server);
        return code;
    }
    if (make_guard(&server) != 0 || uv_loop_init(&server.loop) != 0) {
        log_message(LOG_ERROR, "start_failed", "there is not enough memory, or no descriptor left");
        server.worker_count = 0;
        release(&server);
        return EX_OSERR;
    }
    start_signals(&server);
    descriptors_take_spares(&server.spares, uv_backend_fd(&server.loop));
    int status = start_workers(&server, count);
    if (status == 0) {
        announce(&server);
        code = EX_OK;
    } else {
        log_message(LOG_ERROR, "start_failed", "the workers could not be started: %s",
                    uv_strerror(status));
        code = EX_OSERR;
        on_drain_deadline(&server.drain_deadline);
        if (server.worker_count == 0) {
            uv_walk(&server.loop, close_handle, NULL);
        }
    }
    uv_run(&server.loop, UV_RUN_DEFAULT);
    /* A worker's last act wakes this loop, perhaps only after another's has ended it: none may
     * still be at it when the loop goes. */
    for (size_t i = 0; i < server.worker_count; i++) {
        worker_join(&server.workers[i]);
    }
    descriptors_free_spares(&server.spares);
    uv_loop_close(&server.loop);
    release(&server);
    if (code == EX_OK) {
        log_message(LOG_INFO, "stopped", "all sessions have ended");
    }
    return code;
}
