/*
 * entered from: session.c, when a connection was accepted; turns.c, when it is its turn
 * leaves to:    admit.c, when the handshake is complete and a client certificate was verified
 * owns:         session->tls, session->peer
 * deadline:     timeouts.handshake, absolute: no byte of progress moves it
 * reasons:      tls_failed, handshake_timeout, client_ended, client_lost, no_memory
 */
#include "session_internal.h"

static void complete(struct session *session)
{
    if (tls_conn_peer(&session->tls, &session->peer) != 0) {
        session_close(session, CLOSE_NO_MEMORY, NULL);
        return;
    }
    admit_enter(session);
}

void handshake_on_client_data(struct session *session, const struct session_input *input)
{
    if (tls_conn_give(&session->tls, input->bytes) != 0 || tls_conn_keep(&session->tls) != 0) {
        session_close(session, CLOSE_NO_MEMORY, NULL);
        return;
    }
    /* No more is read until its turn has come: who waits costs one read's worth of memory. */
    turns_join(session);
    session_update_reading(session);
}

void handshake_step(struct session *session)
{
    enum tls_status status = tls_conn_handshake(&session->tls);
    /* The answer, or the alert that says what is wrong, goes out before anything else. */
    if (!session_flush(session)) {
        return;
    }
    session_update_reading(session);
    switch (status) {
    case TLS_OK:
        complete(session);
        break;
    case TLS_WANT_INPUT:
        if (tls_conn_keep(&session->tls) != 0) {
            session_close(session, CLOSE_NO_MEMORY, NULL);
        }
        break;
    case TLS_CLOSED:
        session_close(session, CLOSE_CLIENT_ENDED, NULL);
        break;
    case TLS_FAILED:
        if (tls_conn_is_refused(&session->tls)) {
            blame_address(session, "client_certificate");
        }
        session_close(session, CLOSE_TLS_FAILED, tls_conn_fault(&session->tls));
        break;
    }
}
