#include "party.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 5000u

uv_loop_t party_loop;
static uint8_t scratch_bytes[PARTY_SCRATCH_SIZE];
const struct net_scratch party_scratch = {scratch_bytes, sizeof scratch_bytes};

static void on_data(struct net_stream *stream, struct slice bytes)
{
    struct party *party = stream->owner;

    cr_assert_leq(party->received_size + bytes.size, PARTY_RECEIVED_MAX);
    memcpy(party->received + party->received_size, bytes.data, bytes.size);
    party->received_size += bytes.size;
    if (bytes.size > party->largest_read) {
        party->largest_read = bytes.size;
    }
    if (party->closes_on_data) {
        net_stream_close(stream);
    }
}

static void on_end(struct net_stream *stream, int status)
{
    struct party *party = stream->owner;
    party->ends++;
    party->end_status = status;
}

static void on_drained(struct net_stream *stream)
{
    struct party *party = stream->owner;
    cr_expect_eq(stream->queued, 0);
    party->drains++;
}

static void on_write_failed(struct net_stream *stream, int status)
{
    struct party *party = stream->owner;
    party->failures++;
    party->failure_status = status;
}

static void on_closed(struct net_stream *stream)
{
    struct party *party = stream->owner;
    party->closes++;
}

const struct net_stream_events party_events = {
    .on_data = on_data,
    .on_end = on_end,
    .on_drained = on_drained,
    .on_write_failed = on_write_failed,
    .on_closed = on_closed,
};

void party_set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(uv_loop_init(&party_loop), 0);
}

void party_tear_down(void)
{
    cr_expect(party_run_out(), "something is still open in the loop");
    cr_expect_eq(uv_loop_close(&party_loop), 0);
}

void party_init(struct party *party, bool is_unix)
{
    *party = (struct party){.received = malloc(PARTY_RECEIVED_MAX)};
    cr_assert_not_null(party->received);
    cr_assert_eq(
        net_stream_init(&party->stream, &party_loop, is_unix, &party_events, party, &party_scratch),
        0);
}

static void turn(void)
{
    if (uv_run(&party_loop, UV_RUN_NOWAIT) != 0) {
        usleep(200);
    }
}

bool party_run_out(void)
{
    uint64_t end = uv_hrtime() / 1000000u + PATIENCE_MS;
    while (uv_loop_alive(&party_loop)) {
        if (uv_hrtime() / 1000000u > end) {
            return false;
        }
        turn();
    }
    return true;
}

bool party_run_until(const unsigned *what)
{
    uint64_t end = uv_hrtime() / 1000000u + PATIENCE_MS;
    while (*what == 0) {
        if (uv_hrtime() / 1000000u > end) {
            return false;
        }
        turn();
    }
    return true;
}

bool party_run_until_received(const struct party *party, size_t size)
{
    uint64_t end = uv_hrtime() / 1000000u + PATIENCE_MS;
    while (party->received_size < size) {
        if (uv_hrtime() / 1000000u > end) {
            return false;
        }
        turn();
    }
    return true;
}

void party_run_a_little(void)
{
    for (int i = 0; i < 50; i++) {
        uv_run(&party_loop, UV_RUN_NOWAIT);
        usleep(400);
    }
}

void party_close(struct party *party)
{
    net_stream_close(&party->stream);
    cr_expect(party_run_until(&party->closes));
    cr_expect_eq(party->closes, 1);
    free(party->received);
    party->received = NULL;
}

int bare_listen(const char *host, uint16_t port, int backlog, uint16_t *out_port)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof name;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    static const int on = 1;
    bool is_ipv4 = inet_pton(AF_INET, host, &in.sin_addr) == 1;

    if (!is_ipv4) {
        cr_assert_eq(inet_pton(AF_INET6, host, &in6.sin6_addr), 1);
    }
    int descriptor = socket(is_ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    cr_assert_geq(descriptor, 0);
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const struct sockaddr *address =
        is_ipv4 ? (const struct sockaddr *)&in : (const struct sockaddr *)&in6;
    cr_assert_eq(bind(descriptor, address, is_ipv4 ? sizeof in : sizeof in6), 0);
    cr_assert_eq(listen(descriptor, backlog), 0);
    cr_assert_eq(getsockname(descriptor, (struct sockaddr *)&name, &size), 0);
    *out_port = address_from_sockaddr((const struct sockaddr *)&name).port;
    return descriptor;
}

int bare_connect(uint16_t port)
{
    struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(connect(descriptor, (const struct sockaddr *)&in, sizeof in), 0);
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    return descriptor;
}

/* So that a kernel that likes to grow its buffers still refuses something. */
static void set_buffer(int descriptor, int option)
{
    static const int size = 65536;
    setsockopt(descriptor, SOL_SOCKET, option, &size, sizeof size);
}

int party_connect_tcp(struct party *party)
{
    uint16_t port = 0;
    int listener = bare_listen("127.0.0.1", 0, 1, &port);
    int peer = bare_connect(port);
    int own = -1;
    while ((own = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) < 0) {
    }
    close(listener);
    set_buffer(own, SO_SNDBUF);
    set_buffer(peer, SO_RCVBUF);
    party_init(party, false);
    cr_assert_eq(net_stream_open(&party->stream, own), 0);
    return peer;
}

int party_connect_unix(struct party *party)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    party_init(party, true);
    cr_assert_eq(uv_pipe_open(&party->stream.uv.pipe, ends[0]), 0);
    return ends[1];
}

void bare_reset(int descriptor)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(descriptor);
}

size_t bare_open_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    cr_assert_not_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}
