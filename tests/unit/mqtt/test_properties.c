#include "mqtt/properties_internal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "packet.h"

struct sample {
    const char *name;
    const char *bytes; /* a valid property, its identifier first */
    size_t size;
    enum mqtt_property_place place;
};

#define SAMPLE(name, bytes, place)                                                                 \
    {                                                                                              \
        name, bytes, sizeof bytes - 1, place                                                       \
    }

/* Everything a CONNECT may carry; User Property, which both places take, is apart. */
static const struct sample samples[] = {
    SAMPLE("Session Expiry Interval", "\x11\0\0\0\x0A", MQTT_IN_CONNECT),
    SAMPLE("Authentication Method", "\x15\0\1m", MQTT_IN_CONNECT),
    SAMPLE("Authentication Data", "\x16\0\1\xFF", MQTT_IN_CONNECT),
    SAMPLE("Request Problem Information", "\x17\1", MQTT_IN_CONNECT),
    SAMPLE("Request Response Information", "\x19\1", MQTT_IN_CONNECT),
    SAMPLE("Receive Maximum", "\x21\0\x14", MQTT_IN_CONNECT),
    SAMPLE("Topic Alias Maximum", "\x22\0\5", MQTT_IN_CONNECT),
    SAMPLE("Maximum Packet Size", "\x27\0\1\0\0", MQTT_IN_CONNECT),
    SAMPLE("Payload Format Indicator", "\x01\1", MQTT_IN_WILL),
    SAMPLE("Message Expiry Interval", "\x02\0\0\0\x3C", MQTT_IN_WILL),
    SAMPLE("Content Type", "\x03\0\1c", MQTT_IN_WILL),
    SAMPLE("Response Topic", "\x08\0\1r", MQTT_IN_WILL),
    SAMPLE("Correlation Data", "\x09\0\1\0", MQTT_IN_WILL),
    SAMPLE("Will Delay Interval", "\x18\0\0\0\5", MQTT_IN_WILL),
};

#define SAMPLE_COUNT (sizeof samples / sizeof samples[0])

static const struct sample user_property = {"User Property", "\x26\0\1n\0\1v", 7, 0};
static const struct sample method = SAMPLE("Authentication Method", "\x15\0\1m", MQTT_IN_CONNECT);

static void put_sample(struct buffer *block, const struct sample *sample)
{
    put_bytes(block, sample->bytes, sample->size);
}

/* Parses the block behind its Property Length and says how it went; what was parsed is
 * in *out_connect, which may be NULL. On OK the reader stands behind the block. */
static enum mqtt_connect_status parse(const struct buffer *block, enum mqtt_property_place place,
                                      size_t user_properties, struct mqtt_connect *out_connect,
                                      struct mqtt_fault *out_fault)
{
    struct mqtt_connect connect = {0};
    struct buffer bytes;

    buffer_init(&bytes, 1u << 20);
    put_varint(&bytes, block->size);
    put_bytes(&bytes, block->data, block->size);
    mqtt_properties_init(&connect);

    /* Memory of just this size: the sanitizer sees a byte read too many. */
    uint8_t *copy = malloc(bytes.size);
    cr_assert_not_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    struct mqtt_reader reader = mqtt_reader_of(slice_of(copy, bytes.size));
    enum mqtt_connect_status status =
        mqtt_properties_parse(&reader, place, &user_properties, &connect, out_fault);

    if (status == MQTT_CONNECT_OK) {
        cr_assert_eq(mqtt_reader_left(&reader), 0);
    }
    if (out_connect != NULL) {
        *out_connect = connect;
    }
    free(copy);
    buffer_deinit(&bytes);
    return status;
}

static enum mqtt_connect_status parse_list(const struct sample *const *list, size_t count,
                                           enum mqtt_property_place place,
                                           struct mqtt_fault *out_fault)
{
    struct buffer block;

    buffer_init(&block, 1u << 20);
    for (size_t i = 0; i < count; i++) {
        put_sample(&block, list[i]);
    }
    enum mqtt_connect_status status = parse(&block, place, 32, NULL, out_fault);
    buffer_deinit(&block);
    return status;
}

static bool is_authentication_data(const struct sample *sample)
{
    return sample->bytes[0] == 0x16;
}

static bool is_authentication_method(const struct sample *sample)
{
    return sample->bytes[0] == 0x15;
}

