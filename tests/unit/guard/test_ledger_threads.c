/* Several workers at once: no presence is lost or counted twice. */
#include "strangers.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, VISITS = 300000, ADDRESSES = 2, LIMIT = 3 };

static struct ledger *ledger;
static const struct ledger_limits limits = {
    .present = LIMIT, .failures = 5, .window_ms = 1000, .ban_ms = 5, .ban_max_ms = 5};
static atomic_uint present[ADDRESSES];
static atomic_uint welcome;
static pthread_barrier_t together;

static void *visit(void *argument)
{
    uint32_t seed = (uint32_t)(uintptr_t)argument;

    (void)pthread_barrier_wait(&together);
    for (uint32_t i = 0; i < VISITS; i++) {
        uint32_t number = (i * 2654435761u + seed) % ADDRESSES;
        struct address address = ipv4(number);
        struct ledger_place place = {.entry = NULL};
        if (ledger_enter(ledger, &address, &limits, i, &place) == LEDGER_WELCOME) {
            cr_assert_lt(atomic_fetch_add(&present[number], 1), LIMIT);
            atomic_fetch_add(&welcome, 1);
            atomic_fetch_sub(&present[number], 1);
        }
        ledger_leave(ledger, &place);
        if (i % 16 == 0) {
            (void)ledger_blame(ledger, &address, &limits, i);
        }
    }
    return NULL;
}

Test(ledger_threads, all_at_once)
{
    pthread_t threads[THREADS];

    ledger = make_ledger(1000);
    cr_assert_eq(pthread_barrier_init(&together, NULL, THREADS), 0);
    for (uintptr_t i = 0; i < THREADS; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, visit, (void *)i), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    }
    cr_expect_gt(welcome, VISITS);
    /* All have left: each address has room for as many as it may have. */
    for (uint32_t number = 0; number < ADDRESSES; number++) {
        struct ledger_place places[LIMIT];
        struct address address = ipv4(number);
        for (size_t i = 0; i < LIMIT; i++) {
            cr_expect_eq(ledger_enter(ledger, &address, &limits, 10 * VISITS, &places[i]),
                         LEDGER_WELCOME);
        }
        for (size_t i = 0; i < LIMIT; i++) {
            ledger_leave(ledger, &places[i]);
        }
    }
    ledger_free(ledger);
}
