#include <criterion/criterion.h>

#include "app/health_internal.h"

#define NOW 1000000u

static struct worker workers[2];
static struct health health;
static char text[HEALTH_TEXT_SIZE];

static void set_up(void)
{
    health = (struct health){.workers = workers, .worker_count = 2, .is_listening = true};
    atomic_store(&workers[0].beat_ms, NOW - WORKER_BEAT_MS);
    atomic_store(&workers[1].beat_ms, NOW + 5); /* the other thread was a little later */
}

TestSuite(health, .init = set_up);

Test(health, loops_that_turn_are_live_and_ready)
{
    cr_expect(health_is_live(&health, NOW, text));
    cr_expect_str_eq(text, "ok\n");
    cr_expect(health_is_ready(&health, NOW, text));
    cr_expect_str_eq(text, "moat_ready 1\n");
}

Test(health, a_loop_that_stands_still_is_told)
{
    atomic_store(&workers[1].beat_ms, NOW - WORKER_SILENCE_MAX_MS);
    cr_expect(health_is_live(&health, NOW, text));
    cr_expect_not(health_is_live(&health, NOW + 1, text));
    cr_expect_str_eq(text, "worker 1 has not turned for 10 s\n");
    cr_expect_not(health_is_ready(&health, NOW + 1, text));
}

Test(health, draining_and_starting_are_live_but_not_ready)
{
    health.is_draining = true;
    cr_expect(health_is_live(&health, NOW, text));
    cr_expect_not(health_is_ready(&health, NOW, text));
    cr_expect_str_eq(text, "draining\n");
    health.is_draining = false;
    health.is_listening = false;
    cr_expect_not(health_is_ready(&health, NOW, text));
    cr_expect_str_eq(text, "starting\n");
}
