/* What a broker says first, and what may be said between its packets. */
#include "base/whole_test.h"
#include "passing.h"

#include <unistd.h>

#define TEST(name) WHOLE_TEST(broker_words, name, house_begin, house_leave)

/* --- the broker's CONNACK --- */

static void expect_connack_limit(uint8_t version, struct slice answer)
{
    struct device device;
    int broker = awaiting_connack(&device, connect_bob(version));
    device_send(&device, BYTES("\xc0\0"));
    broker_expect(broker, BYTES("\xc0\0"));
    let_pass(CONNACK_MS - 5000);
    expect_alive();
    let_pass(5000);
    expect_cut(&device, broker, answer, CLOSE_UPSTREAM_TIMEOUT);
}

TEST(a_broker_that_never_answers_connect)
{
    house_build(NULL);
    expect_connack_limit(3, BYTES("\x20\2\0\3"));
    expect_connack_limit(4, BYTES("\x20\2\0\3"));
    expect_connack_limit(5, BYTES("\x20\3\0\x88\0"));
    cr_expect_not_null(strstr(house_log(), "no CONNACK came in time"));
}

TEST(a_silent_refusal_holds_there_too)
{
    house_build(&(struct house_plan){.silent = true});
    expect_connack_limit(5, BYTES(""));
}

/* Two beginnings of a CONNACK would be one broken packet. */
TEST(a_broker_that_stops_within_its_connack)
{
    house_build(NULL);
    struct device device;
    int broker = awaiting_connack(&device, connect_bob(5));
    broker_send(broker, BYTES("\x20"));
    device_expect(&device, BYTES("\x20"));
    let_pass(CONNACK_MS);
    expect_cut(&device, broker, BYTES(""), CLOSE_UPSTREAM_TIMEOUT);
}

static void expect_upstream_fault(uint8_t version, struct slice good, struct slice bad,
                                  struct slice answer, const char *words)
{
    struct device device;
    int broker = awaiting_connack(&device, connect_bob(version));
    broker_send(broker, good);
    device_expect(&device, good);
    broker_send(broker, bad);
    expect_cut(&device, broker, answer, CLOSE_UPSTREAM_PACKET);
    cr_expect_not_null(strstr(house_log(), words), "%s: %s", words, house_log());
}

TEST(a_broker_that_does_not_keep_to_mqtt)
{
    static const struct slice none;
    const struct slice v3 = BYTES("\x20\2\0\3");
    const struct slice v5 = BYTES("\x20\3\0\x88\0");

    house_build(NULL);
    expect_upstream_fault(4, none, BYTES("\x30\3\0\1t"), v3, "PUBLISH before CONNACK");
    expect_upstream_fault(5, none, BYTES("HTTP/1.1 400 Bad Request\r\n"), v5,
                          "PUBACK before CONNACK");
    expect_upstream_fault(4, none, BYTES("\x20\3\0\0\0"), v3, "Remaining Length of its CONNACK");
    expect_upstream_fault(5, none, BYTES("\x20\6\0\0\3\x23\0\1"), v5, "not allowed in a CONNACK");
    expect_upstream_fault(5, BYTES("\x20\6"), BYTES("\2\0\3\x13\0\1"), none, "reserved flags");
    expect_upstream_fault(5, BYTES("\x20\3\0\0\0"), BYTES("\x20\3\0\0\0"), none, "detail=CONNACK");
    expect_upstream_fault(4, BYTES("\x20\2\0\0"), BYTES("\x60\2\0\1"), none,
                          "PUBREL with flags 0x0 in its fixed header");
    expect_upstream_fault(4, BYTES("\x20\2\0\0"), BYTES("\xd0\xff\xff\xff\xff"), none,
                          "PINGRESP with a length of five bytes");
}

/* 3.1 does not use these bits. */
TEST(a_client_of_3_1_may_set_them)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 3);
    device_send(&device, BYTES("\x8a\6\0\1\0\1t\0\xc8\0"));
    broker_expect(broker, BYTES("\x8a\6\0\1\0\1t\0\xc8\0"));
    device_close(&device);
    close(broker);
}

TEST(reserved_flags_of_a_client)
{
    house_build(NULL);
    struct device device;
    int broker = relaying(&device, 5);
    device_send(&device, BYTES("\xc0\0\x80\6\0\1\0\1t\0"));
    broker_expect(broker, BYTES("\xc0\0"));
    expect_cut(&device, broker, BYTES("\xe0\1\x81"), CLOSE_PACKET_MALFORMED);
    cr_expect_not_null(strstr(house_log(), "SUBSCRIBE with flags 0x0 in its fixed header"));
}

/* --- a DISCONNECT of ours stands between two packets of the broker's, or nowhere --- */

TEST(a_disconnect_at_every_offset_of_a_broker_packet)
{
    static const char packets[] = "\x20\x06\0\0\3\x13\0\x0a\x30\x07\0\1t\0\xe0\1\x81\xd0\0";
    const size_t size = sizeof packets - 1;
    static const size_t boundaries[] = {8, 17, 19};

    house_build(NULL);
    for (size_t cut = 1; cut <= size; cut++) {
        struct device device;
        bool is_boundary = false;
        for (size_t i = 0; i < 3; i++) {
            is_boundary = is_boundary || boundaries[i] == cut;
        }
        int broker = awaiting_connack(&device, connect_bob(5));
        broker_send(broker, slice_of(packets, cut));
        device_expect(&device, slice_of(packets, cut));
        device_send(&device, BYTES("\x10\0"));
        expect_cut(&device, broker, is_boundary ? BYTES("\xe0\1\x82") : BYTES(""),
                   CLOSE_SECOND_CONNECT);
    }
}

/* [MQTT-3.1.2-24] */
TEST(no_disconnect_over_the_clients_maximum_packet_size)
{
    house_build(NULL);
    for (char maximum = 2; maximum <= 3; maximum++) {
        const char properties[] = {0x27, 0, 0, 0, maximum};
        struct device device;
        struct packet packet = packet_connect(&(struct packet_plan){
            .version = 5, .client_id = "guest-1", .properties = properties, .properties_size = 5});
        int broker = relaying_with(&device, packet, connack(5));
        device_send(&device, BYTES("\x10\0"));
        expect_cut(&device, broker, maximum == 3 ? BYTES("\xe0\1\x82") : BYTES(""),
                   CLOSE_SECOND_CONNECT);
    }
}
