#include "base/whole_test.h"
#include "starving.h"
#include "visitor.h"

#include <unistd.h>

#include "moat/base/clock.h"

#define TEST(name) WHOLE_TEST(authorise, name, house_begin, house_leave)

TEST(a_proven_login_is_remembered)
{
    house_build(NULL);
    for (int visit = 0; visit < 2; visit++) {
        struct device device;
        int broker = relaying(&device, MQTT_VERSION_3_1_1);
        device_close(&device);
        broker_expect_end(broker);
        close(broker);
        if (visit == 0) {
            house_block_pool(); /* no password can be computed from now on */
        }
    }
    house_free_pool();
    house_expect_reason(CLOSE_CLIENT_ENDED);
}

/* --- shortages --- */

TEST(no_place_to_check_a_password)
{
    house_build(&(struct house_plan){.limits = "hashing: 1"});
    cr_assert(gauge_take(&house.gauges.hashing, 1));
    expect_refusal(connect_bob(4), CLOSE_BUSY, BYTES("\x20\2\0\3"));
    expect_refusal(connect_bob(5), CLOSE_BUSY, BYTES("\x20\3\0\x89\0"));
    gauge_give(&house.gauges.hashing);
}

TEST(a_verdict_that_takes_too_long)
{
    house_build(&(struct house_plan){.timeouts = "connect: 1s"});
    struct device device;
    house_block_pool();
    device_open(&device);
    send_packet(&device, connect_bob(5));
    device_expect(&device, BYTES("\x20\3\0\x89\0"));
    device_expect_end(&device);
    device_close(&device);
    /* Its job was still waiting, so it need not wait for the pool. */
    house_expect_reason(CLOSE_BUSY);
    house_free_pool();
}

/* A client that closes without having read everything resets its connection; what it said before
 * counts all the same. */
TEST(a_client_that_breaks_off_while_its_password_is_checked)
{
    house_build(NULL);
    struct device device;
    struct packet packet = connect_bob(5);
    house_block_pool();
    device_open(&device);
    send_packet(&device, packet);
    HOUSE_UNTIL(house_session()->state == SESSION_AUTHORISE);
    cr_expect_eq(gauge_count(&house.gauges.hashing), 1);
    device_reset(&device);
    HOUSE_UNTIL(house_session()->client_has_ended);
    house_free_pool();
    int broker = broker_accept();
    broker_expect(broker, packet_slice(&packet));
    broker_expect_end(broker);
    close(broker);
    house_expect_reason(CLOSE_CLIENT_LOST);
}

/* Refused without a word: there is nobody left to hear it. */
TEST(a_client_that_breaks_off_and_has_a_wrong_password)
{
    house_build(NULL);
    struct device device;
    house_block_pool();
    device_open(&device);
    send_packet(&device, connect_of(5, "x", "bob", "wrong"));
    HOUSE_UNTIL(house_session()->state == SESSION_AUTHORISE);
    device_reset(&device);
    HOUSE_UNTIL(house_session()->client_has_ended);
    house_free_pool();
    broker_expect_nobody();
    house_expect_reason(CLOSE_BAD_CREDENTIALS);
}

/* --- what is known when the password is --- */

static void ban_everybody_here(void)
{
    const struct address here = {.family = ADDRESS_IPV4, .bytes = {127, 0, 0, 1}};
    const struct ledger_limits limits = {
        .failures = 1, .window_ms = 60000, .ban_ms = 60000, .ban_max_ms = 60000};
    cr_assert_gt(ledger_blame(house.gauges.ledger, &here, &limits, clock_monotonic_ms()).ban_ms, 0);
}

/* Guesses that were sent at once are not worth more than guesses in a row: whoever was banned
 * meanwhile does not hear which of them was right. */
TEST(a_password_that_is_checked_while_its_address_is_banned)
{
    static const char *const passwords[] = {"secret", "wrong"};
    house_build(NULL);
    house_block_pool();
    struct device devices[2];
    for (int i = 0; i < 2; i++) {
        device_open(&devices[i]);
        send_packet(&devices[i], connect_of(5, "x", "bob", passwords[i]));
        HOUSE_UNTIL(house_session()->state == SESSION_AUTHORISE);
    }
    ban_everybody_here();
    house_free_pool();
    for (int i = 0; i < 2; i++) {
        device_expect(&devices[i], BYTES("\x20\3\0\x8a\0"));
        device_expect_end(&devices[i]);
        device_close(&devices[i]);
    }
    broker_expect_nobody();
    house_expect_reason(CLOSE_BANNED);
}

/* The gate's own need is nobody's failed login. */
TEST(a_password_that_could_not_be_checked_bans_nobody)
{
    house_build(&(struct house_plan){.limits = "failed_logins: 1"});
    struct device device;
    house_block_pool();
    device_open(&device);
    send_packet(&device, connect_bob(5));
    HOUSE_UNTIL(house_session()->state == SESSION_AUTHORISE);
    /* Only the pool is at work until then, so the allocation that fails is one of its. */
    cr_assert(starving_goes_on(0));
    house_free_pool();
    while (!starving_has_failed()) {
        usleep(1000);
    }
    cr_assert(starving_end());
    device_expect(&device, BYTES("\x20\3\0\x89\0"));
    device_expect_end(&device);
    device_close(&device);
    house_expect_reason(CLOSE_NO_MEMORY);
    cr_expect_eq(ledger_bans(house.gauges.ledger, clock_monotonic_ms()), 0);
}
