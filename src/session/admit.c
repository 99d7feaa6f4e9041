/*
 * entered from: handshake.c
 * leaves to:    authorise.c when a password must be checked, own.c when not
 * owns:         session->admission: the kept bytes and what was read from them
 * deadline:     timeouts.connect, absolute, from the end of the handshake
 * reasons:      everything that CONNECT itself or the policy can be refused for, connect_timeout,
 *               tls_failed, client_ended, full, no_memory
 */
#include "session_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "moat/base/secret.h"
#include "moat/session/facts.h"
#include "moat/session/reason_of.h"

#define ADMIT_DETAIL_SIZE 192u /* of a fault in words, with its clause */

void admit_enter(struct session *session)
{
    const struct config *config = session_config(session);
    struct admission *admission = calloc(1, sizeof *admission);

    if (admission == NULL) {
        session_close(session, CLOSE_NO_MEMORY, NULL);
        return;
    }
    buffer_init(&admission->kept, config->connect.packet_size + SESSION_HOLD_MAX);
    session->admission = admission;
    session_enter(session, SESSION_ADMIT, config->connect_timeout_ms);
    /* The first packet often comes in one piece with the end of the handshake. */
    admit_on_client_data(session, &(struct session_input){.status = 0});
}

void admit_free(struct session *session)
{
    if (session->admission != NULL) {
        net_dial_deinit(&session->admission->dial);
        buffer_deinit(&session->admission->kept);
        free(session->admission);
        session->admission = NULL;
    }
}

/* --- the verdict --- */

static void judge(struct session *session)
{
    const struct config_listener *listener = &session_config(session)->listeners[session->listener];
    struct policy_facts facts = session_facts(listener->name, &session->address, &session->peer,
                                              &session->admission->connect);
    struct policy_verdict verdict;

    policy_decide(session->snapshot->policy, &facts, &verdict);
    session->rule = verdict.rule;
    session->decider = verdict.decider;
    session->observes = verdict.observes;
    session->observes_names = verdict.observes_names;
    session->admission->is_password_observed = verdict.is_password_observed;
    if (verdict.is_observed) {
        report_observed(session, close_reason_of_policy(verdict.reason),
                        policy_reason_text(verdict.reason));
    }
    switch (verdict.outcome) {
    case POLICY_DENY:
        session_close(session, close_reason_of_policy(verdict.reason),
                      policy_reason_text(verdict.reason));
        break;
    case POLICY_ALLOW:
        /* The rule permits the name; only a certificate makes it this client's. */
        own_enter(session, session->peer.identity != NULL && !verdict.is_observed);
        break;
    case POLICY_PROVE:
        authorise_enter(session);
        break;
    }
}

/* --- CONNECT --- */

/* The names outlive the kept bytes: the log wants them at the end of the session. */
static bool remember_names(struct session *session)
{
    const struct mqtt_connect *connect = &session->admission->connect;

    session->client_id = slice_to_text(connect->client_id);
    if (connect->has_username) {
        session->username = slice_to_text(connect->username);
    }
    return session->client_id != NULL && (!connect->has_username || session->username != NULL);
}

static void accept_connect(struct session *session)
{
    struct admission *admission = session->admission;

    admission->is_parsed = true;
    admission->kept.ceiling = admission->connect.packet_size + SESSION_HOLD_MAX;
    if (!remember_names(session) || !rejudge_remember(session)) {
        session_close(session, CLOSE_NO_MEMORY, NULL);
    } else if (admission->connect.has_authentication_method) {
        /* Extended authentication is between client and broker; we could not vouch for it. */
        session_close(session, CLOSE_AUTHENTICATION_METHOD, NULL);
    } else {
        judge(session);
    }
}

/* The log names the clause that was broken, where there is one. */
static void refuse_connect(struct session *session, enum mqtt_connect_status status)
{
    const struct mqtt_fault *fault = &session->admission->fault;
    bool has_clause = fault->clause[0] != '\0';
    char detail[ADMIT_DETAIL_SIZE];

    snprintf(detail, sizeof detail, "%s at byte %zu%s%s%s", fault->what, fault->offset,
             has_clause ? " [" : "", fault->clause, has_clause ? "]" : "");
    session_close(session, close_reason_of_connect(status), detail);
}

