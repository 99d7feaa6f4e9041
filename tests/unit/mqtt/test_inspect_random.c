/* Streams made at random, whole and damaged, in random pieces. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "inspection.h"
#include "packet.h"

static uint32_t seed = 20261122;

static uint32_t below(uint32_t bound)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % bound;
}

static struct slice random_topic(char text[32])
{
    static const char *const levels[] = {"a", "bb", "", "$SYS", "\xC3\xA9", "c d"};
    size_t used = (size_t)snprintf(text, 32, "t");

    for (uint32_t i = below(4); i > 0; i--) {
        used += (size_t)snprintf(text + used, 32 - used, "/%s", levels[below(6)]);
    }
    return slice_of(text, used);
}

static void put_random(struct buffer *buffer, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        put_u8(buffer, below(256));
    }
}

static void put_random_binary(struct buffer *buffer, uint32_t limit)
{
    uint32_t size = below(limit);

    put_u8(buffer, size >> 8);
    put_u8(buffer, size & 0xFF);
    put_random(buffer, size);
}

static void put_properties(struct buffer *block, unsigned alias)
{
    uint32_t count = below(4);
    uint32_t place = below(count + 1);

    for (uint32_t i = 0; i <= count; i++) {
        if (i == place && alias > 0) {
            put_u8(block, 0x23);
            put_u8(block, alias >> 8);
            put_u8(block, alias & 0xFF);
        }
        switch (i < count ? below(4) : 4) {
        case 0:
            put_bytes(block, "\x01\x23", 2);
            break;
        case 1:
            put_bytes(block, "\x02\x23\x23\x23\x23", 5);
            break;
        case 2:
            put_u8(block, 0x09);
            put_random_binary(block, 400);
            break;
        case 3:
            put_u8(block, 0x26);
            put_random_binary(block, 100);
            put_random_binary(block, 100);
            break;
        default:
            break;
        }
    }
}

/* One PUBLISH; what it asks for goes to the trace of `expected`. */
static void put_publish(struct buffer *stream, enum mqtt_version version, struct reading *expected)
{
    unsigned qos = below(3);
    unsigned alias = version == MQTT_VERSION_5_0 && below(2) == 0 ? 1 + below(65535) : 0;
    bool has_topic = alias == 0 || below(2) == 0;
    char text[32];
    struct slice topic = has_topic ? random_topic(text) : slice_of(NULL, 0);
    struct buffer body;
    struct buffer properties;
    struct mqtt_element element = {.topic = topic, .alias = (uint16_t)alias};

    buffer_init(&body, 1u << 20);
    buffer_init(&properties, 1u << 20);
    put_binary(&body, topic);
    put_random(&body, qos > 0 ? 2 : 0);
    if (version == MQTT_VERSION_5_0) {
        put_properties(&properties, alias);
        put_varint(&body, properties.size);
        put_bytes(&body, properties.data, properties.size);
    }
    put_random(&body, below(3) == 0 ? below(40000) : below(20));
    put_u8(stream, 0x30u | qos << 1 | below(2));
    put_varint(stream, body.size);
    put_bytes(stream, body.data, body.size);
    if (has_topic) {
        element.request = MQTT_REQUEST_PUBLISH;
        trace_element(expected, &element);
    }
    if (alias > 0) {
        element.request = has_topic ? MQTT_REQUEST_SET_ALIAS : MQTT_REQUEST_USE_ALIAS;
        trace_element(expected, &element);
    }
    buffer_deinit(&body);
    buffer_deinit(&properties);
}

static void put_subscribe(struct buffer *stream, enum mqtt_version version,
                          struct reading *expected)
{
    struct buffer body;
    struct buffer properties;

    buffer_init(&body, 1u << 20);
    buffer_init(&properties, 1u << 20);
    put_random(&body, 2);
    if (version == MQTT_VERSION_5_0) {
        put_random(&properties, below(300)); /* nobody looks at them */
        put_varint(&body, properties.size);
        put_bytes(&body, properties.data, properties.size);
    }
    for (uint32_t i = below(5); i > 0; i--) {
        char text[32];
        struct mqtt_element element = {.request = MQTT_REQUEST_SUBSCRIBE,
                                       .topic = random_topic(text)};
        put_binary(&body, element.topic);
        put_u8(&body, below(3));
        trace_element(expected, &element);
    }
    put_u8(stream, 0x82);
    put_varint(stream, body.size);
    put_bytes(stream, body.data, body.size);
    buffer_deinit(&body);
    buffer_deinit(&properties);
}

static void put_other(struct buffer *stream)
{
    static const uint8_t types[] = {0x40, 0x50, 0x62, 0x70, 0xA2, 0xC0, 0xE0};
    size_t size = below(200);

    put_u8(stream, types[below(7)]);
    put_varint(stream, size);
    put_random(stream, size);
}

