/*
 * The door of one worker: whether it accepts connections just now.
 *
 * There is one way to pause, whatever is short: descriptors, memory, room for sessions, room for
 * strangers. A stranger is a client that has not sent a complete CONNECT yet (HANDSHAKE, ADMIT).
 * Strangers cost nothing to be, so they must not be able to keep others out: where there is no
 * room, the oldest that has had its second goes. Only where there is none of that age the door
 * shuts, and who comes then waits in the kernel's backlog.
 */
#include "session_internal.h"

#include <fcntl.h>
#include <unistd.h>

#include "moat/base/clock.h"

/* --- what is short --- */

/* The kernel hands out the lowest number that is free, so one from the ceiling on says that all
 * below are taken. Opens again only when several are free, or it would shut with the next one. */
static bool has_descriptors(const struct session_worker *worker)
{
    int probes[DOOR_SLACK] = {0};
    size_t count = 0;
    bool is_plenty = true;

    while (is_plenty && count < DOOR_SLACK) {
        int probe = fcntl(uv_backend_fd(worker->loop), F_DUPFD_CLOEXEC, 0);
        is_plenty = probe >= 0 && !door_is_reserve(worker, probe);
        if (probe >= 0) {
            probes[count++] = probe;
        }
    }
    while (count > 0) {
        close(probes[--count]);
    }
    return is_plenty;
}

bool door_is_reserve(const struct session_worker *worker, int descriptor)
{
    return worker->descriptor_ceiling > 0 && descriptor >= worker->descriptor_ceiling;
}

/* All of limits.connections are inside: whoever comes will be refused. */
static bool is_gate_full(const struct session_worker *worker)
{
    return gauge_count(&worker->gauges->connections) >= worker->snapshot->config->connections;
}

/* How long until the oldest stranger may be sent away; 0 when it may. */
static uint64_t patience_left(const struct session *stranger)
{
    uint64_t age = clock_monotonic_ms() - stranger->started_ms;
    return age < DOOR_PATIENCE_MS ? DOOR_PATIENCE_MS - age : 0;
}

static bool may_open(const struct session_worker *worker)
{
    const struct session_door *door = &worker->door;

    return door->shortage == 0 && (session_worker_has_room(worker) || is_gate_full(worker) ||
                                   (door->oldest != NULL && patience_left(door->oldest) == 0));
}

/* --- what is told --- */

/* At once, and then no oftener than this: a flood must not fill the log. */
static bool is_due(uint64_t *told_ms)
{
    uint64_t now = clock_monotonic_ms();
    bool is_first = *told_ms == 0;

    if (!is_first && now - *told_ms < SESSION_SWEEP_MS) {
        return false;
    }
    *told_ms = now;
    return true;
}

static void put_lack(struct log_line *line, const struct session_worker *worker)
{
    const char *reason = "memory";
    const char *text = "there is not enough memory; give the gateway more, or lower "
                       "limits.connections and limits.handshakes";

    switch (worker->door.shortage) {
    case 0:
        reason = "handshakes";
        text = "limits.handshakes clients are on their way in; newcomers wait";
        if (worker->session_count >= worker->session_limit) {
            reason = "sessions";
            text = "there are as many sessions as descriptors allow; raise the limit of open files "
                   "(ulimit -n, LimitNOFILE=)";
        }
        break;
    case UV_EMFILE:
        reason = "descriptors";
        text = "too few descriptors are left; raise the limit of open files (ulimit -n, "
               "LimitNOFILE=) or lower limits.connections";
        break;
    case UV_ENFILE:
        reason = "system_descriptors";
        text = "this machine has no descriptors left; raise fs.file-max or end what uses them";
        break;
    default:
        break;
    }
    log_text(line, "reason", reason);
    log_text(line, "msg", text);
    if (worker->door.shortage != 0) {
        log_text(line, "detail", uv_strerror(worker->door.shortage));
    }
}

static void tell_paused(struct session_worker *worker)
{
    struct session_door *door = &worker->door;
    struct log_line line;

    if (door->is_told || !is_due(&door->told_ms)) {
        return;
    }
    door->is_told = true;
    log_begin(&line, LOG_WARNING, "accepting_paused");
    put_lack(&line, worker);
    log_end(&line);
}

static void tell_resumed(struct session_door *door)
{
    if (door->is_told) {
        door->is_told = false;
        log_message(LOG_WARNING, "accepting_resumed", "connections are accepted again");
    }
}

