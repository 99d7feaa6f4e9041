#include "moat/mqtt/frame.h"

#include <assert.h>

/* `shift` once the whole length has been read; until then it is 0, 7, 14 or 21. */
#define LENGTH_KNOWN UINT8_MAX

/* Header bytes that have passed when the fourth byte of the length is next. */
#define BEFORE_LAST_LENGTH_BYTE 4

#define BIT(type) (1u << (type))

/* PUBLISH passes with all 16 values of its flags, and no packet's flags are looked
 * at: they change no boundary, and judging them is the broker's business. */
#define EITHER_WAY                                                                                 \
    (BIT(MQTT_PUBLISH) | BIT(MQTT_PUBACK) | BIT(MQTT_PUBREC) | BIT(MQTT_PUBREL) |                  \
     BIT(MQTT_PUBCOMP) | BIT(MQTT_DISCONNECT))

static const unsigned allowed_types[] = {
    [MQTT_FROM_CLIENT] =
        EITHER_WAY | BIT(MQTT_SUBSCRIBE) | BIT(MQTT_UNSUBSCRIBE) | BIT(MQTT_PINGREQ),
    [MQTT_FROM_SERVER] =
        EITHER_WAY | BIT(MQTT_CONNACK) | BIT(MQTT_SUBACK) | BIT(MQTT_UNSUBACK) | BIT(MQTT_PINGRESP),
};

void mqtt_frame_init(struct mqtt_frame_walker *walker, enum mqtt_sender sender)
{
    *walker = (struct mqtt_frame_walker){.sender = (uint8_t)sender};
}

void mqtt_frame_limit(struct mqtt_frame_walker *walker, size_t packet_limit)
{
    assert(packet_limit == 0 || packet_limit >= MQTT_FRAME_LIMIT_MIN);
    walker->packet_limit = packet_limit;
}

static enum mqtt_frame_status check_type(const struct mqtt_frame_walker *walker)
{
    if ((allowed_types[walker->sender] & BIT(walker->type)) != 0) {
        return MQTT_FRAME_OK;
    }
    /* A second CONNECT would reach the broker under a name that nobody proved. [MQTT-3.1.0-2] */
    if (walker->sender == MQTT_FROM_CLIENT && walker->type == MQTT_CONNECT) {
        return MQTT_FRAME_SECOND_CONNECT;
    }
    return MQTT_FRAME_NOT_ALLOWED;
}

/* Takes one byte of the length. The shortest form is not asked for here: another
 * form moves no boundary. */
static enum mqtt_frame_status take_length_byte(struct mqtt_frame_walker *walker, uint8_t byte)
{
    bool is_last = (byte & 0x80) == 0;

    if (!is_last && walker->header_bytes == BEFORE_LAST_LENGTH_BYTE) {
        return MQTT_FRAME_LENGTH;
    }
    walker->remaining |= (uint32_t)(byte & 0x7F) << walker->shift;
    walker->shift = is_last ? LENGTH_KNOWN : (uint8_t)(walker->shift + 7);
    walker->header_bytes++;
    if (is_last && walker->packet_limit != 0 &&
        walker->header_bytes + (uint64_t)walker->remaining > walker->packet_limit) {
        return MQTT_FRAME_TOO_LARGE;
    }
    return MQTT_FRAME_OK;
}

/* Skips what is there of the packet's body; returns how many bytes that is. */
static size_t skip_body(struct mqtt_frame_walker *walker, size_t available)
{
    size_t step = available < walker->remaining ? available : walker->remaining;

    walker->remaining -= (uint32_t)step;
    if (walker->remaining == 0) {
        walker->header_bytes = 0;
        walker->shift = 0;
        walker->packets++;
    }
    return step;
}

/* Most packets are here whole and have one byte of length: each costs an addition and
 * three comparisons. Stops before the first that is different in any way, for the
 * careful way to deal with; returns where that is. */
static size_t skip_small_packets(struct mqtt_frame_walker *walker, struct slice bytes, size_t at)
{
    const unsigned allowed = allowed_types[walker->sender];
    uint64_t packets = 0;
    size_t last = at;

    while (bytes.size - at >= 2) {
        unsigned type = bytes.data[at] >> 4;
        size_t length = bytes.data[at + 1];

        if ((allowed & BIT(type)) == 0 || (length & 0x80) != 0 || length > bytes.size - at - 2) {
            break;
        }
        last = at;
        at += 2 + length;
        packets++;
    }
    if (packets > 0) {
        walker->type = bytes.data[last] >> 4;
        walker->packets += packets;
    }
    return at;
}

/*
 * A walker that has reported a fault stands before the byte that was at fault and
 * must not be told more bytes. When the length is at fault and the packet began in
 * an earlier call, those header bytes were reported as clean then: *out_clean is 0.
 */
enum mqtt_frame_status mqtt_frame_walk(struct mqtt_frame_walker *walker, struct slice bytes,
                                       size_t *out_clean)
{
    struct mqtt_frame_walker ahead = *walker;
    struct mqtt_frame_walker before = *walker; /* the packet under way, as far as it is here */
    enum mqtt_frame_status status = MQTT_FRAME_OK;
    size_t packet_start = 0;
    size_t at = 0;

    while (at < bytes.size && status == MQTT_FRAME_OK) {
        if (ahead.header_bytes == 0) {
            at = skip_small_packets(&ahead, bytes, at);
            if (at == bytes.size) {
                break;
            }
            packet_start = at;
            before = ahead;
            ahead.type = bytes.data[at] >> 4;
            status = check_type(&ahead);
            if (status != MQTT_FRAME_OK) {
                break;
            }
            ahead.header_bytes = 1;
            at++;
        } else if (ahead.shift != LENGTH_KNOWN) {
            status = take_length_byte(&ahead, bytes.data[at]);
            at++;
            if (status == MQTT_FRAME_OK && ahead.shift == LENGTH_KNOWN) {
                at += skip_body(&ahead, bytes.size - at);
            }
        } else {
            at += skip_body(&ahead, bytes.size - at);
        }
    }
    *walker = status == MQTT_FRAME_TOO_LARGE ? before : ahead;
    *out_clean = status == MQTT_FRAME_OK ? bytes.size : packet_start;
    return status;
}