#define PACKETS 60

static void put_stream(struct buffer *stream, enum mqtt_version version, struct reading *expected)
{
    for (size_t i = 0; i < PACKETS; i++) {
        switch (below(4)) {
        case 0:
        case 1:
            put_publish(stream, version, expected);
            break;
        case 2:
            put_subscribe(stream, version, expected);
            break;
        default:
            put_other(stream);
            break;
        }
    }
}

static void bring_in_pieces(struct reading *reading, struct slice bytes, uint32_t piece)
{
    size_t at = 0;

    while (at < bytes.size && reading->status == MQTT_INSPECT_OK) {
        size_t step = 1 + below(piece);
        step = step < bytes.size - at ? step : bytes.size - at;
        bring(reading, slice_of(bytes.data + at, step));
        at += step;
    }
}

Test(inspect_random, random_streams_in_random_splits)
{
    for (unsigned round = 0; round < 90; round++) {
        enum mqtt_version version = (enum mqtt_version)(3 + round % 3);
        static struct reading expected;
        static struct reading reading;
        struct buffer stream;

        buffer_init(&stream, 8u << 20);
        reading_init(&expected, version);
        reading_init(&reading, version);
        put_stream(&stream, version, &expected);
        bring_in_pieces(&reading, buffer_slice(&stream), round % 2 == 0 ? 4 : 5000);
        cr_assert_eq(reading.status, MQTT_INSPECT_OK);
        cr_assert_str_eq(reading.trace, expected.trace);
        cr_assert_eq(reading.inspector.packets, PACKETS);
        cr_assert_eq(reading.held.size, 0);
        cr_assert(slice_equal(buffer_slice(&reading.passed), buffer_slice(&stream)));
        cr_assert_leq(reading.held_most, 64u);
        reading_deinit(&expected);
        reading_deinit(&reading);
        buffer_deinit(&stream);
    }
}

/* A stream that was damaged somewhere is read alike in one piece and in many, and what
 * passed is its beginning. */
Test(inspect_random, damaged_streams_are_read_alike_however_split)
{
    for (unsigned round = 0; round < 400; round++) {
        enum mqtt_version version = (enum mqtt_version)(3 + round % 3);
        static struct reading expected;
        static struct reading whole;
        static struct reading split;
        struct buffer stream;

        buffer_init(&stream, 8u << 20);
        reading_init(&expected, version);
        put_publish(&stream, version, &expected);
        put_subscribe(&stream, version, &expected);
        put_publish(&stream, version, &expected);
        for (uint32_t i = 1 + below(3); i > 0; i--) {
            stream.data[below((uint32_t)(stream.size < 80 ? stream.size : 80))] =
                (uint8_t)below(256);
        }
        reading_init(&whole, version);
        reading_init(&split, version);
        bring(&whole, buffer_slice(&stream));
        bring_in_pieces(&split, buffer_slice(&stream), 7);
        cr_assert_eq(whole.status, split.status);
        cr_assert_str_eq(whole.trace, split.trace);
        cr_assert(slice_equal(buffer_slice(&whole.passed), buffer_slice(&split.passed)));
        cr_assert(whole.status != MQTT_INSPECT_OK ||
                  slice_equal(buffer_slice(&whole.held), buffer_slice(&split.held)));
        cr_assert_eq(memcmp(&whole.inspector, &split.inspector, sizeof whole.inspector), 0);
        expect_untouched(&whole, buffer_slice(&stream));
        reading_deinit(&expected);
        reading_deinit(&whole);
        reading_deinit(&split);
        buffer_deinit(&stream);
    }
}

/* Only a topic is ever held: the largest packet passes as it comes. */
Test(inspect_random, the_largest_packet)
{
    static const uint8_t header[] = {0x32, 0xFF, 0xFF, 0xFF, 0x7F, 0, 1, 't', 0, 1};
    static const uint8_t zeros[65536];
    struct mqtt_inspector inspector;
    struct mqtt_element element;
    const char *fault;
    size_t left = 268435455 - 5;

    mqtt_inspector_init(&inspector, MQTT_VERSION_3_1_1);
    cr_assert_eq(mqtt_inspect(&inspector, slice_of(header, sizeof header), &element, &fault),
                 MQTT_INSPECT_OK);
    cr_assert_eq(element.size, sizeof header);
    while (left > 0) {
        size_t step = left < sizeof zeros ? left : sizeof zeros;
        cr_assert_eq(inspector.packets, 0);
        cr_assert_eq(mqtt_inspect(&inspector, slice_of(zeros, step), &element, &fault),
                     MQTT_INSPECT_OK);
        cr_assert_eq(element.size, step);
        left -= step;
    }
    cr_assert_eq(inspector.packets, 1);
}
