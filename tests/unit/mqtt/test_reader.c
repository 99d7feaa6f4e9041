#include "mqtt/reader_internal.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06};

static struct mqtt_reader reader_with(size_t size)
{
    return mqtt_reader_of(slice_of(bytes, size));
}

Test(reader, numbers_are_in_network_order)
{
    struct mqtt_reader reader = reader_with(sizeof bytes);
    uint8_t small;
    uint16_t medium;
    uint32_t large;

    cr_assert(mqtt_read_u8(&reader, &small));
    cr_assert_eq(small, 0x01);
    cr_assert(mqtt_read_u16(&reader, &medium));
    cr_assert_eq(medium, 0x0203);
    reader = reader_with(sizeof bytes);
    cr_assert(mqtt_read_u32(&reader, &large));
    cr_assert_eq(large, 0x01020304);
    cr_assert_eq(mqtt_reader_left(&reader), 2);
}

Test(reader, what_is_not_all_there_is_not_read)
{
    uint16_t medium = 7;
    uint32_t large = 7;
    uint8_t small = 7;
    struct slice slice = slice_of(bytes, 7);

    for (size_t size = 0; size < 4; size++) {
        struct mqtt_reader reader = reader_with(size);

        cr_assert_eq(mqtt_read_u8(&(struct mqtt_reader){bytes, 0, size}, &small), size >= 1);
        cr_assert_eq(mqtt_read_u16(&(struct mqtt_reader){bytes, 0, size}, &medium), size >= 2);
        cr_assert_not(mqtt_read_u32(&reader, &large));
        cr_assert_not(mqtt_read_bytes(&reader, size + 1, &slice));
        cr_assert_not(mqtt_read_bytes(&reader, SIZE_MAX, &slice));
        cr_assert_eq(reader.at, 0);
    }
    cr_assert_eq(large, 7);
    cr_assert_eq(slice.size, 7);
}

Test(reader, nothing_is_there_of_nothing)
{
    struct mqtt_reader reader = mqtt_reader_of(slice_of(NULL, 0));
    struct slice slice;

    cr_assert_eq(mqtt_reader_left(&reader), 0);
    cr_assert_eq(mqtt_reader_peek(&reader).size, 0);
    cr_assert(mqtt_read_bytes(&reader, 0, &slice));
    cr_assert_eq(slice.size, 0);
}

Test(reader, peeking_takes_nothing)
{
    struct mqtt_reader reader = reader_with(3);
    uint8_t small;

    cr_assert(mqtt_read_u8(&reader, &small));
    cr_assert(slice_equal(mqtt_reader_peek(&reader), slice_of(bytes + 1, 2)));
    cr_assert_eq(reader.at, 1);
}

Test(reader, binary_is_a_length_and_as_many_bytes)
{
    static const uint8_t packet[] = {0x00, 0x03, 'a', 0x00, 'b', 0xFF};

    for (size_t size = 0; size <= sizeof packet; size++) {
        struct mqtt_reader reader = mqtt_reader_of(slice_of(packet, size));
        struct slice slice = {0};

        cr_assert_eq(mqtt_read_binary(&reader, &slice), size >= 5, "%zu bytes", size);
        cr_assert_eq(reader.at, size >= 5 ? 5 : 0);
        cr_assert_eq(slice.size, size >= 5 ? 3 : 0);
    }
}

Test(reader, largest_binary)
{
    uint8_t *packet = calloc(1, 2 + 65535);
    struct slice slice;

    cr_assert_not_null(packet);
    packet[0] = packet[1] = 0xFF;
    struct mqtt_reader reader = mqtt_reader_of(slice_of(packet, 2 + 65534));
    cr_assert_not(mqtt_read_binary(&reader, &slice));
    reader = mqtt_reader_of(slice_of(packet, 2 + 65535));
    cr_assert(mqtt_read_binary(&reader, &slice));
    cr_assert_eq(slice.size, 65535);
    free(packet);
}

Test(reader, a_part_ends_before_the_whole_does)
{
    struct mqtt_reader reader = reader_with(6);
    struct mqtt_reader part;
    uint16_t medium;
    uint8_t small;

    cr_assert(mqtt_read_u8(&reader, &small));
    cr_assert(mqtt_read_part(&reader, 3, &part));
    cr_assert_eq(reader.at, 4);
    cr_assert_eq(part.at, 1);
    cr_assert(mqtt_read_u16(&part, &medium));
    cr_assert_eq(medium, 0x0203);
    cr_assert_not(mqtt_read_u16(&part, &medium));
    cr_assert(mqtt_read_u8(&part, &small));
    cr_assert_not(mqtt_read_u8(&part, &small));
    cr_assert_not(mqtt_read_part(&reader, 3, &part));
    cr_assert(mqtt_read_part(&reader, 2, &part));
    cr_assert_eq(mqtt_reader_left(&reader), 0);
}

Test(reader, variable_byte_integers)
{
    static const struct {
        const char *text;
        size_t size;
        enum mqtt_varint_status status;
        uint32_t value;
        bool shortest;
    } cases[] = {
        {"\x00", 1, MQTT_VARINT_OK, 0, true},
        {"\x7F", 1, MQTT_VARINT_OK, 127, true},
        {"\x80\x01", 2, MQTT_VARINT_OK, 128, true},
        {"\xFF\x7F", 2, MQTT_VARINT_OK, 16383, true},
        {"\x80\x80\x01", 3, MQTT_VARINT_OK, 16384, true},
        {"\xFF\xFF\x7F", 3, MQTT_VARINT_OK, 2097151, true},
        {"\x80\x80\x80\x01", 4, MQTT_VARINT_OK, 2097152, true},
        {"\xFF\xFF\xFF\x7F", 4, MQTT_VARINT_OK, 268435455, true},
        {"\x80\x00", 2, MQTT_VARINT_OK, 0, false},
        {"\xFF\x00", 2, MQTT_VARINT_OK, 127, false},
        {"\x80\x80\x00", 3, MQTT_VARINT_OK, 0, false},
        {"\xFF\xFF\xFF\x00", 4, MQTT_VARINT_OK, 2097151, false},
        {"\x80\x80\x80\x80", 4, MQTT_VARINT_TOO_LONG, 0, false},
        {"\xFF\xFF\xFF\xFF\x01", 5, MQTT_VARINT_TOO_LONG, 0, false},
        {"", 0, MQTT_VARINT_CUT, 0, false},
        {"\x80", 1, MQTT_VARINT_CUT, 0, false},
        {"\xFF\xFF\xFF", 3, MQTT_VARINT_CUT, 0, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mqtt_reader reader = mqtt_reader_of(slice_of(cases[i].text, cases[i].size));
        struct mqtt_varint varint = {.value = 7, .shortest = true};
        bool is_ok = cases[i].status == MQTT_VARINT_OK;

        cr_assert_eq(mqtt_read_varint(&reader, &varint), cases[i].status, "case %zu", i);
        cr_assert_eq(varint.value, is_ok ? cases[i].value : 7, "case %zu", i);
        cr_assert_eq(varint.shortest, is_ok ? cases[i].shortest : true, "case %zu", i);
        cr_assert_eq(reader.at, is_ok ? cases[i].size : 0, "case %zu", i);
    }
}
