#include "base/whole_test.h"
#include "visitor.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define TEST(name) WHOLE_TEST(admit, name, house_begin, house_leave)

TEST(connect_byte_by_byte)
{
    house_build(NULL);
    struct device device;
    struct packet packet = connect_bob(MQTT_VERSION_5_0);
    device_open(&device);
    for (size_t i = 0; i < packet.size; i++) {
        device_send(&device, slice_of(packet.bytes + i, 1));
        house_turn();
        cr_expect(i + 1 == packet.size || house_session()->state == SESSION_ADMIT);
    }
    int broker = broker_accept();
    broker_expect(broker, packet_slice(&packet));
    device_close(&device);
    close(broker);
}

TEST(connect_in_one_piece_with_the_end_of_the_handshake)
{
    house_build(NULL);
    struct device device;
    struct packet packet = connect_guest(MQTT_VERSION_5_0);
    device_connect(&device);
    device_handshake(&device); /* for the client it is over a flight earlier */
    send_packet(&device, packet);
    device_send(&device, BYTES("\xc0\0"));
    int broker = broker_accept();
    broker_expect(broker, packet_slice(&packet));
    broker_expect(broker, BYTES("\xc0\0"));
    device_close(&device);
    close(broker);
}

static void expect_held(size_t size)
{
    struct device device;
    struct packet packet = connect_bob(MQTT_VERSION_3_1_1);
    uint8_t *bytes = publishes(size);

    house_build(NULL);
    house_block_pool();
    device_open(&device);
    send_packet(&device, packet);
    HOUSE_UNTIL(house_session()->state == SESSION_AUTHORISE);
    /* As much as the sockets take; the rest follows when the relay runs. */
    size_t sent = 0;
    for (int idle = 0; idle < 50 && sent < size;) {
        size_t part = size - sent < 1000 ? size - sent : 1000;
        if (SSL_write(device.ssl, bytes + sent, (int)part) == (int)part) {
            sent += part;
        } else {
            idle++;
        }
        house_turn();
    }
    for (int i = 0; i < 50; i++) {
        house_turn();
    }
    const struct session *session = house_session();
    size_t held = session->admission->kept.size - packet.size;
    cr_expect_eq(held, size < SESSION_HOLD_MAX ? size : SESSION_HOLD_MAX);
    cr_expect_leq(session->admission->kept.capacity, packet.size + SESSION_HOLD_MAX);
    cr_expect_eq(session->client.is_reading, held < SESSION_HOLD_MAX, "held %zu", held);
    cr_expect_leq(session->tls.input.size, SESSION_READ_EARLY + 1u);
    broker_expect_nobody();
    house_free_pool();
    int broker = broker_accept();
    broker_expect(broker, packet_slice(&packet));
    size_t got = 0;
    while (got < size) { /* both at once: neither socket holds all of it */
        size_t step = size - got < 5000 ? size - got : 5000;
        if (sent < size && sent < got + step) {
            device_send(&device, slice_of(bytes + sent, got + step - sent));
            sent = got + step;
        }
        broker_expect(broker, slice_of(bytes + got, step));
        got += step;
    }
    device_close(&device);
    broker_expect_end(broker);
    close(broker);
    free(bytes);
}

TEST(a_little_behind_connect)
{
    expect_held(2);
}

TEST(sixteen_kib_less_one_behind_connect)
{
    expect_held(SESSION_HOLD_MAX - 1);
}

TEST(sixteen_kib_behind_connect)
{
    expect_held(SESSION_HOLD_MAX);
}

TEST(sixteen_kib_and_one_behind_connect)
{
    expect_held(SESSION_HOLD_MAX + 1);
}

TEST(much_behind_connect)
{
    expect_held(300000);
}

/* A client may say all it has to say and leave; the broker gets everything. */
static void say_and_leave(size_t size)
{
    struct device device;
    struct packet packet = connect_bob(MQTT_VERSION_3_1_1);
    uint8_t *bytes = publishes(size);

    house_build(NULL);
    house_block_pool();
    device_open(&device);
    send_packet(&device, packet);
    device_send(&device, slice_of(bytes, size));
    device_close(&device);
    for (int i = 0; i < 50; i++) {
        house_turn();
    }
    cr_expect_eq(house_session()->state, SESSION_AUTHORISE);
    house_free_pool();
    int broker = broker_accept();
    broker_expect(broker, packet_slice(&packet));
    broker_expect(broker, slice_of(bytes, size));
    broker_expect_end(broker);
    close(broker);
    free(bytes);
    house_expect_reason(CLOSE_CLIENT_ENDED);
}

