/*
 * entered from: worker.c, when a reload has brought a new snapshot; relay.c, when a session
 *               begins to relay that was judged by an older one
 * leaves to:    close.c, for those who may no longer be in; nowhere, for all others
 * owns:         session->snapshot and what was taken from it: peer, rule, demands
 * deadline:     none; a sweep looks for certificates that have expired
 * reasons:      no_longer_permitted, certificate_expired
 *
 * A session that may stay does not notice: its streams are not touched.
 */
#include "session_internal.h"

#include <stdlib.h>

#include "moat/base/clock.h"
#include "moat/session/facts.h"

/* Sessions that are judged in one turn of the loop. A verification costs about 0.1 ms, and
 * nobody's messages shall wait for all of them. */
#define REJUDGE_BATCH 32u

/* --- what CONNECT said --- */

/* Slices point into the session's own texts and into `will_topic`; no password is kept. */
struct session_claim {
    struct mqtt_connect connect;
    uint8_t will_topic[];
};

bool rejudge_remember(struct session *session)
{
    const struct mqtt_connect *connect = &session->admission->connect;
    struct session_claim *claim = malloc(sizeof *claim + connect->will_topic.size);

    if (claim == NULL) {
        return false;
    }
    claim->connect = *connect;
    claim->connect.client_id = slice_from_text(session->client_id);
    claim->connect.username = slice_from_text(session->username);
    claim->connect.password = slice_of(NULL, 0);
    claim->connect.will_payload = slice_of(NULL, 0);
    claim->connect.authentication_method = slice_of(NULL, 0);
    if (connect->will_topic.size > 0) {
        memcpy(claim->will_topic, connect->will_topic.data, connect->will_topic.size);
    }
    claim->connect.will_topic = slice_of(claim->will_topic, connect->will_topic.size);
    session->claim = claim;
    return true;
}

/* --- one session --- */

/* Whether the password that was proven under the old snapshot still stands. */
static bool is_password_good(const struct session *session, const struct snapshot *next)
{
    return session->is_proven && credentials_same(session->snapshot->credentials, next->credentials,
                                                  session->claim->connect.username);
}

static void adopt(struct session *session, struct snapshot *next, struct tls_peer *peer,
                  const struct policy_verdict *verdict)
{
    struct snapshot *old = session->snapshot;

    /* A password that was changed once proves nothing any more, whatever later reloads say. */
    session->is_proven = is_password_good(session, next);
    tls_peer_deinit(&session->peer);
    session->peer = *peer;
    session->snapshot = snapshot_ref(next);
    relay_use_verdict(session, verdict);
    snapshot_unref(old);
}

static void refuse(struct session *session, const char *why)
{
    session_close(session, CLOSE_NO_LONGER_PERMITTED, why);
}

static void rejudge(struct session *session, struct snapshot *next)
{
    const char *listener = next->config->listeners[session->listener].name;
    struct tls_peer peer;
    struct policy_verdict verdict;
    const char *why = tls_conn_judge_again(&session->tls, next->contexts[session->listener], &peer);

    if (why != NULL) {
        refuse(session, why);
        return;
    }
    struct policy_facts facts =
        session_facts(listener, &session->address, &peer, &session->claim->connect);
    policy_decide(next->policy, &facts, &verdict);
    if (verdict.outcome == POLICY_DENY) {
        why = policy_reason_text(verdict.reason);
    } else if (verdict.outcome == POLICY_PROVE && !verdict.is_password_observed &&
               !is_password_good(session, next)) {
        why = "the user was removed, or the password has changed";
    }
    adopt(session, next, &peer, &verdict);
    /* What was only logged, a subscription say, would have ended the session under this mode. */
    if (why == NULL && session->was_let_off && !session->observes) {
        why = "what was only observed before counts now";
    }
    if (why == NULL) {
        why = topics_renew(session);
    }
    if (why != NULL) {
        refuse(session, why);
    }
}

/* --- all of a worker's --- */

static bool is_due(const struct session *session)
{
    return session->state == SESSION_RELAY && session->snapshot != session->worker->snapshot;
}

void rejudge_if_due(struct session *session)
{
    if (is_due(session)) {
        rejudge(session, session->worker->snapshot);
    }
}

static void on_batch(uv_idle_t *idle)
{
    struct session_worker *worker = idle->data;

    for (size_t i = 0; i < REJUDGE_BATCH && worker->rejudge_next != NULL; i++) {
        struct session *session = worker->rejudge_next;
        worker->rejudge_next = session->next;
        if (is_due(session)) {
            rejudge(session, worker->snapshot);
        }
    }
    if (worker->rejudge_next == NULL) {
        uv_idle_stop(&worker->rejudge);
    }
}

void session_rejudge_all(struct session_worker *worker)
{
    worker->rejudge_next = worker->sessions;
    uv_idle_start(&worker->rejudge, on_batch);
}

/* --- certificates that expire while their session lives --- */

static bool has_expired(const struct session *session, int64_t now)
{
    return session->state == SESSION_RELAY && session->peer.has_certificate &&
           session->peer.proof.not_after < now &&
           !(session->decider != NULL && policy_rule_keeps_expired(session->decider));
}

/* By the wall clock at each sweep, so that a clock that is set later or back does no harm. */
static void on_sweep(uv_timer_t *timer)
{
    struct session_worker *worker = timer->data;
    int64_t now = clock_wall_seconds();
    struct session *next = NULL;

    for (struct session *session = worker->sessions; session != NULL; session = next) {
        next = session->next;
        if (has_expired(session, now)) {
            session_close(session, CLOSE_CERTIFICATE_EXPIRED, NULL);
        }
    }
    door_sweep(worker);
    welcome_sweep(worker);
}

void session_watch_start(struct session_worker *worker)
{
    worker->sweep.data = worker;
    worker->rejudge.data = worker;
    uv_timer_init(worker->loop, &worker->sweep);
    uv_idle_init(worker->loop, &worker->rejudge);
    uv_timer_start(&worker->sweep, on_sweep, SESSION_SWEEP_MS, SESSION_SWEEP_MS);
    door_start(worker);
    turns_start(worker);
}

void session_watch_stop(struct session_worker *worker)
{
    uv_close((uv_handle_t *)&worker->sweep, NULL);
    uv_close((uv_handle_t *)&worker->rejudge, NULL);
    door_stop(worker);
    turns_stop(worker);
}
