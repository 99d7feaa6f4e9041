/* The state as bytes: what a file may do to us, and what we write for the next start. */
#include "owners.h"

#include <stdlib.h>

#include "moat/base/secret.h"

#define HEADER 48u
#define RECORD 40u
#define SUM    32u

/* Written by a script from the description of the format, with the key 00 01 .. 1f:
 * "pump" of user alice, who left 1000 ms ago, and "sensor" of certificate sensor-1,
 * connected. The format and the digests must mean this for as long as the version is 1. */
static const char golden[] = "6d6f61742d6f776e0100000002000000000102030405060708090a0b0c0d0e0f"
                             "101112131415161718191a1b1c1d1e1fc409c49e7d5b3a7729e7b7c8535c5b62"
                             "70115dff94012df13168b17663bf95e4e80300000000000010c863dd538edaef"
                             "7ea6e43185eb3dd2f33c72907becef7d5df17edd6002ddc80000000000000000"
                             "d3251a47a1bf10553d8753c8fa2c2e84634e43d3bab8fdfda1cf35d61263def5";

static struct buffer golden_state(void)
{
    struct buffer state;
    buffer_init(&state, OWNERSHIP_STATE_MAX);
    for (size_t i = 0; i + 1 < sizeof golden; i += 2) {
        const char pair[] = {golden[i], golden[i + 1], '\0'};
        uint8_t byte = (uint8_t)strtoul(pair, NULL, 16);
        cr_assert(buffer_append(&state, slice_of(&byte, 1)));
    }
    return state;
}

static struct buffer state_of(struct ownership *guard, uint64_t now_ms)
{
    struct buffer state;
    uint64_t changes = UINT64_MAX;
    buffer_init(&state, OWNERSHIP_STATE_MAX);
    cr_assert(ownership_encode(guard, now_ms, &state, &changes));
    cr_expect_eq(changes, ownership_changes(guard));
    return state;
}

/* Makes the checksum right again, as a careful forger would. */
static void reseal(struct buffer *state)
{
    uint8_t sum[SECRET_DIGEST_SIZE];
    secret_sha256(slice_of(state->data, state->size - SUM), sum);
    memcpy(state->data + state->size - SUM, sum, SUM);
}

/* What a state is refused for; NULL when it is taken. A refused one must leave nothing behind. */
static const char *fault_of(struct slice state)
{
    struct ownership *guard = guard_of(100);
    const char *fault = ownership_restore(guard, state, 5000);
    struct ownership_count count = ownership_count(guard);
    cr_expect_eq(count.connected, 0);
    cr_expect_leq(count.remembered, 100);
    cr_expect(fault == NULL || count.remembered == 0, "%s", fault);
    cr_expect(fault == NULL || count.identities == 0, "%s", fault);
    visit(guard, "works", user("alice"), 5000);
    ownership_free(guard);
    return fault;
}

/* --- there and back -------------------------------------------------------------------- */

Test(ownership_state, golden)
{
    struct ownership *guard = guard_of(100);
    struct buffer state = golden_state();
    cr_assert_null(ownership_restore(guard, buffer_slice(&state), 500));
    cr_expect_eq(ownership_count(guard).remembered, 2);
    cr_expect_not(may_use(guard, "pump", user("bob"), 500));
    cr_expect_not(may_use(guard, "pump", certificate("alice"), 500));
    cr_expect_not(may_use(guard, "sensor", user("sensor-1"), 500));
    cr_expect_not(may_use(guard, "pump", user("bob"), 500 + REMEMBER - 1001));
    cr_expect(may_use(guard, "sensor", certificate("sensor-1"), 500));
    cr_expect(may_use(guard, "pump", user("bob"), 500 + REMEMBER - 1000));
    buffer_deinit(&state);
    ownership_free(guard);
}

