/* How long a relaying session waits for its client, and for the other side once one has ended. */
#include "base/whole_test.h"
#include "passing.h"

#include <unistd.h>

#include <openssl/ssl.h>

#define TEST(name) WHOLE_TEST(watch, name, house_begin, house_leave)

/* Of the visitors' CONNECT, with the grace of the default configuration. */
#define IDLE_LIMIT_MS (60u * 1500u + 5000u)

/* --- keep alive --- */

static void expect_idle_limit(uint8_t version, struct slice goodbye)
{
    struct device device;
    int broker = relaying(&device, version);

    let_pass(IDLE_LIMIT_MS - 10000);
    expect_alive();
    uint64_t left = uv_timer_get_due_in(&house_session()->deadline);
    cr_expect(left > 0 && left <= 10000, "%u", (unsigned)left);
    let_pass(10000);
    expect_cut(&device, broker, goodbye, CLOSE_KEEP_ALIVE_EXPIRED);
}

TEST(a_client_that_is_silent_for_too_long_is_cut)
{
    house_build(NULL);
    expect_idle_limit(3, BYTES(""));
    expect_idle_limit(4, BYTES(""));
    expect_idle_limit(5, BYTES("\xe0\1\x8d"));
}

TEST(any_bytes_of_the_client_are_life)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 4);
    static const char packet[] = "\x30\6\0\1txyz\xc0";

    for (size_t i = 0; i < sizeof packet - 1; i++) {
        let_pass(IDLE_LIMIT_MS - 10000);
        expect_alive();
        device_send(&device, slice_of(packet + i, 1));
        broker_expect(broker, slice_of(packet + i, 1));
    }
    let_pass(IDLE_LIMIT_MS - 10000);
    expect_alive();
    let_pass(IDLE_LIMIT_MS);
    expect_cut(&device, broker, BYTES(""), CLOSE_KEEP_ALIVE_EXPIRED);
}

/* What the broker says is no sign of the client's life. */
TEST(bytes_of_the_broker_are_not_the_clients_life)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 4);
    let_pass(IDLE_LIMIT_MS - 10000);
    broker_send(broker, BYTES("\x30\3\0\1t"));
    device_expect(&device, BYTES("\x30\3\0\1t"));
    let_pass(10000);
    expect_cut(&device, broker, BYTES(""), CLOSE_KEEP_ALIVE_EXPIRED);
}

/* The gateway itself stood still; what came meanwhile is read before anybody is cut. */
TEST(what_waits_in_the_kernel_is_read_first)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 4);
    cr_assert_eq(SSL_write(device.ssl, "\xc0\0", 2), 2);
    let_pass(10 * IDLE_LIMIT_MS);
    expect_alive();
    broker_expect(broker, BYTES("\xc0\0"));
    device_close(&device);
    close(broker);
}

TEST(a_keep_alive_of_0_is_no_limit)
{
    house_build(NULL);
    struct device device;
    struct packet packet = connect_bob(4);
    packet.bytes[10] = 0;
    packet.bytes[11] = 0;
    int broker = relaying_with(&device, packet, connack(4));
    turn_a_little();
    cr_expect_not(uv_is_active((const uv_handle_t *)&house_session()->deadline));
    let_pass(1000u * 86400 * 365);
    expect_alive();
    cr_expect_not(uv_is_active((const uv_handle_t *)&house_session()->deadline));
    device_close(&device);
    close(broker);
}

TEST(the_largest_keep_alive)
{
    house_build(NULL);
    struct device device;
    struct packet packet = connect_bob(5);
    packet.bytes[10] = 0xff;
    packet.bytes[11] = 0xff;
    int broker = relaying_with(&device, packet, connack(5));
    let_pass(65535u * 1500 - 5000);
    expect_alive();
    let_pass(10000);
    expect_cut(&device, broker, BYTES("\xe0\1\x8d"), CLOSE_KEEP_ALIVE_EXPIRED);
}

/* However the broker's CONNACK is cut; the client gets it unchanged. */
TEST(the_brokers_keep_alive_takes_the_place_of_the_clients)
{
    static const char answer[] = "\x20\x0d\0\0\x0a\x1f\0\4\x13\0\x3c\0\x13\0\x0a";
    const size_t size = sizeof answer - 1;

    house_build(&(struct house_plan){.timeouts = "keep_alive_grace: 12s"});
    for (size_t cut = 0; cut <= size; cut++) {
        struct device device;
        int broker = awaiting_connack(&device, connect_bob(5));
        broker_send(broker, slice_of(answer, cut));
        device_expect(&device, slice_of(answer, cut));
        broker_send(broker, slice_of(answer + cut, size - cut));
        device_expect(&device, slice_of(answer + cut, size - cut));
        let_pass(10 * 1500 + 2000);
        expect_alive();
        let_pass(10000);
        expect_cut(&device, broker, BYTES("\xe0\1\x8d"), CLOSE_KEEP_ALIVE_EXPIRED);
    }
}

TEST(a_broker_may_lift_the_keep_alive)
{
    house_build(NULL);
    struct device device;
    int broker = relaying_with(&device, connect_bob(5), BYTES("\x20\x06\0\0\3\x13\0\0"));
    let_pass(1000u * 86400);
    expect_alive();
    device_close(&device);
    close(broker);
}

/* --- one side has ended --- */

TEST(once_one_side_has_ended_only_that_wait_counts)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 4);
    broker_send(broker, BYTES("\xd0\0"));
    close(broker);
    device_expect(&device, BYTES("\xd0\0"));
    device_expect_end(&device);
    cr_expect(house_session()->is_ending);
    uint64_t due = uv_timer_get_due_in(&house_session()->deadline);
    cr_expect(due > SESSION_HALF_CLOSED_MS - 5000 && due <= SESSION_HALF_CLOSED_MS);
    house_session()->client.queued = 1;
    watch_queues(house_session());
    house_session()->client.queued = 0;
    cr_expect_geq(uv_timer_get_due_in(&house_session()->deadline), SESSION_HALF_CLOSED_MS - 5000);
    session_set_deadline(house_session(), 1);
    house_expect_reason(CLOSE_UPSTREAM_ENDED);
    device_close(&device);
}
