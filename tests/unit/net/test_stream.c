#include "base/whole_test.h"
#include "party.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEST(name) WHOLE_TEST(stream, name, party_set_up, party_tear_down)

#define MUCH (4u << 20) /* more than the kernel's buffers of one connection take */

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 2654435761u >> 24);
}

static uint8_t *make_pattern(size_t size)
{
    uint8_t *bytes = malloc(size);
    cr_assert_not_null(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = pattern(i);
    }
    return bytes;
}

/* Reads at the other end until `size` bytes came, checking each; the loop goes on meanwhile. */
static void expect_pattern(int peer, size_t size)
{
    uint8_t bytes[32768];
    size_t at = 0;
    unsigned idle = 0;

    while (at < size) {
        ssize_t count = read(peer, bytes, sizeof bytes);
        if (count <= 0) {
            cr_assert_lt(++idle, 20000, "only %zu of %zu bytes came", at, size);
            uv_run(&party_loop, UV_RUN_NOWAIT);
            usleep(100);
            continue;
        }
        for (ssize_t i = 0; i < count; i++, at++) {
            cr_assert_eq(bytes[i], pattern(at), "byte %zu", at);
        }
    }
    cr_assert_eq(at, size);
}

static void expect_end(int peer)
{
    uint8_t byte;
    ssize_t count = -1;
    for (int i = 0; i < 20000 && count < 0; i++) {
        count = read(peer, &byte, 1);
        uv_run(&party_loop, UV_RUN_NOWAIT);
        usleep(100);
    }
    cr_expect_eq(count, 0, "no end of file");
}

static void expect_nothing(int peer)
{
    uint8_t byte;
    party_run_a_little();
    cr_expect_eq(read(peer, &byte, 1), -1);
}

TEST(one_read_brings_no_more_than_the_limit)
{
    struct party party;
    int peer = party_connect_tcp(&party);

    party.stream.read_limit = 10;
    cr_assert_eq(write(peer, "0123456789abcdefghijklmnopqrstuvwxyz", 36), 36);
    cr_assert_eq(net_stream_start(&party.stream), 0);
    cr_expect(party_run_until_received(&party, 36));
    cr_expect_eq(party.largest_read, 10);
    cr_expect_eq(memcmp(party.received, "0123456789abcdefghijklmnopqrstuvwxyz", 36), 0);
    party_close(&party);
    close(peer);
}

TEST(a_limit_above_the_scratch_stays_inside_it)
{
    static uint8_t few[16];
    static const struct net_scratch small = {few, sizeof few};
    struct party party;
    int peer = party_connect_tcp(&party);

    party.stream.scratch = &small;
    party.stream.read_limit = 1000;
    cr_assert_eq(write(peer, "0123456789abcdefghijklmnopqrstuvwxyz", 36), 36);
    cr_assert_eq(net_stream_start(&party.stream), 0);
    cr_expect(party_run_until_received(&party, 36));
    cr_expect_eq(party.largest_read, sizeof few);
    party_close(&party);
    close(peer);
}

TEST(what_the_kernel_takes_is_not_queued)
{
    struct party party;
    uint8_t bytes[8];
    int peer = party_connect_tcp(&party);

    cr_expect_eq(net_stream_write(&party.stream, slice_from_text("hello")), 0);
    cr_expect_eq(party.stream.queued, 0);
    cr_expect_eq(read(peer, bytes, sizeof bytes), 5, "it left before the loop ran");
    cr_expect_eq(net_stream_write(&party.stream, slice_of(NULL, 0)), 0);
    party_close(&party);
    cr_expect_eq(party.drains, 0);
    close(peer);
}

static void write_much(struct party *party, int peer)
{
    uint8_t *bytes = make_pattern(MUCH);
    size_t half = MUCH / 2;

    cr_assert_eq(net_stream_write(&party->stream, slice_of(bytes, half)), 0);
    size_t queued = party->stream.queued;
    cr_assert_gt(queued, 0, "the kernel took everything: choose more");
    cr_assert_lt(queued, half, "the kernel took nothing");
    /* Behind a queue nothing may overtake, however small. */
    cr_assert_eq(net_stream_write(&party->stream, slice_of(bytes + half, 1)), 0);
    cr_assert_eq(net_stream_write(&party->stream, slice_of(bytes + half + 1, MUCH - half - 1)), 0);
    cr_expect_eq(party->stream.queued, queued + MUCH - half);
    memset(bytes, 0xEE, MUCH); /* it was copied */
    free(bytes);
    cr_expect_eq(party->drains, 0);
    expect_pattern(peer, MUCH);
    cr_expect(party_run_until(&party->drains));
    cr_expect_eq(party->stream.queued, 0);
    cr_expect_eq(party->drains, 1);
    cr_expect_eq(party->failures, 0);
}

