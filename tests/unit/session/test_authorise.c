#include "base/whole_test.h"
#include "visitor.h"

#include <unistd.h>

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
