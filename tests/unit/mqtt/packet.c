#include "packet.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define PACKET_SIZE_MAX (4u << 20)

struct mqtt_connect_limits packet_limits(void)
{
    return (struct mqtt_connect_limits){
        .packet_size = 65536,
        .client_id_size = 256,
        .username_size = 256,
        .password_size = 1024,
        .user_properties = 32,
    };
}

struct mqtt_connect_limits packet_no_limits(void)
{
    return (struct mqtt_connect_limits){
        .packet_size = SIZE_MAX,
        .client_id_size = SIZE_MAX,
        .username_size = SIZE_MAX,
        .password_size = SIZE_MAX,
        .user_properties = SIZE_MAX,
    };
}

void put_bytes(struct buffer *buffer, const void *data, size_t size)
{
    cr_assert(buffer_append(buffer, slice_of(data, size)));
}

void put_u8(struct buffer *buffer, unsigned value)
{
    uint8_t byte = (uint8_t)value;

    put_bytes(buffer, &byte, 1);
}

void put_varint(struct buffer *buffer, size_t value)
{
    for (; value >= 0x80; value >>= 7) {
        put_u8(buffer, 0x80 | (value & 0x7F));
    }
    put_u8(buffer, (unsigned)value);
}

void put_binary(struct buffer *buffer, struct slice bytes)
{
    put_u8(buffer, (unsigned)(bytes.size >> 8));
    put_u8(buffer, (unsigned)(bytes.size & 0xFF));
    put_bytes(buffer, bytes.data, bytes.size);
}

static void put_properties(struct buffer *buffer, struct slice properties)
{
    put_varint(buffer, properties.size);
    put_bytes(buffer, properties.data, properties.size);
}

struct buffer packet_build(const struct packet *packet)
{
    bool is_5_0 = packet->version == MQTT_VERSION_5_0;
    struct buffer body, whole;

    buffer_init(&body, PACKET_SIZE_MAX);
    put_binary(&body, slice_from_text(packet->version == MQTT_VERSION_3_1 ? "MQIsdp" : "MQTT"));
    put_u8(&body, packet->version);
    put_u8(&body, packet->flags);
    put_binary(&body, slice_of("", 0)); /* two zeros: keep alive is off */
    if (is_5_0) {
        put_properties(&body, packet->properties);
    }
    put_binary(&body, packet->client_id);
    if ((packet->flags & 0x04) != 0) {
        if (is_5_0) {
            put_properties(&body, packet->will_properties);
        }
        put_binary(&body, packet->will_topic);
        put_binary(&body, packet->will_payload);
    }
    if ((packet->flags & 0x80) != 0) {
        put_binary(&body, packet->username);
    }
    if ((packet->flags & 0x40) != 0) {
        put_binary(&body, packet->password);
    }

    buffer_init(&whole, PACKET_SIZE_MAX);
    put_u8(&whole, 0x10);
    put_varint(&whole, body.size);
    put_bytes(&whole, body.data, body.size);
    buffer_deinit(&body);
    return whole;
}

size_t packet_announced_size(struct slice bytes)
{
    size_t factor = 1;
    size_t remaining = 0;

    for (size_t i = 1; i <= 4 && i < bytes.size; i++, factor *= 128) {
        remaining += bytes.data[i] % 128 * factor;
        if (bytes.data[i] < 128) {
            return i + 1 + remaining;
        }
    }
    return SIZE_MAX;
}

/* Moves a slice that points into `from` to the same place of `to`. */
static void move(struct slice *slice, struct slice from, const uint8_t *to)
{
    if (slice->data == NULL) {
        cr_assert_eq(slice->size, 0);
        return;
    }
    cr_assert(slice->data >= from.data && slice->data <= from.data + from.size);
    cr_assert_leq(slice->size, (size_t)(from.data + from.size - slice->data));
    slice->data = to + (slice->data - from.data);
}

static void check_accepted(struct mqtt_connect *connect, struct slice bytes, struct slice copy)
{
    cr_assert_eq(connect->packet_size, packet_announced_size(bytes));
    cr_assert_leq(connect->packet_size, bytes.size);
    copy.size = connect->packet_size;
    move(&connect->client_id, copy, bytes.data);
    move(&connect->will_topic, copy, bytes.data);
    move(&connect->will_payload, copy, bytes.data);
    move(&connect->username, copy, bytes.data);
    move(&connect->password, copy, bytes.data);
    move(&connect->authentication_method, copy, bytes.data);
}

static void check_refused(const struct mqtt_fault *fault, struct slice bytes)
{
    cr_assert_not_null(fault->what);
    cr_assert_neq(fault->what[0], '\0');
    cr_assert_not_null(fault->clause);
    cr_assert_leq(fault->offset, bytes.size);
    cr_assert_leq(fault->offset, packet_announced_size(bytes));
}

enum mqtt_connect_status packet_parse(struct slice bytes, const struct mqtt_connect_limits *limits,
                                      struct mqtt_connect *out_connect,
                                      struct mqtt_fault *out_fault)
{
    struct mqtt_connect untouched_connect;
    struct mqtt_fault untouched_fault;
    uint8_t *copy = malloc(bytes.size > 0 ? bytes.size : 1);

    cr_assert_not_null(copy);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    memset(out_connect, 0xA5, sizeof *out_connect);
    memset(out_fault, 0xA5, sizeof *out_fault);
    memset(&untouched_connect, 0xA5, sizeof untouched_connect);
    memset(&untouched_fault, 0xA5, sizeof untouched_fault);

    enum mqtt_connect_status status =
        mqtt_connect_parse(slice_of(copy, bytes.size), limits, out_connect, out_fault);

    if (status == MQTT_CONNECT_MORE) {
        cr_assert_lt(bytes.size, packet_announced_size(bytes));
    }
    if (status == MQTT_CONNECT_OK) {
        check_accepted(out_connect, bytes, slice_of(copy, bytes.size));
    } else if (status != MQTT_CONNECT_CLIENT_ID) {
        cr_assert_eq(memcmp(out_connect, &untouched_connect, sizeof untouched_connect), 0);
    }
    if (status == MQTT_CONNECT_OK || status == MQTT_CONNECT_MORE) {
        cr_assert_eq(memcmp(out_fault, &untouched_fault, sizeof untouched_fault), 0);
    } else {
        check_refused(out_fault, bytes);
    }
    free(copy);
    return status;
}
