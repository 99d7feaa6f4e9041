/* What the files of the ledger share. Everything that takes an entry is used with the lock of its
 * shard held. */
#ifndef MOAT_GUARD_LEDGER_INTERNAL_H
#define MOAT_GUARD_LEDGER_INTERNAL_H

#include <pthread.h>

#include "digest_internal.h"
#include "moat/guard/ledger.h"

#define LEDGER_SHARDS     16u /* locks; workers rarely meet on one */
#define LEDGER_WAYS       8u  /* entries that share a set */
#define LEDGER_CACHE_LINE 64  /* bytes; shards apart by this do not slow each other */
#define LEDGER_LEVEL_MAX  32u

/* These numbers stand in state files. */
enum ledger_kind {
    LEDGER_FREE = 0,
    LEDGER_IPV4 = 1,     /* the first 4 bytes */
    LEDGER_IPV6 = 2,     /* a /64: the first 8 bytes */
    LEDGER_WIDE = 3,     /* a /56: the first 7 bytes */
    LEDGER_IDENTITY = 4, /* a keyed digest */
};

/* Bytes only: it is hashed and compared as it lies in memory. */
struct ledger_key {
    uint8_t kind;
    uint8_t bytes[16];
};

struct ledger_entry {
    struct ledger_key key;
    uint8_t level; /* bans so far: the next takes ban_ms * 2^level */
    uint32_t present;
    uint32_t failures;   /* since window_ms */
    uint64_t window_ms;  /* when the first of them happened */
    uint64_t blamed_ms;  /* the last failure, or the end of the last ban if that is later */
    uint64_t ban_end_ms; /* not banned from then on */
    uint64_t arrival_us; /* when the next connection is due that keeps exactly to the rate */
    uint64_t used_ms;
};

/* Who finds no place shares one. */
enum ledger_shared {
    LEDGER_SHARED_ADDRESS,
    LEDGER_SHARED_IDENTITY,
    LEDGER_SHARED_COUNT,
};

struct ledger_shard {
    _Alignas(LEDGER_CACHE_LINE) pthread_mutex_t lock;
    struct ledger_entry *entries; /* set_count * LEDGER_WAYS */
    struct ledger_entry shared[LEDGER_SHARED_COUNT];
    uint64_t changes;
};

struct ledger {
    uint64_t hash_key[2];
    uint8_t identity_key[DIGEST_KEY_SIZE]; /* saved with the bans of identities */
    size_t set_count;                      /* of each shard */
    struct ledger_entry *entries;          /* of all shards */
    pthread_mutex_t total_lock;
    uint64_t total_arrival_us;
    struct ledger_shard shards[LEDGER_SHARDS];
};

/* --- keys (ledger_table.c) --------------------------------------------------------------- */

/* False for an address that has no rules. */
bool ledger_key_of_address(const struct address *address, struct ledger_key *out_key);
/* The /56 around a /64. */
struct ledger_key ledger_key_widen(const struct ledger_key *key);
struct ledger_key ledger_key_of_identity(const struct ledger_identity *identity);

/* A /56 and all that is beneath it share a shard. */
unsigned ledger_shard_of(const struct ledger *ledger, const struct ledger_key *key);

/* --- places (ledger_table.c) --------------------------------------------------------------- */

struct ledger_entry *ledger_find(struct ledger *ledger, struct ledger_shard *shard,
                                 const struct ledger_key *key);

/* The entry of a key, made if there is none. NULL when nobody makes room for it. */
struct ledger_entry *ledger_make(struct ledger *ledger, struct ledger_shard *shard,
                                 const struct ledger_key *key, const struct ledger_limits *limits,
                                 uint64_t now_ms);

bool ledger_key_is_banned(struct ledger *ledger, struct ledger_shard *shard,
                          const struct ledger_key *key, uint64_t now_ms);

static inline struct ledger_shard *ledger_lock(struct ledger *ledger, unsigned index)
{
    (void)pthread_mutex_lock(&ledger->shards[index].lock);
    return &ledger->shards[index];
}

static inline void ledger_unlock(struct ledger_shard *shard)
{
    (void)pthread_mutex_unlock(&shard->lock);
}

/* Workers tell slightly different times: what is compared here may lie in the caller's future. */
static inline bool ledger_entry_is_banned(const struct ledger_entry *entry, uint64_t now_ms)
{
    return entry->ban_end_ms > now_ms;
}

static inline bool ledger_entry_has_level(const struct ledger_entry *entry, uint64_t now_ms)
{
    return entry->level > 0 &&
           (now_ms <= entry->blamed_ms || now_ms - entry->blamed_ms < LEDGER_CALM_MS);
}

static inline bool ledger_entry_has_failures(const struct ledger_entry *entry,
                                             const struct ledger_limits *limits, uint64_t now_ms)
{
    return entry->failures > 0 &&
           (now_ms <= entry->window_ms || now_ms - entry->window_ms < limits->window_ms);
}

#endif