/* Without close_notify, as many do. */
TEST(a_client_that_hung_up_before_the_verdict)
{
    house_build(NULL);
    struct device device;
    struct packet packet = connect_bob(4);
    house_block_pool();
    device_open(&device);
    send_packet(&device, packet);
    HOUSE_UNTIL(house_session()->state == SESSION_AUTHORISE);
    shutdown(device.socket, SHUT_WR);
    HOUSE_UNTIL(house_session()->client_has_ended);
    house_free_pool();
    int broker = broker_accept();
    broker_expect(broker, packet_slice(&packet));
    broker_expect_end(broker);
    close(broker);
    device_close(&device);
    house_expect_reason(CLOSE_CLIENT_ENDED);
}

/* close_notify ends what a client says, whether its connection stays open or not. */
TEST(close_notify_before_connect_is_complete)
{
    house_build(NULL);
    struct device device;
    device_open(&device);
    device_send(&device, BYTES("\x10\x0c\0\4MQ"));
    SSL_shutdown(device.ssl);
    house_expect_reason(CLOSE_CLIENT_ENDED);
    device_close(&device);
}

TEST(a_client_that_left_before_the_verdict)
{
    say_and_leave(1000);
}

TEST(a_client_that_left_with_the_hold_full)
{
    say_and_leave(SESSION_HOLD_MAX);
}

TEST(a_client_that_left_with_more_than_the_hold_takes)
{
    say_and_leave(SESSION_HOLD_MAX + 5000);
}

/* --- refused --- */

static const struct {
    const char *what;
    struct packet_plan plan;
    enum close_reason reason;
    const char *answer; /* NULL: none */
    size_t answer_size;
} refusals[] = {
#define V3(code) "\x20\x02\0" code, 4
#define V5(code) "\x20\x03\0" code "\0", 5
    {"no rule", {.version = 4, .client_id = "x"}, CLOSE_NO_RULE, V3("\x05")},
    {"no rule", {.version = 5, .client_id = "x"}, CLOSE_NO_RULE, V5("\x87")},
    {"banned", {.version = 3, .client_id = "banned"}, CLOSE_RULE_DENIES, V3("\x05")},
    {"banned", {.version = 5, .client_id = "banned"}, CLOSE_RULE_DENIES, V5("\x87")},
    {"no certificate", {.version = 4, .client_id = "machine"}, CLOSE_FACTOR_MISSING, V3("\x05")},
    {"no certificate", {.version = 5, .client_id = "machine"}, CLOSE_FACTOR_MISSING, V5("\x87")},
    {"wrong password",
     {.version = 4, .client_id = "x", .username = "bob", .password = "no"},
     CLOSE_BAD_CREDENTIALS,
     V3("\x04")},
    {"wrong password",
     {.version = 5, .client_id = "x", .username = "bob", .password = "no"},
     CLOSE_BAD_CREDENTIALS,
     V5("\x86")},
    {"unknown user",
     {.version = 5, .client_id = "x", .username = "eve", .password = "secret"},
     CLOSE_BAD_CREDENTIALS,
     V5("\x86")},
    {"no password",
     {.version = 4, .client_id = "x", .username = "bob"},
     CLOSE_BAD_CREDENTIALS,
     V3("\x04")},
    {"empty password",
     {.version = 5, .client_id = "x", .username = "bob", .password = ""},
     CLOSE_BAD_CREDENTIALS,
     V5("\x86")},
    {"empty user name",
     {.version = 5, .client_id = "x", .username = "", .password = "secret"},
     CLOSE_BAD_CREDENTIALS,
     V5("\x86")},
    {"wildcard", {.version = 4, .client_id = "guest+"}, CLOSE_CLIENT_ID, V3("\x02")},
    {"wildcard", {.version = 5, .client_id = "guest#"}, CLOSE_CLIENT_ID, V5("\x85")},
    {"empty in 3.1", {.version = 3, .client_id = ""}, CLOSE_CLIENT_ID, V3("\x02")},
    {"wildcard in the name",
     {.version = 4, .client_id = "x", .username = "#", .password = "x"},
     CLOSE_USERNAME,
     V3("\x04")},
    {"wildcard in the name",
     {.version = 5, .client_id = "x", .username = "a+", .password = "x"},
     CLOSE_USERNAME,
     V5("\x86")},
    {"will topic",
     {.version = 4, .client_id = "guest", .will_topic = "a/#"},
     CLOSE_WILL_TOPIC,
     V3("\x05")},
    {"will topic",
     {.version = 5, .client_id = "guest", .will_topic = "$SYS/x"},
     CLOSE_WILL_TOPIC,
     V5("\x90")},
    {"extended authentication",
     {.version = 5, .client_id = "guest", .properties = "\x15\0\1m", .properties_size = 4},
     CLOSE_AUTHENTICATION_METHOD,
     V5("\x8c")},
    {"packets of at most 5 bytes",
     {.version = 5, .client_id = "x", .properties = "\x27\0\0\0\5", .properties_size = 5},
     CLOSE_NO_RULE,
     V5("\x87")},
    {"packets of at most 4 bytes",
     {.version = 5, .client_id = "x", .properties = "\x27\0\0\0\4", .properties_size = 5},
     CLOSE_NO_RULE,
     NULL,
     0},
};

