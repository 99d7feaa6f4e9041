#include "base/whole_test.h"
#include "visitor.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define TEST(name) WHOLE_TEST(relay, name, house_begin, house_leave)

#define MUCH (8u << 20) /* more than the kernel's buffers of two connections take */

TEST(an_upstream_that_ends_first)
{
    house_build(NULL);
    struct device device;
    uint8_t byte;
    int broker = relaying(&device, 5);
    broker_send(broker, BYTES("\xe0\1\x8b"));
    close(broker);
    device_expect(&device, BYTES("\xe0\1\x8b"));
    device_expect_end(&device);
    HOUSE_UNTIL(read(device.socket, &byte, 1) == 0);
    cr_expect_eq(house.worker.session_count, 1, "the client may still have something to say");
    device_close(&device);
    house_expect_reason(CLOSE_UPSTREAM_ENDED);
}

/* What a broker said is not lost because the client is slow to read it. */
TEST(an_upstream_that_ends_while_the_client_does_not_read)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 4);
    uint8_t *bytes = publishes(MUCH);
    size_t sent = 0;
    SSL_shutdown(device.ssl);
    shutdown(device.socket, SHUT_WR);
    broker_expect_end(broker);
    for (int idle = 0; idle < 100 && sent < MUCH;) {
        ssize_t count = write(broker, bytes + sent, MUCH - sent);
        sent += count > 0 ? (size_t)count : 0;
        idle = count > 0 ? 0 : idle + 1;
        house_turn();
    }
    close(broker);
    uint64_t start = uv_hrtime();
    HOUSE_UNTIL(uv_hrtime() - start > 2 * SESSION_LINGER_MS * 1000000ull);
    device_expect(&device, slice_of(bytes, sent));
    device_expect_end(&device);
    device_close(&device);
    free(bytes);
    house_expect_reason(CLOSE_CLIENT_ENDED);
}

/* A broker says why, closes with input unread, and so resets the connection. */
TEST(the_brokers_last_words_arrive)
{
    house_build(NULL);
    for (int i = 0; i < 20; i++) {
        struct device device;
        int broker = relaying(&device, 5);
        uint8_t *bytes = publishes(30000);
        device_send(&device, slice_of(bytes, 30000));
        for (int j = 0; j < i; j++) {
            house_turn();
        }
        broker_send(broker, BYTES("\xe0\1\x81"));
        close(broker);
        device_expect(&device, BYTES("\xe0\1\x81"));
        device_expect_end(&device);
        device_close(&device);
        free(bytes);
        HOUSE_UNTIL(house.worker.session_count == 0);
    }
}

TEST(an_upstream_that_breaks_off)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 4);
    broker_reset(broker);
    device_expect_end(&device);
    /* Nothing the client could still say would reach anybody, so it is not waited for. */
    house_expect_reason(CLOSE_UPSTREAM_LOST);
    device_close(&device);
}

TEST(an_upstream_that_does_not_speak_mqtt)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 5);
    broker_send(broker, BYTES("\xd0\0\x10\0")); /* a broker may send no CONNECT */
    device_expect(&device, BYTES("\xd0\0"));
    device_expect_end(&device);
    broker_expect_end(broker);
    close(broker);
    device_close(&device);
    house_expect_reason(CLOSE_UPSTREAM_PACKET);
}

/* --- the client while relaying --- */

/* What was in order still gets there, and nothing else: no DISCONNECT, so that the will fires. */
static void expect_fault_behind(struct slice good, struct slice bad, uint8_t version,
                                enum close_reason reason, struct slice goodbye)
{
    struct device device;
    uint8_t joined[PACKET_MAX];
    int broker = relaying(&device, version);
    memcpy(joined, good.data, good.size);
    memcpy(joined + good.size, bad.data, bad.size);
    device_send(&device, slice_of(joined, good.size + bad.size));
    broker_expect(broker, good);
    broker_expect_end(broker);
    device_expect(&device, goodbye);
    device_expect_end(&device);
    device_close(&device);
    close(broker);
    house_expect_reason(reason);
}

static void expect_fault(uint8_t version, struct slice bytes, enum close_reason reason,
                         struct slice goodbye)
{
    expect_fault_behind(BYTES(""), bytes, version, reason, goodbye);
    expect_fault_behind(BYTES("\xc0\0"), bytes, version, reason, goodbye);
    expect_fault_behind(BYTES("\x30\5\0\1t\x10\0\xc0\0"), bytes, version, reason, goodbye);
}

TEST(packets_that_a_client_may_not_send)
{
    static const struct slice none;
    struct packet second = connect_of(5, "other", "alice", "x");
    house_build(NULL);
    expect_fault(4, packet_slice(&second), CLOSE_SECOND_CONNECT, none);
    expect_fault(5, packet_slice(&second), CLOSE_SECOND_CONNECT, BYTES("\xe0\1\x82"));
    expect_fault(4, BYTES("\xf0\2\x19\0"), CLOSE_PACKET_NOT_ALLOWED, none);
    expect_fault(5, BYTES("\xf0\2\x19\0"), CLOSE_PACKET_NOT_ALLOWED, BYTES("\xe0\1\x82"));
    expect_fault(5, BYTES("\0\0"), CLOSE_PACKET_NOT_ALLOWED, BYTES("\xe0\1\x82"));
    expect_fault(4, BYTES("\x30\xff\xff\xff\xff"), CLOSE_PACKET_MALFORMED, none);
    expect_fault(5, BYTES("\x30\xff\xff\xff\xff"), CLOSE_PACKET_MALFORMED, BYTES("\xe0\1\x81"));
}

