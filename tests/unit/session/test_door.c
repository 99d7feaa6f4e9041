#include "base/whole_test.h"
#include "emulated.h"
#include "sanitizer.h"
#include "visitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TEST(name) WHOLE_TEST(door, name, house_begin, house_leave)

static unsigned count_of(const char *text)
{
    unsigned count = 0;
    for (const char *at = house_log(); (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

static void on_timer(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

/* Turns of the loop, which waits where it may, in a tenth of a second. */
static unsigned turns_of_the_loop(void)
{
    uv_timer_t timer;
    unsigned turns = 0;
    uv_timer_init(&house.loop, &timer);
    uv_timer_start(&timer, on_timer, 100, 0);
    while (uv_is_active((uv_handle_t *)&timer)) {
        uv_run(&house.loop, UV_RUN_ONCE);
        turns++;
    }
    uv_run(&house.loop, UV_RUN_NOWAIT);
    return turns;
}

static int lowest_free(void)
{
    int lowest = dup(STDERR_FILENO);
    close(lowest);
    return lowest;
}

static void set_limit(rlim_t count)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = count;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* --- strangers --- */

TEST(the_oldest_stranger_makes_room_after_a_second)
{
    house_build(&(struct house_plan){.limits = "handshakes: 2"});
    struct device devices[3];
    uint8_t byte;

    device_connect(&devices[0]);
    HOUSE_UNTIL(house.accepted == 1);
    cr_expect_eq(house.pauses, 0);
    uint64_t start = uv_hrtime();
    device_connect(&devices[1]);
    HOUSE_UNTIL(house.accepted == 2);
    cr_expect_eq(house.pauses, 1, "as many as may be");
    device_connect(&devices[2]);
    cr_expect_leq(turns_of_the_loop(), 4, "the loop spins over who waits");
    cr_expect_eq(house.accepted, 2, "nobody is sent away before his second is over");

    HOUSE_UNTIL(house.accepted == 3);
    cr_expect_geq((uv_hrtime() - start) / 1000000u, DOOR_PATIENCE_MS - 200u);
    uv_run(&house.loop, UV_RUN_NOWAIT);
    cr_expect_eq(house.freed, 1, "nobody waits for its end");
    HOUSE_UNTIL(read(devices[0].socket, &byte, 1) == 0);
    cr_expect_eq(house.worker.door.strangers, 2);
    cr_expect_eq(count_of("event=shed count=1 "), 1);
    cr_expect_eq(count_of("event=accepting_paused reason=handshakes "), 1, "%s", house_log());
    device_handshake(&devices[2]);
    for (int i = 0; i < 3; i++) {
        device_close(&devices[i]);
    }
}

TEST(without_a_newcomer_nobody_has_to_go)
{
    house_build(&(struct house_plan){.limits = "handshakes: 1"});
    struct device device;

    device_connect(&device);
    HOUSE_UNTIL(house.accepted == 1);
    house.worker.sessions->started_ms -= 2 * DOOR_PATIENCE_MS;
    door_review(&house.worker);
    cr_expect_not(house.worker.door.is_shut);
    cr_expect_leq(turns_of_the_loop(), 4);
    device_handshake(&device);
    device_close(&device);
}

TEST(who_has_come_in_is_no_stranger)
{
    house_build(&(struct house_plan){.limits = "handshakes: 1"});
    struct device first;
    struct device second;
    uint64_t start = uv_hrtime();
    int broker = relaying(&first, 4);

    cr_expect_eq(house.worker.door.strangers, 0);
    cr_expect_not(house.worker.door.is_shut);
    device_open(&second);
    if ((uv_hrtime() - start) / 1000000u < DOOR_PATIENCE_MS) {
        cr_expect_eq(house.worker.door.shed.count, 0);
        cr_expect_eq(count_of("event=shed "), 0);
    }
    cr_expect_eq(house.worker.door.strangers, 1);
    device_close(&second);
    HOUSE_UNTIL(house.worker.door.strangers == 0);
    cr_expect_not(house.worker.door.is_shut);
    device_close(&first);
    close(broker);
}

TEST(strangers_leave_in_any_order)
{
    house_build(NULL);
    struct device devices[4];
    static const int order[] = {1, 3, 0, 2};

    for (unsigned i = 0; i < 4; i++) {
        device_connect(&devices[i]);
        HOUSE_UNTIL(house.accepted == i + 1);
    }
    for (size_t i = 0; i < 4; i++) {
        device_close(&devices[order[i]]);
        HOUSE_UNTIL(house.freed == i + 1);
        size_t count = 0;
        for (struct session *session = house.worker.door.oldest; session != NULL;
             session = session->younger) {
            cr_expect(session->younger != NULL || session == house.worker.door.youngest);
            count++;
        }
        cr_expect_eq(count, house.worker.door.strangers);
        cr_expect_eq(count, 3 - i);
    }
    cr_expect_null(house.worker.door.oldest);
    cr_expect_null(house.worker.door.youngest);
}

/* A worker's share of descriptors may be smaller than limits.handshakes. */
TEST(strangers_make_room_for_each_other_also_when_sessions_are_the_limit)
{
    house_build(NULL);
    house.worker.session_limit = 1;
    struct device first;
    struct device second;

    device_connect(&first);
    HOUSE_UNTIL(house.accepted == 1);
    house.worker.sessions->started_ms -= DOOR_PATIENCE_MS;
    door_review(&house.worker);
    device_connect(&second);
    HOUSE_UNTIL(house.accepted == 2);
    device_handshake(&second);
    cr_expect_eq(count_of("event=shed count=1 "), 1);
    device_close(&first);
    device_close(&second);
}

/* --- a full gateway --- */

TEST(a_full_gateway_has_words_for_as_many_as_may_be_on_their_way)
{
    house_build(&(struct house_plan){.limits = "connections: 1, handshakes: 1"});
    struct device inside;
    struct device told;
    struct device waiting;
    struct device turned_away;
    uint8_t byte;
    int broker = relaying(&inside, 4);

    device_open(&told);
    send_packet(&told, connect_guest(5));
    device_expect(&told, BYTES("\x20\3\0\x89\0"));
    device_expect_end(&told);
    device_close(&told);
    HOUSE_UNTIL(house.worker.session_count == 1);

    device_connect(&waiting);
    HOUSE_UNTIL(house.accepted == 3);
    cr_expect_not(house.worker.door.is_shut, "those who wait would wait for nothing");
    house.worker.door.oldest->started_ms -= DOOR_PATIENCE_MS;
    device_connect(&turned_away);
    HOUSE_UNTIL(read(turned_away.socket, &byte, 1) == 0);
    cr_expect_eq(house.accepted, 4);
    cr_expect_eq(house.worker.session_count, 2, "nothing was made for it");
    cr_expect_eq(count_of("event=turned_away count=1 "), 1);
    house.freed++; /* it never was a session */
    device_handshake(&waiting);
    device_close(&waiting);
    device_close(&turned_away);
    device_close(&inside);
    close(broker);
}

/* --- what the process lacks --- */

TEST(without_descriptors_the_door_shuts_and_opens_again)
{
    house_build(NULL);
    struct device device;

    device_connect(&device);
    set_limit((rlim_t)lowest_free());
    HOUSE_UNTIL(house.pauses == 1);
    cr_expect_leq(turns_of_the_loop(), 6, "the loop spins");
    /* Looked for again after 100, 200, 400, 800 ms and then each second. */
    HOUSE_UNTIL(house.worker.door.retry_ms == 2 * DOOR_RETRY_MIN_MS);
    HOUSE_UNTIL(house.worker.door.retry_ms == 8 * DOOR_RETRY_MIN_MS);
    HOUSE_UNTIL(house.worker.door.retry_ms == DOOR_RETRY_MAX_MS);
    cr_expect_eq(house.accepted, 0);
    set_limit(256);
    HOUSE_UNTIL(house.accepted == 1);
    cr_expect_eq(house.worker.door.retry_ms, 0);
    cr_expect_eq(house.pauses, 1, "it opened for nothing");
    cr_expect_eq(count_of("event=accepting_paused reason=descriptors "), 1);
    cr_expect_eq(count_of("event=accepting_resumed "), 1);
    device_handshake(&device);
    device_close(&device);
}

/* Also with no session whose end could open it again. */
TEST(without_memory_the_door_shuts_for_a_while)
{
    house_build(NULL);
    struct device device;

    session_door_starved(&house.worker, UV_ENOMEM);
    session_door_starved(&house.worker, UV_ENOMEM);
    cr_expect_eq(house.worker.door.retry_ms, DOOR_RETRY_MIN_MS, "one shortage, one wait");
    cr_expect(house.worker.door.is_shut);
    cr_expect_eq(count_of("event=accepting_paused reason=memory "), 1);
    device_open(&device);
    cr_expect_eq(count_of("event=accepting_resumed "), 1);
    device_close(&device);
}

/* Everything that can be had in pieces of a session's size, so that the next one cannot be made. */
static void *eat_memory(void)
{
    struct rlimit limit;
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    void *eaten = NULL;

    cr_assert_not_null(file);
    cr_assert_eq(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    for (void **piece = NULL; (piece = calloc(1, sizeof(struct session))) != NULL;) {
        *piece = eaten;
        eaten = piece;
    }
    return eaten;
}

static void give_back(void *eaten)
{
    struct rlimit limit;

    while (eaten != NULL) {
        void *next = *(void **)eaten;
        free(eaten);
        eaten = next;
    }
    cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

TEST(a_session_that_cannot_be_allocated_is_a_shortage)
{
    if (HAS_SANITIZER || is_emulated()) {
        cr_skip_test("a sanitizer's allocator, or the emulator, ends the program instead");
    }
    house_build(NULL);
    struct device refused;
    struct device device;
    uint8_t byte;

    device_connect(&refused);
    device_connect(&device);
    void *eaten = eat_memory();
    uv_run(&house.loop, UV_RUN_NOWAIT);
    uv_run(&house.loop, UV_RUN_NOWAIT);
    give_back(eaten);
    cr_expect_eq(house.worker.session_count, 0);
    cr_expect_eq(house.accepted, 1, "the door shut at once");
    cr_expect_eq(house.worker.door.shortage, UV_ENOMEM);
    HOUSE_UNTIL(read(refused.socket, &byte, 1) == 0);
    device_handshake(&device);
    device_close(&refused);
    device_close(&device);
    house.freed++; /* the first never was a session */
}

TEST(strangers_go_first_when_something_is_short)
{
    house_build(NULL);
    struct device old;
    struct device young;

    device_connect(&old);
    HOUSE_UNTIL(house.accepted == 1);
    house.worker.sessions->started_ms -= DOOR_PATIENCE_MS;
    device_connect(&young);
    HOUSE_UNTIL(house.accepted == 2);
    session_door_starved(&house.worker, UV_ENOBUFS);
    HOUSE_UNTIL(house.freed == 1);
    cr_expect_eq(house.worker.door.shed.count + count_of("event=shed count=1 "), 1);
    device_handshake(&young);
    device_close(&old);
    device_close(&young);
}

/* A number from the ceiling on: only the reserve is left. */
TEST(the_reserve_shuts_the_door_and_some_room_opens_it)
{
    house_build(NULL);
    struct device first;
    struct device second;
    struct device third;

    device_connect(&first);
    house.worker.descriptor_ceiling = lowest_free() + 1;
    HOUSE_UNTIL(house.accepted == 1);
    cr_expect_not(house.worker.door.is_shut, "the last below the ceiling");
    device_connect(&second);
    house.worker.descriptor_ceiling = lowest_free();
    HOUSE_UNTIL(house.accepted == 2);
    cr_expect(house.worker.door.is_shut);
    cr_expect_eq(count_of("event=accepting_paused reason=descriptors "), 1);

    device_connect(&third);
    house.worker.descriptor_ceiling = lowest_free() + DOOR_SLACK - 1;
    HOUSE_UNTIL(house.worker.door.retry_ms == 4 * DOOR_RETRY_MIN_MS);
    cr_expect_eq(house.accepted, 2, "one less than what opens it");
    house.worker.descriptor_ceiling++;
    HOUSE_UNTIL(house.accepted == 3);
    device_handshake(&first);
    device_handshake(&third);
    device_close(&first);
    device_close(&second);
    device_close(&third);
}

TEST(a_flood_of_pauses_is_told_once)
{
    house_build(NULL);
    struct device device;

    for (unsigned i = 0; i < 3; i++) {
        session_door_starved(&house.worker, UV_ENOMEM);
        device_open(&device);
        device_close(&device);
    }
    cr_expect_eq(house.pauses, 3);
    cr_expect_eq(count_of("event=accepting_paused "), 1);
    cr_expect_eq(count_of("event=accepting_resumed "), 1);
    /* But not that it is paused still. */
    session_door_starved(&house.worker, UV_ENOMEM);
    house.worker.door.told_ms -= SESSION_SWEEP_MS;
    door_sweep(&house.worker);
    door_sweep(&house.worker);
    cr_expect_eq(count_of("event=accepting_paused "), 2);
    HOUSE_UNTIL(!house.worker.door.is_shut);
}
