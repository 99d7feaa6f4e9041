/* The strings of CONNECT: well-formed, and without characters that forge logs and names. */
#ifndef MOAT_MQTT_TEXT_INTERNAL_H
#define MOAT_MQTT_TEXT_INTERNAL_H

#include "moat/mqtt/connect.h"

enum mqtt_text_field {
    MQTT_TEXT_CLIENT_ID = 0,
    MQTT_TEXT_WILL_TOPIC,
    MQTT_TEXT_USERNAME,
    MQTT_TEXT_PROPERTY,
};

/*
 * Judges the characters of a UTF-8 Encoded String. False when one of them is at
 * fault; then *out_fault says what, with `offset`, which is where the field begins.
 *
 * A byte order mark is a character like any other and stays. [MQTT-1.5.3-3] [MQTT-1.5.4-3]
 */
bool mqtt_text_check(struct slice text, enum mqtt_text_field field, enum mqtt_version version,
                     size_t offset, struct mqtt_fault *out_fault) MOAT_MUST_CHECK;

#endif
