#include "moat/session/reason_of.h"

enum close_reason close_reason_of_connect(enum mqtt_connect_status status)
{
    switch (status) {
    case MQTT_CONNECT_NOT_CONNECT:
        return CLOSE_NOT_CONNECT;
    case MQTT_CONNECT_TOO_LARGE:
        return CLOSE_CONNECT_TOO_LARGE;
    case MQTT_CONNECT_MALFORMED:
        return CLOSE_CONNECT_MALFORMED;
    case MQTT_CONNECT_PROTOCOL_NAME:
        return CLOSE_PROTOCOL_NAME;
    case MQTT_CONNECT_PROTOCOL_LEVEL:
        return CLOSE_PROTOCOL_LEVEL;
    case MQTT_CONNECT_CLIENT_ID:
        return CLOSE_CLIENT_ID;
    case MQTT_CONNECT_OK:
    case MQTT_CONNECT_MORE:
        return CLOSE_INTERNAL_FAULT;
    }
    return CLOSE_INTERNAL_FAULT;
}

enum close_reason close_reason_of_policy(enum policy_reason reason)
{
    switch (reason) {
    case POLICY_REASON_NO_RULE:
        return CLOSE_NO_RULE;
    case POLICY_REASON_RULE_DENIES:
        return CLOSE_RULE_DENIES;
    case POLICY_REASON_FACTOR_MISSING:
        return CLOSE_FACTOR_MISSING;
    case POLICY_REASON_PASSWORD_MISSING:
        return CLOSE_BAD_CREDENTIALS;
    case POLICY_REASON_CLIENT_ID:
        return CLOSE_CLIENT_ID;
    case POLICY_REASON_USERNAME:
        return CLOSE_USERNAME;
    case POLICY_REASON_WILL_TOPIC:
        return CLOSE_WILL_TOPIC;
    case POLICY_REASON_BIND_CLIENT_ID:
        return CLOSE_BIND_CLIENT_ID;
    case POLICY_REASON_BIND_USERNAME:
        return CLOSE_BIND_USERNAME;
    case POLICY_REASON_CLIENT_ID_LIMIT:
        return CLOSE_CLIENT_ID_LIMIT;
    case POLICY_REASON_PROTOCOL:
        return CLOSE_PROTOCOL_NOT_ALLOWED;
    case POLICY_REASON_BRIDGE:
        return CLOSE_BRIDGE;
    case POLICY_REASON_KEEP_ALIVE:
        return CLOSE_KEEP_ALIVE;
    case POLICY_REASON_CLEAN_SESSION:
        return CLOSE_CLEAN_SESSION;
    case POLICY_REASON_WILL:
        return CLOSE_WILL_NOT_ALLOWED;
    case POLICY_REASON_WILL_QOS:
        return CLOSE_WILL_QOS;
    case POLICY_REASON_WILL_RETAIN:
        return CLOSE_WILL_RETAIN;
    case POLICY_REASON_ALLOWED:
        return CLOSE_INTERNAL_FAULT;
    }
    return CLOSE_INTERNAL_FAULT;
}
