/*
 * What is remembered of strangers and of identities: how many are here, how fast they come, how
 * often they failed, who is banned.
 *
 * An address of IPv4 stands for itself, one of IPv6 for its /64, which is the least that a site
 * has. When LEDGER_SIBLINGS of the /64 beneath one /56 are banned at once, so is the /56.
 *
 * One table of fixed size, shared by all workers and locked in shards. Its memory is taken once;
 * nothing here allocates, and nothing takes longer when the table is full. Peers choose their
 * addresses, so places in the table are keyed with a secret: nobody can aim at somebody's. Where a
 * place is needed, whoever has nothing on record makes room first, then who has, then who is banned
 * (whose ban ends first); who has somebody present never does. A newcomer for whom nobody makes
 * room shares one place with all others like it: slower, never unlimited.
 *
 * It is told the time, by a clock that never jumps, and the limits, which may differ each time.
 */
#ifndef MOAT_GUARD_LEDGER_H
#define MOAT_GUARD_LEDGER_H

#include "moat/base/address.h"
#include "moat/guard/identity.h"

/* Banned /64 networks that make their /56 banned. */
#define LEDGER_SIBLINGS 4u
/* After so long without a failure, the next ban is as short as the first was. */
#define LEDGER_CALM_MS (UINT64_C(24) * 3600 * 1000)
/* Bytes of a state that is encoded or restored: a bound against a file that is no state. */
#define LEDGER_STATE_MAX (64u * 1024 * 1024)

struct ledger;

/* 0 is no limit, unless said otherwise. A rate is in connections per second, a burst is how many
 * may come at once after a silence (0 counts as 1). */
struct ledger_limits {
    uint32_t present; /* of one address, before they are admitted */
    uint32_t rate;    /* of one address */
    uint32_t burst;
    uint32_t total_rate; /* of all addresses together; as many may come at once */
    uint32_t identity_rate;
    uint32_t identity_burst;
    uint32_t failures;  /* within window_ms that lead to a ban; 0: nobody is banned */
    uint64_t window_ms; /* from the first of them */
    uint64_t ban_ms;    /* of the first ban; each further one takes twice as long */
    uint64_t ban_max_ms;
};

enum ledger_answer {
    LEDGER_BANNED = 0,
    LEDGER_TOO_FAST, /* the address, or the identity */
    LEDGER_TOO_MANY, /* of this address are here already */
    LEDGER_BUSY,     /* all addresses together come too fast */
    LEDGER_WELCOME,
};

/* A presence; zeroed, none. */
struct ledger_place {
    struct ledger_entry *entry;
    unsigned shard;
};

/* What a failure led to. */
struct ledger_blame {
    uint64_t ban_ms;      /* of the ban that began with it; 0: none began */
    uint64_t wide_ban_ms; /* the same of the /56 */
};

/* Who somebody is, in 16 bytes that only this ledger makes sense of. */
struct ledger_identity {
    uint8_t digest[16];
};

/* For about `entries` addresses and identities, at least 1. NULL without memory. */
struct ledger *ledger_new(size_t entries) MOAT_MUST_CHECK;
/* Every place must have been given back. NULL is allowed. */
void ledger_free(struct ledger *ledger);

/* Whether a connection from this address may be taken. *out_place is written when it is welcome. An
 * address of no family (a unix socket) has no rules and gets the empty place. */
enum ledger_answer ledger_enter(struct ledger *ledger, const struct address *address,
                                const struct ledger_limits *limits, uint64_t now_ms,
                                struct ledger_place *out_place) MOAT_MUST_CHECK;

/* Gives a place back and empties it; an empty one is allowed. */
void ledger_leave(struct ledger *ledger, struct ledger_place *place);

bool ledger_is_banned(struct ledger *ledger, const struct address *address,
                      uint64_t now_ms) MOAT_MUST_CHECK;

/* A login from this address failed. What is banned already cannot be banned for longer. */
struct ledger_blame ledger_blame(struct ledger *ledger, const struct address *address,
                                 const struct ledger_limits *limits, uint64_t now_ms);

/* The identity must be a proven one: nobody may speak for another one here. */
struct ledger_identity ledger_identity_of(struct ledger *ledger,
                                          const struct guard_identity *identity);

/* Whether it may connect: BANNED, TOO_FAST or WELCOME. */
enum ledger_answer ledger_enter_identity(struct ledger *ledger,
                                         const struct ledger_identity *identity,
                                         const struct ledger_limits *limits,
                                         uint64_t now_ms) MOAT_MUST_CHECK;

/* It broke the rules after it was let in. */
struct ledger_blame ledger_blame_identity(struct ledger *ledger,
                                          const struct ledger_identity *identity,
                                          const struct ledger_limits *limits, uint64_t now_ms);

#define LEDGER_NETWORK_TEXT_SIZE (ADDRESS_TEXT_SIZE + 4)

/* What a ban of this address covers: "192.0.2.1", "2001:db8::/64", or the /56 when `is_wide`. */
void ledger_network_text(const struct address *address, bool is_wide,
                         char out_text[LEDGER_NETWORK_TEXT_SIZE]);

/* --- what it has ---------------------------------------------------------------------- */

/* Bans in force, of addresses and of identities. Walks the whole table. */
size_t ledger_bans(struct ledger *ledger, uint64_t now_ms);

/* A number that grows with every ban. */
uint64_t ledger_changes(struct ledger *ledger);

/* Appends the bans in force, and says in *out_changes which state it is at least. False when the
 * buffer has no room or memory. */
bool ledger_encode(struct ledger *ledger, uint64_t now_ms, struct buffer *state,
                   uint64_t *out_changes) MOAT_MUST_CHECK;

/* Takes over encoded bans; nobody may have entered before. The time in which the gate did not run
 * does not count. Returns NULL, or what is wrong with the state as a static sentence; then
 * nobody is banned. */
const char *ledger_restore(struct ledger *ledger, struct slice state,
                           uint64_t now_ms) MOAT_MUST_CHECK;

#endif