/* The machine was restarted as well: its clock begins anew, below the ages. */
Test(ownership_state, a_restart)
{
    struct ownership *before = guard_of(1000);
    visit_many(before, "a", 256, user("alice"), 1000000);
    visit(before, "b", certificate("b"), 1000500);
    struct ownership_claim *claim = connect(before, "c", user("carol"), 1001000);
    visit(before, "gone", user("dave"), 0);
    struct buffer state = state_of(before, REMEMBER);
    cr_expect_eq(state.size, HEADER + 258 * RECORD + SUM); /* without what has just run out */

    struct ownership *after = guard_of(1000);
    cr_assert_null(ownership_restore(after, buffer_slice(&state), 7));
    cr_expect_eq(ownership_count(after).remembered, 258);
    cr_expect_eq(count_owned(after, "a", 256, 7), 256);
    cr_expect_not(may_use(after, "b", certificate("c"), 7));
    cr_expect_not(is_owned(after, "gone", 7));
    /* The order is kept: the oldest goes first. */
    visit(after, "a-new", user("alice"), 8);
    cr_expect_eq(count_owned(after, "a", 256, 8), 255);
    /* Time that went by before the restart counts. */
    cr_expect(is_owned(after, "b", 7 + 1000499));
    cr_expect_not(is_owned(after, "b", 7 + 1000500));
    cr_expect_not(may_use(after, "c", user("bob"), 7 + REMEMBER - 1));
    cr_expect(may_use(after, "c", user("bob"), 7 + REMEMBER));

    ownership_release(before, claim, true, 0);
    buffer_deinit(&state);
    ownership_free(before);
    ownership_free(after);
}

Test(ownership_state, more_than_is_walked_at_once)
{
    struct ownership *before = guard_of(4096);
    struct ownership *after = guard_of(4096);
    for (unsigned i = 0; i < 4000; i++) {
        char name[16];
        snprintf(name, sizeof name, "d-%u", i);
        visit(before, name, user(name), i);
    }
    struct buffer state = state_of(before, 4000);
    cr_expect_eq(state.size, HEADER + 4000 * RECORD + SUM);
    cr_assert_null(ownership_restore(after, buffer_slice(&state), 0));
    cr_expect_eq(count_owned(after, "d", 4000, 0), 4000);
    buffer_deinit(&state);
    ownership_free(before);
    ownership_free(after);
}

Test(ownership_state, nothing_is_a_state_as_well)
{
    struct ownership *guard = guard_of(10);
    struct buffer state = state_of(guard, 0);
    cr_expect_eq(state.size, HEADER + SUM);
    cr_expect_null(fault_of(buffer_slice(&state)));
    buffer_deinit(&state);
    ownership_free(guard);
}

Test(ownership_state, fewer_places_than_records)
{
    struct ownership *before = guard_of(100);
    visit_many(before, "a", 60, user("alice"), 1);
    visit(before, "b", user("bob"), 2);
    struct buffer state = state_of(before, 10);
    struct ownership *after = guard_of(20);
    cr_assert_null(ownership_restore(after, buffer_slice(&state), 10));
    cr_expect_eq(ownership_count(after).remembered, 20);
    cr_expect(is_owned(after, "b", 10));
    buffer_deinit(&state);
    ownership_free(before);
    ownership_free(after);
}

Test(ownership_state, a_shorter_time_than_before)
{
    struct buffer state = golden_state();
    struct ownership *guard = ownership_new(10, 1000);
    cr_assert_null(ownership_restore(guard, buffer_slice(&state), 0));
    cr_expect_not(is_owned(guard, "pump", 0)); /* 1000 ms ago */
    cr_expect(is_owned(guard, "sensor", 0));
    buffer_deinit(&state);
    ownership_free(guard);
}

Test(ownership_state, no_room_for_it)
{
    struct ownership *guard = guard_of(10);
    visit(guard, "id", user("alice"), 0);
    size_t needed = HEADER + RECORD + SUM;
    for (size_t room = 0; room <= needed; room++) {
        struct buffer state;
        uint64_t changes = 0;
        buffer_init(&state, room);
        cr_expect_eq(ownership_encode(guard, 0, &state, &changes), room == needed, "%zu", room);
        buffer_deinit(&state);
    }
    ownership_free(guard);
}

Test(ownership_state, what_counts_as_a_change)
{
    struct ownership *guard = guard_of(10);
    uint64_t seen = ownership_changes(guard);
    struct ownership_claim *claim = connect(guard, "id", user("alice"), 0);
    cr_expect_neq(ownership_changes(guard), seen);
    seen = ownership_changes(guard);
    ownership_release(guard, claim, true, 0);
    cr_expect_neq(ownership_changes(guard), seen);
    seen = ownership_changes(guard);
    (void)is_owned(guard, "id", 0);
    (void)is_owned(guard, "other", 0);
    cr_expect_eq(ownership_changes(guard), seen);
    claim = connect(guard, "id", user("alice"), 0);
    cr_expect_neq(ownership_changes(guard), seen);
    seen = ownership_changes(guard);
    struct ownership_claim *second = connect(guard, "id", user("alice"), 0);
    ownership_release(guard, second, true, 0);
    cr_expect_eq(ownership_changes(guard), seen);
    ownership_release(guard, claim, true, 0);
    seen = ownership_changes(guard);
    (void)is_owned(guard, "id", REMEMBER);
    cr_expect_neq(ownership_changes(guard), seen);
    ownership_free(guard);
}

