#include "ledger_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "moat/base/secret.h"

/* --- life --------------------------------------------------------------------------------- */

static int make_locks(struct ledger *ledger)
{
    /* On Linux initialising a plain mutex holds nothing that would have to be given back. */
    int status = pthread_mutex_init(&ledger->total_lock, NULL);
    for (size_t i = 0; status == 0 && i < LEDGER_SHARDS; i++) {
        status = pthread_mutex_init(&ledger->shards[i].lock, NULL);
    }
    return status;
}

struct ledger *ledger_new(size_t entries)
{
    struct ledger *ledger = aligned_alloc(LEDGER_CACHE_LINE, sizeof *ledger);
    if (ledger == NULL) {
        return NULL;
    }
    size_t at_once = LEDGER_SHARDS * (size_t)LEDGER_WAYS;
    memset(ledger, 0, sizeof *ledger);
    ledger->set_count = (entries + at_once - 1) / at_once;
    ledger->entries = calloc(ledger->set_count * at_once, sizeof *ledger->entries);
    if (ledger->entries == NULL || make_locks(ledger) != 0) {
        free(ledger->entries);
        free(ledger);
        return NULL;
    }
    for (size_t i = 0; i < LEDGER_SHARDS; i++) {
        ledger->shards[i].entries = &ledger->entries[i * ledger->set_count * LEDGER_WAYS];
    }
    secret_random(ledger->hash_key, sizeof ledger->hash_key);
    secret_random(ledger->identity_key, sizeof ledger->identity_key);
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    for (size_t i = 0; i < LEDGER_SHARDS; i++) {
        (void)pthread_mutex_destroy(&ledger->shards[i].lock);
    }
    (void)pthread_mutex_destroy(&ledger->total_lock);
    free(ledger->entries);
    secret_wipe(ledger, sizeof *ledger);
    free(ledger);
}

/* --- rates -------------------------------------------------------------------------------- */

/* A token bucket in one number: each arrival moves it on by what one connection may take, from now
 * at the earliest, and it may be ahead of now by what a burst takes. */
static bool take_token(uint64_t *arrival_us, uint32_t rate, uint32_t burst, uint64_t now_ms)
{
    if (rate == 0) {
        return true;
    }
    uint64_t now_us = now_ms * 1000;
    uint64_t step_us = rate < 1000000 ? 1000000 / rate : 1;
    uint64_t start_us = *arrival_us > now_us ? *arrival_us : now_us;

    if (start_us - now_us > (burst > 0 ? burst - 1 : 0) * step_us) {
        return false;
    }
    *arrival_us = start_us + step_us;
    return true;
}

static bool take_total(struct ledger *ledger, const struct ledger_limits *limits, uint64_t now_ms)
{
    if (limits->total_rate == 0) {
        return true;
    }
    (void)pthread_mutex_lock(&ledger->total_lock);
    bool is_taken =
        take_token(&ledger->total_arrival_us, limits->total_rate, limits->total_rate, now_ms);
    (void)pthread_mutex_unlock(&ledger->total_lock);
    return is_taken;
}

/* --- addresses ---------------------------------------------------------------------------- */

static bool is_banned_at_all(struct ledger *ledger, struct ledger_shard *shard,
                             const struct ledger_key *key, uint64_t now_ms)
{
    if (ledger_key_is_banned(ledger, shard, key, now_ms)) {
        return true;
    }
    if (key->kind != LEDGER_IPV6) {
        return false;
    }
    struct ledger_key wide = ledger_key_widen(key);
    return ledger_key_is_banned(ledger, shard, &wide, now_ms);
}

static enum ledger_answer judge(struct ledger *ledger, struct ledger_entry *entry,
                                const struct ledger_limits *limits, uint64_t now_ms)
{
    if (limits->present > 0 && entry->present >= limits->present) {
        return LEDGER_TOO_MANY;
    }
    if (!take_token(&entry->arrival_us, limits->rate, limits->burst, now_ms)) {
        return LEDGER_TOO_FAST;
    }
    /* Last: who is turned away for his own doing takes nothing from the others. */
    return take_total(ledger, limits, now_ms) ? LEDGER_WELCOME : LEDGER_BUSY;
}

