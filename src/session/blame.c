/*
 * Failures that the ledger hears of, and the bans that come of them.
 *
 * A stranger's failures are his address's. An identity's own breaches are its own: only who has
 * proven to be it can commit them, so that nobody can get another one banned.
 */
#include "session_internal.h"

#include <stdio.h>

#include "moat/base/clock.h"

static void put_time(struct log_line *line, uint64_t ban_ms)
{
    char text[24];

    snprintf(text, sizeof text, "%llus", (unsigned long long)(ban_ms / 1000));
    log_text(line, "for", text);
}

static void tell_network(const struct session *session, bool is_wide, uint64_t ban_ms,
                         const char *reason)
{
    char network[LEDGER_NETWORK_TEXT_SIZE];
    struct log_line line;

    if (ban_ms == 0) {
        return;
    }
    ledger_network_text(&session->address, is_wide, network);
    log_begin(&line, LOG_WARNING, "banned");
    log_text(&line, "address", network);
    put_time(&line, ban_ms);
    log_text(&line, "reason", is_wide ? "neighbours" : reason);
    log_text(&line, "msg",
             is_wide ? "several networks within it are banned"
                     : "limits.failed_logins failures within limits.failed_login_window");
    log_end(&line);
}

/* Whoever guesses from everywhere is banned nowhere. Trusted networks are exempt from bans alone.
 */
static void count_failure(const struct session *session)
{
    unsigned limit = session->worker->snapshot->config->failed_login_alarm;
    struct log_line line;

    if (alarm_add(&session->worker->gauges->failed_logins, limit, clock_monotonic_ms())) {
        log_begin(&line, LOG_WARNING, "failed_logins");
        log_number(&line, "count", limit);
        log_text(&line, "msg",
                 "limits.failed_login_alarm logins have failed within a minute, of all addresses "
                 "together: somebody may be guessing passwords from many of them");
        log_end(&line);
    }
}

void blame_address(const struct session *session, const char *reason)
{
    count_failure(session);
    /* The newest configuration decides, as it does for those who come. */
    const struct snapshot *snapshot = session->worker->snapshot;

    if (welcome_is_trusted(snapshot, &session->address)) {
        return;
    }
    struct ledger_blame blame = ledger_blame(session->worker->gauges->ledger, &session->address,
                                             &snapshot->config->strangers, clock_monotonic_ms());
    tell_network(session, false, blame.ban_ms, reason);
    tell_network(session, true, blame.wide_ban_ms, reason);
}

bool blame_has_banned(const struct session *session)
{
    return !welcome_is_trusted(session->worker->snapshot, &session->address) &&
           ledger_is_banned(session->worker->gauges->ledger, &session->address,
                            clock_monotonic_ms());
}

/* What no client does that was written for MQTT, or for its rule. */
static bool is_breach(enum close_reason reason)
{
    static const enum close_reason breaches[] = {
        CLOSE_SECOND_CONNECT,   CLOSE_PACKET_NOT_ALLOWED, CLOSE_PACKET_MALFORMED,
        CLOSE_PACKET_TOO_LARGE, CLOSE_TOPIC_DENIED,
    };

    for (size_t i = 0; i < sizeof breaches / sizeof breaches[0]; i++) {
        if (reason == breaches[i]) {
            return true;
        }
    }
    return false;
}

void blame_identity(const struct session *session, enum close_reason reason)
{
    struct log_line line;

    if (!session->has_identity || !session->is_admitted || !is_breach(reason)) {
        return;
    }
    struct ledger_blame blame =
        ledger_blame_identity(session->worker->gauges->ledger, &session->identity,
                              &session->worker->snapshot->config->strangers, clock_monotonic_ms());
    if (blame.ban_ms == 0) {
        return;
    }
    log_begin(&line, LOG_WARNING, "banned");
    report_put_names(&line, session);
    put_time(&line, blame.ban_ms);
    log_text(&line, "reason", close_reason_row(reason)->label);
    log_text(&line, "msg", "limits.failed_logins breaches within limits.failed_login_window");
    log_end(&line);
}
