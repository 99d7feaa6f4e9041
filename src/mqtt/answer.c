#include "moat/mqtt/answer.h"

#include "moat/mqtt/frame.h"

#define FIRST_BYTE(type) ((uint8_t)((type) << 4))

/* A refused client is never told that a session of its name exists. [MQTT-3.2.2-4], and in
 * 5.0 [MQTT-3.2.2-6] */
#define NO_SESSION_PRESENT 0
#define NO_PROPERTIES      0

size_t mqtt_encode_connack_v3(uint8_t return_code, uint8_t out_bytes[MQTT_ANSWER_MAX])
{
    const uint8_t packet[] = {FIRST_BYTE(MQTT_CONNACK), 2, NO_SESSION_PRESENT, return_code};

    memcpy(out_bytes, packet, sizeof packet);
    return sizeof packet;
}

size_t mqtt_encode_connack_v5(uint8_t reason_code, uint8_t out_bytes[MQTT_ANSWER_MAX])
{
    const uint8_t packet[] = {FIRST_BYTE(MQTT_CONNACK), 3, NO_SESSION_PRESENT, reason_code,
                              NO_PROPERTIES};

    memcpy(out_bytes, packet, sizeof packet);
    return sizeof packet;
}

size_t mqtt_encode_disconnect_v5(uint8_t reason_code, uint8_t out_bytes[MQTT_ANSWER_MAX])
{
    /* Without a Property Length, which 3.14.2.2.1 lets a packet of Remaining Length 1 leave out. */
    const uint8_t packet[] = {FIRST_BYTE(MQTT_DISCONNECT), 1, reason_code};

    memcpy(out_bytes, packet, sizeof packet);
    return sizeof packet;
}
