/* The properties of a CONNECT and of its will, and where others stand. 5.0 only. */
#ifndef MOAT_MQTT_PROPERTIES_INTERNAL_H
#define MOAT_MQTT_PROPERTIES_INTERNAL_H

#include "moat/mqtt/connect.h"
#include "mqtt/reader_internal.h"

enum mqtt_property_place {
    MQTT_IN_CONNECT = 1,
    MQTT_IN_WILL = 2,
    MQTT_IN_PUBLISH = 4, /* read by inspect.c, which needs no more than types */
    MQTT_IN_CONNACK = 8, /* read by connack.c, byte by byte as it passes */
};

/* Gives the fields that properties set the values the standard gives to absent ones. */
void mqtt_properties_init(struct mqtt_connect *connect);

/*
 * Reads a Property Length and the properties behind it. *user_properties is how
 * many User Properties may still come; it is lowered by each one met, so that both
 * places share one limit.
 *
 * What follows the properties is the reader's next byte. Returns OK, MALFORMED or
 * TOO_LARGE; for the last two *out_fault is written and the rest is of no use.
 */
enum mqtt_connect_status mqtt_properties_parse(struct mqtt_reader *reader,
                                               enum mqtt_property_place place,
                                               size_t *user_properties,
                                               struct mqtt_connect *connect,
                                               struct mqtt_fault *out_fault) MOAT_MUST_CHECK;

#endif
