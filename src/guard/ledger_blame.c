/* Failures, and the bans that they lead to. */
#include "ledger_internal.h"

static uint64_t start_ban(struct ledger_shard *shard, struct ledger_entry *entry,
                          const struct ledger_limits *limits, uint64_t now_ms)
{
    if (!ledger_entry_has_level(entry, now_ms)) {
        entry->level = 0;
    }
    uint64_t time_ms = limits->ban_ms;
    for (unsigned i = 0; i < entry->level && time_ms < limits->ban_max_ms; i++) {
        time_ms *= 2;
    }
    time_ms = time_ms < limits->ban_max_ms ? time_ms : limits->ban_max_ms;
    if (entry->level < LEDGER_LEVEL_MAX) {
        entry->level++;
    }
    entry->failures = 0;
    entry->ban_end_ms = now_ms + time_ms;
    entry->blamed_ms = entry->ban_end_ms;
    shard->changes++;
    return time_ms;
}

static uint64_t blame(struct ledger_shard *shard, struct ledger_entry *entry,
                      const struct ledger_limits *limits, uint64_t now_ms)
{
    if (ledger_entry_is_banned(entry, now_ms)) {
        return 0; /* said before the ban, and heard after */
    }
    if (!ledger_entry_has_failures(entry, limits, now_ms)) {
        entry->failures = 0;
        entry->window_ms = now_ms;
    }
    if (!ledger_entry_has_level(entry, now_ms)) {
        entry->level = 0;
    }
    entry->failures++;
    entry->blamed_ms = now_ms > entry->blamed_ms ? now_ms : entry->blamed_ms;
    return entry->failures >= limits->failures ? start_ban(shard, entry, limits, now_ms) : 0;
}

/* There are only 256 places to look at, and somebody paid for them with LEDGER_SIBLINGS bans. */
static uint64_t blame_wide(struct ledger *ledger, struct ledger_shard *shard, struct ledger_key key,
                           const struct ledger_limits *limits, uint64_t now_ms)
{
    struct ledger_key wide = ledger_key_widen(&key);
    unsigned banned = 0;

    for (unsigned i = 0; i < 256; i++) {
        key.bytes[7] = (uint8_t)i;
        banned += ledger_key_is_banned(ledger, shard, &key, now_ms);
    }
    if (banned < LEDGER_SIBLINGS || ledger_key_is_banned(ledger, shard, &wide, now_ms)) {
        return 0;
    }
    struct ledger_entry *entry = ledger_make(ledger, shard, &wide, limits, now_ms);
    return entry != NULL ? start_ban(shard, entry, limits, now_ms) : 0;
}

static struct ledger_blame blame_key(struct ledger *ledger, const struct ledger_key *key,
                                     const struct ledger_limits *limits, uint64_t now_ms)
{
    struct ledger_blame result = {.ban_ms = 0};

    if (limits->failures == 0) {
        return result;
    }
    struct ledger_shard *shard = ledger_lock(ledger, ledger_shard_of(ledger, key));
    /* Never the shared place: a ban of that would be one of everybody. */
    struct ledger_entry *entry = ledger_make(ledger, shard, key, limits, now_ms);
    if (entry != NULL) {
        result.ban_ms = blame(shard, entry, limits, now_ms);
    }
    if (result.ban_ms > 0 && key->kind == LEDGER_IPV6) {
        result.wide_ban_ms = blame_wide(ledger, shard, *key, limits, now_ms);
    }
    ledger_unlock(shard);
    return result;
}

struct ledger_blame ledger_blame(struct ledger *ledger, const struct address *address,
                                 const struct ledger_limits *limits, uint64_t now_ms)
{
    struct ledger_key key;

    if (!ledger_key_of_address(address, &key)) {
        return (struct ledger_blame){.ban_ms = 0};
    }
    return blame_key(ledger, &key, limits, now_ms);
}

struct ledger_blame ledger_blame_identity(struct ledger *ledger,
                                          const struct ledger_identity *identity,
                                          const struct ledger_limits *limits, uint64_t now_ms)
{
    struct ledger_key key = ledger_key_of_identity(identity);
    return blame_key(ledger, &key, limits, now_ms);
}
