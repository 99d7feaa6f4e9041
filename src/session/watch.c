/*
 * entered from: relay.c, when the relay begins, when the client or the broker is heard, and when
 *               one side has ended; session.c, when the timer fires
 * leaves to:    close.c, when one side has let the other wait for too long
 * owns:         session->watch, and the timer while the session relays
 * deadline:     the nearest of upstream.connack_timeout, keep alive and timeouts.stall;
 *               SESSION_HALF_CLOSED_MS alone once one side has ended
 * reasons:      upstream_timeout, keep_alive_expired, client_stalled, upstream_stalled, and that of
 *               the side that ended first
 *
 * Nothing here is done for each packet but to note the time: the timer is set again when it fires,
 * to what is the nearest limit by then.
 */
#include "session_internal.h"

/* Stalled sides are looked at this often within timeouts.stall. */
#define LOOKS_PER_STALL 4u
/* Long enough for the loop to read what has come, and for a peer that has just been answered to
 * go on, before it is said that nothing has come. */
#define SECOND_LOOK_MS 250u

static uint64_t now_of(const struct session *session)
{
    return uv_now(session->worker->loop);
}

/* --- what is waited for --- */

/* 1.5 times the keep alive, as the standards ask of a server, and a grace, so that a broker that
 * counts as well is first; 0 for no limit. */
static uint64_t idle_limit(const struct session *session)
{
    uint64_t keep_alive = session->watch.keep_alive;

    return keep_alive == 0 ? 0 : keep_alive * 1500 + session_config(session)->keep_alive_grace_ms;
}

static uint64_t stall_interval(const struct session *session)
{
    return session_config(session)->stall_timeout_ms / LOOKS_PER_STALL;
}

static bool is_awaiting_connack(const struct session *session, uint64_t now)
{
    const struct session_watch *watch = &session->watch;

    return !watch->has_connack &&
           now - watch->begun_ms >= session_config(session)->connack_timeout_ms;
}

/* While the broker takes nothing the client is not read, and its silence is not its own. */
static bool is_idle(struct session *session, uint64_t now)
{
    uint64_t limit = idle_limit(session);

    if (!session->client.is_reading) {
        session->watch.heard_ms = now;
    }
    return session->watch.has_connack && limit != 0 && now - session->watch.heard_ms >= limit;
}

static bool has_stalled(const struct session *session, const struct net_stream *stream,
                        struct session_stall *stall, uint64_t now)
{
    if (stream->queued == 0) {
        return false;
    }
    uint64_t taken = net_stream_taken(stream);
    if (taken != stall->taken) {
        *stall = (struct session_stall){.taken = taken, .since_ms = now};
    }
    return now - stall->since_ms >= session_config(session)->stall_timeout_ms;
}

/* --- the timer --- */

static uint64_t nearer(uint64_t wait, uint64_t other)
{
    return wait == 0 || other < wait ? other : wait;
}

/* What is left of a limit; at least 1, since 0 is no timer. */
static uint64_t left_of(uint64_t limit, uint64_t since, uint64_t now)
{
    return now - since < limit ? limit - (now - since) : 1;
}

static void set_timer(struct session *session, uint64_t now)
{
    const struct session_watch *watch = &session->watch;
    uint64_t limit = idle_limit(session);
    uint64_t wait = 0;

    if (!watch->has_connack) {
        wait = left_of(session_config(session)->connack_timeout_ms, watch->begun_ms, now);
    } else if (limit != 0) {
        wait = left_of(limit, watch->heard_ms, now);
    }
    if (session->client.queued > 0 || session->upstream.queued > 0) {
        wait = nearer(wait, stall_interval(session));
    }
    session_set_deadline(session, wait);
}

/* CLOSE_REASON_COUNT when nothing is due. */
static enum close_reason what_is_due(struct session *session, uint64_t now)
{
    struct session_watch *watch = &session->watch;

    if (is_awaiting_connack(session, now)) {
        return CLOSE_UPSTREAM_TIMEOUT;
    }
    if (has_stalled(session, &session->client, &watch->client, now)) {
        return CLOSE_CLIENT_STALLED;
    }
    if (has_stalled(session, &session->upstream, &watch->upstream, now)) {
        return CLOSE_UPSTREAM_STALLED;
    }
    return is_idle(session, now) ? CLOSE_KEEP_ALIVE_EXPIRED : CLOSE_REASON_COUNT;
}

/* Timers fire before sockets are read. After a time in which the whole gateway stood still, what
 * the others said meanwhile has its chance before they are cut for having said nothing. */
void watch_on_deadline(struct session *session, const struct session_input *input)
{
    uint64_t now = now_of(session);

    (void)input;
    if (session->is_ending) {
        session_close(session, session->end_reason, "the other side did not end in time");
        return;
    }
    enum close_reason reason = what_is_due(session, now);
    if (reason == CLOSE_REASON_COUNT) {
        session->watch.is_second_look = false;
        set_timer(session, now);
    } else if (!session->watch.is_second_look) {
        session->watch.is_second_look = true;
        session_set_deadline(session, SECOND_LOOK_MS);
    } else {
        session_close(session, reason,
                      reason == CLOSE_UPSTREAM_TIMEOUT ? "no CONNACK came in time" : NULL);
    }
}

void watch_queues(struct session *session)
{
    if (session->is_ending || (session->client.queued == 0 && session->upstream.queued == 0)) {
        return;
    }
    uint64_t interval = stall_interval(session);
    if (!uv_is_active((const uv_handle_t *)&session->deadline) ||
        uv_timer_get_due_in(&session->deadline) > interval) {
        session_set_deadline(session, interval);
    }
}

/* --- the beginning --- */

void watch_start(struct session *session)
{
    static const struct session_stall never = {.taken = UINT64_MAX};
    struct session_watch *watch = &session->watch;
    uint64_t patience = 2 * session_config(session)->stall_timeout_ms;

    watch->begun_ms = now_of(session);
    watch->heard_ms = watch->begun_ms;
    watch->client = never;
    watch->upstream = never;
    watch->keep_alive = session->admission->connect.keep_alive;
    mqtt_connack_init(&watch->connack, (enum mqtt_version)session->version);
    /* Else the kernel would be first, and the log would not say why. */
    net_stream_wait_at_least(&session->client, patience);
    net_stream_wait_at_least(&session->upstream, patience);
    set_timer(session, watch->begun_ms);
}

const char *watch_read_connack(struct session *session, struct slice bytes)
{
    struct session_watch *watch = &session->watch;
    const char *fault = NULL;

    if (watch->has_connack) {
        return NULL;
    }
    switch (mqtt_connack_feed(&watch->connack, bytes, &fault)) {
    case MQTT_CONNACK_MORE:
    case MQTT_CONNACK_MALFORMED:
        break;
    case MQTT_CONNACK_OK:
        watch->has_connack = true;
        if (watch->connack.has_server_keep_alive) { /* [MQTT-3.2.2-21] */
            watch->keep_alive = watch->connack.server_keep_alive;
        }
        if (!session->is_ending) {
            set_timer(session, now_of(session));
        }
        break;
    }
    return fault;
}
