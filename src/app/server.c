#include "server_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

#include "admin_internal.h"
#include "bindings_internal.h"
#include "descriptors_internal.h"
#include "file_watch_internal.h"
#include "guard_state_internal.h"
#include "moat/base/clock.h"
#include "moat/base/log.h"
#include "pool_internal.h"
#include "sandbox_internal.h"
#include "service_internal.h"
#include "worker_internal.h"

/* How much of what the guard remembers a power cut may cost. */
#define SERVER_SAVE_INTERVAL_MS 60000u
/* So many words of life fit into the time in which the service manager wants one. */
#define SERVER_BEATS_PER_WATCHDOG 3u

struct server {
    const char *path;
    struct snapshot *snapshot;
    struct session_gauges gauges;
    struct guard_state guard;
    struct sandbox sandbox;
    uv_loop_t loop;
    uv_signal_t on_hangup;
    uv_signal_t on_terminate;
    uv_signal_t on_interrupt;
    uv_async_t worker_done;
    uv_timer_t drain_deadline;
    uv_work_t pool; /* the first work of the pool, which makes its threads */
    struct worker *workers;
    size_t worker_count;
    struct descriptor_share share; /* of each worker */
    struct bindings bindings;
    struct service service;
    uv_timer_t watchdog;
    struct file_watch watch;
    struct health health;
    struct admin admin;
    atomic_size_t workers_left;
    struct descriptor_spares spares;
    bool is_draining;
};

/* --- the way down --- */

static void stop_workers(struct server *server)
{
    for (size_t i = 0; i < server->worker_count; i++) {
        worker_stop(&server->workers[i]);
    }
}

static void on_drain_deadline(uv_timer_t *timer)
{
    log_message(LOG_INFO, "stopping", "the drain time is over; closing the sessions that are left");
    stop_workers(timer->data);
}

static void on_end_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;

    if (server->is_draining) {
        log_message(LOG_INFO, "stopping",
                    "a second signal came; closing the sessions that are left");
        stop_workers(server);
        return;
    }
    uint64_t drain_ms = server->snapshot->config->drain_timeout_ms;
    server->is_draining = true;
    server->health.is_draining = true;
    service_tell_stopping(&server->service);
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

static void close_all(struct server *server)
{
    admin_stop(&server->admin);
    uv_walk(&server->loop, close_handle, NULL);
}

static void on_worker_done(uv_async_t *handle)
{
    struct server *server = handle->data;

    if (atomic_load(&server->workers_left) == 0) {
        close_all(server);
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

static void reload(struct server *server)
{
    struct config_faults faults;

    service_tell_reloading(&server->service);
    config_faults_init(&faults);
    file_watch_before_reload(&server->watch);
    descriptors_free_spares(&server->spares);
    struct snapshot *next = snapshot_load(server->path, &faults);
    descriptors_take_spares(&server->spares, uv_backend_fd(&server->loop));
    if (next != NULL) {
        config_check_reload(server->snapshot->config, next->config, &faults);
    }
    sandbox_check_reload(&server->sandbox, server->path, &faults);
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
        file_watch_after_reload(&server->watch, next->config);
        snapshot_unref(server->snapshot);
        server->snapshot = next;
        log_message(LOG_INFO, "reloaded", "%s is in force for new clients", server->path);
    }
    config_faults_deinit(&faults);
    service_tell_ready(&server->service);
}

static void on_reload_signal(uv_signal_t *handle, int number)
{
    (void)number;
    reload(handle->data);
}

static void on_files_changed(void *owner)
{
    struct server *server = owner;

    log_message(LOG_INFO, "files_changed", "reading %s and the files it names again", server->path);
    reload(server);
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

static int listen_on(struct server *server, struct worker *worker, size_t worker_index)
{
    struct bindings *bindings = &server->bindings;

    for (size_t i = 0; i < bindings->listener_count; i++) {
        for (size_t j = 0; j < bindings->counts[i]; j++) {
            int status = worker_listen(worker, i, bindings_take(bindings, i, j, worker_index));
            if (status != 0) {
                return status;
            }
        }
    }
    return 0;
}

/* While the limit can still be raised: the sandbox fixes it. */
static int share_descriptors(struct server *server, size_t workers)
{
    const struct descriptor_plan plan = {
        .connections = server->snapshot->config->connections,
        .handshakes = server->snapshot->config->handshakes,
        .workers = workers,
        .addresses = server->bindings.address_count,
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
    server->share = descriptors_divide(&plan, limit);
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
    size_t ready = 0;
    while (status == 0 && ready < count) {
        struct worker *worker = &server->workers[ready];
        status = worker_init(worker, (unsigned)ready, server->snapshot, &server->gauges,
                             server->bindings.address_count);
        if (status != 0) {
            break;
        }
        worker->sessions.session_limit = server->share.sessions;
        worker->sessions.descriptor_ceiling = server->share.ceiling;
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

/* The service manager restarts a gate whose loops do not turn: it then hears nothing. */
static void on_watchdog(uv_timer_t *timer)
{
    struct server *server = timer->data;
    char text[HEALTH_TEXT_SIZE];

    if (health_is_live(&server->health, clock_monotonic_ms(), text)) {
        service_tell_alive(&server->service);
    }
}

static void begin_service(struct server *server)
{
    uint64_t interval_ms = server->service.watchdog_ms / SERVER_BEATS_PER_WATCHDOG;

    server->health.workers = server->workers;
    server->health.worker_count = server->worker_count;
    server->health.is_listening = true;
    bindings_announce(&server->bindings, server->snapshot->config);
    log_message(LOG_INFO, "ready", "moat %s, %zu workers", MOAT_VERSION, server->worker_count);
    service_tell_ready(&server->service);
    if (interval_ms > 0) {
        uv_timer_start(&server->watchdog, on_watchdog, 0, interval_ms);
    }
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
    uv_timer_init(&server->loop, &server->watchdog);
    server->watchdog.data = server;
    file_watch_start(&server->watch, &server->loop, server->snapshot->config, on_files_changed,
                     server);
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
    bindings_close(&server->bindings);
    service_close(&server->service);
    guard_state_deinit(&server->guard);
    sandbox_release(&server->sandbox);
    quota_free(server->gauges.quota);
    free(server->workers);
    snapshot_unref(server->snapshot);
}

int server_run(const char *path, struct snapshot *snapshot)
{
    struct server server = {.path = path, .snapshot = snapshot};
    int code = EX_UNAVAILABLE;

    log_set_level(snapshot->config->log_level);
    server.worker_count = count_workers(snapshot->config);
    size_t count = server.worker_count;
    service_open(&server.service);
    if (bindings_open(&server.bindings, snapshot->config, count) == 0) {
        code = share_descriptors(&server, count) == 0
                   ? sandbox_enter(&server.sandbox, snapshot->config)
                   : EX_OSERR;
    }
    if (code != EX_OK) {
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
    int status = admin_start(&server.admin, &server.loop, &server.health, server.bindings.admin,
                             server.bindings.admin_count);
    if (status == 0) {
        status = start_workers(&server, count);
    }
    if (status == 0) {
        begin_service(&server);
        code = EX_OK;
    } else {
        log_message(LOG_ERROR, "start_failed", "the workers could not be started: %s",
                    uv_strerror(status));
        code = EX_OSERR;
        stop_workers(&server);
        if (server.worker_count == 0) {
            close_all(&server);
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
