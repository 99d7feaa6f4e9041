#include "ledger_internal.h"

#include "moat/base/secret.h"

/* --- keys --------------------------------------------------------------------------------- */

bool ledger_key_of_address(const struct address *address, struct ledger_key *out_key)
{
    struct ledger_key key = {.kind = LEDGER_FREE};

    switch (address->family) {
    case ADDRESS_IPV4:
        key.kind = LEDGER_IPV4;
        memcpy(key.bytes, address->bytes, 4);
        break;
    case ADDRESS_IPV6:
        /* Whoever has one address of a /64 has all 2^64. */
        key.kind = LEDGER_IPV6;
        memcpy(key.bytes, address->bytes, 8);
        break;
    case ADDRESS_NONE:
        return false;
    }
    *out_key = key;
    return true;
}

struct ledger_key ledger_key_widen(const struct ledger_key *key)
{
    struct ledger_key wide = {.kind = LEDGER_WIDE};
    memcpy(wide.bytes, key->bytes, 7);
    return wide;
}

struct ledger_key ledger_key_of_identity(const struct ledger_identity *identity)
{
    struct ledger_key key = {.kind = LEDGER_IDENTITY};
    memcpy(key.bytes, identity->digest, sizeof key.bytes);
    return key;
}

/* Keyed: nobody can choose addresses that fall together. */
static uint64_t hash_of(const struct ledger *ledger, const struct ledger_key *key)
{
    return secret_siphash(ledger->hash_key, slice_of(key, sizeof *key));
}

unsigned ledger_shard_of(const struct ledger *ledger, const struct ledger_key *key)
{
    struct ledger_key whole = key->kind == LEDGER_IPV6 ? ledger_key_widen(key) : *key;
    return (unsigned)(hash_of(ledger, &whole) % LEDGER_SHARDS);
}

/* --- places ------------------------------------------------------------------------------- */

static struct ledger_entry *set_of(const struct ledger *ledger, const struct ledger_shard *shard,
                                   const struct ledger_key *key)
{
    uint64_t hash = hash_of(ledger, key) / LEDGER_SHARDS;
    return &shard->entries[hash % ledger->set_count * LEDGER_WAYS];
}

static struct ledger_entry *find_in(struct ledger_entry *set, const struct ledger_key *key)
{
    for (size_t way = 0; way < LEDGER_WAYS; way++) {
        if (memcmp(&set[way].key, key, sizeof *key) == 0) {
            return &set[way];
        }
    }
    return NULL;
}

struct ledger_entry *ledger_find(struct ledger *ledger, struct ledger_shard *shard,
                                 const struct ledger_key *key)
{
    return find_in(set_of(ledger, shard, key), key);
}

bool ledger_key_is_banned(struct ledger *ledger, struct ledger_shard *shard,
                          const struct ledger_key *key, uint64_t now_ms)
{
    const struct ledger_entry *entry = ledger_find(ledger, shard, key);
    return entry != NULL && ledger_entry_is_banned(entry, now_ms);
}

/* Who makes room first. */
enum worth {
    WORTH_NOTHING,  /* free, or as good as: nothing would change if it were forgotten */
    WORTH_RECORD,   /* came a moment ago, failed, or was banned not long ago */
    WORTH_BAN,      /* an attacker with many addresses must not get one of them unbanned */
    WORTH_PRESENCE, /* whoever is here comes back to this entry */
};

static enum worth worth_of(const struct ledger_entry *entry, const struct ledger_limits *limits,
                           uint64_t now_ms)
{
    if (entry->present > 0) {
        return WORTH_PRESENCE;
    }
    if (ledger_entry_is_banned(entry, now_ms)) {
        return WORTH_BAN;
    }
    bool has_record = entry->arrival_us > now_ms * 1000 || ledger_entry_has_level(entry, now_ms) ||
                      ledger_entry_has_failures(entry, limits, now_ms);
    return has_record ? WORTH_RECORD : WORTH_NOTHING;
}

/* The entry that is missed least, or NULL. */
static struct ledger_entry *choose_victim(struct ledger_entry *set,
                                          const struct ledger_limits *limits, uint64_t now_ms)
{
    struct ledger_entry *victim = NULL;
    enum worth least = WORTH_PRESENCE;

    for (size_t way = 0; way < LEDGER_WAYS; way++) {
        struct ledger_entry *entry = &set[way];
        enum worth worth = worth_of(entry, limits, now_ms);
        bool is_older =
            victim != NULL && (worth == WORTH_BAN ? entry->ban_end_ms < victim->ban_end_ms
                                                  : entry->used_ms < victim->used_ms);
        if (worth < least || (worth == least && is_older)) {
            victim = entry;
            least = worth;
        }
    }
    return victim;
}

struct ledger_entry *ledger_make(struct ledger *ledger, struct ledger_shard *shard,
                                 const struct ledger_key *key, const struct ledger_limits *limits,
                                 uint64_t now_ms)
{
    struct ledger_entry *set = set_of(ledger, shard, key);
    struct ledger_entry *entry = find_in(set, key);

    if (entry == NULL) {
        entry = choose_victim(set, limits, now_ms);
        if (entry != NULL) {
            *entry = (struct ledger_entry){.key = *key};
        }
    }
    if (entry != NULL) {
        entry->used_ms = now_ms;
    }
    return entry;
}