Test(properties, every_one_alone_and_with_user_properties)
{
    struct mqtt_fault fault;

    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        const struct sample *sample = &samples[i];
        const struct sample *const list[] = {&user_property, sample, &user_property,
                                             is_authentication_data(sample) ? &method
                                                                            : &user_property};

        cr_assert_eq(parse_list(list, 4, sample->place, &fault), MQTT_CONNECT_OK, "%s",
                     sample->name);
    }
}

/* HAProxy 57878f3b5, e2ab156fa: a duplicate was looked for under another property's bit,
 * so some passed and some pairs of different ones did not. */
Test(properties, every_ordered_pair_of_different_ones)
{
    struct mqtt_fault fault;

    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        for (size_t j = 0; j < SAMPLE_COUNT; j++) {
            const struct sample *const list[] = {&samples[i], &samples[j], &method};
            bool has_data = is_authentication_data(list[0]) || is_authentication_data(list[1]);
            bool has_method =
                is_authentication_method(list[0]) || is_authentication_method(list[1]);

            if (i != j && samples[i].place == samples[j].place) {
                cr_assert_eq(
                    parse_list(list, has_data && !has_method ? 3 : 2, samples[i].place, &fault),
                    MQTT_CONNECT_OK, "%s, %s", samples[i].name, samples[j].name);
            }
        }
    }
}

Test(properties, every_one_twice)
{
    struct mqtt_fault fault;

    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        const struct sample *const list[] = {&samples[i], &user_property, &samples[i], &method};
        char what[64];

        cr_assert_eq(parse_list(list, 3, samples[i].place, &fault), MQTT_CONNECT_MALFORMED, "%s",
                     samples[i].name);
        snprintf(what, sizeof what, "%s is given twice", samples[i].name);
        cr_assert_str_eq(fault.what, what);
        cr_assert_eq(fault.offset, 1 + samples[i].size + user_property.size);
    }
    const struct sample *const list[] = {&user_property, &user_property};
    cr_assert_eq(parse_list(list, 2, MQTT_IN_CONNECT, &fault), MQTT_CONNECT_OK);
    cr_assert_eq(parse_list(list, 2, MQTT_IN_WILL, &fault), MQTT_CONNECT_OK);
}

/* All 256 identifiers of one byte in both places, with bytes that suit any type. */
Test(properties, every_identifier_in_every_place)
{
    static const enum mqtt_property_place places[] = {MQTT_IN_CONNECT, MQTT_IN_WILL};
    struct mqtt_fault fault;

    for (unsigned id = 0; id < 0x80; id++) {
        for (size_t p = 0; p < 2; p++) {
            bool is_known = id == 0x26;
            struct buffer block;

            for (size_t i = 0; i < SAMPLE_COUNT; i++) {
                is_known |= samples[i].place == places[p] && (unsigned)samples[i].bytes[0] == id;
            }
            buffer_init(&block, 64);
            put_u8(&block, id);
            (void)parse(&block, places[p], 32, NULL, &fault);
            cr_assert_str_eq(fault.what,
                             is_known ? "property runs past the end of the properties"
                                      : "property that is not allowed here",
                             "identifier 0x%02X", id);
            cr_assert_eq(fault.offset, 1);
            buffer_deinit(&block);
        }
    }
}

/* A whole block cut anywhere, with a Property Length that fits: between two properties
 * it is in order, inside one it is not. */
Test(properties, cut_at_every_byte)
{
    static const enum mqtt_property_place places[] = {MQTT_IN_CONNECT, MQTT_IN_WILL};
    struct mqtt_fault fault;

    for (size_t p = 0; p < 2; p++) {
        bool is_boundary[128] = {true};
        struct buffer block;

        buffer_init(&block, sizeof is_boundary);
        for (size_t i = 0; i < SAMPLE_COUNT; i++) {
            if (samples[i].place == places[p]) {
                put_sample(&block, &samples[i]);
                is_boundary[block.size] = true;
            }
        }
        put_sample(&block, &user_property);
        is_boundary[block.size] = true;
        for (size_t size = block.size; size > 0; size--) {
            block.size = size;
            cr_assert_eq(parse(&block, places[p], 32, NULL, &fault) == MQTT_CONNECT_OK,
                         is_boundary[size], "%zu bytes", size);
        }
        buffer_deinit(&block);
    }
}

