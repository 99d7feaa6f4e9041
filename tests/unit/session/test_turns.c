#include "base/whole_test.h"
#include "visitor.h"

#include <unistd.h>

#include <openssl/ssl.h>

#define TEST(name) WHOLE_TEST(turns, name, house_begin, house_leave)

#define CROWD (2 * TURNS_EACH + 2)

static struct device devices[CROWD];

static size_t waiting(void)
{
    size_t count = 0;
    const struct session *before = NULL;
    for (const struct session *session = house.worker.turns.first; session != NULL;
         session = session->turn_after) {
        cr_expect(session->awaits_turn);
        cr_expect_eq(session->turn_before, before);
        before = session;
        count++;
    }
    cr_expect_eq(house.worker.turns.last, before);
    cr_expect_eq(uv_is_active((uv_handle_t *)&house.worker.turns.idle), count > 0);
    return count;
}

static void one_turn(void)
{
    uv_run(&house.loop, UV_RUN_NOWAIT);
}

/* All have said their ClientHello, and all wait. */
static void crowd_waits(void)
{
    for (unsigned i = 0; i < CROWD; i++) {
        device_connect(&devices[i]);
        HOUSE_UNTIL(house.accepted == i + 1);
    }
    for (unsigned i = 0; i < CROWD; i++) {
        cr_assert_lt(SSL_do_handshake(devices[i].ssl), 0);
    }
    usleep(5000);
    one_turn();
    cr_assert_eq(waiting(), CROWD);
}

static void crowd_leaves(void)
{
    for (unsigned i = 0; i < CROWD; i++) {
        device_close(&devices[i]);
    }
}

TEST(a_turn_of_the_loop_serves_a_few_in_the_order_they_came)
{
    house_build(NULL);
    const struct session *order[CROWD];
    crowd_waits();
    size_t count = 0;
    for (const struct session *session = house.worker.turns.first; session != NULL;
         session = session->turn_after) {
        order[count++] = session;
    }
    for (size_t served = TURNS_EACH; served < CROWD; served += TURNS_EACH) {
        one_turn();
        cr_assert_eq(waiting(), CROWD - served);
        cr_expect_eq(house.worker.turns.first, order[served]);
        cr_expect_not(order[served - 1]->awaits_turn);
    }
    one_turn();
    cr_expect_eq(waiting(), 0);
    for (unsigned i = 0; i < CROWD; i++) {
        device_handshake(&devices[i]);
    }
    crowd_leaves();
}

/* Who had a step joins at the end. */
TEST(nobody_is_served_twice_before_the_others)
{
    house_build(NULL);
    crowd_waits();
    struct session *first = house.worker.turns.first;
    one_turn();
    cr_expect_not(first->awaits_turn);
    for (unsigned i = 0; i < CROWD; i++) {
        SSL_do_handshake(devices[i].ssl); /* those who were served say their Finished */
    }
    usleep(5000);
    one_turn();
    cr_expect(first->awaits_turn);
    size_t ahead = 0;
    for (const struct session *session = first; session->turn_before != NULL;
         session = session->turn_before) {
        ahead++;
    }
    cr_expect_geq(ahead, CROWD - 2 * TURNS_EACH);
    for (unsigned i = 0; i < CROWD; i++) {
        device_handshake(&devices[i]);
    }
    crowd_leaves();
}

TEST(who_waits_is_not_read_any_further)
{
    house_build(NULL);
    static uint8_t much[4 * SESSION_READ_EARLY] = {0x16, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xfb};
    struct device device;
    crowd_waits();
    device_connect(&device);
    HOUSE_UNTIL(house.accepted == CROWD + 1);
    struct session *session = house_session();
    /* What waits already has its turn first. */
    cr_assert_eq(write(device.socket, much, sizeof much), (ssize_t)sizeof much);
    HOUSE_UNTIL(session->awaits_turn || session->state == SESSION_CLOSING);
    cr_expect_not(session->client.is_reading);
    cr_expect_eq(session->tls.input.size, SESSION_READ_EARLY);
    cr_expect_not_null(session->tls.kept);
    HOUSE_UNTIL(!session->awaits_turn);
    device_reset(&device);
    crowd_leaves();
}

TEST(who_ends_leaves_the_line)
{
    house_build(NULL);
    crowd_waits();
    struct session *middle = house.worker.turns.first->turn_after;
    session_close(middle, CLOSE_HANDSHAKE_TIMEOUT, NULL);
    cr_expect_eq(waiting(), CROWD - 1);
    session_close(house.worker.turns.first, CLOSE_HANDSHAKE_TIMEOUT, NULL);
    cr_expect_eq(waiting(), CROWD - 2);
    session_close(house.worker.turns.last, CLOSE_HANDSHAKE_TIMEOUT, NULL);
    cr_expect_eq(waiting(), CROWD - 3);
    while (house.worker.turns.first != NULL) {
        session_close(house.worker.turns.first, CLOSE_HANDSHAKE_TIMEOUT, NULL);
    }
    cr_expect_eq(waiting(), 0);
    crowd_leaves();
}

TEST(who_left_while_waiting_is_noticed_after_the_turn)
{
    house_build(NULL);
    crowd_waits();
    for (unsigned i = 0; i < CROWD; i++) {
        device_reset(&devices[i]);
    }
    HOUSE_UNTIL(house.worker.session_count == 0);
    cr_expect_eq(waiting(), 0);
}
