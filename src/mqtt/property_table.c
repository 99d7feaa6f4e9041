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
#define CONNACK MQTT_IN_CONNACK

/* Everything these places may carry; any other identifier is malformed (2.2.2.2). */
static const struct mqtt_property properties[] = {
    ONCE(MQTT_SESSION_EXPIRY_INTERVAL, "Session Expiry Interval", MQTT_TYPE_U32, CONNECT | CONNACK,
         MQTT_ANY_VALUE, "3.1.2.11.2"),
    ONCE(MQTT_RECEIVE_MAXIMUM, "Receive Maximum", MQTT_TYPE_U16, CONNECT | CONNACK, MQTT_NOT_ZERO,
         "3.1.2.11.3"),
    ONCE(MQTT_MAXIMUM_PACKET_SIZE, "Maximum Packet Size", MQTT_TYPE_U32, CONNECT | CONNACK,
         MQTT_NOT_ZERO, "3.1.2.11.4"),
    ONCE(MQTT_TOPIC_ALIAS_MAXIMUM, "Topic Alias Maximum", MQTT_TYPE_U16, CONNECT | CONNACK,
         MQTT_ANY_VALUE, "3.1.2.11.5"),
    ONCE(MQTT_REQUEST_RESPONSE_INFORMATION, "Request Response Information", MQTT_TYPE_U8, CONNECT,
         MQTT_ZERO_OR_ONE, "3.1.2.11.6"),
    ONCE(MQTT_REQUEST_PROBLEM_INFORMATION, "Request Problem Information", MQTT_TYPE_U8, CONNECT,
         MQTT_ZERO_OR_ONE, "3.1.2.11.7"),
    MANY(MQTT_USER_PROPERTY, MQTT_TYPE_PAIR, CONNECT | WILL | PUBLISH | CONNACK, "3.1.2.11.8"),
    ONCE(MQTT_AUTHENTICATION_METHOD, "Authentication Method", MQTT_TYPE_TEXT, CONNECT | CONNACK,
         MQTT_ANY_VALUE, "3.1.2.11.9"),
    ONCE(MQTT_AUTHENTICATION_DATA, "Authentication Data", MQTT_TYPE_BINARY, CONNECT | CONNACK,
         MQTT_ANY_VALUE, "3.1.2.11.10"),
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
    ONCE(MQTT_MAXIMUM_QOS, "Maximum QoS", MQTT_TYPE_U8, CONNACK, MQTT_ZERO_OR_ONE, "3.2.2.3.4"),
    ONCE(MQTT_RETAIN_AVAILABLE, "Retain Available", MQTT_TYPE_U8, CONNACK, MQTT_ZERO_OR_ONE,
         "3.2.2.3.5"),
    ONCE(MQTT_ASSIGNED_CLIENT_IDENTIFIER, "Assigned Client Identifier", MQTT_TYPE_TEXT, CONNACK,
         MQTT_ANY_VALUE, "3.2.2.3.7"),
    ONCE(MQTT_REASON_STRING, "Reason String", MQTT_TYPE_TEXT, CONNACK, MQTT_ANY_VALUE, "3.2.2.3.9"),
    ONCE(MQTT_WILDCARD_SUBSCRIPTION_AVAILABLE, "Wildcard Subscription Available", MQTT_TYPE_U8,
         CONNACK, MQTT_ZERO_OR_ONE, "3.2.2.3.11"),
    ONCE(MQTT_SUBSCRIPTION_IDENTIFIERS_AVAILABLE, "Subscription Identifiers Available",
         MQTT_TYPE_U8, CONNACK, MQTT_ZERO_OR_ONE, "3.2.2.3.12"),
    ONCE(MQTT_SHARED_SUBSCRIPTION_AVAILABLE, "Shared Subscription Available", MQTT_TYPE_U8, CONNACK,
         MQTT_ZERO_OR_ONE, "3.2.2.3.13"),
    ONCE(MQTT_SERVER_KEEP_ALIVE, "Server Keep Alive", MQTT_TYPE_U16, CONNACK, MQTT_ANY_VALUE,
         "3.2.2.3.14"),
    ONCE(MQTT_RESPONSE_INFORMATION, "Response Information", MQTT_TYPE_TEXT, CONNACK, MQTT_ANY_VALUE,
         "3.2.2.3.15"),
    ONCE(MQTT_SERVER_REFERENCE, "Server Reference", MQTT_TYPE_TEXT, CONNACK, MQTT_ANY_VALUE,
         "3.2.2.3.16"),
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
