#include "emulated.h"
#include "moat/net/dial.h"

#include "base/whole_test.h"
#include "party.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TEST(name) WHOLE_TEST(dial, name, party_set_up, party_tear_down)

static struct party party;
static struct net_dial dial;
static struct endpoint endpoint;
static unsigned calls;
static int result;

static void on_done(struct net_dial *done, int status)
{
    cr_expect_eq(done, &dial);
    calls++;
    result = status;
}

static void on_closed(struct net_stream *stream)
{
    (void)stream;
    if (!net_dial_on_closed(&dial)) {
        party.closes++;
    }
}

static struct net_stream_events events;

static void prepare(const char *text)
{
    cr_assert_null(endpoint_parse(slice_from_text(text), &endpoint));
    events = party_events;
    events.on_closed = on_closed;
    party_init(&party, endpoint.kind == ENDPOINT_UNIX);
    party.stream.events = &events;
    dial = (struct net_dial){.stream = &party.stream, .endpoint = &endpoint, .on_done = on_done};
}

static void start(const char *text)
{
    prepare(text);
    cr_assert_eq(net_dial_start(&dial), 0, "%s", text);
    cr_expect_eq(calls, 0, "never from inside the call");
}

static void finish(void)
{
    party_close(&party);
    net_dial_deinit(&dial);
}

static char *at_port(const char *host, uint16_t port)
{
    static char text[300];
    snprintf(text, sizeof text, "%s:%u", host, (unsigned)port);
    return text;
}

static void expect_connected(void)
{
    cr_assert(party_run_until(&calls));
    cr_expect_eq(result, 0, "%s", uv_strerror(result));
    cr_expect_eq(net_stream_write(&party.stream, slice_from_text("x")), 0);
    party_run_a_little();
    cr_expect_eq(calls, 1);
    cr_expect_eq(party.closes, 0);
}

TEST(an_ipv4_address)
{
    uint16_t port = 0;
    int listener = bare_listen("127.0.0.1", 0, 1, &port);
    start(at_port("127.0.0.1", port));
    expect_connected();
    finish();
    close(listener);
}

TEST(an_ipv6_address)
{
    uint16_t port = 0;
    int listener = bare_listen("::1", 0, 1, &port);
    start(at_port("[::1]", port));
    cr_expect_not(dial.is_resolving, "an address needs no thread of the pool");
    expect_connected();
    finish();
    close(listener);
}

/* A port on which nobody listens: it was free a moment ago. */
static uint16_t dead_port(void)
{
    uint16_t port = 0;
    close(bare_listen("127.0.0.1", 0, 1, &port));
    return port;
}

TEST(an_address_where_nobody_listens)
{
    start(at_port("127.0.0.1", dead_port()));
    cr_assert(party_run_until(&calls));
    /* Of MIPS, whose numbers of errors are others, qemu passes on the number of this machine. */
    cr_expect(result == UV_ECONNREFUSED || (is_emulated() && result < 0));
    finish();
    cr_expect_eq(calls, 1);
}

TEST(a_unix_socket)
{
    char path[] = "/tmp/moat-dial-XXXXXX";
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char text[64];

    cr_assert_not_null(mkdtemp(path));
    snprintf(name.sun_path, sizeof name.sun_path, "%s/s", path);
    snprintf(text, sizeof text, "unix:%s/s", path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&name, sizeof name), 0);
    cr_assert_eq(listen(listener, 1), 0);
    start(text);
    expect_connected();
    finish();
    close(listener);
    unlink(name.sun_path);
    rmdir(path);
}

TEST(a_unix_socket_that_is_not_there)
{
    start("unix:/nonexistent/moat.sock");
    cr_assert(party_run_until(&calls));
    cr_expect_eq(result, UV_ENOENT);
    finish();
    cr_expect_eq(calls, 1);
}

TEST(a_name)
{
    uint16_t port = 0;
    int listener = bare_listen("127.0.0.1", 0, 1, &port);
    start(at_port("localhost", port));
    expect_connected();
    finish();
    close(listener);
}

TEST(a_name_where_nobody_listens)
{
    start(at_port("localhost", dead_port()));
    cr_assert(party_run_until(&calls));
    /* Of MIPS, whose numbers of errors are others, qemu passes on the number of this machine. */
    cr_expect(result == UV_ECONNREFUSED || (is_emulated() && result < 0));
    finish();
    cr_expect_eq(calls, 1);
}