TEST(refused_clients_get_their_code_and_nobody_is_dialled)
{
    house_build(NULL);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        cr_log_info("%s, %u", refusals[i].what, (unsigned)refusals[i].plan.version);
        expect_refusal(packet_connect(&refusals[i].plan), refusals[i].reason,
                       slice_of(refusals[i].answer, refusals[i].answer_size));
    }
}

TEST(silent_refusals_say_nothing)
{
    house_build(&(struct house_plan){.silent = true});
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        expect_refusal(packet_connect(&refusals[i].plan), refusals[i].reason, slice_of(NULL, 0));
    }
}

static void expect_raw(struct slice bytes, enum close_reason reason, struct slice answer)
{
    struct device device;
    device_open(&device);
    device_send(&device, bytes);
    device_expect(&device, answer);
    device_expect_end(&device);
    broker_expect_nobody();
    device_close(&device);
    house_expect_reason(reason);
}

TEST(strangers_get_silence)
{
    static const struct slice none;
    house_build(NULL);
    expect_raw(BYTES("\xc0\0"), CLOSE_NOT_CONNECT, none);
    expect_raw(BYTES("GET / HTTP/1.1\r\n"), CLOSE_NOT_CONNECT, none);
    expect_raw(BYTES("\x10\x0d\0\4MQTT\4\3\0\x3c\0\1g"), CLOSE_CONNECT_MALFORMED, none);
    expect_raw(BYTES("\x10\xff\xff\xff\x7f"), CLOSE_CONNECT_TOO_LARGE, none);
    expect_raw(BYTES("\x10\x0d\0\4MQTX\4\2\0\x3c\0\1g"), CLOSE_PROTOCOL_NAME, none);
    expect_raw(BYTES("\x10\x0d\0\4MQTT\6\2\0\x3c\0\1g"), CLOSE_PROTOCOL_LEVEL, BYTES("\x20\2\0\1"));
    expect_raw(BYTES("\x10\x0d\0\4MQTT\3\2\0\x3c\0\1g"), CLOSE_PROTOCOL_LEVEL, BYTES("\x20\2\0\1"));
}

/* Pipelined bytes of a refused client are never processed. [MQTT-3.1.4-5] */
TEST(what_comes_behind_a_refused_connect_is_dropped)
{
    house_build(NULL);
    struct device device;
    struct packet packet = connect_of(4, "banned", NULL, NULL);
    uint8_t *bytes = publishes(20000);
    device_open(&device);
    send_packet(&device, packet);
    device_send(&device, slice_of(bytes, 20000));
    device_expect(&device, BYTES("\x20\2\0\5"));
    device_expect_end(&device);
    broker_expect_nobody();
    device_close(&device);
    free(bytes);
    house_expect_reason(CLOSE_RULE_DENIES);
}

TEST(a_connect_that_takes_too_long)
{
    house_build(&(struct house_plan){.timeouts = "connect: 200ms"});
    struct device device;
    struct packet packet = connect_bob(4);
    device_open(&device);
    for (size_t i = 0; i + 1 < packet.size && house_session()->state == SESSION_ADMIT; i++) {
        device_send(&device, slice_of(packet.bytes + i, 1));
        for (int j = 0; j < 40; j++) {
            house_turn();
        }
    }
    device_expect_end(&device);
    device_close(&device);
    house_expect_reason(CLOSE_CONNECT_TIMEOUT);
}

/* A refused client that does not close is gone within a second all the same; end of file comes at
 * once. */
TEST(a_refused_client_that_stays)
{
    house_build(NULL);
    struct device device;
    uint8_t bytes[200];
    device_open(&device);
    send_packet(&device, connect_of(4, "banned", NULL, NULL));
    HOUSE_UNTIL(house_session()->state == SESSION_CLOSING);
    uint64_t start = uv_hrtime();
    HOUSE_UNTIL(read(device.socket, bytes, sizeof bytes) == 0);
    cr_expect_eq(house.worker.session_count, 1, "we wait for the client to close first");
    HOUSE_UNTIL(house.worker.session_count == 0);
    cr_expect_leq((uv_hrtime() - start) / 1000000u, 1000);
    device_close(&device);
}
