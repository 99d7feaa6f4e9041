#include "moat/mqtt/frame.h"

#include <stdio.h>

static const char *const names[16] = {
    "packet of type 0", "CONNECT",  "CONNACK",    "PUBLISH", "PUBACK",      "PUBREC",
    "PUBREL",           "PUBCOMP",  "SUBSCRIBE",  "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",
    "PINGREQ",          "PINGRESP", "DISCONNECT", "AUTH",
};

void mqtt_frame_describe(const struct mqtt_frame_walker *walker, enum mqtt_frame_status status,
                         char out_text[MQTT_FRAME_TEXT_SIZE])
{
    const char *name = names[mqtt_frame_type(walker)];

    switch (status) {
    case MQTT_FRAME_OK:
    case MQTT_FRAME_SECOND_CONNECT:
    case MQTT_FRAME_TOO_LARGE: /* the walker stands before the packet again */
        out_text[0] = '\0';
        break;
    case MQTT_FRAME_LENGTH:
        snprintf(out_text, MQTT_FRAME_TEXT_SIZE, "%s with a length of five bytes", name);
        break;
    case MQTT_FRAME_NOT_ALLOWED:
        snprintf(out_text, MQTT_FRAME_TEXT_SIZE, "%s", name);
        break;
    case MQTT_FRAME_NOT_CONNACK:
        snprintf(out_text, MQTT_FRAME_TEXT_SIZE, "%s before CONNACK", name);
        break;
    case MQTT_FRAME_FLAGS:
        snprintf(out_text, MQTT_FRAME_TEXT_SIZE, "%s with flags 0x%x in its fixed header", name,
                 walker->first & 0x0Fu);
        break;
    }
}
