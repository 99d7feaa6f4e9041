/*
 * entered from: every callback of libuv, by session_dispatch()
 * leaves to:    the room of the session's state
 * owns:         session->state and the timer
 * deadline:     starts and stops them all
 * reasons:      handshake_timeout, connect_timeout, busy, upstream_timeout, client_ended,
 *               client_lost, internal_fault
 */
#include "session_internal.h"

typedef void session_handler(struct session *session, const struct session_input *input);

/* --- what each deadline means --- */

static void on_handshake_deadline(struct session *session, const struct session_input *input)
{
    (void)input;
    session_close(session, CLOSE_HANDSHAKE_TIMEOUT, NULL);
}

static void on_connect_deadline(struct session *session, const struct session_input *input)
{
    (void)input;
    session_close(session, CLOSE_CONNECT_TIMEOUT, NULL);
}

static void on_authorise_deadline(struct session *session, const struct session_input *input)
{
    (void)input;
    session_close(session, CLOSE_BUSY, NULL);
}

static void on_dial_deadline(struct session *session, const struct session_input *input)
{
    (void)input;
    session_close(session, CLOSE_UPSTREAM_TIMEOUT, NULL);
}

/* Before the relay, a client that cannot be written to or that broke off is gone. */
static void on_client_gone(struct session *session, const struct session_input *input)
{
    session_close(session, input->status == 0 ? CLOSE_CLIENT_ENDED : CLOSE_CLIENT_LOST, NULL);
}

/* The answer of a handshake was taken in full; nothing waits for that. */
static void on_drained_early(struct session *session, const struct session_input *input)
{
    (void)session;
    (void)input;
}

/* One row a state, one column an event. A cell that cannot happen closes the session. */
#define NEVER session_impossible
static session_handler *const handlers[SESSION_STATES][SESSION_EVENTS] = {
    [SESSION_HANDSHAKE] =
        {
            [EVENT_CLIENT_DATA] = handshake_on_client_data,
            [EVENT_CLIENT_END] = on_client_gone,
            [EVENT_CLIENT_DRAINED] = on_drained_early,
            [EVENT_CLIENT_BROKEN] = on_client_gone,
            [EVENT_VERDICT] = NEVER,
            [EVENT_DIALLED] = NEVER,
            [EVENT_UPSTREAM_DATA] = NEVER,
            [EVENT_UPSTREAM_END] = NEVER,
            [EVENT_UPSTREAM_DRAINED] = NEVER,
            [EVENT_UPSTREAM_BROKEN] = NEVER,
            [EVENT_DEADLINE] = on_handshake_deadline,
        },
    [SESSION_ADMIT] =
        {
            [EVENT_CLIENT_DATA] = admit_on_client_data,
            [EVENT_CLIENT_END] = admit_on_client_end,
            [EVENT_CLIENT_DRAINED] = on_drained_early,
            [EVENT_CLIENT_BROKEN] = on_client_gone,
            [EVENT_VERDICT] = NEVER,
            [EVENT_DIALLED] = NEVER,
            [EVENT_UPSTREAM_DATA] = NEVER,
            [EVENT_UPSTREAM_END] = NEVER,
            [EVENT_UPSTREAM_DRAINED] = NEVER,
            [EVENT_UPSTREAM_BROKEN] = NEVER,
            [EVENT_DEADLINE] = on_connect_deadline,
        },
    [SESSION_AUTHORISE] =
        {
            [EVENT_CLIENT_DATA] = admit_hold_client_data,
            [EVENT_CLIENT_END] = admit_hold_client_end,
            [EVENT_CLIENT_DRAINED] = on_drained_early,
            [EVENT_CLIENT_BROKEN] = on_client_gone,
            [EVENT_VERDICT] = authorise_on_verdict,
            [EVENT_DIALLED] = NEVER,
            [EVENT_UPSTREAM_DATA] = NEVER,
            [EVENT_UPSTREAM_END] = NEVER,
            [EVENT_UPSTREAM_DRAINED] = NEVER,
            [EVENT_UPSTREAM_BROKEN] = NEVER,
            [EVENT_DEADLINE] = on_authorise_deadline,
        },
    [SESSION_DIAL] =
        {
            [EVENT_CLIENT_DATA] = admit_hold_client_data,
            [EVENT_CLIENT_END] = admit_hold_client_end,
            [EVENT_CLIENT_DRAINED] = on_drained_early,
            [EVENT_CLIENT_BROKEN] = on_client_gone,
            [EVENT_VERDICT] = NEVER,
            [EVENT_DIALLED] = dial_on_done,
            [EVENT_UPSTREAM_DATA] = NEVER,
            [EVENT_UPSTREAM_END] = NEVER,
            [EVENT_UPSTREAM_DRAINED] = NEVER,
            [EVENT_UPSTREAM_BROKEN] = NEVER,
            [EVENT_DEADLINE] = on_dial_deadline,
        },
    [SESSION_RELAY] =
        {
            [EVENT_CLIENT_DATA] = relay_on_client_data,
            [EVENT_CLIENT_END] = relay_on_client_end,
            [EVENT_CLIENT_DRAINED] = relay_on_drained,
            [EVENT_CLIENT_BROKEN] = relay_on_client_broken,
            [EVENT_VERDICT] = NEVER,
            [EVENT_DIALLED] = NEVER,
            [EVENT_UPSTREAM_DATA] = relay_on_upstream_data,
            [EVENT_UPSTREAM_END] = relay_on_upstream_end,
            [EVENT_UPSTREAM_DRAINED] = relay_on_drained,
            [EVENT_UPSTREAM_BROKEN] = relay_on_upstream_broken,
            [EVENT_DEADLINE] = watch_on_deadline,
        },
    [SESSION_CLOSING] =
        {
            [EVENT_CLIENT_DATA] = close_on_client_data,
            [EVENT_CLIENT_END] = close_on_client_end,
            [EVENT_CLIENT_DRAINED] = close_on_client_drained,
            [EVENT_CLIENT_BROKEN] = close_on_client_end,
            [EVENT_VERDICT] = close_ignore,
            [EVENT_DIALLED] = close_ignore,
            [EVENT_UPSTREAM_DATA] = close_ignore,
            [EVENT_UPSTREAM_END] = close_ignore,
            [EVENT_UPSTREAM_DRAINED] = close_ignore,
            [EVENT_UPSTREAM_BROKEN] = close_ignore,
            [EVENT_DEADLINE] = close_on_deadline,
        },
};
#undef NEVER

