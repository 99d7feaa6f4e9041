/*
 * entered from: the owner of a net_listener, with a descriptor that was accepted
 * leaves to:    handshake.c, with the first bytes
 * owns:         the session's memory and the list of a worker's sessions
 * deadline:     timeouts.handshake, started here
 * reasons:      no_memory
 */
#include "session_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "moat/base/clock.h"

/* --- the client's stream --- */

static void on_client_data(struct net_stream *stream, struct slice bytes)
{
    session_dispatch(stream->owner, EVENT_CLIENT_DATA, (struct session_input){.bytes = bytes});
}

static void on_client_end(struct net_stream *stream, int status)
{
    session_dispatch(stream->owner, EVENT_CLIENT_END, (struct session_input){.status = status});
}

static void on_client_drained(struct net_stream *stream)
{
    session_dispatch(stream->owner, EVENT_CLIENT_DRAINED, (struct session_input){.status = 0});
}

static void on_client_broken(struct net_stream *stream, int status)
{
    session_dispatch(stream->owner, EVENT_CLIENT_BROKEN, (struct session_input){.status = status});
}

static void on_client_closed(struct net_stream *stream)
{
    session_release(stream->owner);
}

static const struct net_stream_events client_events = {
    .on_data = on_client_data,
    .on_end = on_client_end,
    .on_drained = on_client_drained,
    .on_write_failed = on_client_broken,
    .on_closed = on_client_closed,
};

/* --- birth and death --- */

int session_worker_init(struct session_worker *worker)
{
    static_assert(SESSION_OUTPUT_SIZE >=
                      SESSION_SCRATCH_SIZE +
                          (SESSION_SCRATCH_SIZE / TLS_RECORD_MIN + 1) * TLS_RECORD_OVERHEAD,
                  "what one read brings goes out in one piece, however small the records");
    worker->scratch = (struct net_scratch){malloc(SESSION_SCRATCH_SIZE), SESSION_SCRATCH_SIZE};
    worker->plain = malloc(SESSION_PLAIN_SIZE);
    worker->output =
        (struct tls_output){.data = malloc(SESSION_OUTPUT_SIZE), .capacity = SESSION_OUTPUT_SIZE};
    if (worker->scratch.data == NULL || worker->plain == NULL || worker->output.data == NULL) {
        session_worker_deinit(worker);
        return -1;
    }
    return 0;
}

void session_worker_deinit(struct session_worker *worker)
{
    free(worker->scratch.data);
    free(worker->plain);
    free(worker->output.data);
    worker->scratch.data = NULL;
    worker->plain = NULL;
    worker->output.data = NULL;
}

static void unlink_session(struct session *session)
{
    struct session_worker *worker = session->worker;

    if (session->previous != NULL) {
        session->previous->next = session->next;
    } else {
        worker->sessions = session->next;
    }
    if (session->next != NULL) {
        session->next->previous = session->previous;
    }
    if (worker->rejudge_next == session) {
        worker->rejudge_next = session->next;
    }
    worker->session_count--;
}

static void link_session(struct session *session)
{
    struct session_worker *worker = session->worker;

    session->next = worker->sessions;
    if (session->next != NULL) {
        session->next->previous = session;
    }
    worker->sessions = session;
    worker->session_count++;
}

void session_release(struct session *session)
{
    struct session_worker *worker = session->worker;

    if (--session->pending > 0) {
        return;
    }
    unlink_session(session);
    ledger_leave(worker->gauges->ledger, &session->place);
    admit_free(session);
    topics_free(session);
    tls_conn_deinit(&session->tls);
    tls_peer_deinit(&session->peer);
    free(session->client_id);
    free(session->username);
    free(session->claim);
    snapshot_unref(session->snapshot);
    free(session);
    door_review(worker);
    worker->on_freed(worker);
}

/* Everything that can fail before a session may exist. */
static struct session *session_new(struct session_worker *worker, size_t index)
{
    struct snapshot *snapshot = worker->snapshot;
    struct session *session = calloc(1, sizeof *session);

    if (session == NULL) {
        return NULL;
    }
    if (tls_conn_init(&session->tls, snapshot->contexts[index], &worker->output) != 0) {
        free(session);
        return NULL;
    }
    session->worker = worker;
    session->snapshot = snapshot_ref(snapshot);
    session->listener = index;
    session->id = worker->next_id++;
    session->started_ms = clock_monotonic_ms();
    link_session(session);
    /* The timer's initialisation cannot fail, and gives the session its first pending callback. */
    uv_timer_init(worker->loop, &session->deadline);
    session->deadline.data = session;
    session->pending = 1;
    return session;
}

/* From here on the descriptor is the stream's. */
static int open_client(struct session *session, int descriptor)
{
    struct session_worker *worker = session->worker;
    int status = net_stream_init(&session->client, worker->loop, false, &client_events, session,
                                 &worker->scratch);
    if (status != 0) {
        close(descriptor);
        return status;
    }
    session->pending++;
    session->client.read_limit = SESSION_READ_EARLY;
    status = net_stream_open(&session->client, descriptor);
    if (status != 0) {
        close(descriptor);
        net_stream_close(&session->client);
    }
    return status;
}

void session_accept(struct session_worker *worker, int descriptor, const struct address *address,
                    size_t index)
{
    struct session *session = NULL;
    struct ledger_place place;
    bool is_welcome = welcome_address(worker, address, &place);

    if (is_welcome) {
        session = session_new(worker, index);
    }
    if (session == NULL) {
        close(descriptor);
        if (is_welcome) {
            ledger_leave(worker->gauges->ledger, &place);
            session_door_starved(worker, UV_ENOMEM);
        }
        door_review(worker);
        return;
    }
    session->address = *address;
    session->place = place;
    session_enter(session, SESSION_HANDSHAKE, session_config(session)->handshake_timeout_ms);
    if (open_client(session, descriptor) != 0) {
        session_close(session, CLOSE_NO_MEMORY, NULL);
        return;
    }
    net_stream_tune(&session->client);
    session_update_reading(session);
    door_took(worker, descriptor);
}

void session_shut_down_all(struct session_worker *worker)
{
    struct session *next = NULL;

    for (struct session *session = worker->sessions; session != NULL; session = next) {
        next = session->next;
        if (session->state != SESSION_CLOSING) {
            session_close(session, CLOSE_SHUTTING_DOWN, NULL);
        }
    }
}
