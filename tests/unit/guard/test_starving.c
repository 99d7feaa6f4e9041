/* Without memory nobody's name is given to another, and a state is taken over whole or not at all.
 */
#include "owners.h"
#include "starving.h"

/* BoringSSL's random numbers take memory once, and do without it if there is none. */
static void warm_up(void)
{
    ownership_free(guard_of(1));
}

TestSuite(starving, .init = warm_up);

static void save(struct buffer *state)
{
    struct ownership *guard = guard_of(100);
    char name[16];
    uint64_t changes = 0;

    buffer_init(state, OWNERSHIP_STATE_MAX);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "id%d", i);
        ownership_release(guard, connect(guard, name, user("ann"), 1000), true, 2000);
    }
    cr_assert(ownership_encode(guard, 3000, state, &changes));
    ownership_free(guard);
}

Test(starving, a_state_is_taken_over_whole_or_not_at_all)
{
    struct buffer state;
    size_t failures = 0;

    save(&state);
    for (size_t at = 0; starving_goes_on(at); at++) {
        struct ownership *guard = ownership_new(100, REMEMBER);
        const char *fault =
            guard != NULL ? ownership_restore(guard, buffer_slice(&state), 5000) : "memory";
        bool has_failed = starving_end();
        cr_expect_eq(fault != NULL, has_failed, "allocation %zu", at);
        cr_expect(!has_failed || strstr(fault, "memory") != NULL, "%s", fault);
        if (guard != NULL) {
            cr_expect_eq(ownership_count(guard).remembered, has_failed ? 0u : 20u);
        }
        failures += has_failed ? 1 : 0;
        ownership_free(guard);
    }
    cr_expect_gt(failures, 20, "only %zu allocations", failures);
    buffer_deinit(&state);
}

Test(starving, a_state_that_finds_no_room)
{
    struct ownership *guard = guard_of(100);
    struct buffer state;
    uint64_t changes = 0;

    for (int i = 0; i < 3; i++) {
        ownership_release(guard,
                          connect(guard,
                                  i == 0   ? "a"
                                  : i == 1 ? "b"
                                           : "c",
                                  user("x"), 1),
                          true, 2);
    }
    /* Header 48, three records of 40, checksum 32. */
    for (size_t room = 0; room <= 48 + 3 * 40 + 32; room++) {
        buffer_init(&state, room);
        cr_expect_eq(ownership_encode(guard, 3, &state, &changes), room == 48 + 3 * 40 + 32);
        buffer_deinit(&state);
    }
    ownership_free(guard);
}

Test(starving, a_claim)
{
    for (size_t at = 0; starving_goes_on(at); at++) {
        struct ownership *guard = ownership_new(100, REMEMBER);
        struct ownership_grant grant = {.claim = NULL};
        enum ownership_answer answer =
            guard != NULL ? ask(guard, "id", user("ann"), 1, &grant) : OWNERSHIP_NO_MEMORY;
        bool has_failed = starving_end();
        cr_expect_eq(answer, has_failed ? OWNERSHIP_NO_MEMORY : OWNERSHIP_GRANTED, "%zu", at);
        if (guard != NULL) {
            ownership_release(guard, grant.claim, false, 2);
        }
        ownership_free(guard);
    }
}