/* A Property Length that is cut, or that promises more than there is. */
Test(properties, length_past_the_end)
{
    uint8_t block[300] = {0x80, 0x02, 0x26, 0x00, 0x00, 0x00, 0xF9}; /* 256 bytes of one pair */
    size_t user_properties = 1;
    struct mqtt_connect connect;
    struct mqtt_fault fault;

    memset(block + 7, 'v', 249);
    block[5] = 0;
    for (size_t size = 0; size < 258; size++) {
        struct mqtt_reader reader = mqtt_reader_of(slice_of(block, size));

        cr_assert_eq(
            mqtt_properties_parse(&reader, MQTT_IN_WILL, &user_properties, &connect, &fault),
            MQTT_CONNECT_MALFORMED, "%zu bytes", size);
        cr_assert_str_eq(fault.clause, size < 2 ? "MQTT-2.2.2-1" : "MQTT-3.1.4-1");
        cr_assert_eq(fault.offset, 0);
    }
}

Test(properties, user_properties_are_counted)
{
    struct mqtt_fault fault;
    struct buffer block;
    size_t left = 3;

    buffer_init(&block, 64);
    put_u8(&block, 14);
    put_sample(&block, &user_property);
    put_sample(&block, &user_property);
    for (unsigned round = 0; round < 2; round++) {
        struct mqtt_reader reader = mqtt_reader_of(buffer_slice(&block));
        struct mqtt_connect connect;

        cr_assert_eq(mqtt_properties_parse(&reader, MQTT_IN_CONNECT, &left, &connect, &fault),
                     round == 0 ? MQTT_CONNECT_OK : MQTT_CONNECT_TOO_LARGE);
        cr_assert_eq(left, round == 0 ? 1 : 0);
    }
    cr_assert_eq(fault.offset, 1 + user_property.size);
    buffer_deinit(&block);
}

Test(properties, values_that_are_kept)
{
    struct mqtt_connect connect;
    struct mqtt_fault fault;
    struct buffer block;

    buffer_init(&block, 64);
    cr_assert_eq(parse(&block, MQTT_IN_CONNECT, 0, &connect, &fault), MQTT_CONNECT_OK);
    cr_assert_eq(connect.session_expiry, 0);
    cr_assert_eq(connect.maximum_packet_size, UINT32_MAX);
    cr_assert_eq(connect.receive_maximum, 65535);
    cr_assert_eq(connect.topic_alias_maximum, 0);
    cr_assert_not(connect.has_authentication_method);

    put_bytes(&block,
              "\x11\1\2\3\4"
              "\x27\5\6\7\x08"
              "\x21\x09\x0A"
              "\x22\x0B\x0C"
              "\x15\0\1m",
              20);
    cr_assert_eq(parse(&block, MQTT_IN_CONNECT, 0, &connect, &fault), MQTT_CONNECT_OK);
    cr_assert_eq(connect.session_expiry, 0x01020304);
    cr_assert_eq(connect.maximum_packet_size, 0x05060708);
    cr_assert_eq(connect.receive_maximum, 0x090A);
    cr_assert_eq(connect.topic_alias_maximum, 0x0B0C);
    cr_assert(connect.has_authentication_method);
    cr_assert_eq(connect.authentication_method.size, 1);
    buffer_deinit(&block);
}

Test(properties, strings_of_every_size)
{
    static const size_t sizes[] = {1, 127, 128, 255, 256, 32767, 32768, 65535};
    static const uint8_t ids[] = {0x15, 0x03, 0x08, 0x09, 0x26};
    uint8_t *letters = malloc(65535);
    struct mqtt_fault fault;

    cr_assert_not_null(letters);
    memset(letters, 'x', 65535);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] * sizeof ids; i++) {
        uint8_t id = ids[i % sizeof ids];
        struct slice text = slice_of(letters, sizes[i / sizeof ids]);
        struct buffer block;

        buffer_init(&block, 1u << 20);
        put_u8(&block, id);
        put_binary(&block, text);
        if (id == 0x26) {
            put_binary(&block, text);
        }
        cr_assert_eq(parse(&block, id == 0x15 ? MQTT_IN_CONNECT : MQTT_IN_WILL, 1, NULL, &fault),
                     MQTT_CONNECT_OK, "0x%02X with %zu bytes", id, text.size);
        buffer_deinit(&block);
    }
    free(letters);
}
