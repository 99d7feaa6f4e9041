/*
 * The ledger against a slow and obvious model of it, under random operations.
 *
 * The model is written from the description: it keeps every arrival and every failure in a list and
 * looks through all of it each time. Room is not its subject: the table is large enough for all.
 */
#include "strangers.h"

#include <stdlib.h>
#include <unistd.h>

enum { SITES = 12, PRESENT = 40, STEPS = 60000, EVENTS = 8, WIDE = SITES, STEP_MS = 1000 };

static const char *const sites[SITES] = {
    "192.0.2.1",         "192.0.2.2",         "198.51.100.1",      "2001:db8:0:1::1",
    "2001:db8:0:2::1",   "2001:db8:0:3::1",   "2001:db8:0:4::1",   "2001:db8:0:ff::1",
    "2001:db8:0:100::1", "2001:db8:0:101::1", "2001:db8:0:102::1", "2001:db8:1::1",
};
/* The /56 of each; 0 has none. */
static const int site_groups[SITES] = {0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3};

struct model_site {
    unsigned present;
    uint64_t credit_ms; /* as of credited_ms: STEP_MS pay for one arrival */
    uint64_t credited_ms;
    uint64_t failures[EVENTS];
    size_t failure_count; /* since the last ban or the last window */
    unsigned level;
    uint64_t ban_end_ms;
};

static struct model_site model[SITES + 4]; /* behind the sites, their /56 */
static uint64_t now_ms;
static const struct ledger_limits limits = {.present = 4,
                                            .rate = 1,
                                            .burst = 3,
                                            .failures = 3,
                                            .window_ms = 5000,
                                            .ban_ms = 4000,
                                            .ban_max_ms = 30000};

static bool model_bans(const struct model_site *site)
{
    return site->ban_end_ms > now_ms;
}

static bool model_is_banned(int number)
{
    int group = site_groups[number];
    return model_bans(&model[number]) || (group > 0 && model_bans(&model[WIDE + group]));
}

static enum ledger_answer model_enter(int number)
{
    struct model_site *site = &model[number];
    if (model_is_banned(number)) {
        return LEDGER_BANNED;
    }
    if (site->present == limits.present) {
        return LEDGER_TOO_MANY;
    }
    site->credit_ms += now_ms - site->credited_ms;
    site->credited_ms = now_ms;
    if (site->credit_ms > limits.burst * STEP_MS) {
        site->credit_ms = limits.burst * STEP_MS;
    }
    if (site->credit_ms < STEP_MS) {
        return LEDGER_TOO_FAST;
    }
    site->credit_ms -= STEP_MS;
    site->present++;
    return LEDGER_WELCOME;
}

static uint64_t model_ban(struct model_site *site)
{
    uint64_t time_ms = limits.ban_ms << site->level;
    time_ms = time_ms > limits.ban_max_ms ? limits.ban_max_ms : time_ms;
    site->level += site->level < 8;
    site->ban_end_ms = now_ms + time_ms;
    site->failure_count = 0;
    return time_ms;
}

static struct ledger_blame model_blame(int number)
{
    struct ledger_blame result = {.ban_ms = 0};
    struct model_site *site = &model[number];
    int group = site_groups[number];
    unsigned banned = 0;

    if (model_bans(site)) {
        return result;
    }
    if (site->failure_count > 0 && now_ms >= site->failures[0] + limits.window_ms) {
        site->failure_count = 0;
    }
    site->failures[site->failure_count++] = now_ms;
    if (site->failure_count < limits.failures) {
        return result;
    }
    result.ban_ms = model_ban(site);
    for (int i = 0; group > 0 && i < SITES; i++) {
        banned += site_groups[i] == group && model_bans(&model[i]);
    }
    if (banned >= LEDGER_SIBLINGS && !model_bans(&model[WIDE + group])) {
        result.wide_ban_ms = model_ban(&model[WIDE + group]);
    }
    return result;
}

Test(ledger_model, random_operations)
{
    struct ledger *ledger = make_ledger(100000);
    struct address addresses[SITES];
    struct ledger_place places[PRESENT] = {{.entry = NULL}};
    int holders[PRESENT] = {0};
    unsigned answers[LEDGER_WELCOME + 1] = {0};
    unsigned bans[2] = {0};
    unsigned seed = (unsigned)getpid();

    for (int i = 0; i < SITES; i++) {
        addresses[i] = at(sites[i]);
        model[i].credit_ms = limits.burst * STEP_MS;
    }
    for (int step = 0; step < STEPS; step++) {
        int number = rand_r(&seed) % SITES;
        int place = rand_r(&seed) % PRESENT;
        int what = rand_r(&seed) % 100;
        now_ms += (uint64_t)rand_r(&seed) % (what < 2 ? 3000 : 40);
        if (what < 60 && places[place].entry == NULL) {
            enum ledger_answer wanted = model_enter(number);
            enum ledger_answer got =
                ledger_enter(ledger, &addresses[number], &limits, now_ms, &places[place]);
            cr_assert_eq(got, wanted, "seed %u step %d: %s: %d, not %d", (unsigned)getpid(), step,
                         sites[number], (int)got, (int)wanted);
            holders[place] = number;
            answers[got]++;
        } else if (what < 85 && places[place].entry != NULL) {
            ledger_leave(ledger, &places[place]);
            model[holders[place]].present--;
        } else {
            struct ledger_blame wanted = model_blame(number);
            struct ledger_blame got = ledger_blame(ledger, &addresses[number], &limits, now_ms);
            cr_assert_eq(got.ban_ms, wanted.ban_ms, "seed %u step %d: %s", (unsigned)getpid(), step,
                         sites[number]);
            cr_assert_eq(got.wide_ban_ms, wanted.wide_ban_ms, "seed %u step %d: %s",
                         (unsigned)getpid(), step, sites[number]);
            bans[0] += got.ban_ms > 0;
            bans[1] += got.wide_ban_ms > 0;
        }
        for (int i = 0; i < SITES; i++) {
            cr_assert_eq(ledger_is_banned(ledger, &addresses[i], now_ms), model_is_banned(i),
                         "seed %u step %d: %s", (unsigned)getpid(), step, sites[i]);
        }
    }
    /* A walk that never met one of the cases would prove little. */
    cr_expect_gt(answers[LEDGER_BANNED], 100);
    cr_expect_gt(answers[LEDGER_TOO_FAST], 10);
    cr_expect_gt(answers[LEDGER_TOO_MANY], 10);
    cr_expect_gt(answers[LEDGER_WELCOME], 1000);
    cr_expect_gt(bans[0], 100);
    cr_expect_gt(bans[1], 5);
    for (int i = 0; i < PRESENT; i++) {
        ledger_leave(ledger, &places[i]);
    }
    ledger_free(ledger);
}
