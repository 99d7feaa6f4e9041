/* The packets a gateway says for itself: a refusing CONNACK and a DISCONNECT. */
#ifndef MOAT_MQTT_ANSWER_H
#define MOAT_MQTT_ANSWER_H

#include "moat/base/bytes.h"

#define MQTT_ANSWER_MAX 5

/* CONNACK of 3.1 and 3.1.1: 20 02 00 rc [MQTT-3.2.2-4]. Returns 4. */
size_t mqtt_encode_connack_v3(uint8_t return_code, uint8_t out_bytes[MQTT_ANSWER_MAX]);

/* CONNACK of 5.0 without properties: 20 03 00 rc 00 [MQTT-3.2.2-6]. Returns 5. */
size_t mqtt_encode_connack_v5(uint8_t reason_code, uint8_t out_bytes[MQTT_ANSWER_MAX]);

/* DISCONNECT of 5.0 in its short form: E0 01 rc (3.14.2.1). Returns 3. */
size_t mqtt_encode_disconnect_v5(uint8_t reason_code, uint8_t out_bytes[MQTT_ANSWER_MAX]);

#endif
