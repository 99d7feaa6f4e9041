/*
 * entered from: worker.c, when a reload has brought a new snapshot; relay.c, when a session
 *               is about to relay that was judged by an older one
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

/* Where the policy or the rule observes it is said, and the session goes on. */
static void note(struct session *session, const char *why)
{
    report_observed(session, CLOSE_NO_LONGER_PERMITTED, why);
}

/* Whether the new policy lets the client stay. *out_why: what speaks against it, be it only
 * observed, or NULL. */
static bool judge(const struct session *session, const struct snapshot *next,
                  const struct tls_peer *peer, struct policy_verdict *out_verdict,
                  const char **out_why)
{
    const char *listener = next->config->listeners[session->listener].name;
    struct policy_facts facts =
        session_facts(listener, &session->address, peer, &session->claim->connect);

    policy_decide(next->policy, &facts, out_verdict);
    bool is_proven = out_verdict->outcome != POLICY_PROVE || is_password_good(session, next);
    *out_why = NULL;
    if (!is_proven) {
        *out_why = "the user was removed, or the password has changed";
    } else if (out_verdict->outcome == POLICY_DENY || out_verdict->is_observed) {
        *out_why = policy_reason_text(out_verdict->reason);
    }
    return out_verdict->outcome != POLICY_DENY && (is_proven || out_verdict->is_password_observed);
}

/* What the client has got before that the new rule would not have given it: NULL, or why. */
static const char *look_back(struct session *session)
{
    /* A subscription, say, or somebody else's client identifier: under this mode the session
     * would not have got it. What CONNECT said was judged anew, and may be in order now. */
    if (session->was_let_off && !session->observes) {
        return "what was only observed before counts now";
    }
    return session->state == SESSION_RELAY ? topics_renew(session) : NULL;
}

static void rejudge(struct session *session, struct snapshot *next)
{
    struct tls_peer peer;
    struct policy_verdict verdict;
    const char *why = tls_conn_judge_again(&session->tls, next->contexts[session->listener], &peer);

    if (why != NULL) {
        refuse(session, why);
        return;
    }
    bool stays = judge(session, next, &peer, &verdict, &why);
    adopt(session, next, &peer, &verdict);
    if (!stays) {
        refuse(session, why);
        return;
    }
    if (why != NULL) {
        note(session, why);
    }
    why = look_back(session);
    if (why != NULL && session->observes) {
        session->was_let_off = true;
        note(session, why);
    } else if (why != NULL) {
        refuse(session, why);
    }
}

/* --- all of a worker's --- */

static bool is_outdated(const struct session *session)
{
    return session->snapshot != session->worker->snapshot;
}

bool rejudge_if_outdated(struct session *session)
{
    if (is_outdated(session)) {
        rejudge(session, session->worker->snapshot);
    }
    return session->state != SESSION_CLOSING;
}

static void on_batch(uv_idle_t *idle)
{
    struct session_worker *worker = idle->data;

    for (size_t i = 0; i < REJUDGE_BATCH && worker->rejudge_next != NULL; i++) {
        struct session *session = worker->rejudge_next;
        worker->rejudge_next = session->next;
        /* Whoever is on the way in is judged again before the broker hears of it. */
        if (session->state == SESSION_RELAY && is_outdated(session)) {
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
    report_suppressed(worker);
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
