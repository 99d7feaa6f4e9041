#include "moat/guard/login_cache.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>

#define LIFETIME 300000u /* ms */

static struct login_cache *cache_of(uint64_t lifetime_ms)
{
    struct login_cache *cache = login_cache_new(lifetime_ms);
    cr_assert_not_null(cache);
    return cache;
}

static bool has(struct login_cache *cache, const char *user, const char *password, uint64_t now_ms)
{
    return login_cache_has(cache, slice_from_text(user), slice_from_text(password), now_ms);
}

static void add(struct login_cache *cache, const char *user, const char *password, uint64_t now_ms)
{
    login_cache_add(cache, slice_from_text(user), slice_from_text(password), now_ms);
}

Test(login_cache, remembers_this_pair_and_no_other)
{
    struct login_cache *cache = cache_of(LIFETIME);
    cr_expect_not(has(cache, "alice", "secret", 1000));
    add(cache, "alice", "secret", 1000);
    cr_expect(has(cache, "alice", "secret", 1000));
    cr_expect_not(has(cache, "alice", "Secret", 1000));
    cr_expect_not(has(cache, "alice", "secre", 1000));
    cr_expect_not(has(cache, "alice", "", 1000));
    cr_expect_not(has(cache, "bob", "secret", 1000));
    cr_expect_not(has(cache, "secret", "alice", 1000));
    cr_expect_not(has(cache, "", "", 1000));
    login_cache_free(cache);
}

Test(login_cache, two_caches_share_nothing)
{
    struct login_cache *before = cache_of(LIFETIME);
    add(before, "alice", "secret", 0);
    struct login_cache *after = cache_of(LIFETIME); /* as made by a reload */
    cr_expect_not(has(after, "alice", "secret", 0));
    login_cache_free(before);
    login_cache_free(after);
}

Test(login_cache, the_border_between_name_and_password_counts)
{
    struct login_cache *cache = cache_of(LIFETIME);
    add(cache, "ab", "c", 0);
    cr_expect(has(cache, "ab", "c", 0));
    cr_expect_not(has(cache, "a", "bc", 0));
    cr_expect_not(has(cache, "abc", "", 0));
    cr_expect_not(has(cache, "", "abc", 0));
    login_cache_free(cache);
}

Test(login_cache, passwords_are_bytes)
{
    struct login_cache *cache = cache_of(LIFETIME);
    struct slice user = slice_from_text("u");
    login_cache_add(cache, user, slice_of("a\0b", 3), 0);
    cr_expect(login_cache_has(cache, user, slice_of("a\0b", 3), 0));
    cr_expect_not(login_cache_has(cache, user, slice_of("a\0c", 3), 0));
    cr_expect_not(login_cache_has(cache, user, slice_of("a", 1), 0));
    cr_expect_not(login_cache_has(cache, user, slice_of(NULL, 0), 0));
    login_cache_free(cache);
}

Test(login_cache, lifetime_at_its_end_and_past_it)
{
    struct login_cache *cache = cache_of(LIFETIME);
    add(cache, "alice", "secret", 1000);
    cr_expect(has(cache, "alice", "secret", 1000 + LIFETIME - 1));
    cr_expect_not(has(cache, "alice", "secret", 1000 + LIFETIME));
    /* What ran out stays out, whatever another worker's clock says. */
    cr_expect_not(has(cache, "alice", "secret", 1000));
    add(cache, "alice", "secret", 1000);
    cr_expect_not(has(cache, "alice", "secret", 1000 + LIFETIME + 1));
    login_cache_free(cache);
}

/* Being asked for must not prolong it: the password may have been changed since. */
Test(login_cache, asking_does_not_prolong_proving_does)
{
    struct login_cache *cache = cache_of(LIFETIME);
    add(cache, "alice", "secret", 0);
    cr_expect(has(cache, "alice", "secret", LIFETIME - 1));
    cr_expect_not(has(cache, "alice", "secret", LIFETIME));
    add(cache, "alice", "secret", 0);
    add(cache, "alice", "secret", LIFETIME - 1);
    cr_expect(has(cache, "alice", "secret", LIFETIME));
    login_cache_free(cache);
}