/* A DISCONNECT of ours must not land inside a packet of the broker's. */
TEST(no_goodbye_inside_a_packet)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 5);
    broker_send(broker, BYTES("\x30\x0a\0\1t"));
    device_expect(&device, BYTES("\x30\x0a\0\1t"));
    device_send(&device, BYTES("\xf0\0"));
    device_expect_end(&device);
    device_close(&device);
    close(broker);
    house_expect_reason(CLOSE_PACKET_NOT_ALLOWED);
}

/* A second CONNECT that was pipelined while the first was judged. */
TEST(a_second_connect_right_behind_the_first)
{
    house_build(NULL);
    struct device device;
    struct packet first = connect_guest(5);
    struct packet second = connect_of(5, "guest-2", "bob", "x");
    struct packet both = first;
    memcpy(both.bytes + both.size, second.bytes, second.size);
    both.size += second.size;
    device_open(&device);
    send_packet(&device, both);
    int broker = broker_accept();
    broker_expect(broker, packet_slice(&first));
    broker_expect_end(broker);
    device_expect_end(&device); /* no DISCONNECT before the broker's CONNACK */
    device_close(&device);
    close(broker);
    house_expect_reason(CLOSE_SECOND_CONNECT);
}

TEST(a_client_that_breaks_off)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 4);
    device_reset(&device);
    broker_expect_end(broker);
    close(broker);
    house_expect_reason(CLOSE_CLIENT_LOST);
}

TEST(a_client_that_ended_still_hears_the_broker)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 4);
    SSL_shutdown(device.ssl);
    shutdown(device.socket, SHUT_WR);
    broker_expect_end(broker);
    broker_send(broker, BYTES("\x30\x05\0\1tab"));
    device_expect(&device, BYTES("\x30\x05\0\1tab"));
    close(broker);
    device_expect_end(&device);
    device_close(&device);
    house_expect_reason(CLOSE_CLIENT_ENDED);
}

TEST(a_damaged_record_while_relaying)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 4);
    cr_assert_eq(write(device.socket,
                       "\x17\x03\x03\0\x20"
                       "0123456789abcdef0123456789abcdef",
                       37),
                 37);
    broker_expect_end(broker);
    close(broker);
    house_expect_reason(CLOSE_TLS_FAILED);
    device_close(&device);
}

/* --- back-pressure --- */

TEST(a_client_that_does_not_read_holds_up_its_broker_only)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 4);
    uint8_t *bytes = publishes(MUCH);
    size_t sent = 0;
    size_t most = 0;
    for (int idle = 0; idle < 100 && sent < MUCH;) {
        ssize_t count = write(broker, bytes + sent, MUCH - sent);
        sent += count > 0 ? (size_t)count : 0;
        idle = count > 0 ? 0 : idle + 1;
        house_turn();
        size_t queued = house_session()->client.queued;
        most = queued > most ? queued : most;
    }
    cr_expect_leq(most, 65536, "more than 64 KiB were queued");
    if (sent < MUCH) { /* a kernel that takes 8 MiB shows nothing */
        cr_expect_gt(house_session()->client.queued, 0);
        cr_expect_not(house_session()->upstream.is_reading);
        cr_expect(house_session()->client.is_reading, "the other direction lives");
        device_send(&device, BYTES("\xc0\0"));
        broker_expect(broker, BYTES("\xc0\0"));
    }
    size_t got = 0;
    while (got < MUCH) {
        size_t step = sent - got < 60000 ? sent - got : 60000;
        device_expect(&device, slice_of(bytes + got, step));
        got += step;
        ssize_t count = sent < MUCH ? write(broker, bytes + sent, MUCH - sent) : 0;
        sent += count > 0 ? (size_t)count : 0;
        house_turn();
    }
    cr_expect_eq(house_session()->client.queued, 0);
    device_close(&device);
    close(broker);
    free(bytes);
}

TEST(a_broker_that_does_not_read_holds_up_its_client_only)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 4);
    uint8_t *bytes = publishes(MUCH);
    size_t sent = 0;
    size_t most = 0;
    for (int idle = 0; idle < 100 && sent < MUCH;) {
        int part = MUCH - sent < 16384 ? (int)(MUCH - sent) : 16384;
        bool is_sent = SSL_write(device.ssl, bytes + sent, part) == part;
        sent += is_sent ? (size_t)part : 0;
        idle = is_sent ? 0 : idle + 1;
        house_turn();
        size_t queued = house_session()->upstream.queued;
        most = queued > most ? queued : most;
    }
    cr_expect_leq(most, 65536, "more than 64 KiB were queued");
    size_t got = 0;
    while (got < MUCH) {
        size_t step = MUCH - got < 4000 ? MUCH - got : 4000;
        while (sent < got + step) {
            size_t part = MUCH - sent < 16384 ? MUCH - sent : 16384;
            HOUSE_UNTIL(SSL_write(device.ssl, bytes + sent, (int)part) == (int)part);
            sent += part;
        }
        broker_expect(broker, slice_of(bytes + got, step));
        got += step;
    }
    device_close(&device);
    broker_expect_end(broker);
    close(broker);
    free(bytes);
}
