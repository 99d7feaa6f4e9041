/*
 * The state file of the ownership guard. First byte: bit 0: the checksum and the number of records
 * are put right, so that what lies behind them is reached; bit 1: identifiers are few, so that some
 * are forgotten. The rest is the file.
 *
 * What was taken over is written again, and taken over again, with the same result; what was not
 * leaves nothing behind.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "moat/base/secret.h"
#include "moat/guard/ownership.h"

#define HEADER 48u
#define RECORD 40u
#define NOW_MS UINT64_C(100000000)
#define YEAR   (UINT64_C(366) * 24 * 3600 * 1000)

static void put_right(uint8_t *bytes, size_t size)
{
    static const uint8_t front[] = {'m', 'o', 'a', 't', '-', 'o', 'w', 'n', 1, 0, 0, 0};
    size_t count = (size - HEADER - SECRET_DIGEST_SIZE) / RECORD;

    memcpy(bytes, front, sizeof front);
    for (size_t i = 0; i < 4; i++) {
        bytes[12 + i] = (uint8_t)(count >> (8 * i));
    }
    /* Most times are years long; some of them are made to be in range. */
    for (size_t i = 0; i < count; i++) {
        uint8_t *age = bytes + HEADER + i * RECORD + 32;
        if ((age[7] & 1) != 0) {
            memset(age + 4, 0, 4);
        }
    }
    secret_sha256(slice_of(bytes, size - SECRET_DIGEST_SIZE), bytes + size - SECRET_DIGEST_SIZE);
}

static struct ownership *restored(size_t identifiers, struct slice state, const char **out_fault)
{
    struct ownership *ownership = ownership_new(identifiers, YEAR);

    FUZZ_CHECK(ownership != NULL);
    *out_fault = ownership_restore(ownership, state, NOW_MS);
    return ownership;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, RECORD);
}

/* The records of a state, in an order of their own. */
static struct slice sorted_records(uint8_t *state, size_t size)
{
    size_t count = (size - HEADER - SECRET_DIGEST_SIZE) / RECORD;

    qsort(state + HEADER, count, RECORD, by_bytes);
    return slice_of(state + HEADER, count * RECORD);
}

/* `written` is what was taken over; its records are sorted. */
static void check_round_trip(struct ownership *ownership, size_t identifiers, uint8_t *written,
                             size_t written_size)
{
    struct ownership_count before = ownership_count(ownership);
    struct buffer state;
    struct buffer second;
    uint64_t changes = 0;
    const char *fault = NULL;

    buffer_init(&state, OWNERSHIP_STATE_MAX);
    buffer_init(&second, OWNERSHIP_STATE_MAX);
    FUZZ_CHECK(ownership_encode(ownership, NOW_MS, &state, &changes));
    struct ownership *again = restored(identifiers, buffer_slice(&state), &fault);
    FUZZ_CHECK(fault == NULL);
    struct ownership_count after = ownership_count(again);
    FUZZ_CHECK(after.remembered == before.remembered && after.identities == before.identities);
    FUZZ_CHECK(after.connected == 0 && before.connected == 0 && before.remembered <= identifiers);
    FUZZ_CHECK(ownership_encode(again, NOW_MS, &second, &changes));
    FUZZ_CHECK(slice_equal(sorted_records(state.data, state.size),
                           sorted_records(second.data, second.size)));
    if (before.remembered == (written_size - HEADER - SECRET_DIGEST_SIZE) / RECORD) {
        FUZZ_CHECK(slice_equal(sorted_records(state.data, state.size),
                               sorted_records(written, written_size)));
    }
    buffer_deinit(&state);
    buffer_deinit(&second);
    ownership_free(again);
}

/* Whatever stands in the file, the table works. */
static void check_use(struct ownership *ownership)
{
    struct guard_identity ann = {GUARD_PROOF_USERNAME, slice_from_text("ann")};
    struct guard_identity bob = {GUARD_PROOF_USERNAME, slice_from_text("bob")};
    struct ownership_grant first = {.claim = NULL};
    struct ownership_grant second = {.claim = NULL};
    enum ownership_answer answer =
        ownership_claim(ownership, slice_from_text("device"), &ann, NOW_MS + 1, &first);

    if (answer == OWNERSHIP_GRANTED) {
        FUZZ_CHECK(ownership_claim(ownership, slice_from_text("device"), &bob, NOW_MS + 2,
                                   &second) == OWNERSHIP_REFUSED);
        ownership_release(ownership, first.claim, true, NOW_MS + 3);
    }
    FUZZ_CHECK(answer != OWNERSHIP_NO_MEMORY && ownership_count(ownership).connected == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    uint8_t choice = fuzz_u8(&input);
    size_t identifiers = (choice & 2) != 0 ? 2 : 1000;
    uint8_t *copy = fuzz_copy(input);
    const char *fault = NULL;

    if ((choice & 1) != 0 && input.size >= HEADER + SECRET_DIGEST_SIZE) {
        put_right(copy, input.size);
    }
    struct ownership *ownership = restored(identifiers, slice_of(copy, input.size), &fault);
    if (fault == NULL) {
        check_round_trip(ownership, identifiers, copy, input.size);
    } else {
        struct ownership_count count = ownership_count(ownership);
        FUZZ_CHECK(count.remembered == 0 && count.connected == 0 && count.identities == 0);
    }
    check_use(ownership);
    ownership_free(ownership);
    free(copy);
    return 0;
}