TEST(what_the_kernel_refuses_is_queued_and_arrives_in_order)
{
    struct party party;
    int peer = party_connect_tcp(&party);
    write_much(&party, peer);
    party_close(&party);
    close(peer);
}

TEST(a_unix_socket_queues_the_same_way)
{
    struct party party;
    int peer = party_connect_unix(&party);
    write_much(&party, peer);
    party_close(&party);
    close(peer);
}

TEST(end_of_file_goes_behind_the_queue)
{
    struct party party;
    uint8_t *bytes = make_pattern(MUCH);
    int peer = party_connect_tcp(&party);

    cr_assert_eq(net_stream_write(&party.stream, slice_of(bytes, MUCH)), 0);
    cr_assert_gt(party.stream.queued, 0);
    net_stream_shutdown(&party.stream);
    net_stream_shutdown(&party.stream);
    cr_expect_eq(net_stream_write(&party.stream, slice_from_text("late")), UV_EPIPE);
    expect_pattern(peer, MUCH);
    expect_end(peer);
    /* The other direction lives on. */
    cr_assert_eq(net_stream_start(&party.stream), 0);
    cr_assert_eq(write(peer, "more", 4), 4);
    cr_expect(party_run_until_received(&party, 4));
    free(bytes);
    party_close(&party);
    close(peer);
}

TEST(the_other_ends_end_of_file_leaves_our_direction_open)
{
    struct party party;
    uint8_t bytes[8];
    int peer = party_connect_tcp(&party);

    cr_assert_eq(net_stream_start(&party.stream), 0);
    cr_assert_eq(write(peer, "last", 4), 4);
    shutdown(peer, SHUT_WR);
    cr_expect(party_run_until(&party.ends));
    party_run_a_little();
    cr_expect_eq(party.ends, 1);
    cr_expect_eq(party.end_status, 0);
    cr_expect_eq(party.received_size, 4);
    cr_expect_not(party.stream.is_reading);
    cr_expect_eq(net_stream_write(&party.stream, slice_from_text("answer")), 0);
    cr_expect_eq(read(peer, bytes, sizeof bytes), 6);
    party_close(&party);
    close(peer);
}

TEST(a_reset_is_an_end_with_a_code)
{
    struct party party;
    int peer = party_connect_tcp(&party);

    cr_assert_eq(net_stream_start(&party.stream), 0);
    bare_reset(peer);
    cr_expect(party_run_until(&party.ends));
    cr_expect_eq(party.end_status, UV_ECONNRESET);
    party_close(&party);
}

TEST(a_write_after_a_reset_fails_by_its_result)
{
    struct party party;
    int peer = party_connect_tcp(&party);

    bare_reset(peer);
    usleep(2000);
    cr_expect_lt(net_stream_write(&party.stream, slice_from_text("x")), 0);
    cr_expect_eq(net_stream_write(&party.stream, slice_from_text("x")), UV_EPIPE);
    party_run_a_little();
    cr_expect_eq(party.failures, 0, "the caller knows already");
    party_close(&party);
}

TEST(queued_writes_fail_once_by_a_callback)
{
    struct party party;
    uint8_t *bytes = make_pattern(MUCH);
    int peer = party_connect_tcp(&party);

    cr_assert_eq(net_stream_write(&party.stream, slice_of(bytes, MUCH)), 0);
    cr_assert_eq(net_stream_write(&party.stream, slice_of(bytes, 100)), 0);
    cr_assert_eq(net_stream_write(&party.stream, slice_of(bytes, 100)), 0);
    cr_assert_gt(party.stream.queued, 200);
    bare_reset(peer);
    cr_expect(party_run_until(&party.failures));
    cr_expect_lt(party.failure_status, 0);
    cr_expect_eq(net_stream_write(&party.stream, slice_from_text("x")), UV_EPIPE);
    party_close(&party);
    cr_expect_eq(party.failures, 1);
    cr_expect_eq(party.drains, 0, "a queue that failed has not drained");
    free(bytes);
}

TEST(a_stopped_stream_brings_nothing)
{
    struct party party;
    int peer = party_connect_tcp(&party);

    cr_assert_eq(net_stream_start(&party.stream), 0);
    cr_assert_eq(net_stream_start(&party.stream), 0, "starting twice is once");
    net_stream_stop(&party.stream);
    net_stream_stop(&party.stream);
    cr_assert_eq(write(peer, "x", 1), 1);
    party_run_a_little();
    cr_expect_eq(party.received_size, 0);
    cr_assert_eq(net_stream_start(&party.stream), 0);
    cr_expect(party_run_until_received(&party, 1));
    party_close(&party);
    close(peer);
}

