/*
 * The owners as bytes, so that a restart forgets nobody. The frame is that of state_internal.h; a
 * record holds the digest of the identifier (16), the digest of its owner (16), and how many ms of
 * running time ago the owner left (8), 0 for what is connected.
 *
 * Nobody is named in it. The key stands beside the digests because they must mean the
 * same after a restart; so the file tells whoever may read it whether a name that he guesses
 * is in it, and is kept from others. There is no date in it: a clock that is set cannot make
 * the gate forget an owner, or remember one for longer than it should.
 */
#include "ownership_internal.h"

#include <stdlib.h>

#include "state_internal.h"

#define RECORD_SIZE (DIGEST_SIZE + DIGEST_SIZE + 8u)
/* No configuration remembers for longer. */
#define AGE_MAX (UINT64_C(366) * 24 * 3600 * 1000)
/* Buckets that are walked before other threads may have the lock. */
#define BUCKETS_AT_ONCE 256u

static const struct state_form form = {
    .magic = "moat-own", .version = 1, .record_size = RECORD_SIZE};

/* --- to bytes ---------------------------------------------------------------------------- */

static bool put_claim(const struct ownership *ownership, const struct ownership_claim *claim,
                      uint64_t now_ms, struct buffer *state)
{
    uint8_t record[RECORD_SIZE];
    uint64_t age = claim->sessions > 0 ? 0 : ownership_age(claim, now_ms);

    if (age >= ownership->remember_ms) {
        return true;
    }
    memcpy(record, claim->node.digest.bytes, DIGEST_SIZE);
    memcpy(record + DIGEST_SIZE, claim->owner->node.digest.bytes, DIGEST_SIZE);
    state_put_number(record + DIGEST_SIZE + DIGEST_SIZE, 8, age);
    return buffer_append(state, slice_of(record, sizeof record));
}

/* An identifier is always in the same bucket, so it is met at most once although others have
 * the lock between two spans. */
static bool put_span(struct ownership *ownership, size_t first, uint64_t now_ms,
                     struct buffer *state)
{
    bool is_put = true;

    (void)pthread_mutex_lock(&ownership->lock);
    for (size_t i = first; i < first + BUCKETS_AT_ONCE && i < ownership->claims.bucket_count; i++) {
        const struct digest_node *node = ownership->claims.buckets[i];
        for (; node != NULL && is_put; node = node->next) {
            is_put = put_claim(ownership, (const void *)node, now_ms, state);
        }
    }
    (void)pthread_mutex_unlock(&ownership->lock);
    return is_put;
}

bool ownership_encode(struct ownership *ownership, uint64_t now_ms, struct buffer *state,
                      uint64_t *out_changes)
{
    size_t start = state->size;
    uint64_t changes = ownership_changes(ownership);
    bool is_put = state_begin(&form, ownership->key, state);

    for (size_t i = 0; is_put && i < ownership->claims.bucket_count; i += BUCKETS_AT_ONCE) {
        is_put = put_span(ownership, i, now_ms, state);
    }
    if (!is_put || !state_end(&form, start, state)) {
        return false;
    }
    *out_changes = changes;
    return true;
}

/* --- from bytes --------------------------------------------------------------------------- */

struct record {
    struct digest identifier;
    struct digest owner;
    uint64_t age_ms;
};

static int by_age(const void *a, const void *b)
{
    uint64_t first = ((const struct record *)a)->age_ms;
    uint64_t second = ((const struct record *)b)->age_ms;
    return first < second ? 1 : first > second ? -1 : 0;
}

static const char *read_records(struct slice state, struct record *records, size_t count)
{
    const uint8_t *at = state.data + STATE_HEADER_SIZE;

    for (size_t i = 0; i < count; i++, at += RECORD_SIZE) {
        memcpy(records[i].identifier.bytes, at, DIGEST_SIZE);
        memcpy(records[i].owner.bytes, at + DIGEST_SIZE, DIGEST_SIZE);
        records[i].age_ms = state_get_number(at + DIGEST_SIZE + DIGEST_SIZE, 8);
        if (records[i].age_ms > AGE_MAX) {
            return "a time in it is out of range";
        }
    }
    return NULL;
}

/* The oldest first: whoever comes last is the last to be forgotten. */
static const char *remember_records(struct ownership *ownership, struct record *records,
                                    size_t count, uint64_t now_ms)
{
    qsort(records, count, sizeof *records, by_age);
    for (size_t i = 0; i < count; i++) {
        const struct record *record = &records[i];
        if (digest_table_find(&ownership->claims, &record->identifier) != NULL) {
            return "an identifier stands in it twice";
        }
        struct ownership_claim *claim =
            ownership_add(ownership, &record->identifier, &record->owner);
        if (claim == NULL) {
            return "there is not enough memory for it";
        }
        claim->was_connected = true;
        claim->left_ms = (int64_t)now_ms - (int64_t)record->age_ms;
        ownership_remember(ownership, claim, now_ms);
    }
    return NULL;
}

static const char *restore(struct ownership *ownership, struct slice state, size_t count,
                           uint64_t now_ms)
{
    struct record *records = calloc(count + 1, sizeof *records);
    if (records == NULL) {
        return "there is not enough memory for it";
    }
    const char *fault = read_records(state, records, count);
    if (fault == NULL) {
        fault = remember_records(ownership, records, count, now_ms);
    }
    free(records);
    return fault;
}

const char *ownership_restore(struct ownership *ownership, struct slice state, uint64_t now_ms)
{
    size_t count = 0;
    const char *fault = state_check(&form, state, &count);
    if (fault != NULL) {
        return fault;
    }
    (void)pthread_mutex_lock(&ownership->lock);
    fault = restore(ownership, state, count, now_ms);
    if (fault == NULL) {
        memcpy(ownership->key, state.data + 16, DIGEST_KEY_SIZE);
    }
    while (fault != NULL && ownership->oldest != NULL) {
        ownership_forget(ownership, ownership->oldest);
    }
    (void)pthread_mutex_unlock(&ownership->lock);
    return fault;
}