/* --- what is no state ------------------------------------------------------------------- */

static void expect_fault(const struct buffer *state, const char *fault)
{
    const char *found = fault_of(buffer_slice(state));
    cr_expect_str_eq(found != NULL ? found : "(none)", fault);
}

Test(ownership_state, each_fault_has_its_sentence)
{
    struct buffer state = golden_state();
    size_t second = HEADER + RECORD;

    state.data[0] = 'M';
    reseal(&state);
    expect_fault(&state, "it is not a state file of moat");
    state.data[0] = 'm';

    state.data[8] = 2;
    reseal(&state);
    expect_fault(&state, "another version of moat wrote it");
    state.data[8] = 1;

    state.data[12] = 3;
    reseal(&state);
    expect_fault(&state, "its size is not what its header says");
    state.data[12] = 1;
    reseal(&state);
    expect_fault(&state, "its size is not what its header says");
    state.data[12] = 2;

    expect_fault(&state, "its checksum is wrong");
    reseal(&state);
    expect_fault(&state, "(none)");

    /* 366 days, and a millisecond more. */
    const uint64_t most = UINT64_C(366) * 86400000;
    for (unsigned more = 0; more < 2; more++) {
        for (size_t i = 0; i < 8; i++) {
            state.data[HEADER + 32 + i] = (uint8_t)((most + more) >> (8 * i));
        }
        reseal(&state);
        expect_fault(&state, more == 0 ? "(none)" : "a time in it is out of range");
    }
    memset(state.data + HEADER + 32, 0, 8);

    memcpy(state.data + second, state.data + HEADER, 16);
    reseal(&state);
    expect_fault(&state, "an identifier stands in it twice");
    buffer_deinit(&state);
}

Test(ownership_state, cut_at_every_byte_and_one_too_long)
{
    struct buffer state = golden_state();
    for (size_t size = 0; size < state.size; size++) {
        struct buffer cut;
        buffer_init(&cut, size); /* of exactly this size, for the sanitizer to watch */
        cr_assert(buffer_append(&cut, slice_of(state.data, size)));
        cr_expect_not_null(fault_of(buffer_slice(&cut)), "%zu bytes", size);
        if (size > SUM) {
            reseal(&cut);
            cr_expect_not_null(fault_of(buffer_slice(&cut)), "%zu bytes, sealed", size);
        }
        buffer_deinit(&cut);
    }
    cr_assert(buffer_append(&state, slice_of("", 1)));
    cr_expect_not_null(fault_of(buffer_slice(&state)));
    reseal(&state);
    cr_expect_not_null(fault_of(buffer_slice(&state)));
    buffer_deinit(&state);
}

Test(ownership_state, no_bit_may_flip)
{
    struct buffer state = golden_state();
    for (size_t bit = 0; bit < state.size * 8; bit++) {
        state.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        cr_expect_not_null(fault_of(buffer_slice(&state)), "bit %zu", bit);
        state.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    cr_expect_null(fault_of(buffer_slice(&state)));
    buffer_deinit(&state);
}

/* Whatever stands in it, sealed by one who knows how: never more than a wrong memory. */
Test(ownership_state, random_changes_under_a_right_checksum)
{
    struct ownership *guard = guard_of(100);
    visit_many(guard, "a", 20, user("alice"), 0);
    visit_many(guard, "b", 10, user("bob"), 100);
    struct buffer good = state_of(guard, 1000);
    uint64_t random = 20261122;
    unsigned taken = 0;
    for (unsigned round = 0; round < 5000; round++) {
        struct buffer state;
        buffer_init(&state, good.size);
        cr_assert(buffer_append(&state, buffer_slice(&good)));
        for (unsigned change = 0; change < 1 + round % 6; change++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            state.data[(random >> 33) % state.size] = (uint8_t)(random >> 25);
        }
        reseal(&state);
        taken += fault_of(buffer_slice(&state)) == NULL;
        buffer_deinit(&state);
    }
    cr_expect_gt(taken, 100u); /* the mutations do get past the checks of the frame */
    buffer_deinit(&good);
    ownership_free(guard);
}
