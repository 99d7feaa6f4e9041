#include "ownership_internal.h"

#include <stdlib.h>

#include "moat/base/secret.h"

struct ownership *ownership_new(size_t identifiers, uint64_t remember_ms)
{
    struct ownership *ownership = calloc(1, sizeof *ownership);
    if (ownership == NULL) {
        return NULL;
    }
    ownership->places = identifiers;
    ownership->remember_ms = remember_ms;
    secret_random(ownership->key, sizeof ownership->key);
    if (digest_table_init(&ownership->claims, identifiers) != 0 ||
        digest_table_init(&ownership->owners, identifiers) != 0 ||
        pthread_mutex_init(&ownership->lock, NULL) != 0) {
        digest_table_deinit(&ownership->claims);
        digest_table_deinit(&ownership->owners);
        free(ownership);
        return NULL;
    }
    return ownership;
}

void ownership_free(struct ownership *ownership)
{
    if (ownership == NULL) {
        return;
    }
    while (ownership->oldest != NULL) {
        ownership_forget(ownership, ownership->oldest);
    }
    digest_table_deinit(&ownership->claims);
    digest_table_deinit(&ownership->owners);
    (void)pthread_mutex_destroy(&ownership->lock);
    secret_wipe(ownership, sizeof *ownership);
    free(ownership);
}

void ownership_set_remember(struct ownership *ownership, uint64_t remember_ms)
{
    (void)pthread_mutex_lock(&ownership->lock);
    ownership->remember_ms = remember_ms;
    (void)pthread_mutex_unlock(&ownership->lock);
}

/* --- a session comes ------------------------------------------------------------------ */

static enum ownership_answer claim_new(struct ownership *ownership, const struct digest *identifier,
                                       const struct digest *identity,
                                       struct ownership_grant *out_grant)
{
    struct ownership_claim *claim = ownership_add(ownership, identifier, identity);
    if (claim == NULL) {
        return OWNERSHIP_NO_MEMORY;
    }
    claim->sessions = 1;
    ownership->count.connected++;
    ownership->changes++;
    *out_grant = (struct ownership_grant){.claim = claim};
    return OWNERSHIP_GRANTED;
}

static enum ownership_answer claim_again(struct ownership *ownership, struct ownership_claim *claim,
                                         struct ownership_grant *out_grant)
{
    if (claim->sessions == 0) {
        ownership_recall(ownership, claim);
        ownership->count.connected++;
    }
    *out_grant = (struct ownership_grant){.claim = claim, .is_takeover = claim->sessions == 1};
    claim->sessions++;
    return OWNERSHIP_GRANTED;
}

enum ownership_answer ownership_claim(struct ownership *ownership, struct slice client_id,
                                      const struct guard_identity *identity, uint64_t now_ms,
                                      struct ownership_grant *out_grant)
{
    const struct ownership_grant nothing = {.claim = NULL};
    if (client_id.size == 0) {
        *out_grant = nothing;
        return OWNERSHIP_GRANTED;
    }
    /* Outside the lock: a digest costs more than all that is done within. */
    struct digest identifier = digest_of(ownership->key, &client_id, 1);
    struct digest owner = digest_of_identity(ownership->key, slice_of(NULL, 0), identity);
    bool can_own = identity->proof != GUARD_PROOF_NONE;
    enum ownership_answer answer = OWNERSHIP_REFUSED;

    (void)pthread_mutex_lock(&ownership->lock);
    ownership_reap(ownership, now_ms);
    struct ownership_claim *claim = ownership_find(ownership, &identifier, now_ms);
    if (claim == NULL && !can_own) {
        *out_grant = nothing;
        answer = OWNERSHIP_GRANTED;
    } else if (claim == NULL) {
        answer = claim_new(ownership, &identifier, &owner, out_grant);
    } else if (can_own && digest_equal(&claim->owner->node.digest, &owner)) {
        answer = claim_again(ownership, claim, out_grant);
    }
    (void)pthread_mutex_unlock(&ownership->lock);
    return answer;
}

/* --- a session goes ------------------------------------------------------------------- */

void ownership_release(struct ownership *ownership, struct ownership_claim *claim,
                       bool was_connected, uint64_t now_ms)
{
    if (claim == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&ownership->lock);
    claim->was_connected = claim->was_connected || was_connected;
    claim->sessions--;
    if (claim->sessions == 0) {
        ownership->count.connected--;
        claim->left_ms = (int64_t)now_ms;
        if (claim->was_connected) {
            ownership_remember(ownership, claim, now_ms);
        } else {
            ownership_forget(ownership, claim);
        }
    }
    ownership_reap(ownership, now_ms);
    (void)pthread_mutex_unlock(&ownership->lock);
}

/* --- what it has ---------------------------------------------------------------------- */

struct ownership_count ownership_count(struct ownership *ownership)
{
    (void)pthread_mutex_lock(&ownership->lock);
    struct ownership_count count = ownership->count;
    (void)pthread_mutex_unlock(&ownership->lock);
    return count;
}

uint64_t ownership_changes(struct ownership *ownership)
{
    (void)pthread_mutex_lock(&ownership->lock);
    uint64_t changes = ownership->changes;
    (void)pthread_mutex_unlock(&ownership->lock);
    return changes;
}