TEST(closing_inside_a_callback_is_the_last_of_it)
{
    struct party party;
    int peer = party_connect_tcp(&party);

    party.closes_on_data = true;
    party.stream.read_limit = 1;
    cr_assert_eq(net_stream_start(&party.stream), 0);
    cr_assert_eq(write(peer, "0123456789", 10), 10);
    cr_expect(party_run_until(&party.closes));
    cr_expect_eq(party.received_size, 1);
    cr_expect_eq(party.ends, 0);
    net_stream_close(&party.stream);
    net_stream_shutdown(&party.stream);
    net_stream_stop(&party.stream);
    cr_expect_eq(net_stream_start(&party.stream), 0);
    cr_expect_eq(net_stream_write(&party.stream, slice_from_text("x")), UV_EPIPE);
    party_close(&party);
    close(peer);
}

TEST(closing_drops_the_queue_in_silence)
{
    struct party party;
    uint8_t *bytes = make_pattern(MUCH);
    int peer = party_connect_tcp(&party);

    cr_assert_eq(net_stream_write(&party.stream, slice_of(bytes, MUCH)), 0);
    net_stream_shutdown(&party.stream);
    party_close(&party);
    cr_expect_eq(party.failures + party.drains + party.ends, 0);
    free(bytes);
    close(peer);
}

TEST(shutting_down_what_is_not_connected_is_a_failure_not_a_crash)
{
    struct party party;
    party_init(&party, false);
    net_stream_shutdown(&party.stream);
    cr_expect(party.stream.has_failed);
    cr_expect_lt(net_stream_start(&party.stream), 0);
    net_stream_tune(&party.stream);
    party_close(&party);
}

TEST(a_descriptor_that_cannot_be_opened_stays_its_owners)
{
    struct party party;
    party_init(&party, false);
    cr_expect_lt(net_stream_open(&party.stream, -1), 0);
    party_close(&party);
}

TEST(a_unix_socket_has_nothing_to_tune)
{
    struct party party;
    int peer = party_connect_unix(&party);
    net_stream_tune(&party.stream);
    party_close(&party);
    close(peer);
}

static int option_of(struct net_stream *stream, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    uv_os_fd_t descriptor = -1;
    cr_assert_eq(uv_fileno(&stream->uv.handle, &descriptor), 0);
    cr_assert_eq(getsockopt(descriptor, level, name, &value, &size), 0);
    return value;
}

TEST(tuning_has_the_kernel_notice_a_peer_that_vanished)
{
    struct party party;
    int peer = party_connect_tcp(&party);

    net_stream_tune(&party.stream);
    cr_expect_neq(option_of(&party.stream, IPPROTO_TCP, TCP_NODELAY), 0);
    cr_expect_neq(option_of(&party.stream, SOL_SOCKET, SO_KEEPALIVE), 0);
    cr_expect_eq(option_of(&party.stream, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    cr_expect_eq(option_of(&party.stream, IPPROTO_TCP, TCP_KEEPINTVL), 15);
    cr_expect_eq(option_of(&party.stream, IPPROTO_TCP, TCP_KEEPCNT), 4);
    cr_expect_eq(option_of(&party.stream, IPPROTO_TCP, TCP_USER_TIMEOUT), 120000);
    net_stream_wait_at_least(&party.stream, 1000);
    cr_expect_eq(option_of(&party.stream, IPPROTO_TCP, TCP_USER_TIMEOUT), 120000);
    net_stream_wait_at_least(&party.stream, 120001);
    cr_expect_eq(option_of(&party.stream, IPPROTO_TCP, TCP_USER_TIMEOUT), 120001);
    party_close(&party);
    close(peer);
}

TEST(a_unix_socket_reads_writes_and_ends)
{
    struct party party;
    uint8_t bytes[8];
    int peer = party_connect_unix(&party);

    cr_assert_eq(net_stream_start(&party.stream), 0);
    cr_assert_eq(write(peer, "hello", 5), 5);
    cr_expect(party_run_until_received(&party, 5));
    cr_expect_eq(net_stream_write(&party.stream, slice_from_text("answer")), 0);
    cr_expect_eq(read(peer, bytes, sizeof bytes), 6);
    expect_nothing(peer);
    net_stream_shutdown(&party.stream);
    expect_end(peer);
    close(peer);
    cr_expect(party_run_until(&party.ends));
    cr_expect_eq(party.end_status, 0);
    party_close(&party);
}
