/* What a property of CONNECT, of its will, of PUBLISH or of CONNACK may be: one row for each, as
 * data. */
#ifndef MOAT_MQTT_PROPERTY_TABLE_INTERNAL_H
#define MOAT_MQTT_PROPERTY_TABLE_INTERNAL_H

#include "mqtt/properties_internal.h"

enum mqtt_property_id {
    MQTT_PAYLOAD_FORMAT_INDICATOR = 0x01,
    MQTT_MESSAGE_EXPIRY_INTERVAL = 0x02,
    MQTT_CONTENT_TYPE = 0x03,
    MQTT_RESPONSE_TOPIC = 0x08,
    MQTT_CORRELATION_DATA = 0x09,
    MQTT_SESSION_EXPIRY_INTERVAL = 0x11,
    MQTT_ASSIGNED_CLIENT_IDENTIFIER = 0x12,
    MQTT_SERVER_KEEP_ALIVE = 0x13,
    MQTT_AUTHENTICATION_METHOD = 0x15,
    MQTT_AUTHENTICATION_DATA = 0x16,
    MQTT_REQUEST_PROBLEM_INFORMATION = 0x17,
    MQTT_WILL_DELAY_INTERVAL = 0x18,
    MQTT_REQUEST_RESPONSE_INFORMATION = 0x19,
    MQTT_RESPONSE_INFORMATION = 0x1A,
    MQTT_SERVER_REFERENCE = 0x1C,
    MQTT_REASON_STRING = 0x1F,
    MQTT_RECEIVE_MAXIMUM = 0x21,
    MQTT_TOPIC_ALIAS_MAXIMUM = 0x22,
    MQTT_TOPIC_ALIAS = 0x23,
    MQTT_MAXIMUM_QOS = 0x24,
    MQTT_RETAIN_AVAILABLE = 0x25,
    MQTT_USER_PROPERTY = 0x26,
    MQTT_MAXIMUM_PACKET_SIZE = 0x27,
    MQTT_WILDCARD_SUBSCRIPTION_AVAILABLE = 0x28,
    MQTT_SUBSCRIPTION_IDENTIFIERS_AVAILABLE = 0x29,
    MQTT_SHARED_SUBSCRIPTION_AVAILABLE = 0x2A,
};

enum mqtt_property_type {
    MQTT_TYPE_U8,
    MQTT_TYPE_U16,
    MQTT_TYPE_U32,
    MQTT_TYPE_TEXT,
    MQTT_TYPE_BINARY,
    MQTT_TYPE_PAIR,
};

enum mqtt_value_rule {
    MQTT_ANY_VALUE,
    MQTT_NOT_ZERO,
    MQTT_ZERO_OR_ONE,
    MQTT_TOPIC_NAME,
};

struct mqtt_property {
    enum mqtt_property_id id;
    enum mqtt_property_type type;
    unsigned places; /* of enum mqtt_property_place */
    bool once;
    enum mqtt_value_rule rule;
    const char *section; /* of the 5.0 standard */
    const char *twice;
    const char *bad_value;
};

/* The row of an identifier that may stand in `place`, or NULL. */
const struct mqtt_property *mqtt_property_find(uint32_t id,
                                               enum mqtt_property_place place) MOAT_MUST_CHECK;

#endif
