#include "moat/net/listener.h"

#include "base/whole_test.h"
#include "party.h"

#include <sys/socket.h>
#include <unistd.h>

static struct net_listener listener;
static struct party guest;
static unsigned offers;
static unsigned closes;
static bool is_taking;
static uint16_t port;

static void take(void)
{
    party_init(&guest, false);
    cr_assert_eq(net_listener_accept(&listener, &guest.stream), 0);
    cr_assert_eq(net_stream_start(&guest.stream), 0);
}

static void on_connection(struct net_listener *which)
{
    cr_expect_eq(which, &listener);
    offers++;
    if (is_taking) {
        is_taking = false; /* one is enough for a test */
        take();
    }
}

static void on_closed(struct net_listener *which)
{
    (void)which;
    closes++;
}

static void open_door(void)
{
    struct endpoint endpoint;
    struct net_bound bound[NET_LISTENER_ADDRESSES];
    struct net_bind_fault fault;
    size_t count = 0;

    party_set_up();
    cr_assert_null(endpoint_parse(slice_from_text("127.0.0.1:0"), &endpoint));
    cr_assert_eq(net_bind(&endpoint, 1, bound, &count, &fault), 0, "%s", fault.what);
    port = bound[0].address.port;
    listener.on_connection = on_connection;
    listener.on_closed = on_closed;
    cr_assert_eq(net_listener_start(&listener, &party_loop, bound[0].descriptors[0]), 0);
    bound[0].descriptors[0] = -1;
    net_bound_close(&bound[0]);
}

static void shut_door(void)
{
    net_listener_close(&listener);
    net_listener_close(&listener);
    cr_expect(party_run_until(&closes));
    party_tear_down();
    cr_expect_eq(closes, 1);
}

#define TEST(name) WHOLE_TEST(listener, name, open_door, shut_door)

TEST(a_connection_is_taken)
{
    is_taking = true;
    int client = bare_connect(port);
    cr_assert(party_run_until(&offers));
    cr_expect_not(listener.is_waiting);
    cr_assert_eq(write(client, "hello", 5), 5);
    cr_expect(party_run_until_received(&guest, 5));
    cr_expect(address_is_loopback(
        &(struct address){.family = net_stream_peer(&guest.stream).family, .bytes = {127}}));
    party_close(&guest);
    close(client);
}

TEST(a_connection_left_waiting_stops_the_rest_until_resumed)
{
    int first = bare_connect(port);
    int second = bare_connect(port);

    cr_assert(party_run_until(&offers));
    party_run_a_little();
    cr_expect_eq(offers, 1, "the second must stay in the kernel");
    cr_expect(listener.is_waiting);

    is_taking = true;
    cr_assert_eq(write(first, "1", 1), 1);
    cr_assert_eq(write(second, "2", 1), 1);
    net_listener_resume(&listener);
    cr_expect_eq(offers, 2, "offered again, at once");
    cr_expect(party_run_until_received(&guest, 1));
    cr_expect_eq(guest.received[0], '1');
    for (int i = 0; i < 100 && offers == 2; i++) {
        party_run_a_little();
    }
    cr_expect_eq(offers, 3, "the next comes by itself");
    party_close(&guest);
    close(first);
    close(second);
}

TEST(resuming_without_anyone_waiting_does_nothing)
{
    net_listener_resume(&listener);
    cr_expect_eq(offers, 0);
    is_taking = true;
    int client = bare_connect(port);
    cr_assert(party_run_until(&offers));
    net_listener_resume(&listener);
    cr_expect_eq(offers, 1);
    party_close(&guest);
    close(client);
}

TEST(taking_what_is_not_there_is_a_code)
{
    party_init(&guest, false);
    cr_expect_lt(net_listener_accept(&listener, &guest.stream), 0);
    party_close(&guest);
}

TEST(closing_hangs_up_on_who_waits)
{
    uint8_t byte;
    int client = bare_connect(port);

    cr_assert(party_run_until(&offers));
    net_listener_close(&listener);
    net_listener_resume(&listener);
    cr_expect_eq(offers, 1, "not offered after the close");
    cr_expect(party_run_until(&closes));
    usleep(2000);
    cr_expect_leq(read(client, &byte, 1), 0);
    close(client);
}

TEST(a_client_that_left_before_it_was_taken)
{
    int client = bare_connect(port);
    cr_assert(party_run_until(&offers));
    bare_reset(client);
    usleep(2000);
    take();
    cr_expect(party_run_until(&guest.ends));
    cr_expect_eq(guest.end_status, UV_ECONNRESET);
    party_close(&guest);
}

TEST(a_descriptor_that_cannot_listen_is_a_code)
{
    static struct net_listener other;
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    other.on_connection = on_connection;
    other.on_closed = on_closed;
    cr_expect_lt(net_listener_start(&other, &party_loop, ends[0]), 0);
    cr_expect(party_run_until(&closes));
    cr_expect_not(other.is_open);
    closes = 0;
    close(ends[1]);
}
