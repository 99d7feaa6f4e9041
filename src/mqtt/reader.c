#include "mqtt/reader_internal.h"

#define VARINT_MAX_BYTES 4

struct mqtt_reader mqtt_reader_of(struct slice packet)
{
    return (struct mqtt_reader){.packet = packet.data, .at = 0, .end = packet.size};
}

struct slice mqtt_reader_peek(const struct mqtt_reader *reader)
{
    return slice_after(slice_of(reader->packet, reader->end), reader->at);
}

bool mqtt_read_bytes(struct mqtt_reader *reader, size_t size, struct slice *out_bytes)
{
    if (size > mqtt_reader_left(reader)) {
        return false;
    }
    *out_bytes = slice_of(mqtt_reader_peek(reader).data, size);
    reader->at += size;
    return true;
}

bool mqtt_read_u8(struct mqtt_reader *reader, uint8_t *out_value)
{
    struct slice bytes;

    if (!mqtt_read_bytes(reader, 1, &bytes)) {
        return false;
    }
    *out_value = bytes.data[0];
    return true;
}

bool mqtt_read_u16(struct mqtt_reader *reader, uint16_t *out_value)
{
    struct slice bytes;

    if (!mqtt_read_bytes(reader, 2, &bytes)) {
        return false;
    }
    *out_value = (uint16_t)(bytes.data[0] << 8 | bytes.data[1]);
    return true;
}

bool mqtt_read_u32(struct mqtt_reader *reader, uint32_t *out_value)
{
    struct slice bytes;

    if (!mqtt_read_bytes(reader, 4, &bytes)) {
        return false;
    }
    *out_value = (uint32_t)bytes.data[0] << 24 | (uint32_t)bytes.data[1] << 16 |
                 (uint32_t)bytes.data[2] << 8 | (uint32_t)bytes.data[3];
    return true;
}

bool mqtt_read_binary(struct mqtt_reader *reader, struct slice *out_bytes)
{
    struct mqtt_reader ahead = *reader;
    uint16_t size;

    if (!mqtt_read_u16(&ahead, &size) || !mqtt_read_bytes(&ahead, size, out_bytes)) {
        return false;
    }
    *reader = ahead;
    return true;
}

bool mqtt_read_part(struct mqtt_reader *reader, size_t size, struct mqtt_reader *out_part)
{
    struct mqtt_reader part = *reader;
    struct slice bytes;

    if (!mqtt_read_bytes(reader, size, &bytes)) {
        return false;
    }
    part.end = reader->at;
    *out_part = part;
    return true;
}

enum mqtt_varint_status mqtt_read_varint(struct mqtt_reader *reader, struct mqtt_varint *out_varint)
{
    struct mqtt_reader ahead = *reader;
    uint32_t value = 0;

    for (unsigned i = 0; i < VARINT_MAX_BYTES; i++) {
        uint8_t byte;

        if (!mqtt_read_u8(&ahead, &byte)) {
            return MQTT_VARINT_CUT;
        }
        value |= (uint32_t)(byte & 0x7F) << (7 * i);
        if ((byte & 0x80) == 0) {
            /* A last byte of 0 adds nothing: one byte less would have done. */
            *out_varint = (struct mqtt_varint){.value = value, .shortest = i == 0 || byte != 0};
            *reader = ahead;
            return MQTT_VARINT_OK;
        }
    }
    return MQTT_VARINT_TOO_LONG;
}
