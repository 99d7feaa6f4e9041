#include "moat/mqtt/frame.h"

#include <assert.h>

/* `shift` once the whole length has been read; until then it is 0, 7, 14 or 21. */
#define LENGTH_KNOWN UINT8_MAX

/* Header bytes that have passed when the fourth byte of the length is next. */
#define BEFORE_LAST_LENGTH_BYTE 4

/* Who may send a packet, by its whole first byte. */
#define C   0x01u /* a client of 3.1.1 or 5.0 */
#define C31 0x02u /* a client of 3.1 */
#define F   0x04u /* a server, as its first packet; the two bits above are for those behind it */
#define F31 0x08u
#define S   0x10u
#define S31 0x20u

#define FIRST      (F | F31)
#define AFTER(bit) ((bit) << 2)
#define BOTH       (C | C31 | S | S31)

/* Flags 0000, 0010, and the other fourteen. */
#define ROW(zero, two, other)                                                                      \
    zero, other, two, other, other, other, other, other, other, other, other, other, other, other, \
        other, other

/*
 * One row for each type. 3.1 does not use these flags, or for the DUP and QoS of a repeated
 * packet, so there they may be anything. PUBLISH passes with all 16 values: whether QoS 3 ends
 * the session is the broker's business.
 */
static const uint8_t allowed_first[256] = {
    ROW(0, 0, 0),                    /* 0 */
    ROW(0, 0, 0),                    /* CONNECT: the walker starts behind it [MQTT-3.1.0-2] */
    ROW(F | F31, F31, F31),          /* CONNACK [MQTT-3.2.0-1] [MQTT-3.2.0-2] */
    ROW(BOTH, BOTH, BOTH),           /* PUBLISH */
    ROW(BOTH, C31 | S31, C31 | S31), /* PUBACK [MQTT-2.2.2-2], 5.0 [MQTT-2.1.3-1]; so below */
    ROW(BOTH, C31 | S31, C31 | S31), /* PUBREC */
    ROW(C31 | S31, BOTH, C31 | S31), /* PUBREL [MQTT-3.6.1-1] */
    ROW(BOTH, C31 | S31, C31 | S31), /* PUBCOMP */
    ROW(C31, C | C31, C31),          /* SUBSCRIBE [MQTT-3.8.1-1] */
    ROW(S | S31, S31, S31),          /* SUBACK */
    ROW(C31, C | C31, C31),          /* UNSUBSCRIBE [MQTT-3.10.1-1] */
    ROW(S | S31, S31, S31),          /* UNSUBACK */
    ROW(C | C31, C31, C31),          /* PINGREQ */
    ROW(S | S31, S31, S31),          /* PINGRESP */
    ROW(BOTH, C31 | S31, C31 | S31), /* DISCONNECT [MQTT-3.14.1-1] */
    ROW(0, 0, 0),                    /* AUTH */
};

/* Of types that may be sent, one of these passes. */
#define FLAGS_ZERO 0x00u
#define FLAGS_TWO  0x02u

void mqtt_frame_init(struct mqtt_frame_walker *walker, enum mqtt_sender sender,
                     enum mqtt_version version)
{
    bool is_3_1 = version == MQTT_VERSION_3_1;

    *walker = (struct mqtt_frame_walker){.allowed = is_3_1 ? C31 : C};
    if (sender == MQTT_FROM_SERVER) {
        walker->allowed = is_3_1 ? F31 : F;
    }
}

void mqtt_frame_limit(struct mqtt_frame_walker *walker, size_t packet_limit)
{
    assert(packet_limit == 0 || packet_limit >= MQTT_FRAME_LIMIT_MIN);
    walker->packet_limit = packet_limit;
}

static bool may_send(const struct mqtt_frame_walker *walker, unsigned first)
{
    return (allowed_first[first] & walker->allowed) != 0;
}

static enum mqtt_frame_status check_first(const struct mqtt_frame_walker *walker)
{
    unsigned type = walker->first & 0xF0u;

    if (may_send(walker, walker->first)) {
        return MQTT_FRAME_OK;
    }
    if (may_send(walker, type | FLAGS_ZERO) || may_send(walker, type | FLAGS_TWO)) {
        return MQTT_FRAME_FLAGS;
    }
    if ((walker->allowed & FIRST) != 0) {
        return MQTT_FRAME_NOT_CONNACK;
    }
    /* A second CONNECT would reach the broker under a name that nobody proved. [MQTT-3.1.0-2] */
    if ((walker->allowed & (C | C31)) != 0 && mqtt_frame_type(walker) == MQTT_CONNECT) {
        return MQTT_FRAME_SECOND_CONNECT;
    }
    return MQTT_FRAME_NOT_ALLOWED;
}

/* There is one CONNACK and no more. [MQTT-3.2.0-2] */
static uint8_t after_first(uint8_t allowed)
{
    unsigned bit = allowed;

    return (uint8_t)((bit & FIRST) != 0 ? AFTER(bit) : bit);
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

/* Most packets are here whole and have one byte of length: each costs an addition, a look into
 * the table and two comparisons. Stops before the first that is different in any way, for the
 * careful way to deal with; returns where that is. */
static size_t skip_small_packets(struct mqtt_frame_walker *walker, struct slice bytes, size_t at)
{
    const unsigned allowed = walker->allowed;
    uint64_t packets = 0;
    size_t last = at;

    while (bytes.size - at >= 2) {
        size_t length = bytes.data[at + 1];

        if ((allowed_first[bytes.data[at]] & allowed) == 0 || (length & 0x80) != 0 ||
            length > bytes.size - at - 2) {
            break;
        }
        last = at;
        at += 2 + length;
        packets++;
    }
    if (packets > 0) {
        walker->first = bytes.data[last];
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
            if ((ahead.allowed & FIRST) == 0) {
                at = skip_small_packets(&ahead, bytes, at);
            }
            if (at == bytes.size) {
                break;
            }
            packet_start = at;
            before = ahead;
            ahead.first = bytes.data[at];
            status = check_first(&ahead);
            if (status != MQTT_FRAME_OK) {
                break;
            }
            ahead.allowed = after_first(ahead.allowed);
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