static void tell_count(struct door_tally *tally, const char *event, const char *text)
{
    struct log_line line;

    if (tally->count == 0 || !is_due(&tally->told_ms)) {
        return;
    }
    log_begin(&line, LOG_INFO, event);
    log_number(&line, "count", tally->count);
    log_text(&line, "msg", text);
    log_end(&line);
    tally->count = 0;
}

static void tell_counts(struct session_door *door)
{
    tell_count(&door->shed, "shed", close_reason_row(CLOSE_SHED)->text);
    tell_count(&door->turned_away, "turned_away",
               "the gateway and the way in are full; closed before TLS");
}

void door_sweep(struct session_worker *worker)
{
    tell_counts(&worker->door);
    if (worker->door.is_shut) {
        tell_paused(worker);
    }
}

/* --- opening and shutting --- */

static void on_timer(uv_timer_t *timer);

void door_review(struct session_worker *worker)
{
    struct session_door *door = &worker->door;
    bool is_open = may_open(worker);

    if (!is_open && door->shortage == 0) {
        uv_timer_stop(&door->timer);
        if (door->oldest != NULL) {
            uv_timer_start(&door->timer, on_timer, patience_left(door->oldest) + 1, 0);
        } /* else a session must end first, and that is another review */
    }
    if (is_open == door->is_shut) {
        door->is_shut = !is_open;
        if (!is_open) {
            tell_paused(worker);
        }
        worker->on_door(worker, is_open);
    }
}

static void wait_for_more(struct session_door *door)
{
    uint64_t doubled = door->retry_ms * 2;

    door->retry_ms = doubled < DOOR_RETRY_MIN_MS   ? DOOR_RETRY_MIN_MS
                     : doubled > DOOR_RETRY_MAX_MS ? DOOR_RETRY_MAX_MS
                                                   : doubled;
    uv_timer_start(&door->timer, on_timer, door->retry_ms, 0);
}

void session_door_starved(struct session_worker *worker, int code)
{
    struct session_door *door = &worker->door;

    if (door->shortage == 0) {
        door->shortage = code;
        wait_for_more(door);
        door_review(worker);
    }
}

/* --- strangers --- */

void door_note(struct session *session)
{
    struct session_door *door = &session->worker->door;
    bool is_stranger = session->state == SESSION_HANDSHAKE || session->state == SESSION_ADMIT;

    if (is_stranger == session->is_stranger) {
        return;
    }
    session->is_stranger = is_stranger;
    if (is_stranger) {
        session->older = door->youngest;
        *(session->older != NULL ? &session->older->younger : &door->oldest) = session;
        door->youngest = session;
        door->strangers++;
        return;
    }
    *(session->older != NULL ? &session->older->younger : &door->oldest) = session->younger;
    *(session->younger != NULL ? &session->younger->older : &door->youngest) = session->older;
    session->older = NULL;
    session->younger = NULL;
    door->strangers--;
    door_review(session->worker);
}

static bool shed_oldest(struct session_worker *worker)
{
    struct session *stranger = worker->door.oldest;

    if (stranger == NULL || patience_left(stranger) > 0) {
        return false;
    }
    /* Nothing is said, so nothing has to arrive: its descriptor is free at once. */
    stranger->client_is_broken = true;
    worker->door.shed.count++;
    session_close(stranger, CLOSE_SHED, NULL);
    tell_counts(&worker->door);
    return true;
}

bool door_make_room(struct session_worker *worker)
{
    if (session_worker_has_room(worker)) {
        return true;
    }
    if (!is_gate_full(worker) && shed_oldest(worker)) {
        return true;
    }
    worker->door.turned_away.count++;
    tell_counts(&worker->door);
    return false;
}

void door_took(struct session_worker *worker, int descriptor)
{
    worker->door.retry_ms = 0;
    tell_resumed(&worker->door);
    if (door_is_reserve(worker, descriptor)) {
        session_door_starved(worker, UV_EMFILE);
    }
    door_review(worker);
}

/* --- time --- */

static void on_timer(uv_timer_t *timer)
{
    struct session_worker *worker = timer->data;
    struct session_door *door = &worker->door;

    if (door->shortage != 0) {
        for (int i = 0; i < DOOR_SLACK && shed_oldest(worker); i++) {
        }
        if (door->shortage == UV_EMFILE && !has_descriptors(worker)) {
            wait_for_more(door);
            return;
        }
        door->shortage = 0; /* the next one accepted shows whether that is true */
    }
    door_review(worker);
}

void door_start(struct session_worker *worker)
{
    worker->door.timer.data = worker;
    uv_timer_init(worker->loop, &worker->door.timer);
}

void door_stop(struct session_worker *worker)
{
    uv_close((uv_handle_t *)&worker->door.timer, NULL);
}
