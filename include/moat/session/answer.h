/*
 * What the gate says to a client it turns away: the bytes, from the reason alone.
 *
 * Pure. The one exit (session/close.c) sends what is made here, and `moat explain` shows it,
 * so that neither can drift from the other.
 */
#ifndef MOAT_SESSION_ANSWER_H
#define MOAT_SESSION_ANSWER_H

#include "moat/mqtt/answer.h"
#include "moat/session/close_reason.h"

/* How this client may be spoken to. */
struct answer_terms {
    uint8_t version;              /* enum mqtt_version; 0 while it is not known */
    uint32_t maximum_packet_size; /* of a 5.0 client, in bytes; not looked at for others */
    bool is_silent;               /* `refusal: silent` */
};

struct answer {
    size_t size; /* bytes; 0 when nothing is said */
    uint8_t bytes[MQTT_ANSWER_MAX];
    int code; /* the code among them; CLOSE_CODE_NONE when nothing is said */
};

/* The CONNACK that refuses. Nothing is said where the reason has no code, the version is not known
 * (unless the reason is just that), or the packet would exceed what a 5.0 client takes
 * [MQTT-3.1.2-24]. */
void answer_connack(enum close_reason reason, const struct answer_terms *terms,
                    struct answer *out_answer);

/* The DISCONNECT that ends a relayed session. Versions before 5.0 know none from a server. */
void answer_disconnect(enum close_reason reason, const struct answer_terms *terms,
                       struct answer *out_answer);

#endif
