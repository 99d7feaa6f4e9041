#include "moat/net/listener.h"

#include "base/whole_test.h"
#include "party.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CROWD 64u

static struct net_listener listener;
static struct party guest;
static int taken[CROWD];
static unsigned taken_count;
static unsigned pause_at; /* pauses from within the callback once so many were taken; 0 never */
static unsigned close_at;
static struct address last_address;
static unsigned starved;
static int starved_code;
static unsigned closes;
static uint16_t port;

static void on_connection(struct net_listener *which, int descriptor, const struct address *address)
{
    cr_expect_eq(which, &listener);
    cr_assert_lt(taken_count, CROWD);
    taken[taken_count++] = descriptor;
    last_address = *address;
    if (taken_count == pause_at) {
        net_listener_pause(which);
    }
    if (taken_count == close_at) {
        net_listener_close(which);
    }
}

static void on_starved(struct net_listener *which, int code)
{
    cr_expect_eq(which, &listener);
    cr_expect(which->is_paused);
    starved++;
    starved_code = code;
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
    listener.on_starved = on_starved;
    listener.on_closed = on_closed;
    cr_assert_eq(net_listener_start(&listener, &party_loop, bound[0].descriptors[0]), 0);
    bound[0].descriptors[0] = -1;
    net_bound_close(&bound[0]);
}

static void shut_door(void)
{
    for (unsigned i = 0; i < taken_count; i++) {
        close(taken[i]);
    }
    net_listener_close(&listener);
    net_listener_close(&listener);
    cr_expect(party_run_until(&closes));
    party_tear_down();
    cr_expect_eq(closes, 1);
}

static void crowd_in(int crowd[], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        crowd[i] = bare_connect(port);
    }
    usleep(2000);
}

static void crowd_out(const int crowd[], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        close(crowd[i]);
    }
}

/* Without anything to do the loop waits: a turn that is allowed to wait does, until `timer`. */
static void on_timer(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

static unsigned turns_in(uint64_t milliseconds)
{
    uv_timer_t timer;
    unsigned turns = 0;
    uv_timer_init(&party_loop, &timer);
    uv_timer_start(&timer, on_timer, milliseconds, 0);
    while (uv_is_active((uv_handle_t *)&timer)) {
        uv_run(&party_loop, UV_RUN_ONCE);
        turns++;
    }
    uv_run(&party_loop, UV_RUN_NOWAIT);
    return turns;
}

#define TEST(name) WHOLE_TEST(listener, name, open_door, shut_door)

TEST(a_connection_is_handed_over_with_its_address)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    int client = bare_connect(port);

    cr_assert_eq(getsockname(client, (struct sockaddr *)&name, &size), 0);
    cr_assert(party_run_until(&taken_count));
    cr_expect_eq(last_address.family, ADDRESS_IPV4);
    cr_expect(address_is_loopback(&last_address));
    cr_expect_eq(last_address.port, ntohs(name.sin_port));
    cr_expect_neq(fcntl(taken[0], F_GETFL) & O_NONBLOCK, 0);
    cr_expect_neq(fcntl(taken[0], F_GETFD) & FD_CLOEXEC, 0);

    party_init(&guest, false);
    cr_assert_eq(net_stream_open(&guest.stream, taken[0]), 0);
    taken_count = 0; /* the stream's now */
    cr_assert_eq(net_stream_start(&guest.stream), 0);
    cr_assert_eq(write(client, "hello", 5), 5);
    cr_expect(party_run_until_received(&guest, 5));
    party_close(&guest);
    close(client);
}

TEST(one_turn_takes_a_batch_and_no_more)
{
    int crowd[NET_LISTENER_BATCH + 1];

    crowd_in(crowd, NET_LISTENER_BATCH + 1);
    uv_run(&party_loop, UV_RUN_NOWAIT);
    cr_expect_eq(taken_count, NET_LISTENER_BATCH);
    uv_run(&party_loop, UV_RUN_NOWAIT);
    cr_expect_eq(taken_count, NET_LISTENER_BATCH + 1, "the next turn takes the rest");
    crowd_out(crowd, NET_LISTENER_BATCH + 1);
}