enum ledger_answer ledger_enter(struct ledger *ledger, const struct address *address,
                                const struct ledger_limits *limits, uint64_t now_ms,
                                struct ledger_place *out_place)
{
    struct ledger_key key;

    if (!ledger_key_of_address(address, &key)) {
        *out_place = (struct ledger_place){.entry = NULL};
        return LEDGER_WELCOME;
    }
    unsigned index = ledger_shard_of(ledger, &key);
    struct ledger_shard *shard = ledger_lock(ledger, index);
    enum ledger_answer answer = LEDGER_BANNED;

    if (!is_banned_at_all(ledger, shard, &key, now_ms)) {
        struct ledger_entry *entry = ledger_make(ledger, shard, &key, limits, now_ms);
        if (entry == NULL) {
            entry = &shard->shared[LEDGER_SHARED_ADDRESS];
        }
        answer = judge(ledger, entry, limits, now_ms);
        if (answer == LEDGER_WELCOME) {
            entry->present++;
            *out_place = (struct ledger_place){.entry = entry, .shard = index};
        }
    }
    ledger_unlock(shard);
    return answer;
}

void ledger_leave(struct ledger *ledger, struct ledger_place *place)
{
    if (place->entry == NULL) {
        return;
    }
    struct ledger_shard *shard = ledger_lock(ledger, place->shard);
    place->entry->present--;
    ledger_unlock(shard);
    *place = (struct ledger_place){.entry = NULL};
}

bool ledger_is_banned(struct ledger *ledger, const struct address *address, uint64_t now_ms)
{
    struct ledger_key key;

    if (!ledger_key_of_address(address, &key)) {
        return false;
    }
    struct ledger_shard *shard = ledger_lock(ledger, ledger_shard_of(ledger, &key));
    bool answer = is_banned_at_all(ledger, shard, &key, now_ms);
    ledger_unlock(shard);
    return answer;
}

void ledger_network_text(const struct address *address, bool is_wide,
                         char out_text[LEDGER_NETWORK_TEXT_SIZE])
{
    struct address first = *address;
    char text[ADDRESS_TEXT_SIZE];

    if (address->family == ADDRESS_IPV6) {
        memset(first.bytes + (is_wide ? 7 : 8), 0, sizeof first.bytes - (is_wide ? 7 : 8));
    }
    address_format(&first, text);
    snprintf(out_text, LEDGER_NETWORK_TEXT_SIZE, "%s%s", text,
             address->family != ADDRESS_IPV6 ? ""
             : is_wide                       ? "/56"
                                             : "/64");
}

/* --- identities --------------------------------------------------------------------------- */

struct ledger_identity ledger_identity_of(struct ledger *ledger,
                                          const struct guard_identity *identity)
{
    struct ledger_identity result;
    struct digest digest = digest_of_identity(ledger->identity_key, slice_of(NULL, 0), identity);

    memcpy(result.digest, digest.bytes, sizeof result.digest);
    return result;
}

enum ledger_answer ledger_enter_identity(struct ledger *ledger,
                                         const struct ledger_identity *identity,
                                         const struct ledger_limits *limits, uint64_t now_ms)
{
    struct ledger_key key = ledger_key_of_identity(identity);
    struct ledger_shard *shard = ledger_lock(ledger, ledger_shard_of(ledger, &key));
    struct ledger_entry *entry = ledger_make(ledger, shard, &key, limits, now_ms);
    enum ledger_answer answer = LEDGER_BANNED;

    if (entry == NULL) {
        entry = &shard->shared[LEDGER_SHARED_IDENTITY];
    }
    if (!ledger_entry_is_banned(entry, now_ms)) {
        bool is_taken =
            take_token(&entry->arrival_us, limits->identity_rate, limits->identity_burst, now_ms);
        answer = is_taken ? LEDGER_WELCOME : LEDGER_TOO_FAST;
    }
    ledger_unlock(shard);
    return answer;
}
