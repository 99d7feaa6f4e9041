/*
 * entered from: admit.c or authorise.c, with a verdict that lets the client in
 * leaves to:    dial.c, at once: nothing is awaited, so this is no state
 * owns:         session->owned, session->account
 * deadline:     none
 * reasons:      banned, too_fast, client_id_owned, quota, no_memory
 *
 * What many sessions share is asked last, and only for clients that have proven themselves: so a
 * stranger can neither fill the guard's memory nor use up an identity's connections.
 */
#include "session_internal.h"

#include <limits.h>

#include "moat/base/clock.h"

/* Who the client is to the guard; `key` keeps what the identity borrows. A name is an
 * identity only if this client proved it, not for being in CONNECT. */
static struct guard_identity identity_of(const struct session *session, bool is_name_proven,
                                         uint8_t key[SECRET_DIGEST_SIZE])
{
    bool has_name = is_name_proven && session->username != NULL;
    bool has_certificate = tls_peer_identity_key(&session->peer, key);
    bool prefers_name =
        session->decider != NULL && policy_rule_owner(session->decider) == POLICY_OWNER_USERNAME;

    if (has_name && (prefers_name || !has_certificate)) {
        return (struct guard_identity){.proof = GUARD_PROOF_USERNAME,
                                       .name = slice_from_text(session->username)};
    }
    if (has_certificate) {
        return (struct guard_identity){.proof = GUARD_PROOF_CERTIFICATE,
                                       .name = slice_of(key, SECRET_DIGEST_SIZE)};
    }
    return (struct guard_identity){.proof = GUARD_PROOF_NONE};
}

/* False when the session is closing now; a refusal that is only observed lets it go on. */
static bool refuse(struct session *session, enum close_reason reason)
{
    /* Other rules rely on identifiers being their owners', as they rely on names being true. */
    bool is_observed =
        reason == CLOSE_CLIENT_ID_OWNED ? session->observes_names : session->observes;

    if (is_observed) {
        session->was_let_off = true; /* a later verdict does not ask again whose place it is */
        report_observed(session, reason, NULL);
        return true;
    }
    session_close(session, reason, NULL);
    return false;
}

/* What it did before, under whatever address. */
static bool greet(struct session *session, const struct guard_identity *identity)
{
    struct ledger *ledger = session->worker->gauges->ledger;

    if (identity->proof == GUARD_PROOF_NONE) {
        return true;
    }
    session->identity = ledger_identity_of(ledger, identity);
    session->has_identity = true;
    switch (ledger_enter_identity(ledger, &session->identity, &session_config(session)->strangers,
                                  clock_monotonic_ms())) {
    case LEDGER_BANNED:
        return refuse(session, CLOSE_BANNED);
    case LEDGER_TOO_FAST:
        return refuse(session, CLOSE_TOO_FAST);
    case LEDGER_TOO_MANY:
    case LEDGER_BUSY:
    case LEDGER_WELCOME:
        break;
    }
    return true;
}

static bool claim(struct session *session, const struct guard_identity *identity,
                  bool *out_is_takeover)
{
    struct ownership_grant grant = {.claim = NULL};

    if (!session_config(session)->guards_client_id) {
        *out_is_takeover = false;
        return true;
    }
    switch (ownership_claim(session->worker->gauges->ownership, slice_from_text(session->client_id),
                            identity, clock_monotonic_ms(), &grant)) {
    case OWNERSHIP_GRANTED:
        session->owned = grant.claim;
        break;
    case OWNERSHIP_REFUSED:
        if (!refuse(session, CLOSE_CLIENT_ID_OWNED)) {
            return false;
        }
        break;
    case OWNERSHIP_NO_MEMORY:
        session_close(session, CLOSE_NO_MEMORY, NULL);
        return false;
    }
    *out_is_takeover = grant.is_takeover;
    return true;
}

/* A client that comes back while its old session still looks alive is one client: the broker
 * ends the old session once it hears of the new one, so it must hear of it. */
static bool take_place(struct session *session, const struct guard_identity *identity,
                       bool is_takeover)
{
    unsigned limit = session->decider != NULL ? policy_rule_connections(session->decider) : 0;

    if (limit == 0) {
        return true;
    }
    switch (quota_take(session->worker->gauges->quota, slice_from_text(session->rule), identity,
                       is_takeover ? UINT_MAX : limit, &session->account)) {
    case QUOTA_GRANTED:
        return true;
    case QUOTA_USED_UP:
        return refuse(session, CLOSE_QUOTA);
    case QUOTA_NO_MEMORY:
        break;
    }
    session_close(session, CLOSE_NO_MEMORY, NULL);
    return false;
}

void own_enter(struct session *session, bool is_name_proven)
{
    uint8_t key[SECRET_DIGEST_SIZE];
    struct guard_identity identity = identity_of(session, is_name_proven, key);
    bool is_takeover = false;

    if (greet(session, &identity) && claim(session, &identity, &is_takeover) &&
        take_place(session, &identity, is_takeover)) {
        dial_enter(session);
    }
}

void own_release(struct session *session)
{
    struct session_gauges *gauges = session->worker->gauges;

    ownership_release(gauges->ownership, session->owned, session->is_admitted,
                      clock_monotonic_ms());
    session->owned = NULL;
    quota_give(gauges->quota, session->account);
    session->account = NULL;
}
