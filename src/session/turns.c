/*
 * Turns at the handshake: public-key work for strangers must not slow the sessions inside.
 *
 * What a client in HANDSHAKE sent is kept, one read of it, and the client waits in a line. Each
 * turn of the loop serves the first few; then it is the turn of those who relay. First come, first
 * served: nobody gets a second step before everybody ahead has had one.
 */
#include "session_internal.h"

static void on_turn(uv_idle_t *idle)
{
    struct session_worker *worker = idle->data;

    for (unsigned i = 0; i < TURNS_EACH && worker->turns.first != NULL; i++) {
        struct session *session = worker->turns.first;
        turns_leave(session);
        handshake_step(session);
    }
}

void turns_join(struct session *session)
{
    struct session_turns *turns = &session->worker->turns;

    if (session->awaits_turn) {
        return;
    }
    session->awaits_turn = true;
    session->turn_before = turns->last;
    *(turns->last != NULL ? &turns->last->turn_after : &turns->first) = session;
    turns->last = session;
    uv_idle_start(&turns->idle, on_turn); /* nothing happens when it runs */
}

void turns_leave(struct session *session)
{
    struct session_turns *turns = &session->worker->turns;
    struct session *before = session->turn_before;
    struct session *after = session->turn_after;

    if (!session->awaits_turn) {
        return;
    }
    session->awaits_turn = false;
    session->turn_before = NULL;
    session->turn_after = NULL;
    *(before != NULL ? &before->turn_after : &turns->first) = after;
    *(after != NULL ? &after->turn_before : &turns->last) = before;
    if (turns->first == NULL) {
        uv_idle_stop(&turns->idle);
    }
}

void turns_start(struct session_worker *worker)
{
    worker->turns.idle.data = worker;
    uv_idle_init(worker->loop, &worker->turns.idle);
}

void turns_stop(struct session_worker *worker)
{
    uv_close((uv_handle_t *)&worker->turns.idle, NULL);
}
