/*
 * entered from: every other file of this folder, by session_close() alone
 * leaves to:    free(), in the last close callback (session_release)
 * owns:         the answer, the goodbye and the log line
 * deadline:     SESSION_LINGER_MS, in which the client may read our last words
 * reasons:      whatever the caller gives
 */
#include "session_internal.h"

#include "moat/session/answer.h"

/* --- the last words --- */

static struct answer_terms terms_of(const struct session *session)
{
    return (struct answer_terms){
        .version = session->version,
        .maximum_packet_size = session->client_packet_max,
        .is_silent = session_config(session)->silent,
    };
}

static int write_answer(struct session *session, const struct answer *answer)
{
    bool is_written = answer->size > 0 &&
                      tls_conn_write(&session->tls, slice_of(answer->bytes, answer->size)) == 0;
    return is_written ? answer->code : CLOSE_CODE_NONE;
}

/* Returns the code that is sent. */
static int write_connack(struct session *session, enum close_reason reason)
{
    struct answer_terms terms = terms_of(session);
    struct answer answer;

    answer_connack(reason, &terms, &answer);
    return write_answer(session, &answer);
}

/* A DISCONNECT may stand only between two packets of the broker, behind its CONNACK. */
static int write_disconnect(struct session *session, enum close_reason reason)
{
    struct answer_terms terms = terms_of(session);
    struct answer answer;

    if (session->upstream_has_ended || session->from_upstream.packets == 0 ||
        !mqtt_frame_at_boundary(&session->from_upstream)) {
        return CLOSE_CODE_NONE;
    }
    answer_disconnect(reason, &terms, &answer);
    return write_answer(session, &answer);
}

/* While relaying, a CONNACK may be ours as long as nothing of the broker's has passed. */
static bool has_broker_spoken(const struct session *session)
{
    return session->upstream_bytes > 0 || session->upstream_has_ended;
}

int close_code(const struct session *session, enum close_reason reason)
{
    struct answer_terms terms = terms_of(session);
    struct answer answer;

    if (session->state == SESSION_RELAY && has_broker_spoken(session)) {
        answer_disconnect(reason, &terms, &answer);
    } else {
        answer_connack(reason, &terms, &answer);
    }
    return answer.code;
}

static int write_last_words(struct session *session, enum close_reason reason)
{
    int code = CLOSE_CODE_NONE;

    if (session->client_is_broken) {
        return code;
    }
    switch (session->state) {
    case SESSION_HANDSHAKE:
    case SESSION_CLOSING:
    case SESSION_STATES:
        break;
    case SESSION_ADMIT:
    case SESSION_AUTHORISE:
    case SESSION_DIAL:
        code = write_connack(session, reason);
        break;
    case SESSION_RELAY:
        code = has_broker_spoken(session) ? write_disconnect(session, reason)
                                          : write_connack(session, reason);
        break;
    }
    tls_conn_close(&session->tls);
    return code;
}

/* --- the exit --- */

/* The timer's close callback: a session always has this handle. */
static void on_timer_closed(uv_handle_t *handle)
{
    session_release(handle->data);
}

static void close_handles(struct session *session)
{
    net_stream_close(&session->client);
    net_stream_close(&session->upstream);
    if (!uv_is_closing((uv_handle_t *)&session->deadline)) {
        uv_close((uv_handle_t *)&session->deadline, on_timer_closed);
    }
}

static void send_rest(struct session *session)
{
    struct tls_output *output = &session->worker->output;

    if (output->size > 0 && !session->client_is_broken &&
        net_stream_write(&session->client, slice_of(output->data, output->size)) != 0) {
        session->client_is_broken = true;
    }
    output->size = 0;
}

void session_close(struct session *session, enum close_reason reason, const char *detail)
{
    bool was_relaying = session->state == SESSION_RELAY;

    if (session->state == SESSION_CLOSING) {
        return;
    }
    turns_leave(session);
    authorise_cancel(session);
    dial_cancel(session);
    int code = write_last_words(session, reason);
    session_enter(session, SESSION_CLOSING, SESSION_LINGER_MS);
    send_rest(session);
    report_closed(session, reason, detail, code);
    blame_identity(session, reason);
    own_release(session);
    if (session->is_counted) {
        session->is_counted = false;
        gauge_give(&session->worker->gauges->connections);
        gauge_give(&session->worker->gauges->listeners[session->listener]);
    }
    /* Without a DISCONNECT of the client's the broker publishes the will. What the client
     * said in good order before still gets there. */
    if (was_relaying) {
        net_stream_shutdown(&session->upstream);
    } else {
        net_stream_close(&session->upstream);
    }
    if (session->client_is_broken || !session->client.is_open) {
        close_handles(session);
        return;
    }
    /* A close with unread bytes becomes a reset, and a reset can overtake our last
     * words. So: end of file, then read and drop until the client ends as well. */
    net_stream_shutdown(&session->client);
    session_update_reading(session);
    if (session->client_has_ended && session->client.queued == 0) {
        close_handles(session);
    }
}

/* --- while lingering --- */

void close_on_client_data(struct session *session, const struct session_input *input)
{
    (void)session;
    (void)input;
}

void close_on_client_end(struct session *session, const struct session_input *input)
{
    session->client_has_ended = true;
    if (input->status != 0 || session->client.queued == 0) {
        close_handles(session);
    }
}

void close_on_client_drained(struct session *session, const struct session_input *input)
{
    (void)input;
    if (session->client_has_ended) {
        close_handles(session);
    }
}

void close_on_deadline(struct session *session, const struct session_input *input)
{
    (void)input;
    close_handles(session);
}

/* What the upstream, the pool or a dial still has to say is of no interest any more. */
void close_ignore(struct session *session, const struct session_input *input)
{
    (void)session;
    (void)input;
}
