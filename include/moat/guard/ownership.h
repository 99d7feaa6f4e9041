/*
 * Who a client identifier belongs to.
 *
 * A broker knows a session by its client identifier alone: whoever connects with it takes the
 * session over, its subscriptions and its queued messages included. Here the first identity to
 * use an identifier owns it while it is connected and for a while after, and nobody else may
 * use it.
 *
 * Holds keyed digests only: never an identifier, never a name. Shared by all workers, behind one
 * lock: it is taken when a session is admitted and when it ends, for less than a
 * microsecond, and only in one piece can it tell fairly who has to make room. It is told the
 * time, by a clock that never jumps; the time in which the gate does not run is no time, since no
 * owner can come back in it.
 *
 * Words used here:
 *   connected   a session of the owner uses the identifier now; never forgotten
 *   remembered  the owner left less than `remember_ms` ago
 */
#ifndef MOAT_GUARD_OWNERSHIP_H
#define MOAT_GUARD_OWNERSHIP_H

#include "moat/guard/identity.h"

/* Remembered identifiers of one identity. Past it the identity's own oldest is forgotten. */
#define OWNERSHIP_PER_IDENTITY 256u

/* Bytes of a state that is encoded or restored: a bound against a file that is no state. */
#define OWNERSHIP_STATE_MAX (128u * 1024 * 1024)

struct ownership;

/* One session's use of an identifier. */
struct ownership_claim;

enum ownership_answer {
    OWNERSHIP_REFUSED = 0, /* the identifier is another identity's */
    OWNERSHIP_GRANTED,
    OWNERSHIP_NO_MEMORY,
};

struct ownership_grant {
    struct ownership_claim *claim; /* to be released once; NULL for who cannot own */
    bool is_takeover; /* exactly one other session of the same identity uses the identifier: the
                         broker will end that one for this */
};

struct ownership_count {
    size_t connected; /* identifiers, not sessions */
    size_t remembered;
    size_t identities; /* with at least one of either */
};

/* `identifiers` is how many are remembered at most, at least 1; connected ones come on top of it
 * and are as many as there are sessions. NULL without memory. */
struct ownership *ownership_new(size_t identifiers, uint64_t remember_ms) MOAT_MUST_CHECK;
/* Every claim must have been released. NULL is allowed. */
void ownership_free(struct ownership *ownership);

/* Also for identifiers that are remembered already. 0 remembers none. */
void ownership_set_remember(struct ownership *ownership, uint64_t remember_ms);

/* Asks for a client identifier on behalf of who proved itself as `identity`. Who proved nothing
 * may use what nobody owns and never owns it; the empty identifier, for which the
 * broker makes one up, is never owned either. *out_grant is written when granted. */
enum ownership_answer ownership_claim(struct ownership *ownership, struct slice client_id,
                                      const struct guard_identity *identity, uint64_t now_ms,
                                      struct ownership_grant *out_grant) MOAT_MUST_CHECK;

/* Gives a claim back; NULL is allowed. `was_connected` tells whether its session
 * reached the broker: if none ever did, the identifier is not remembered. */
void ownership_release(struct ownership *ownership, struct ownership_claim *claim,
                       bool was_connected, uint64_t now_ms);

struct ownership_count ownership_count(struct ownership *ownership);

/* A number that grows with everything that a saved state would have to tell. */
uint64_t ownership_changes(struct ownership *ownership);

/* Appends the state, and says in *out_changes which one it is at least. What is
 * connected is written as if it left now. False when the buffer has no room or memory. */
bool ownership_encode(struct ownership *ownership, uint64_t now_ms, struct buffer *state,
                      uint64_t *out_changes) MOAT_MUST_CHECK;

/* Takes over an encoded state; nothing may have been claimed before. Returns NULL, or what is
 * wrong with the state as a static sentence; then nothing is remembered. */
const char *ownership_restore(struct ownership *ownership, struct slice state,
                              uint64_t now_ms) MOAT_MUST_CHECK;

#endif
