/*
 * entered from: dial.c, when the upstream is connected
 * leaves to:    close.c, when both sides have ended
 * owns:         both streams, the two frame walkers
 * deadline:     those of watch.c; SESSION_HALF_CLOSED_MS once one side has ended
 * reasons:      client_ended, client_lost, upstream_ended, upstream_lost, tls_failed,
 *               no_memory, second_connect, packet_not_allowed, packet_malformed, packet_too_large,
 *               upstream_packet
 *
 * What comes from one side goes to the other unchanged. When the kernel does not take
 * all of it, the rest is queued and its source is not read until the queue is empty.
 * A failed write never stops the reading of the same side: a broker says why it closes,
 * and then resets the connection because we still had something for it.
 */
#include "session_internal.h"

/* --- ends --- */

static void finish_if_over(struct session *session)
{
    bool upstream_is_over = session->upstream_has_ended;
    bool client_is_over = session->client_has_ended || session->upstream_is_broken;
    bool is_flushed = session->client.queued == 0 || session->client_is_broken;

    if (upstream_is_over && client_is_over && is_flushed) {
        session_close(session, session->end_reason, NULL);
    }
}

/* The first side to end gives the session's reason and starts the wait for the other. */
static void note_end(struct session *session, enum close_reason reason)
{
    if (!session->client_has_ended && !session->upstream_has_ended) {
        session->end_reason = reason;
        session->is_ending = true;
        session_set_deadline(session, SESSION_HALF_CLOSED_MS);
    }
}

static void client_ended(struct session *session, int status)
{
    if (!session->client_has_ended) {
        note_end(session, status == 0 ? CLOSE_CLIENT_ENDED : CLOSE_CLIENT_LOST);
        session->client_has_ended = true;
        session->client_is_broken = session->client_is_broken || status != 0;
        /* End of file without a DISCONNECT: the broker publishes the will. */
        net_stream_shutdown(&session->upstream);
    }
    session_update_reading(session);
    finish_if_over(session);
}

void relay_on_client_end(struct session *session, const struct session_input *input)
{
    client_ended(session, input->status);
}

void relay_on_upstream_end(struct session *session, const struct session_input *input)
{
    note_end(session, input->status == 0 ? CLOSE_UPSTREAM_ENDED : CLOSE_UPSTREAM_LOST);
    session->upstream_has_ended = true;
    session->upstream_is_broken = session->upstream_is_broken || input->status != 0;
    own_release(session); /* the broker has no session of this client any more */
    tls_conn_close(&session->tls);
    if (session_flush(session)) {
        net_stream_shutdown(&session->client);
        session_update_reading(session);
        finish_if_over(session);
    }
}

/* Nothing more can be said to the client, but what it said before may still be read. */
void relay_on_client_broken(struct session *session, const struct session_input *input)
{
    (void)input;
    note_end(session, CLOSE_CLIENT_LOST);
    session->client_is_broken = true;
    session_update_reading(session);
    finish_if_over(session);
}

void relay_on_upstream_broken(struct session *session, const struct session_input *input)
{
    (void)input;
    note_end(session, CLOSE_UPSTREAM_LOST);
    session->upstream_is_broken = true;
    session_update_reading(session);
    finish_if_over(session);
}

void relay_on_drained(struct session *session, const struct session_input *input)
{
    (void)input;
    session_update_reading(session);
    finish_if_over(session);
}

/* --- client to upstream --- */

static enum close_reason reason_of_frame(enum mqtt_frame_status status)
{
    switch (status) {
    case MQTT_FRAME_LENGTH:
    case MQTT_FRAME_FLAGS:
        return CLOSE_PACKET_MALFORMED;
    case MQTT_FRAME_SECOND_CONNECT:
        return CLOSE_SECOND_CONNECT;
    case MQTT_FRAME_NOT_ALLOWED:
        return CLOSE_PACKET_NOT_ALLOWED;
    case MQTT_FRAME_TOO_LARGE:
        return CLOSE_PACKET_TOO_LARGE;
    case MQTT_FRAME_NOT_CONNACK: /* only a server's first packet can be it */
    case MQTT_FRAME_OK:
        return CLOSE_INTERNAL_FAULT;
    }
    return CLOSE_INTERNAL_FAULT;
}

/* Ends the session for a fault of either side's stream, and tells what it was. */
static void close_for_frame(struct session *session, enum close_reason reason,
                            const struct mqtt_frame_walker *walker, enum mqtt_frame_status status)
{
    char text[MQTT_FRAME_TEXT_SIZE];

    mqtt_frame_describe(walker, status, text);
    session_close(session, reason, text[0] != '\0' ? text : NULL);
}

/* A packet over the rule's limit that is only observed is told once and passes. */
static enum mqtt_frame_status walk_client(struct session *session, struct slice bytes,
                                          size_t *out_clean)
{
    enum mqtt_frame_status status = mqtt_frame_walk(&session->from_client, bytes, out_clean);

    if (status == MQTT_FRAME_TOO_LARGE && session->observes) {
        size_t clean = 0;
        report_observed(session, CLOSE_PACKET_TOO_LARGE, NULL);
        mqtt_frame_limit(&session->from_client, 0);
        status = mqtt_frame_walk(&session->from_client, slice_after(bytes, *out_clean), &clean);
        *out_clean += clean;
    }
    return status;
}

