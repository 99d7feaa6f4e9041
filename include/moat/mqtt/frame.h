/*
 * Follows packet boundaries and types through a stream without touching a byte.
 *
 * A few bytes of state for each direction. The walker is told every byte that is
 * relayed, in order, however it is split.
 */
#ifndef MOAT_MQTT_FRAME_H
#define MOAT_MQTT_FRAME_H

#include "moat/mqtt/connect.h"

enum mqtt_sender {
    MQTT_FROM_CLIENT,
    MQTT_FROM_SERVER,
};

enum mqtt_packet_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK = 2,
    MQTT_PUBLISH = 3,
    MQTT_PUBACK = 4,
    MQTT_PUBREC = 5,
    MQTT_PUBREL = 6,
    MQTT_PUBCOMP = 7,
    MQTT_SUBSCRIBE = 8,
    MQTT_SUBACK = 9,
    MQTT_UNSUBSCRIBE = 10,
    MQTT_UNSUBACK = 11,
    MQTT_PINGREQ = 12,
    MQTT_PINGRESP = 13,
    MQTT_DISCONNECT = 14,
    MQTT_AUTH = 15,
};

enum mqtt_frame_status {
    MQTT_FRAME_OK = 0,
    MQTT_FRAME_LENGTH,         /* the fourth length byte says that a fifth follows */
    MQTT_FRAME_SECOND_CONNECT, /* [MQTT-3.1.0-2] */
    MQTT_FRAME_NOT_ALLOWED,    /* a type that this sender may not send */
    MQTT_FRAME_NOT_CONNACK,    /* a server's first packet is another [MQTT-3.2.0-1] */
    MQTT_FRAME_FLAGS,          /* flags that this type may not have [MQTT-2.2.2-2] */
    MQTT_FRAME_TOO_LARGE,      /* a packet over the walker's limit */
};

struct mqtt_frame_walker {
    uint8_t allowed;      /* what may come next, as a bit of the table in frame.c */
    uint8_t header_bytes; /* of the packet under way: 0 between packets */
    uint8_t first;        /* byte of the packet under way or, between packets, of the last one */
    uint8_t shift;
    uint32_t remaining;    /* bytes still to come of the packet under way */
    uint64_t packets;      /* that have ended */
    uint64_t packet_limit; /* bytes of the largest packet, its header included; 0 for none */
};

/* From a client, the walker stands behind CONNECT; from a server, before CONNACK. */
void mqtt_frame_init(struct mqtt_frame_walker *walker, enum mqtt_sender sender,
                     enum mqtt_version version);

/* The smallest limit there can be. Packets up to this size are skipped without being measured,
 * so that a limit costs them nothing. */
#define MQTT_FRAME_LIMIT_MIN 129u

/* Sets or, with 0, lifts the limit. */
void mqtt_frame_limit(struct mqtt_frame_walker *walker, size_t packet_limit);

/*
 * Follows `bytes`. On a fault, *out_clean is how many bytes at the start belong to
 * packets that are in order (they may still be relayed; the offending packet's
 * first byte is the next one); on OK it is bytes.size. After TOO_LARGE, and no other fault, the
 * walker stands before *out_clean and may be told the bytes from there again, once its limit
 * is lifted.
 *
 * Allowed from a client once its CONNECT has passed: every type but CONNECT, CONNACK, SUBACK,
 * UNSUBACK, PINGRESP, AUTH and 0. Allowed from a server: first CONNACK, and no other; then PUBLISH,
 * PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP, DISCONNECT (and AUTH, which a client
 * that asked for no authentication method never gets, is a fault). PUBLISH may have any flags;
 * those of the others must be as reserved, except in 3.1, which does not use them.
 */
enum mqtt_frame_status mqtt_frame_walk(struct mqtt_frame_walker *walker, struct slice bytes,
                                       size_t *out_clean) MOAT_MUST_CHECK;

/* Room for what mqtt_frame_describe() says. */
#define MQTT_FRAME_TEXT_SIZE 64u

/* Says for people what the fault was that mqtt_frame_walk() has just reported; an empty text when
 * the status alone says it. */
void mqtt_frame_describe(const struct mqtt_frame_walker *walker, enum mqtt_frame_status status,
                         char out_text[MQTT_FRAME_TEXT_SIZE]);

/* Of the packet under way or, between packets, of the last one; 0 before the first. */
static inline unsigned mqtt_frame_type(const struct mqtt_frame_walker *walker)
{
    return walker->first >> 4;
}

/* True between two packets. */
static inline bool mqtt_frame_at_boundary(const struct mqtt_frame_walker *walker)
{
    return walker->header_bytes == 0;
}

#endif
