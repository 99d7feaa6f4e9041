/* Every first byte there is, from both sides, in every version, as the first packet and later. */
#include "moat/mqtt/frame.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* Written down apart from the table in the code. */
struct rule {
    const char *name;
    bool from_client;
    bool from_server; /* behind CONNACK */
    uint8_t flags;
};

#define ANY_FLAGS 0xFF

static const struct rule rules[16] = {
    {"0", false, false, 0},        {"CONNECT", false, false, 0},    {"CONNACK", false, false, 0},
    {"PUBLISH", true, true, 0xFF}, {"PUBACK", true, true, 0},       {"PUBREC", true, true, 0},
    {"PUBREL", true, true, 2},     {"PUBCOMP", true, true, 0},      {"SUBSCRIBE", true, false, 2},
    {"SUBACK", false, true, 0},    {"UNSUBSCRIBE", true, false, 2}, {"UNSUBACK", false, true, 0},
    {"PINGREQ", true, false, 0},   {"PINGRESP", false, true, 0},    {"DISCONNECT", true, true, 0},
    {"AUTH", false, false, 0},
};

static enum mqtt_frame_status expected_of(unsigned first, enum mqtt_sender sender,
                                          enum mqtt_version version)
{
    const struct rule *rule = &rules[first >> 4];
    bool is_type_good = sender == MQTT_FROM_CLIENT ? rule->from_client : rule->from_server;

    if (first >> 4 == MQTT_CONNECT && sender == MQTT_FROM_CLIENT) {
        return MQTT_FRAME_SECOND_CONNECT;
    }
    if (!is_type_good) {
        return MQTT_FRAME_NOT_ALLOWED;
    }
    bool are_flags_good =
        version == MQTT_VERSION_3_1 || rule->flags == ANY_FLAGS || rule->flags == (first & 0x0F);
    return are_flags_good ? MQTT_FRAME_OK : MQTT_FRAME_FLAGS;
}

static const uint8_t connack[] = {0x20, 2, 0, 0};

/* Once as a packet that is here whole, once cut behind its first byte. */
static void expect(unsigned first, enum mqtt_sender sender, enum mqtt_version version,
                   bool is_first, enum mqtt_frame_status expected)
{
    uint8_t packet[] = {(uint8_t)first, 3, 0, 1, 't'};

    for (size_t cut = 0; cut <= 1; cut++) {
        struct mqtt_frame_walker walker;
        size_t clean = 0;

        mqtt_frame_init(&walker, sender, version);
        if (!is_first && sender == MQTT_FROM_SERVER) {
            cr_assert_eq(mqtt_frame_walk(&walker, slice_of(connack, sizeof connack), &clean),
                         MQTT_FRAME_OK);
        }
        uint64_t before = walker.packets;
        enum mqtt_frame_status status =
            mqtt_frame_walk(&walker, slice_of(packet, cut == 1 ? 1 : sizeof packet), &clean);
        if (cut == 1 && status == MQTT_FRAME_OK) {
            status = mqtt_frame_walk(&walker, slice_of(packet + 1, sizeof packet - 1), &clean);
        }
        cr_assert_eq(status, expected, "first byte %02x, sender %d, version %d: %d", first, sender,
                     version, status);
        cr_assert_eq(walker.packets - before, expected == MQTT_FRAME_OK ? 1 : 0);
        cr_assert_eq(mqtt_frame_type(&walker), first >> 4);
    }
}

Test(frame_flags, every_first_byte)
{
    for (unsigned first = 0; first < 256; first++) {
        for (enum mqtt_version version = MQTT_VERSION_3_1; version <= MQTT_VERSION_5_0; version++) {
            for (enum mqtt_sender sender = MQTT_FROM_CLIENT; sender <= MQTT_FROM_SERVER; sender++) {
                expect(first, sender, version, false, expected_of(first, sender, version));
            }
        }
    }
}

/* [MQTT-3.2.0-1] */
Test(frame_flags, every_first_byte_of_a_server)
{
    for (unsigned first = 0; first < 256; first++) {
        for (enum mqtt_version version = MQTT_VERSION_3_1; version <= MQTT_VERSION_5_0; version++) {
            enum mqtt_frame_status expected = MQTT_FRAME_NOT_CONNACK;

            if (first >> 4 == MQTT_CONNACK) {
                expected =
                    first == 0x20 || version == MQTT_VERSION_3_1 ? MQTT_FRAME_OK : MQTT_FRAME_FLAGS;
            }
            expect(first, MQTT_FROM_SERVER, version, true, expected);
        }
    }
}

/* All that could be said has room. */
Test(frame_flags, every_fault_has_words)
{
    for (unsigned first = 0; first < 256; first++) {
        struct mqtt_frame_walker walker = {.first = (uint8_t)first};
        char text[MQTT_FRAME_TEXT_SIZE];

        mqtt_frame_describe(&walker, MQTT_FRAME_FLAGS, text);
        cr_assert_lt(strlen(text), sizeof text - 1, "%s", text);
        cr_assert(first >> 4 == 0 || strstr(text, rules[first >> 4].name) == text, "%s", text);
        mqtt_frame_describe(&walker, MQTT_FRAME_LENGTH, text);
        cr_assert_lt(strlen(text), sizeof text - 1, "%s", text);
        mqtt_frame_describe(&walker, MQTT_FRAME_OK, text);
        cr_assert_str_empty(text);
    }
}