void relay_to_upstream(struct session *session, struct slice bytes)
{
    session->client_bytes += bytes.size;
    if (!session->upstream_is_broken && bytes.size > 0 &&
        net_stream_write(&session->upstream, bytes) != 0) {
        note_end(session, CLOSE_UPSTREAM_LOST);
        session->upstream_is_broken = true;
    }
}

/* Passes plaintext on; false when the session is closing now. */
static bool pass_to_upstream(struct session *session, struct slice bytes)
{
    size_t clean = 0;
    enum mqtt_frame_status status = walk_client(session, bytes, &clean);

    if (session->topics == NULL) {
        relay_to_upstream(session, slice_of(bytes.data, clean));
    } else if (!topics_pass(session, slice_of(bytes.data, clean))) {
        return false;
    }
    if (status != MQTT_FRAME_OK) {
        close_for_frame(session, reason_of_frame(status), &session->from_client, status);
        return false;
    }
    return true;
}

/* Gathers every record that is there, so that the upstream gets one write. */
static enum tls_status read_records(struct session *session, size_t *out_size)
{
    uint8_t *plain = session->worker->plain;
    enum tls_status status = TLS_OK;
    size_t used = 0;

    while (status == TLS_OK && used < SESSION_PLAIN_SIZE) {
        size_t size = 0;
        status = tls_conn_read(&session->tls, plain + used, SESSION_PLAIN_SIZE - used, &size);
        used += status == TLS_OK ? size : 0;
    }
    *out_size = used;
    return status;
}

void relay_on_client_data(struct session *session, const struct session_input *input)
{
    enum tls_status status = TLS_OK;
    size_t size = 0;

    watch_heard(session);
    if (tls_conn_give(&session->tls, input->bytes) != 0) {
        session_close(session, CLOSE_NO_MEMORY, NULL);
        return;
    }
    while (status == TLS_OK) {
        status = read_records(session, &size);
        if (!pass_to_upstream(session, slice_of(session->worker->plain, size))) {
            return;
        }
    }
    /* Reading may have had to answer, to a key update for instance. */
    if (tls_conn_keep(&session->tls) != 0) {
        session_close(session, CLOSE_NO_MEMORY, NULL);
    } else if (!session_flush(session)) {
        return;
    } else if (status == TLS_FAILED) {
        session_close(session, CLOSE_TLS_FAILED, tls_conn_fault(&session->tls));
    } else if (status == TLS_CLOSED) {
        client_ended(session, 0);
    } else {
        session_update_reading(session);
        finish_if_over(session);
    }
}

/* --- upstream to client --- */

void relay_on_upstream_data(struct session *session, const struct session_input *input)
{
    size_t clean = 0;
    enum mqtt_frame_status status = mqtt_frame_walk(&session->from_upstream, input->bytes, &clean);
    const char *fault = watch_read_connack(session, slice_of(input->bytes.data, clean));

    if (fault != NULL) {
        session_close(session, CLOSE_UPSTREAM_PACKET, fault);
        return;
    }
    session->upstream_bytes += clean;
    if (!session->client_is_broken) {
        if (tls_conn_write(&session->tls, slice_of(input->bytes.data, clean)) != 0) {
            session_close(session, CLOSE_TLS_FAILED, tls_conn_fault(&session->tls));
            return;
        }
        if (!session_flush(session)) {
            return;
        }
    }
    if (status != MQTT_FRAME_OK) {
        close_for_frame(session, CLOSE_UPSTREAM_PACKET, &session->from_upstream, status);
        return;
    }
    session_update_reading(session);
}

/* --- the beginning --- */

/* What the deciding rule asks of the session from now on. */
static void relay_use_limits(struct session *session)
{
    size_t packet_size = session->decider != NULL ? policy_rule_packet_size(session->decider) : 0;
    mqtt_frame_limit(&session->from_client, packet_size);
}

void relay_use_verdict(struct session *session, const struct policy_verdict *verdict)
{
    session->rule = verdict->rule;
    session->decider = verdict->decider;
    session->observes = verdict->observes;
    session->observes_names = verdict->observes_names;
    relay_use_limits(session);
}

void relay_enter(struct session *session)
{
    struct admission *admission = session->admission;
    struct slice kept = buffer_slice(&admission->kept);
    size_t connect_size = admission->connect.packet_size;

    mqtt_frame_init(&session->from_client, MQTT_FROM_CLIENT, (enum mqtt_version)session->version);
    mqtt_frame_init(&session->from_upstream, MQTT_FROM_SERVER, (enum mqtt_version)session->version);
    relay_use_limits(session);
    /* A reload since the verdict has its say before the broker hears a byte. */
    if (!rejudge_if_outdated(session)) {
        return;
    }
    if (!topics_enter(session)) {
        session_close(session, CLOSE_NO_MEMORY, "for the topic lists");
        return;
    }
    session_enter(session, SESSION_RELAY, 0);
    session->client.read_limit = SESSION_READ_CLIENT;
    session->upstream.read_limit = SESSION_READ_UPSTREAM;
    watch_start(session);
    report_admitted(session);
    ledger_leave(session->worker->gauges->ledger, &session->place);

    /* CONNECT byte for byte as it was judged, then what came behind it. */
    relay_to_upstream(session, slice_of(kept.data, connect_size));
    if (!pass_to_upstream(session, slice_after(kept, connect_size))) {
        return;
    }
    admit_free(session);
    if (session->client_has_ended) {
        session->client_has_ended = false;
        client_ended(session, session->client_is_broken ? UV_ECONNRESET : 0);
        return;
    }
    /* Records that found no room while we waited. */
    relay_on_client_data(session, &(struct session_input){.status = 0});
}
