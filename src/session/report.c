/* The two log lines of a session: what was decided, and how it ended. */
#include "session_internal.h"

#include <stdio.h>

#include "moat/base/clock.h"

static void put_if_known(struct log_line *line, const char *key, const char *value)
{
    if (value != NULL) {
        log_text(line, key, value);
    }
}

/* What tells the lines of one session apart from all others. */
static void begin(struct log_line *line, const struct session *session, enum log_level level,
                  const char *event)
{
    char address[ADDRESS_TEXT_SIZE];
    char id[20];

    snprintf(id, sizeof id, "%016llx", (unsigned long long)session->id);
    address_format_port(&session->address, address);
    log_begin(line, level, event);
    log_text(line, "session", id);
    log_text(line, "address", address);
    log_text(line, "listener", session_config(session)->listeners[session->listener].name);
}

void report_put_names(struct log_line *line, const struct session *session)
{
    put_if_known(line, "client_id", session->client_id);
    put_if_known(line, "username", session->username);
    put_if_known(line, "certificate", session->peer.identity);
}

/* By the key, since two authorities may bear one name. */
static void put_issuer(struct log_line *line, const struct tls_peer *peer)
{
    char key[2 * sizeof peer->proof.issuer_id + 1];

    put_if_known(line, "issuer", peer->issuer);
    if (peer->has_certificate) {
        for (size_t i = 0; i < sizeof peer->proof.issuer_id; i++) {
            snprintf(key + 2 * i, 3, "%02x", (unsigned)peer->proof.issuer_id[i]);
        }
        log_text(line, "issuer_key", key);
    }
    if (peer->proof.is_pinned) {
        log_text(line, "pinned", "yes");
    }
    if (peer->proof.is_crl_expired) {
        log_text(line, "crl", "expired");
    }
}

static void put_client(struct log_line *line, const struct session *session)
{
    const struct tls_peer *peer = &session->peer;

    put_if_known(line, "tls", peer->version);
    put_if_known(line, "cipher", peer->cipher);
    if (peer->version != NULL) {
        log_text(line, "resumed", peer->is_resumed ? "yes" : "no");
    }
    put_if_known(line, "sni", peer->sni);
    put_if_known(line, "certificate_fault", peer->identity_fault);
    put_issuer(line, peer);
    put_if_known(line, "fingerprint", peer->fingerprint);
    if (session->version != 0) {
        log_text(line, "protocol", mqtt_version_text((enum mqtt_version)session->version));
    }
    put_if_known(line, "bridge", session->is_bridge ? "yes" : NULL);
    report_put_names(line, session);
    put_if_known(line, "rule", session->rule);
}

void report_admitted(struct session *session)
{
    struct log_line line;

    session->is_admitted = true;
    if (!log_is_on(LOG_INFO)) {
        return;
    }
    begin(&line, session, LOG_INFO, "admitted");
    put_client(&line, session);
    log_text(&line, "verdict", "allow");
    log_end(&line);
}

static void put_reason(struct log_line *line, enum close_reason reason, const char *detail,
                       int code)
{
    const struct close_reason_row *row = close_reason_row(reason);
    char text[8];

    log_text(line, "reason", row->label);
    log_text(line, "msg", row->text);
    put_if_known(line, "detail", detail);
    if (code != CLOSE_CODE_NONE) {
        snprintf(text, sizeof text, "0x%02x", (unsigned)code & 0xffu);
        log_text(line, "code", text);
    }
}

void report_observed(struct session *session, enum close_reason reason, const char *detail)
{
    enum log_level level = close_reason_row(reason)->level;
    struct log_line line;

    if (!log_is_on(level)) {
        return;
    }
    begin(&line, session, level, "observed");
    put_client(&line, session);
    log_text(&line, "verdict", "observe");
    put_reason(&line, reason, detail, close_code(session, reason));
    log_end(&line);
}

/* Who was let in cannot fill the log without proof of who he is; the others could. */
static bool may_tell(const struct session *session, enum close_reason reason,
                     unsigned *out_suppressed)
{
    return pace_take(&session->worker->gauges->refusals[reason],
                     session_config(session)->log_refusals, clock_monotonic_ms(), out_suppressed);
}

void report_suppressed(struct session_worker *worker)
{
    uint64_t now = clock_monotonic_ms();

    for (unsigned i = 0; i < CLOSE_REASON_COUNT; i++) {
        unsigned count = pace_flush(&worker->gauges->refusals[i], now);
        struct log_line line;
        if (count > 0) {
            log_begin(&line, LOG_WARNING, "suppressed");
            log_text(&line, "reason", close_reason_row((enum close_reason)i)->label);
            log_number(&line, "suppressed", count);
            log_text(&line, "msg",
                     "so many more were refused for this; log.refusals keeps them out of the log");
            log_end(&line);
        }
    }
}

void report_closed(struct session *session, enum close_reason reason, const char *detail, int code)
{
    enum log_level level = close_reason_row(reason)->level;
    unsigned suppressed = 0;
    struct log_line line;

    if (!log_is_on(level) || (!session->is_admitted && !may_tell(session, reason, &suppressed))) {
        return;
    }
    if (session->is_admitted) {
        begin(&line, session, level, "ended");
        report_put_names(&line, session);
        put_reason(&line, reason, detail, code);
        log_number(&line, "client_bytes", session->client_bytes);
        /* The walker starts behind CONNECT. */
        log_number(&line, "client_packets", session->from_client.packets + 1);
        log_number(&line, "upstream_bytes", session->upstream_bytes);
        log_number(&line, "upstream_packets", session->from_upstream.packets);
    } else {
        begin(&line, session, level, "refused");
        put_client(&line, session);
        log_text(&line, "verdict", "deny");
        put_reason(&line, reason, detail, code);
        if (suppressed > 0) {
            log_number(&line, "suppressed", suppressed);
        }
    }
    log_number(&line, "duration_ms", clock_monotonic_ms() - session->started_ms);
    log_end(&line);
}
