/*
 * entered from: own.c
 * leaves to:    relay.c
 * owns:         session->upstream, admission->dial
 * deadline:     upstream.connect_timeout
 * reasons:      full, upstream_down, upstream_timeout, client_ended, client_lost
 */
#include "session_internal.h"

#include <limits.h>

static void on_upstream_data(struct net_stream *stream, struct slice bytes)
{
    session_dispatch(stream->owner, EVENT_UPSTREAM_DATA, (struct session_input){.bytes = bytes});
}

static void on_upstream_end(struct net_stream *stream, int status)
{
    session_dispatch(stream->owner, EVENT_UPSTREAM_END, (struct session_input){.status = status});
}

static void on_upstream_drained(struct net_stream *stream)
{
    session_dispatch(stream->owner, EVENT_UPSTREAM_DRAINED, (struct session_input){.status = 0});
}

static void on_upstream_broken(struct net_stream *stream, int status)
{
    session_dispatch(stream->owner, EVENT_UPSTREAM_BROKEN,
                     (struct session_input){.status = status});
}

static void on_upstream_closed(struct net_stream *stream)
{
    struct session *session = stream->owner;

    if (session->admission != NULL && net_dial_on_closed(&session->admission->dial)) {
        return;
    }
    session_release(session);
}

static const struct net_stream_events upstream_events = {
    .on_data = on_upstream_data,
    .on_end = on_upstream_end,
    .on_drained = on_upstream_drained,
    .on_write_failed = on_upstream_broken,
    .on_closed = on_upstream_closed,
};

/* A dial that was cancelled while its name was being resolved ends here as well. */
static void on_done(struct net_dial *dial, int status)
{
    struct session *session = dial->owner;
    bool was_resolving = dial->is_cancelled;

    session_dispatch(session, EVENT_DIALLED, (struct session_input){.status = status});
    if (was_resolving) {
        session_release(session);
    }
}

/* NULL, or whose places are all taken. */
static const char *take_place(struct session *session)
{
    const struct config *config = session_config(session);
    struct session_gauges *gauges = session->worker->gauges;
    unsigned ceiling = config->listeners[session->listener].connections;

    if (!gauge_take(&gauges->connections, config->connections)) {
        return "limits.connections";
    }
    if (!gauge_take(&gauges->listeners[session->listener], ceiling > 0 ? ceiling : UINT_MAX)) {
        gauge_give(&gauges->connections);
        return "connections of this listener";
    }
    session->is_counted = true;
    return NULL;
}

void dial_enter(struct session *session)
{
    const struct config *config = session_config(session);
    struct net_dial *dial = &session->admission->dial;

    session_enter(session, SESSION_DIAL, config->upstream_connect_timeout_ms);
    const char *full = take_place(session);
    if (full != NULL) {
        session_close(session, CLOSE_FULL, full);
        return;
    }
    int status = net_stream_init(&session->upstream, session->worker->loop,
                                 config->upstream.kind == ENDPOINT_UNIX, &upstream_events, session,
                                 &session->worker->scratch);
    if (status == 0) {
        session->pending++;
        *dial = (struct net_dial){.stream = &session->upstream,
                                  .endpoint = &config->upstream,
                                  .owner = session,
                                  .on_done = on_done};
        status = net_dial_start(dial);
    }
    if (status != 0) {
        session_close(session, CLOSE_UPSTREAM_DOWN, uv_strerror(status));
    }
}

void dial_on_done(struct session *session, const struct session_input *input)
{
    if (input->status != 0) {
        session_close(session, CLOSE_UPSTREAM_DOWN, uv_strerror(input->status));
        return;
    }
    net_stream_tune(&session->upstream);
    relay_enter(session);
}

void dial_cancel(struct session *session)
{
    if (session->admission == NULL || session->state != SESSION_DIAL) {
        return;
    }
    if (session->admission->dial.is_resolving) {
        session->pending++; /* the pool still holds the request */
    }
    net_dial_cancel(&session->admission->dial);
}
