/*
 * The guard against a slow and obvious model of it, under random operations.
 *
 * The model is written from the description: a list of identifiers that is searched from end to
 * end. After every step each identifier is asked for, in both.
 */
#include <stdlib.h>

#include "guard/ownership_internal.h"
#include "owners.h"

enum { IDS = 12, OWNERS = 4, SESSIONS = 10, PLACES = 5, TIME = 200, STEPS = 60000, NONE = -1 };

struct model_id {
    int owner; /* NONE: nobody's */
    unsigned sessions;
    bool was_connected;
    int64_t left_ms;
};

struct model {
    struct model_id ids[IDS];
    uint64_t since[OWNERS]; /* when the number of its remembered ones changed last, in changes */
    uint64_t changes;
};

struct session {
    int id; /* NONE: no session */
    struct ownership_claim *claim;
};

/* --- the model ---------------------------------------------------------------------------- */

static bool model_remembers(const struct model_id *id, int owner)
{
    return id->owner != NONE && (owner == NONE || id->owner == owner) && id->sessions == 0;
}

static unsigned model_count(const struct model *model, int owner)
{
    unsigned count = 0;
    for (int i = 0; i < IDS; i++) {
        count += model_remembers(&model->ids[i], owner);
    }
    return count;
}

static int model_oldest(const struct model *model, int owner)
{
    int oldest = NONE;
    for (int i = 0; i < IDS; i++) {
        if (model_remembers(&model->ids[i], owner) &&
            (oldest == NONE || model->ids[i].left_ms < model->ids[oldest].left_ms)) {
            oldest = i;
        }
    }
    return oldest;
}

static void model_forget(struct model *model, int id)
{
    model->since[model->ids[id].owner] = ++model->changes;
    model->ids[id].owner = NONE;
}

static void model_expire(struct model *model, int64_t now_ms)
{
    int oldest = NONE;
    while ((oldest = model_oldest(model, NONE)) != NONE &&
           now_ms - model->ids[oldest].left_ms >= TIME) {
        model_forget(model, oldest);
    }
}

static int model_hoarder(const struct model *model)
{
    int hoarder = NONE;
    unsigned most = 1;
    for (int owner = 0; owner < OWNERS; owner++) {
        unsigned count = model_count(model, owner);
        if (count > most ||
            (count == most && hoarder != NONE && model->since[owner] < model->since[hoarder])) {
            hoarder = owner;
            most = count;
        }
    }
    return hoarder;
}

static bool model_claim(struct model *model, int id, int owner)
{
    struct model_id *known = &model->ids[id];
    if (known->owner != NONE && known->owner != owner) {
        return false;
    }
    if (owner != NONE) {
        if (known->owner == NONE) {
            *known = (struct model_id){.owner = owner};
        } else if (known->sessions == 0) {
            model->since[owner] = ++model->changes;
        }
        known->sessions++;
    }
    return true;
}

static void model_release(struct model *model, int id, bool was_connected, int64_t now_ms)
{
    struct model_id *known = &model->ids[id];
    int owner = known->owner;
    known->was_connected = known->was_connected || was_connected;
    if (--known->sessions > 0) {
        return;
    }
    known->sessions = 1; /* not among the remembered while room is made */
    bool is_full = model_count(model, NONE) >= PLACES;
    int loser = !is_full ? NONE : model_count(model, owner) > 0 ? owner : model_hoarder(model);
    bool has_room = !is_full || loser != NONE;
    known->sessions = 0;
    if (!known->was_connected || !has_room) {
        known->owner = NONE;
        return;
    }
    known->left_ms = now_ms;
    if (loser != NONE) {
        model_forget(model, model_oldest(model, loser));
    }
    model->since[owner] = ++model->changes;
}

/* A restart moves all times; who had how many for longest is told by the ages again. */
static void model_restart(struct model *model, int64_t old_now, int64_t new_now)
{
    struct model next = {.changes = 0};
    int id = NONE;
    for (int i = 0; i < IDS; i++) {
        next.ids[i].owner = NONE;
    }
    while ((id = model_oldest(model, NONE)) != NONE) {
        next.ids[id] = model->ids[id];
        next.ids[id].left_ms = new_now - (old_now - model->ids[id].left_ms);
        next.since[next.ids[id].owner] = ++next.changes;
        model->ids[id].owner = NONE;
    }
    *model = next;
}

/* --- side by side --------------------------------------------------------------------------- */

static struct guard_identity identity_of(int owner)
{
    static const char *const names[OWNERS] = {"a", "b", "c", "a"};
    if (owner == NONE) {
        return nobody();
    }
    return owner == 3 ? certificate(names[owner]) : user(names[owner]);
}

