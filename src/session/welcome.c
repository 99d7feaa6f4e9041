/*
 * What is decided of a connection by its address alone, before anything is spent on it: no memory,
 * no byte of TLS. Who is turned away here is not told, and costs an accept and a close.
 */
#include "session_internal.h"

#include "moat/base/clock.h"

/* For the log; by enum ledger_answer. */
static const struct {
    const char *reason;
    const char *text;
} words[SESSION_KEPT_OUT] = {
    [LEDGER_BANNED] = {"banned", "its address is banned; closed before TLS"},
    [LEDGER_TOO_FAST] = {"too_fast", "its address connects faster than "
                                     "limits.connect_rate_per_address; closed before TLS"},
    [LEDGER_TOO_MANY] = {"too_many",
                         "its address has limits.unauthenticated_per_address connections that are "
                         "not let in yet; closed before TLS"},
    [LEDGER_BUSY] = {"busy", "all addresses together connect faster than limits.connect_rate; "
                             "closed before TLS"},
};

bool welcome_is_trusted(const struct snapshot *snapshot, const struct address *address)
{
    return policy_networks_contain(snapshot->trusted, address);
}

/* Never a line for each: whoever is turned away can come back at once. */
static void tell(enum ledger_answer answer, const struct address *address, unsigned suppressed)
{
    struct log_line line;

    if (!log_is_on(LOG_WARNING)) {
        return;
    }
    log_begin(&line, LOG_WARNING, "kept_out");
    log_text(&line, "reason", words[answer].reason);
    if (address != NULL) {
        char text[ADDRESS_TEXT_SIZE];
        address_format(address, text);
        log_text(&line, "address", text);
    }
    log_number(&line, "suppressed", suppressed);
    log_text(&line, "msg", words[answer].text);
    log_end(&line);
}

bool welcome_address(struct session_worker *worker, const struct address *address,
                     struct ledger_place *out_place)
{
    const struct snapshot *snapshot = worker->snapshot;
    struct session_gauges *gauges = worker->gauges;
    uint64_t now = clock_monotonic_ms();
    enum ledger_answer answer = LEDGER_WELCOME;
    unsigned suppressed = 0;

    *out_place = (struct ledger_place){.entry = NULL};
    if (!welcome_is_trusted(snapshot, address)) {
        answer =
            ledger_enter(gauges->ledger, address, &snapshot->config->strangers, now, out_place);
    }
    if (answer != LEDGER_WELCOME) {
        if (tally_add(&gauges->kept_out[answer], now, &suppressed)) {
            tell(answer, address, suppressed);
        }
        return false;
    }
    /* Last, since a stranger may have to go for it. */
    if (!door_make_room(worker)) {
        ledger_leave(gauges->ledger, out_place);
        return false;
    }
    return true;
}

void welcome_sweep(struct session_worker *worker)
{
    uint64_t now = clock_monotonic_ms();

    for (unsigned i = 0; i < SESSION_KEPT_OUT; i++) {
        unsigned suppressed = 0;
        if (tally_flush(&worker->gauges->kept_out[i], now, &suppressed)) {
            tell((enum ledger_answer)i, NULL, suppressed);
        }
    }
}