TEST(a_pause_within_the_callback_holds_at_once)
{
    int crowd[5];

    pause_at = 2;
    crowd_in(crowd, 5);
    cr_expect_leq(turns_in(50), 4, "the loop spins over connections that nobody takes");
    cr_expect_eq(taken_count, 2, "the others stay in the kernel");
    net_listener_pause(&listener);
    net_listener_resume(&listener);
    net_listener_resume(&listener);
    party_run_a_little();
    cr_expect_eq(taken_count, 5, "they are not forgotten");
    crowd_out(crowd, 5);
}

TEST(who_comes_during_a_pause_waits_and_is_taken)
{
    net_listener_pause(&listener);
    int client = bare_connect(port);
    party_run_a_little();
    cr_expect_eq(taken_count, 0);
    net_listener_resume(&listener);
    cr_expect(party_run_until(&taken_count));
    close(client);
}

/* So many that the kernel refuses the next: the limit is the lowest number that is free. */
static void starve(void)
{
    struct rlimit limit;
    int lowest = dup(0);

    close(lowest);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)lowest;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void feed(void)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(without_descriptors_it_pauses_and_tells_once)
{
    int crowd[3];

    crowd_in(crowd, 3);
    starve();
    unsigned turns = turns_in(50);
    feed();
    cr_expect_leq(turns, 4, "the loop spins");
    cr_expect_eq(starved, 1);
    cr_expect_eq(starved_code, UV_EMFILE);
    cr_expect_eq(taken_count, 0);
    net_listener_resume(&listener);
    party_run_a_little();
    cr_expect_eq(taken_count, 3, "nobody was dropped");
    crowd_out(crowd, 3);
}

TEST(closing_hangs_up_on_who_waits)
{
    uint8_t byte;

    net_listener_pause(&listener);
    int client = bare_connect(port);
    party_run_a_little();
    net_listener_close(&listener);
    net_listener_resume(&listener);
    net_listener_pause(&listener);
    cr_expect(party_run_until(&closes));
    cr_expect_eq(taken_count, 0, "not handed over after the close");
    usleep(2000);
    cr_expect_leq(read(client, &byte, 1), 0);
    close(client);
}

TEST(closing_within_the_callback)
{
    int crowd[3];

    close_at = 1;
    crowd_in(crowd, 3);
    cr_expect(party_run_until(&closes));
    cr_expect_eq(taken_count, 1);
    crowd_out(crowd, 3);
}

TEST(a_client_that_left_before_it_was_accepted)
{
    int client = bare_connect(port);
    bare_reset(client);
    usleep(2000);
    cr_assert(party_run_until(&taken_count));
    party_init(&guest, false);
    cr_assert_eq(net_stream_open(&guest.stream, taken[0]), 0);
    taken_count = 0;
    cr_assert_eq(net_stream_start(&guest.stream), 0);
    cr_expect(party_run_until(&guest.ends));
    cr_expect_eq(guest.end_status, UV_ECONNRESET);
    party_close(&guest);
}

TEST(a_descriptor_that_cannot_listen_is_a_code)
{
    static struct net_listener other;
    int ends[2];
    size_t before = bare_open_descriptors();

    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    other.on_connection = on_connection;
    other.on_starved = on_starved;
    other.on_closed = on_closed;
    cr_expect_lt(net_listener_start(&other, &party_loop, ends[0]), 0);
    cr_expect_not(other.is_open);
    net_listener_close(&other);
    close(ends[1]);
    cr_expect_eq(bare_open_descriptors(), before, "it was closed");
    party_run_a_little();
    cr_expect_eq(closes, 0);
}

TEST(a_socket_that_stopped_listening_pauses)
{
    cr_assert_eq(shutdown(listener.descriptor, SHUT_RD), 0);
    cr_expect_leq(turns_in(50), 4, "the loop spins");
    cr_expect_eq(starved, 1);
    cr_expect_eq(starved_code, UV_EINVAL);
}
