/*
 * The CONNACK of a broker, read as it passes.
 *
 * Pure, and a few bytes of state however long the packet: it is told the broker's first bytes in
 * order, however they are split, and changes none.
 */
#ifndef MOAT_MQTT_CONNACK_H
#define MOAT_MQTT_CONNACK_H

#include "moat/mqtt/connect.h"

enum mqtt_connack_status {
    MQTT_CONNACK_OK = 0,    /* the whole packet was there, and in order */
    MQTT_CONNACK_MORE,      /* in order so far */
    MQTT_CONNACK_MALFORMED, /* no more bytes may be told */
};

struct mqtt_property;

struct mqtt_connack {
    /* What it says; good once the status is OK. */
    uint8_t code; /* return code or, in 5.0, reason code; 0: accepted */
    bool has_server_keep_alive;
    uint16_t server_keep_alive; /* seconds; 0 is off */

    /* Where the reader stands. */
    uint8_t version; /* enum mqtt_version, of the client's CONNECT */
    uint8_t stage;
    uint8_t count;   /* bytes of the number under way */
    bool is_second;  /* half of a User Property */
    uint32_t number; /* under way */
    uint32_t left;   /* bytes to come of the packet */
    uint32_t skip;   /* of these, bytes of a string */
    uint64_t seen;   /* the bits 1 << id of the properties met */
    const struct mqtt_property *property;
};

void mqtt_connack_init(struct mqtt_connack *connack, enum mqtt_version version);

/*
 * Reads on. Behind the packet's last byte nothing is looked at, so `bytes` may hold what follows.
 * Asks for what every client must refuse: the form, reserved bits, and properties of 5.0 with their
 * types and numbers, each once. Strings are not looked into. Lenient where brokers of 3.x are: one
 * that does not know 5.0 refuses in its own form. *out_fault is written for MALFORMED: a static
 * text.
 */
enum mqtt_connack_status mqtt_connack_feed(struct mqtt_connack *connack, struct slice bytes,
                                           const char **out_fault) MOAT_MUST_CHECK;

#endif