/* Workers read their clocks at different moments. */
Test(login_cache, a_caller_whose_clock_is_a_little_behind)
{
    struct login_cache *cache = cache_of(LIFETIME);
    add(cache, "alice", "secret", 1000);
    cr_expect(has(cache, "alice", "secret", 999));
    login_cache_free(cache);
}

Test(login_cache, times_near_their_end)
{
    struct login_cache *cache = cache_of(LIFETIME);
    add(cache, "alice", "secret", UINT64_MAX - 10);
    cr_expect(has(cache, "alice", "secret", UINT64_MAX));
    login_cache_free(cache);
    cache = cache_of(UINT64_MAX);
    add(cache, "alice", "secret", 0);
    cr_expect(has(cache, "alice", "secret", UINT64_MAX - 1));
    login_cache_free(cache);
}

Test(login_cache, without_a_lifetime_nothing_is_remembered)
{
    struct login_cache *cache = cache_of(0);
    add(cache, "alice", "secret", 1000);
    cr_expect_not(has(cache, "alice", "secret", 1000));
    cr_expect_not(has(cache, "alice", "secret", 999));
    login_cache_free(cache);
}

Test(login_cache, free_takes_null)
{
    login_cache_free(NULL);
}

static void add_many(struct login_cache *cache, unsigned first, unsigned count, uint64_t now_ms)
{
    for (unsigned index = first; index < first + count; index++) {
        char name[32];
        snprintf(name, sizeof name, "user-%u", index);
        add(cache, name, "secret", now_ms);
    }
}

static unsigned count_remembered(struct login_cache *cache, unsigned first, unsigned count,
                                 uint64_t now_ms)
{
    unsigned remembered = 0;
    for (unsigned index = first; index < first + count; index++) {
        char name[32];
        snprintf(name, sizeof name, "user-%u", index);
        remembered += has(cache, name, "secret", now_ms);
    }
    return remembered;
}

Test(login_cache, a_household_fits_whole_and_a_flood_pushes_out_the_oldest)
{
    struct login_cache *cache = cache_of(LIFETIME);
    add_many(cache, 0, 100, 0);
    cr_expect_geq(count_remembered(cache, 0, 100, 1), 99u);

    /* Many times what fits: the old ones are gone, of the new ones about 4096 are left. */
    add_many(cache, 1000, 40000, 10);
    cr_expect_lt(count_remembered(cache, 0, 100, 20), 5u);
    unsigned left = count_remembered(cache, 1000, 40000, 20);
    cr_expect(left > 3500 && left <= 4096, "%u", left);
    login_cache_free(cache);
}

Test(login_cache, the_oldest_of_a_set_goes_first)
{
    struct login_cache *cache = cache_of(LIFETIME);
    add_many(cache, 0, 20000, 10);   /* every set is full */
    add_many(cache, 20000, 200, 20); /* newer, and few enough that a set keeps them */
    cr_expect_geq(count_remembered(cache, 20000, 200, 20), 199u);
    login_cache_free(cache);
}

/* --- threads ----------------------------------------------------------------------------- */

struct worker {
    struct login_cache *cache;
    unsigned number;
    unsigned wrong;
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    for (unsigned round = 0; round < 3000; round++) {
        char name[32];
        snprintf(name, sizeof name, "shared-%u", round % 200);
        add(worker->cache, name, "right", round);
        (void)!has(worker->cache, name, "right", round);
        worker->wrong += has(worker->cache, name, "wrong", round);
        snprintf(name, sizeof name, "own-%u-%u", worker->number, round % 20);
        add(worker->cache, name, "right", round);
        worker->wrong += has(worker->cache, name, "wrong", round);
    }
    return NULL;
}

Test(login_cache, threads)
{
    struct login_cache *cache = cache_of(LIFETIME);
    pthread_t threads[8];
    struct worker workers[8];
    for (unsigned index = 0; index < 8; index++) {
        workers[index] = (struct worker){.cache = cache, .number = index};
        cr_assert_eq(pthread_create(&threads[index], NULL, work, &workers[index]), 0);
    }
    for (unsigned index = 0; index < 8; index++) {
        cr_assert_eq(pthread_join(threads[index], NULL), 0);
        cr_expect_eq(workers[index].wrong, 0);
    }
    cr_expect(has(cache, "shared-0", "right", 3000));
    login_cache_free(cache);
}