void session_impossible(struct session *session, const struct session_input *input)
{
    (void)input;
    session_close(session, CLOSE_INTERNAL_FAULT, "an event that this state cannot have");
}

void session_dispatch(struct session *session, enum session_event event, struct session_input input)
{
    handlers[session->state][event](session, &input);
}

/* --- the timer --- */

static void on_timer(uv_timer_t *timer)
{
    session_dispatch(timer->data, EVENT_DEADLINE, (struct session_input){.status = 0});
}

void session_set_deadline(struct session *session, uint64_t deadline_ms)
{
    if (deadline_ms == 0) {
        uv_timer_stop(&session->deadline);
    } else {
        uv_timer_start(&session->deadline, on_timer, deadline_ms, 0);
    }
}

void session_enter(struct session *session, enum session_state state, uint64_t deadline_ms)
{
    session->state = state;
    session_set_deadline(session, deadline_ms);
    door_note(session);
}

/* --- both directions --- */

/* TCP gives no reason to read from a side that nobody listens to. */
void session_update_reading(struct session *session)
{
    bool wants_client = !session->client_has_ended;
    bool wants_upstream = false;

    switch (session->state) {
    case SESSION_HANDSHAKE:
        wants_client = wants_client && !session->awaits_turn;
        break;
    case SESSION_ADMIT:
    case SESSION_CLOSING:
        break;
    case SESSION_AUTHORISE:
    case SESSION_DIAL:
        wants_client = wants_client && buffer_room(&session->admission->kept) > 0;
        break;
    case SESSION_RELAY:
        wants_client = wants_client && session->upstream.queued == 0;
        wants_upstream = !session->upstream_has_ended && session->client.queued == 0;
        watch_queues(session);
        break;
    case SESSION_STATES:
        wants_client = false;
        break;
    }
    if (!wants_client) {
        net_stream_stop(&session->client);
    } else if (net_stream_start(&session->client) != 0) {
        session->client_has_ended = true; /* not connected any more; the deadline sees to it */
    }
    if (!wants_upstream) {
        net_stream_stop(&session->upstream);
    } else if (net_stream_start(&session->upstream) != 0) {
        session->upstream_has_ended = true;
    }
}

bool session_flush(struct session *session)
{
    struct tls_output *output = &session->worker->output;
    struct slice bytes = slice_of(output->data, output->size);

    /* The buffer is shared by all sessions, so it is empty again before anything else happens. */
    output->size = 0;
    if (bytes.size == 0 || session->client_is_broken) {
        return true;
    }
    int status = net_stream_write(&session->client, bytes);
    if (status != 0) {
        session_dispatch(session, EVENT_CLIENT_BROKEN, (struct session_input){.status = status});
        return session->state != SESSION_CLOSING;
    }
    return true;
}