TEST(a_name_that_cannot_exist)
{
    char host[66]; /* a label has at most 63 characters, so nobody is asked about this one */
    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    start(at_port(host, 1));
    cr_assert(party_run_until(&calls));
    cr_expect_lt(result, 0);
    finish();
    cr_expect_eq(calls, 1);
}

/* --- several addresses, as if a name had resolved to them --- */

#define ADDRESSES_MAX 4

static struct addrinfo infos[ADDRESSES_MAX];
static struct sockaddr_storage names[ADDRESSES_MAX];

static void start_with(const char *const *hosts, size_t count, uint16_t port)
{
    prepare("name:1");
    for (size_t i = 0; i < count; i++) {
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        if (uv_ip4_addr(hosts[i], port, &in) == 0) {
            memcpy(&names[i], &in, sizeof in);
            infos[i].ai_addrlen = sizeof in;
        } else {
            cr_assert_eq(uv_ip6_addr(hosts[i], port, &in6), 0);
            memcpy(&names[i], &in6, sizeof in6);
            infos[i].ai_addrlen = sizeof in6;
        }
        infos[i].ai_family = names[i].ss_family;
        infos[i].ai_addr = (struct sockaddr *)&names[i];
        infos[i].ai_next = i + 1 < count ? &infos[i + 1] : NULL;
    }
    dial.next = infos;
    dial.is_retrying = true;
    net_stream_close(&party.stream); /* as after an attempt that failed */
}

/* Connecting to these fails at once, without a packet: a broadcast address in two forms. */
#define UNREACHABLE      "255.255.255.255"
#define UNREACHABLE_IPV6 "::ffff:255.255.255.255"

static void expect_reaches(const char *const *hosts, size_t count)
{
    uint16_t port = 0;
    int listener = bare_listen("127.0.0.1", 0, 8, &port);
    start_with(hosts, count, port);
    expect_connected();
    finish();
    close(listener);
}

TEST(the_second_address_when_the_first_refuses)
{
    expect_reaches((const char *const[]){"::1", "127.0.0.1"}, 2);
}

TEST(the_last_of_four)
{
    expect_reaches((const char *const[]){"::1", "127.0.0.2", "::1", "127.0.0.1"}, 4);
}

TEST(the_second_address_when_the_first_cannot_even_be_tried)
{
    expect_reaches((const char *const[]){UNREACHABLE, "127.0.0.1"}, 2);
}

TEST(an_ipv4_address_behind_an_ipv6_one_without_a_route)
{
    expect_reaches((const char *const[]){UNREACHABLE_IPV6, "127.0.0.1"}, 2);
}

TEST(the_code_is_the_last_attempts)
{
    start_with((const char *const[]){"127.0.0.1", UNREACHABLE_IPV6}, 2, dead_port());
    cr_assert(party_run_until(&calls));
    cr_expect_eq(result, UV_ENETUNREACH, "%s", uv_strerror(result));
    finish();
    cr_expect_eq(calls, 1);
}

/* --- giving up --- */

TEST(cancelled_while_the_name_is_resolved)
{
    start("localhost:1");
    net_dial_cancel(&dial);
    net_stream_close(&party.stream);
    cr_assert(party_run_until(&calls));
    cr_expect_eq(result, UV_ECANCELED);
    cr_expect(party_run_out());
    cr_expect_eq(calls, 1);
    finish();
}

TEST(cancelled_while_connecting)
{
    uint16_t port = 0;
    /* A backlog that is full leaves the next one waiting. */
    int listener = bare_listen("127.0.0.1", 0, 0, &port);
    int first = bare_connect(port);
    start(at_port("127.0.0.1", port));
    party_run_a_little();
    cr_assert_eq(calls, 0, "the kernel has let it in");
    net_dial_cancel(&dial);
    finish();
    cr_expect(party_run_out());
    cr_expect_eq(calls, 0);
    close(first);
    close(listener);
}

TEST(cancelled_between_two_attempts)
{
    start_with((const char *const[]){"127.0.0.1"}, 1, dead_port());
    net_dial_cancel(&dial);
    finish();
    cr_expect(party_run_out());
    cr_expect_eq(calls, 0);
}
