#include "mqtt/property_table_internal.h"

#define ONCE(id, name, type, place, rule, section)                                                 \
    {                                                                                              \
        id, type, place, true, rule, section, name " is given twice",                              \
            name " has a forbidden value"                                                          \
    }
#define MANY(id, type, places, section)                                                            \
    {                                                                                              \
        id, type, places, false, MQTT_ANY_VALUE, section, "", ""                                   \
    }

#define CONNECT MQTT_IN_CONNECT
#define WILL    MQTT_IN_WILL
#define PUBLISH MQTT_IN_PUBLISH

/* Everything these places may carry; any other identifier is malformed (2.2.2.2). */
static const struct mqtt_property properties[] = {
    ONCE(MQTT_SESSION_EXPIRY_INTERVAL, "Session Expiry Interval", MQTT_TYPE_U32, CONNECT,
         MQTT_ANY_VALUE, "3.1.2.11.2"),
    ONCE(MQTT_RECEIVE_MAXIMUM, "Receive Maximum", MQTT_TYPE_U16, CONNECT, MQTT_NOT_ZERO,
         "3.1.2.11.3"),
    ONCE(MQTT_MAXIMUM_PACKET_SIZE, "Maximum Packet Size", MQTT_TYPE_U32, CONNECT, MQTT_NOT_ZERO,
         "3.1.2.11.4"),
    ONCE(MQTT_TOPIC_ALIAS_MAXIMUM, "Topic Alias Maximum", MQTT_TYPE_U16, CONNECT, MQTT_ANY_VALUE,
         "3.1.2.11.5"),
    ONCE(MQTT_REQUEST_RESPONSE_INFORMATION, "Request Response Information", MQTT_TYPE_U8, CONNECT,
         MQTT_ZERO_OR_ONE, "3.1.2.11.6"),
    ONCE(MQTT_REQUEST_PROBLEM_INFORMATION, "Request Problem Information", MQTT_TYPE_U8, CONNECT,
         MQTT_ZERO_OR_ONE, "3.1.2.11.7"),
    MANY(MQTT_USER_PROPERTY, MQTT_TYPE_PAIR, CONNECT | WILL | PUBLISH, "3.1.2.11.8"),
    ONCE(MQTT_AUTHENTICATION_METHOD, "Authentication Method", MQTT_TYPE_TEXT, CONNECT,
         MQTT_ANY_VALUE, "3.1.2.11.9"),
    ONCE(MQTT_AUTHENTICATION_DATA, "Authentication Data", MQTT_TYPE_BINARY, CONNECT, MQTT_ANY_VALUE,
         "3.1.2.11.10"),
    ONCE(MQTT_WILL_DELAY_INTERVAL, "Will Delay Interval", MQTT_TYPE_U32, WILL, MQTT_ANY_VALUE,
         "3.1.3.2.2"),
    ONCE(MQTT_PAYLOAD_FORMAT_INDICATOR, "Payload Format Indicator", MQTT_TYPE_U8, WILL | PUBLISH,
         MQTT_ZERO_OR_ONE, "3.1.3.2.3"),
    ONCE(MQTT_MESSAGE_EXPIRY_INTERVAL, "Message Expiry Interval", MQTT_TYPE_U32, WILL | PUBLISH,
         MQTT_ANY_VALUE, "3.1.3.2.4"),
    ONCE(MQTT_CONTENT_TYPE, "Content Type", MQTT_TYPE_TEXT, WILL | PUBLISH, MQTT_ANY_VALUE,
         "3.1.3.2.5"),
    ONCE(MQTT_RESPONSE_TOPIC, "Response Topic", MQTT_TYPE_TEXT, WILL | PUBLISH, MQTT_TOPIC_NAME,
         "3.1.3.2.6"),
    ONCE(MQTT_CORRELATION_DATA, "Correlation Data", MQTT_TYPE_BINARY, WILL | PUBLISH,
         MQTT_ANY_VALUE, "3.1.3.2.7"),
    ONCE(MQTT_TOPIC_ALIAS, "Topic Alias", MQTT_TYPE_U16, PUBLISH, MQTT_NOT_ZERO, "3.3.2.3.4"),
};

#define PROPERTY_COUNT (sizeof properties / sizeof properties[0])

const struct mqtt_property *mqtt_property_find(uint32_t id, enum mqtt_property_place place)
{
    for (size_t i = 0; i < PROPERTY_COUNT; i++) {
        if ((uint32_t)properties[i].id == id && (properties[i].places & (unsigned)place) != 0) {
            return &properties[i];
        }
    }
    return NULL;
}
