/*
 * The bans as bytes, so that a restart lifts none. The frame is that of state_internal.h; a record
 * holds a kind (1; enum ledger_kind), the level of the ban (1), nothing (6), the first bytes of an
 * address or the digest of an identity (16), and for how many ms of running time the ban still
 * holds (8).
 *
 * There is no date in it: a clock that is set lifts no ban and prolongs none.
 */
#include "ledger_internal.h"
#include "state_internal.h"

#define RECORD_SIZE (1u + 1u + 6u + 16u + 8u)
/* No configuration bans for longer. */
#define LEFT_MAX (UINT64_C(366) * 24 * 3600 * 1000)

static const struct state_form form = {
    .magic = "moat-ban", .version = 1, .record_size = RECORD_SIZE};

/* --- to bytes ----------------------------------------------------------------------------- */

static bool put_entry(const struct ledger_entry *entry, uint64_t now_ms, struct buffer *state)
{
    uint8_t record[RECORD_SIZE] = {entry->key.kind, entry->level};

    memcpy(record + 8, entry->key.bytes, sizeof entry->key.bytes);
    state_put_number(record + 24, 8, entry->ban_end_ms - now_ms);
    return buffer_append(state, slice_of(record, sizeof record));
}

static bool put_shard(const struct ledger *ledger, struct ledger_shard *shard, uint64_t now_ms,
                      struct buffer *state)
{
    bool is_put = true;

    for (size_t i = 0; is_put && i < ledger->set_count * LEDGER_WAYS; i++) {
        if (ledger_entry_is_banned(&shard->entries[i], now_ms)) {
            is_put = put_entry(&shard->entries[i], now_ms, state);
        }
    }
    return is_put;
}

bool ledger_encode(struct ledger *ledger, uint64_t now_ms, struct buffer *state,
                   uint64_t *out_changes)
{
    size_t start = state->size;
    uint64_t changes = ledger_changes(ledger);
    bool is_put = state_begin(&form, ledger->identity_key, state);

    for (unsigned i = 0; is_put && i < LEDGER_SHARDS; i++) {
        struct ledger_shard *shard = ledger_lock(ledger, i);
        is_put = put_shard(ledger, shard, now_ms, state);
        ledger_unlock(shard);
    }
    if (!is_put || !state_end(&form, start, state)) {
        return false;
    }
    *out_changes = changes;
    return true;
}

/* --- from bytes --------------------------------------------------------------------------- */

static const char *check_record(const uint8_t *record)
{
    if (record[0] < LEDGER_IPV4 || record[0] > LEDGER_IDENTITY) {
        return "it bans something that is neither an address nor an identity";
    }
    if (record[1] == 0 || record[1] > LEDGER_LEVEL_MAX) {
        return "the level of a ban in it is out of range";
    }
    if (state_get_number(record + 24, 8) > LEFT_MAX) {
        return "a time in it is out of range";
    }
    return NULL;
}

static void restore_record(struct ledger *ledger, const uint8_t *record, uint64_t now_ms)
{
    static const struct ledger_limits no_limits;
    struct ledger_key key = {.kind = record[0]};
    memcpy(key.bytes, record + 8, sizeof key.bytes);
    struct ledger_shard *shard = ledger_lock(ledger, ledger_shard_of(ledger, &key));
    struct ledger_entry *entry = ledger_make(ledger, shard, &key, &no_limits, now_ms);

    /* A smaller table than the one before may not have room for all. */
    if (entry != NULL) {
        entry->level = record[1];
        entry->ban_end_ms = now_ms + state_get_number(record + 24, 8);
        entry->blamed_ms = entry->ban_end_ms;
    }
    ledger_unlock(shard);
}

const char *ledger_restore(struct ledger *ledger, struct slice state, uint64_t now_ms)
{
    size_t count = 0;
    const char *fault = state_check(&form, state, &count);
    const uint8_t *records = state.data + STATE_HEADER_SIZE;

    for (size_t i = 0; fault == NULL && i < count; i++) {
        fault = check_record(records + i * RECORD_SIZE);
    }
    if (fault != NULL) {
        return fault;
    }
    memcpy(ledger->identity_key, state.data + 16, DIGEST_KEY_SIZE);
    for (size_t i = 0; i < count; i++) {
        restore_record(ledger, records + i * RECORD_SIZE, now_ms);
    }
    return NULL;
}

/* --- what it has -------------------------------------------------------------------------- */

size_t ledger_bans(struct ledger *ledger, uint64_t now_ms)
{
    size_t count = 0;

    for (unsigned i = 0; i < LEDGER_SHARDS; i++) {
        struct ledger_shard *shard = ledger_lock(ledger, i);
        for (size_t j = 0; j < ledger->set_count * LEDGER_WAYS; j++) {
            count += ledger_entry_is_banned(&shard->entries[j], now_ms);
        }
        ledger_unlock(shard);
    }
    return count;
}

uint64_t ledger_changes(struct ledger *ledger)
{
    uint64_t changes = 0;

    for (unsigned i = 0; i < LEDGER_SHARDS; i++) {
        struct ledger_shard *shard = ledger_lock(ledger, i);
        changes += shard->changes;
        ledger_unlock(shard);
    }
    return changes;
}
