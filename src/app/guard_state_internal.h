/* What the guard remembers, and the file that it is kept in. On the main thread. */
#ifndef MOAT_APP_GUARD_STATE_INTERNAL_H
#define MOAT_APP_GUARD_STATE_INTERNAL_H

#include <uv.h>

#include "moat/config/config.h"
#include "moat/guard/ledger.h"
#include "moat/guard/ownership.h"

struct guard_state {
    struct ownership *ownership;
    struct ledger *ledger;
    char *path; /* NULL: nothing is kept */
    bool is_written_at_end_only;
    uint64_t saved_owners; /* what ownership_changes() said of the state in the file */
    uint64_t saved_bans;   /* and ledger_changes() */
    uv_timer_t timer;
};

/* Makes the guard's memory, with what the file holds; a file that cannot be read or trusted is
 * told in the log and, if it is broken, set aside: it never keeps the gate shut. 0, or -1
 * without memory. */
int guard_state_init(struct guard_state *state, const struct config *config) MOAT_MUST_CHECK;

/* Saves every `interval_ms` from now on if anything has changed, unless only the end counts; until
 * the timer is closed, which is its owner's to do. */
void guard_state_start(struct guard_state *state, uv_loop_t *loop, uint64_t interval_ms);

/* Saves for the last time and releases everything; after the last session. */
void guard_state_deinit(struct guard_state *state);

#endif
