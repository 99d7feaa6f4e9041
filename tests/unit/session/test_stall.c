/* Sides that take nothing of what is ready for them. */
#include "base/whole_test.h"
#include "passing.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define TEST(name) WHOLE_TEST(stall, name, house_begin, house_leave)

#define MUCH (16u << 20)

/* Acknowledgements may be under way still; from here on the clock of the stall runs. */
static void settle(const struct net_stream *stream)
{
    uint64_t taken = 0;
    for (int quiet = 0; quiet < 500; quiet++) {
        house_turn();
        quiet = net_stream_taken(stream) == taken ? quiet : 0;
        taken = net_stream_taken(stream);
    }
    let_pass(0);
}

/* Time passes until the session is closed. A receiver's kernel finds room for a little more now and
 * then, a few times; the limit runs from there, and not before it is over is anybody cut. */
static void let_stall(const struct session_stall *stall)
{
    struct session *session = house_session();

    for (int step = 0; session->state == SESSION_RELAY; step++) {
        cr_assert_lt(step, 500, "it is never cut");
        cr_assert_leq(uv_now(&house.loop) - stall->since_ms, STALL_MS + STALL_MS / 20,
                      "it should have been cut"); /* at the second look, one step late */
        watch_heard(session);                     /* the client is alive */
        let_pass(STALL_MS / 20);
    }
}

/* Sends to the client until nothing more leaves. Returns how many bytes that were. */
static size_t fill_client(int broker, const uint8_t *bytes, size_t sent)
{
    for (int idle = 0; idle < 100 && sent < MUCH;) {
        ssize_t count = write(broker, bytes + sent, MUCH - sent);
        sent += count > 0 ? (size_t)count : 0;
        idle = count > 0 ? 0 : idle + 1;
        house_turn();
        cr_assert_leq(house_session()->client.queued, 65536);
    }
    cr_assert_gt(house_session()->client.queued, 0, "the kernel took it all");
    return sent;
}

static void fill_broker(struct device *device, const uint8_t *bytes)
{
    size_t sent = 0;
    for (int idle = 0; idle < 100 && sent < MUCH;) {
        bool is_sent = SSL_write(device->ssl, bytes + sent, 16384) == 16384;
        sent += is_sent ? 16384 : 0;
        idle = is_sent ? 0 : idle + 1;
        house_turn();
        cr_assert_leq(house_session()->upstream.queued, 65536);
    }
    cr_assert_gt(house_session()->upstream.queued, 0, "the kernel took it all");
}

TEST(a_client_that_reads_nothing_is_cut)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 5);
    uint8_t *bytes = publishes(MUCH);
    fill_client(broker, bytes, 0);
    uint64_t due = uv_timer_get_due_in(&house_session()->deadline);
    cr_expect_leq(due, STALL_MS / 4, "it is looked at in time");
    settle(&house_session()->client);
    device_send(&device, BYTES("\xc0\0"));
    broker_expect(broker, BYTES("\xc0\0"));
    let_pass(STALL_MS - 15000);
    expect_alive();
    let_stall(&house_session()->watch.client);
    broker_reset(broker);
    house_expect_reason(CLOSE_CLIENT_STALLED);
    device_close(&device);
    free(bytes);
}

TEST(a_client_that_reads_slowly_is_not)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 4);
    uint8_t *bytes = publishes(MUCH);
    size_t sent = fill_client(broker, bytes, 0);
    size_t got = 0;
    settle(&house_session()->client);
    for (int i = 0; i < 5; i++) {
        device_send(&device, BYTES("\xc0\0"));
        let_pass(STALL_MS - 15000);
        expect_alive();
        device_expect(&device, slice_of(bytes + got, 1u << 20));
        got += 1u << 20;
        let_pass(STALL_MS - 15000);
        expect_alive();
        sent = fill_client(broker, bytes, sent);
    }
    device_reset(&device);
    close(broker);
    free(bytes);
}

TEST(a_broker_that_reads_nothing_is_cut)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 5);
    uint8_t *bytes = publishes(MUCH);
    fill_broker(&device, bytes);
    settle(&house_session()->upstream);
    let_pass(STALL_MS - 15000);
    expect_alive();
    let_stall(&house_session()->watch.upstream);
    device_expect(&device, BYTES("\xe0\1\x89"));
    device_expect_end(&device);
    device_reset(&device);
    broker_reset(broker);
    house_expect_reason(CLOSE_UPSTREAM_STALLED);
    free(bytes);
}

/* We do not read the client meanwhile: that it says nothing is not its fault. */
TEST(a_client_is_not_blamed_for_its_broker)
{
    house_build(&(struct house_plan){.timeouts = "stall: 1h"});
    struct device device;
    int broker = relaying(&device, 5);
    uint8_t *bytes = publishes(MUCH);
    fill_broker(&device, bytes);
    settle(&house_session()->upstream);
    let_pass(1000u * 3500);
    expect_alive();
    device_reset(&device);
    broker_reset(broker);
    free(bytes);
}

/* A queue that comes and goes costs no timer each time. */
TEST(the_timer_is_left_alone_while_it_is_near_enough)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 4);
    session_set_deadline(house_session(), 100);
    uint64_t due = house_session()->deadline.timeout;
    house_session()->client.queued = 1;
    watch_queues(house_session());
    cr_expect_eq(house_session()->deadline.timeout, due);
    session_set_deadline(house_session(), STALL_MS);
    watch_queues(house_session());
    cr_expect_leq(uv_timer_get_due_in(&house_session()->deadline), STALL_MS / 4);
    house_session()->client.queued = 0;
    device_close(&device);
    close(broker);
}