/* Looks at what was kept so far. True while more of CONNECT is awaited. */
static bool parse(struct session *session)
{
    struct admission *admission = session->admission;
    enum mqtt_connect_status status =
        mqtt_connect_parse(buffer_slice(&admission->kept), &session_config(session)->connect,
                           &admission->connect, &admission->fault);

    if (status == MQTT_CONNECT_MORE) {
        return true;
    }
    if (status == MQTT_CONNECT_OK || status == MQTT_CONNECT_CLIENT_ID) {
        session->version = (uint8_t)admission->connect.version;
        session->is_bridge = admission->connect.is_bridge;
        session->client_packet_max = admission->connect.maximum_packet_size;
    }
    if (status == MQTT_CONNECT_OK) {
        accept_connect(session);
    } else {
        refuse_connect(session, status);
    }
    return false;
}

/* --- bytes --- */

/* Reads decrypted bytes into the kept ones, at most one early read's worth. */
static enum tls_status keep_some(struct session *session)
{
    struct session_worker *worker = session->worker;
    size_t size = buffer_room(&session->admission->kept);
    enum tls_status status;

    if (size > SESSION_READ_EARLY) {
        size = SESSION_READ_EARLY;
    }
    status = tls_conn_read(&session->tls, worker->plain, size, &size);
    if (status == TLS_OK) {
        bool is_kept = buffer_append(&session->admission->kept, slice_of(worker->plain, size));
        secret_wipe(worker->plain, size); /* it may have been a password */
        if (!is_kept) {
            session_close(session, CLOSE_NO_MEMORY, NULL);
        }
    }
    return status;
}

/* What ended the reading; false when the session is closing now. */
static bool settle(struct session *session, enum tls_status status)
{
    switch (status) {
    case TLS_OK: /* no room for more at the moment */
    case TLS_WANT_INPUT:
        break;
    case TLS_CLOSED:
        session->client_has_ended = true;
        break;
    case TLS_FAILED:
        if (session_flush(session)) {
            session_close(session, CLOSE_TLS_FAILED, tls_conn_fault(&session->tls));
        }
        return false;
    }
    if (tls_conn_keep(&session->tls) != 0) {
        session_close(session, CLOSE_NO_MEMORY, NULL);
        return false;
    }
    return session_flush(session);
}

static bool is_holding(const struct session *session)
{
    return session->state == SESSION_AUTHORISE || session->state == SESSION_DIAL;
}

void admit_hold_client_data(struct session *session, const struct session_input *input)
{
    enum tls_status status = TLS_OK;

    if (tls_conn_give(&session->tls, input->bytes) != 0) {
        session_close(session, CLOSE_NO_MEMORY, NULL);
        return;
    }
    while (status == TLS_OK && is_holding(session) && buffer_room(&session->admission->kept) > 0) {
        status = keep_some(session);
    }
    if (session->state != SESSION_CLOSING && settle(session, status)) {
        session_update_reading(session);
    }
}

/* A client may say everything it has to say and close; the broker still gets it all. A reset is
 * no other end: a client that closes without having read our session tickets makes its own
 * system send one. */
void admit_hold_client_end(struct session *session, const struct session_input *input)
{
    session->client_has_ended = true;
    session->client_is_broken = input->status != 0;
}

void admit_on_client_data(struct session *session, const struct session_input *input)
{
    enum tls_status status = TLS_OK;
    bool needs_more = true;

    if (tls_conn_give(&session->tls, input->bytes) != 0) {
        session_close(session, CLOSE_NO_MEMORY, NULL);
        return;
    }
    while (needs_more && session->state == SESSION_ADMIT) {
        status = keep_some(session);
        if (status != TLS_OK) {
            break;
        }
        needs_more = session->state == SESSION_ADMIT && parse(session);
    }
    if (session->state == SESSION_CLOSING) {
        return;
    }
    if (!needs_more) {
        /* What came behind CONNECT is for the room that the verdict led to. */
        session_dispatch(session, EVENT_CLIENT_DATA, (struct session_input){.status = 0});
    } else if (settle(session, status) && session->client_has_ended) {
        session_close(session, CLOSE_CLIENT_ENDED, "before CONNECT was complete");
    }
}

void admit_on_client_end(struct session *session, const struct session_input *input)
{
    session_close(session, input->status == 0 ? CLOSE_CLIENT_ENDED : CLOSE_CLIENT_LOST,
                  "before CONNECT was complete");
}