static const char *name_of(int id)
{
    static const char *const names[IDS] = {"i",   "ii",   "iii", "iv", "v",  "vi",
                                           "vii", "viii", "ix",  "x",  "xi", "xii"};
    return names[id];
}

static void compare(struct ownership *guard, const struct model *model, uint64_t now_ms,
                    unsigned step)
{
    size_t connected = 0;
    for (int i = 0; i < IDS; i++) {
        connected += model->ids[i].sessions > 0;
        cr_assert_eq(is_owned(guard, name_of(i), now_ms), model->ids[i].owner != NONE,
                     "step %u, identifier %s", step, name_of(i));
    }
    cr_assert_eq(ownership_count(guard).remembered, model_count(model, NONE), "step %u", step);
    cr_assert_eq(ownership_count(guard).connected, connected, "step %u", step);
}

static struct ownership *restart(struct ownership *guard, uint64_t old_now, uint64_t new_now)
{
    struct buffer state;
    uint64_t changes = 0;
    struct ownership *next = ownership_new(PLACES, TIME);
    buffer_init(&state, 65536);
    cr_assert(ownership_encode(guard, old_now, &state, &changes));
    cr_assert_null(ownership_restore(next, buffer_slice(&state), new_now));
    buffer_deinit(&state);
    ownership_free(guard);
    return next;
}

static void come(struct ownership *guard, struct model *model, struct session *session,
                 uint64_t now_ms)
{
    int id = rand() % IDS;
    int owner = rand() % (OWNERS + 1) - 1;
    struct ownership_grant grant = {.claim = NULL};
    model_expire(model, (int64_t)now_ms);
    unsigned before = model->ids[id].sessions;
    bool is_granted = model_claim(model, id, owner);
    cr_assert_eq(ask(guard, name_of(id), identity_of(owner), now_ms, &grant) == OWNERSHIP_GRANTED,
                 is_granted);
    if (is_granted) {
        cr_assert_eq(grant.claim != NULL, owner != NONE);
        cr_assert_eq(grant.is_takeover, owner != NONE && before == 1);
        *session = (struct session){.id = owner != NONE ? id : NONE, .claim = grant.claim};
    }
}

static void go(struct ownership *guard, struct model *model, struct session *session,
               uint64_t now_ms)
{
    bool was_connected = rand() % 4 != 0;
    model_expire(model, (int64_t)now_ms);
    model_release(model, session->id, was_connected, (int64_t)now_ms);
    ownership_release(guard, session->claim, was_connected, now_ms);
    session->id = NONE;
}

/* The guard forgets what is too old a few at a time. Who has had how many for longest is then told
 * by when it came to it, which the model does not know. */
static void reap_all(struct ownership *guard, uint64_t now_ms)
{
    for (int i = 0; i < IDS; i++) {
        ownership_reap(guard, now_ms);
    }
}

Test(ownership_model, random_operations)
{
    struct session sessions[SESSIONS];
    struct model model = {.changes = 0};
    struct ownership *guard = ownership_new(PLACES, TIME);
    uint64_t now_ms = 1000;
    unsigned restarts = 0;
    srand(20261122);
    for (int i = 0; i < SESSIONS; i++) {
        sessions[i].id = NONE;
    }
    for (int i = 0; i < IDS; i++) {
        model.ids[i].owner = NONE;
    }
    for (unsigned step = 0; step < STEPS; step++) {
        struct session *session = &sessions[rand() % SESSIONS];
        now_ms += 1 + (uint64_t)(rand() % (step % 100 == 0 ? TIME : 20));
        model_expire(&model, (int64_t)now_ms);
        reap_all(guard, now_ms);
        if (session->id == NONE) {
            come(guard, &model, session, now_ms);
        } else {
            go(guard, &model, session, now_ms);
        }
        compare(guard, &model, now_ms, step);
        if (step % 500 == 499) {
            for (int i = 0; i < SESSIONS; i++) {
                if (sessions[i].id != NONE) {
                    go(guard, &model, &sessions[i], ++now_ms);
                }
            }
            uint64_t new_now = (uint64_t)(rand() % 5000);
            guard = restart(guard, now_ms, new_now);
            model_restart(&model, (int64_t)now_ms, (int64_t)new_now);
            now_ms = new_now;
            restarts++;
            compare(guard, &model, now_ms, step);
        }
    }
    cr_expect_gt(restarts, 100u);
    for (int i = 0; i < SESSIONS; i++) {
        if (sessions[i].id != NONE) {
            ownership_release(guard, sessions[i].claim, true, now_ms);
        }
    }
    ownership_free(guard);
}
