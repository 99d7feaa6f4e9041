/*
 * The checked reader: the only way to a byte of a packet.
 *
 * It reads from the front, never past its end, and takes nothing when it cannot
 * take all that was asked for: then the result is false, nothing was written and
 * the reader stands where it stood.
 */
#ifndef MOAT_MQTT_READER_INTERNAL_H
#define MOAT_MQTT_READER_INTERNAL_H

#include "moat/base/bytes.h"

struct mqtt_reader {
    const uint8_t *packet; /* the packet's first byte, so that `at` is an offset a fault can name */
    size_t at;             /* the next byte */
    size_t end;            /* one past the last byte that may be read */
};

enum mqtt_varint_status {
    MQTT_VARINT_OK = 0,
    MQTT_VARINT_CUT,      /* the reader ends before the number does */
    MQTT_VARINT_TOO_LONG, /* the fourth byte says that a fifth follows */
};

struct mqtt_varint {
    uint32_t value; /* 0..268,435,455 */
    bool shortest;  /* false when fewer bytes would have said the same */
};

struct mqtt_reader mqtt_reader_of(struct slice packet);

static inline size_t mqtt_reader_left(const struct mqtt_reader *reader)
{
    return reader->end - reader->at;
}

/* The bytes that are left, without taking them. */
struct slice mqtt_reader_peek(const struct mqtt_reader *reader);

bool mqtt_read_u8(struct mqtt_reader *reader, uint8_t *out_value) MOAT_MUST_CHECK;
bool mqtt_read_u16(struct mqtt_reader *reader, uint16_t *out_value) MOAT_MUST_CHECK;
bool mqtt_read_u32(struct mqtt_reader *reader, uint32_t *out_value) MOAT_MUST_CHECK;
bool mqtt_read_bytes(struct mqtt_reader *reader, size_t size,
                     struct slice *out_bytes) MOAT_MUST_CHECK;

/* A two-byte length and as many bytes: Binary Data, or a string not checked yet. */
bool mqtt_read_binary(struct mqtt_reader *reader, struct slice *out_bytes) MOAT_MUST_CHECK;

/* A reader of the next `size` bytes alone, which this reader then stands behind. */
bool mqtt_read_part(struct mqtt_reader *reader, size_t size,
                    struct mqtt_reader *out_part) MOAT_MUST_CHECK;

/* A Variable Byte Integer (5.0, 1.5.5; 3.1.1, 2.2.3). */
enum mqtt_varint_status mqtt_read_varint(struct mqtt_reader *reader,
                                         struct mqtt_varint *out_varint) MOAT_MUST_CHECK;

#endif
