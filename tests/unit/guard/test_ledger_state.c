#include "strangers.h"

#include "moat/base/secret.h"

#define NOW   UINT64_C(1000000)
#define LATER UINT64_C(50) /* the clock of another start */

static struct buffer encode(struct ledger *ledger, uint64_t now_ms)
{
    struct buffer state;
    uint64_t changes = 0;
    buffer_init(&state, LEDGER_STATE_MAX);
    cr_assert(ledger_encode(ledger, now_ms, &state, &changes));
    cr_expect_eq(changes, ledger_changes(ledger));
    return state;
}

/* After a change to the bytes, so that only that change is wrong. */
static void seal(struct buffer *state)
{
    uint8_t *sum = state->data + state->size - SECRET_DIGEST_SIZE;
    secret_sha256(slice_of(state->data, state->size - SECRET_DIGEST_SIZE), sum);
}

static struct ledger_identity alice_of(struct ledger *ledger)
{
    struct guard_identity identity = {.proof = GUARD_PROOF_USERNAME,
                                      .name = slice_from_text("alice")};
    return ledger_identity_of(ledger, &identity);
}

/* One banned address of each kind, one identity. */
static struct buffer make_state(void)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    struct ledger_identity alice = alice_of(ledger);
    struct address clean = at("192.0.2.9");
    get_banned(ledger, at("192.0.2.1"), &limits, NOW);
    for (unsigned i = 0; i < 5; i++) {
        (void)ledger_blame_identity(ledger, &alice, &limits, NOW);
    }
    static const char *const sites[] = {"2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:2::1",
                                        "2001:db8:0:3::1"};
    for (size_t i = 0; i < 4; i++) {
        get_banned(ledger, at(sites[i]), &limits, NOW);
    }
    cr_assert_eq(ledger_blame(ledger, &clean, &limits, NOW).ban_ms, 0);
    struct buffer state = encode(ledger, NOW + 100000);
    ledger_free(ledger);
    return state;
}

Test(ledger_state, a_ban_goes_on_where_it_stopped)
{
    struct buffer state = make_state();
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    static const char *const banned[] = {"192.0.2.1", "2001:db8::2", "2001:db8:0:ff::1"};

    cr_assert_null(ledger_restore(ledger, buffer_slice(&state), LATER));
    struct ledger_identity alice = alice_of(ledger);
    cr_expect_eq(ledger_bans(ledger, LATER), 7);
    for (size_t i = 0; i < 3; i++) {
        struct address address = at(banned[i]);
        cr_expect(ledger_is_banned(ledger, &address, LATER), "%s", banned[i]);
        cr_expect(ledger_is_banned(ledger, &address, LATER + 499999), "%s", banned[i]);
        cr_expect_not(ledger_is_banned(ledger, &address, LATER + 500000), "%s", banned[i]);
    }
    cr_expect_eq(ledger_enter_identity(ledger, &alice, &limits, LATER), LEDGER_BANNED);
    /* It also remembers that it was not the last warning. */
    cr_expect_eq(get_banned(ledger, at("192.0.2.1"), &limits, LATER + 500000), 1200000);
    buffer_deinit(&state);
    ledger_free(ledger);
}

Test(ledger_state, only_bans_are_kept)
{
    struct buffer state = make_state();
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    struct address clean = at("192.0.2.9");

    cr_assert_null(ledger_restore(ledger, buffer_slice(&state), LATER));
    for (unsigned i = 0; i < 4; i++) {
        cr_expect_eq(ledger_blame(ledger, &clean, &limits, LATER).ban_ms, 0);
    }
    buffer_deinit(&state);
    ledger_free(ledger);
}

Test(ledger_state, an_empty_one)
{
    struct ledger *ledger = make_ledger(1000);
    struct buffer state = encode(ledger, NOW);
    ledger_free(ledger);
    ledger = make_ledger(1000);
    cr_expect_null(ledger_restore(ledger, buffer_slice(&state), LATER));
    cr_expect_eq(ledger_bans(ledger, LATER), 0);
    buffer_deinit(&state);
    ledger_free(ledger);
}

Test(ledger_state, a_smaller_table_keeps_what_it_can)
{
    struct ledger *ledger = make_ledger(10000);
    struct ledger_limits limits = {.failures = 1, .ban_ms = 1000, .ban_max_ms = 1000};
    for (uint32_t i = 0; i < 2000; i++) {
        get_banned(ledger, ipv4(i), &limits, NOW);
    }
    struct buffer state = encode(ledger, NOW);
    ledger_free(ledger);
    ledger = make_ledger(1);
    cr_expect_null(ledger_restore(ledger, buffer_slice(&state), LATER));
    cr_expect_eq(ledger_bans(ledger, LATER), 128);
    buffer_deinit(&state);
    ledger_free(ledger);
}

Test(ledger_state, without_room_it_says_so)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    struct buffer state;
    uint64_t changes = 77;
    get_banned(ledger, at("192.0.2.1"), &limits, NOW);
    for (size_t room = 0; room < 48 + 32 + 32; room++) {
        buffer_init(&state, room);
        cr_expect_not(ledger_encode(ledger, NOW, &state, &changes), "%zu", room);
        buffer_deinit(&state);
    }
    cr_expect_eq(changes, 77);
    buffer_init(&state, 48 + 32 + 32);
    cr_expect(ledger_encode(ledger, NOW, &state, &changes));
    buffer_deinit(&state);
    ledger_free(ledger);
}

/* --- broken ones ------------------------------------------------------------------------------ */

static void expect_refused(struct slice state)
{
    struct ledger *ledger = make_ledger(1000);
    cr_expect_not_null(ledger_restore(ledger, state, LATER));
    cr_expect_eq(ledger_bans(ledger, LATER), 0);
    ledger_free(ledger);
}

Test(ledger_state, every_length_but_the_right_one)
{
    struct buffer state = make_state();
    for (size_t size = 0; size < state.size; size++) {
        expect_refused(slice_of(state.data, size));
    }
    uint8_t more = 0;
    cr_assert(buffer_append(&state, slice_of(&more, 1)));
    expect_refused(buffer_slice(&state));
    buffer_deinit(&state);
}

Test(ledger_state, every_byte_that_is_wrong)
{
    struct buffer state = make_state();
    for (size_t i = 0; i < state.size; i++) {
        state.data[i] ^= 0x40;
        expect_refused(buffer_slice(&state));
        state.data[i] ^= 0x40;
    }
    buffer_deinit(&state);
}

/* Also what has the right checksum, since whoever may write the file can compute one. */
Test(ledger_state, values_that_no_ban_has)
{
    static const struct {
        size_t offset;
        uint8_t value;
    } cases[] = {
        {8, 2},                /* version */
        {12, 6},               /* number of records */
        {48, 0},               /* kind */
        {48, 5},  {49, 0},     /* level */
        {49, 33}, {48 + 31, 1} /* far beyond a year */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer state = make_state();
        state.data[cases[i].offset] = cases[i].value;
        seal(&state);
        expect_refused(buffer_slice(&state));
        buffer_deinit(&state);
    }
}
