#include "moat/guard/gauge.h"

#include <criterion/criterion.h>
#include <pthread.h>

Test(gauge, takes_up_to_its_ceiling)
{
    struct gauge gauge = {.count = 0};
    for (unsigned i = 0; i < 3; i++) {
        cr_expect(gauge_take(&gauge, 3));
    }
    cr_expect_not(gauge_take(&gauge, 3), "one past the ceiling");
    cr_expect_eq(gauge_count(&gauge), 3, "a refusal takes no place");
    gauge_give(&gauge);
    cr_expect(gauge_take(&gauge, 3));
    cr_expect_not(gauge_take(&gauge, 0));
}

Test(gauge, a_ceiling_may_fall_below_the_count)
{
    struct gauge gauge = {.count = 0};
    cr_assert(gauge_take(&gauge, 2));
    cr_assert(gauge_take(&gauge, 2));
    cr_expect_not(gauge_take(&gauge, 1));
    gauge_give(&gauge);
    cr_expect_not(gauge_take(&gauge, 1));
    gauge_give(&gauge);
    cr_expect(gauge_take(&gauge, 1));
}

#define THREADS 4
#define CEILING 3u
#define ROUNDS  200000

static struct gauge shared;
static atomic_uint inside;
static atomic_uint most;
static atomic_uint refused;

static void *come_and_go(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        if (!gauge_take(&shared, CEILING)) {
            atomic_fetch_add(&refused, 1);
            continue;
        }
        unsigned now = atomic_fetch_add(&inside, 1) + 1;
        unsigned seen = atomic_load(&most);
        while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now)) {
        }
        atomic_fetch_sub(&inside, 1);
        gauge_give(&shared);
    }
    return NULL;
}

Test(gauge, threads_never_exceed_the_ceiling_and_lose_no_place)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, come_and_go, NULL), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    cr_expect_leq(atomic_load(&most), CEILING);
    cr_expect_gt(atomic_load(&most), 0);
    cr_expect_eq(gauge_count(&shared), 0);
}

static atomic_bool is_over;

static void *knock_in_vain(void *argument)
{
    (void)argument;
    while (!atomic_load(&is_over)) {
        cr_assert_not(gauge_take(&shared, 0));
    }
    return NULL;
}

Test(gauge, a_refusal_never_takes_a_place_from_another)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, knock_in_vain, NULL), 0);
    for (int i = 0; i < 2000000; i++) {
        cr_assert(gauge_take(&shared, 1), "the place was free in round %d", i);
        gauge_give(&shared);
    }
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
}
