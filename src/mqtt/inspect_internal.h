/* What the two halves of the inspector share: one element under way. */
#ifndef MOAT_MQTT_INSPECT_INTERNAL_H
#define MOAT_MQTT_INSPECT_INTERNAL_H

#include "moat/mqtt/inspect.h"
#include "mqtt/reader_internal.h"

/* What comes next, once `skip` bytes have passed. */
enum mqtt_stage {
    MQTT_STAGE_HEADER = 0,   /* a packet */
    MQTT_STAGE_PUBLISH_ID,   /* of a PUBLISH of 5.0: packet identifier and Property Length */
    MQTT_STAGE_PROPERTY,     /* of a PUBLISH */
    MQTT_STAGE_PAIR_VALUE,   /* second half of a User Property */
    MQTT_STAGE_SUBSCRIBE_ID, /* packet identifier and, in 5.0, Property Length */
    MQTT_STAGE_FILTER,       /* of a SUBSCRIBE */
    MQTT_STAGE_BODY,         /* nothing of interest to the packet's end */
};

/* One element under way; the inspector itself is changed when all is in order. */
struct mqtt_look {
    struct mqtt_inspector next;
    struct mqtt_reader reader; /* never past `limit` */
    size_t body;               /* where in the bytes given what `remaining` counts begins */
    size_t limit;              /* where the packet, or its properties, end */
    struct mqtt_element element;
    const char *fault;
};

/* Bytes up to the limit, whether they are there or not. */
static inline size_t mqtt_look_left(const struct mqtt_look *look)
{
    return look->limit - look->reader.at;
}

enum mqtt_inspect_status mqtt_look_refuse(struct mqtt_look *look,
                                          const char *fault) MOAT_MUST_CHECK;

/* A field ends at `size`, which is more than is there. More is asked for only while it can come. */
enum mqtt_inspect_status mqtt_look_need(struct mqtt_look *look, size_t size) MOAT_MUST_CHECK;

/* A length of two bytes and a text that leaves `behind` bytes of the packet. */
enum mqtt_inspect_status mqtt_look_topic(struct mqtt_look *look, size_t behind) MOAT_MUST_CHECK;

enum mqtt_inspect_status mqtt_look_property_length(struct mqtt_look *look) MOAT_MUST_CHECK;

/* inspect_publish.c: the stages of a PUBLISH. `flags` are those of the fixed header. */
enum mqtt_inspect_status mqtt_inspect_publish(struct mqtt_look *look,
                                              uint8_t flags) MOAT_MUST_CHECK;
enum mqtt_inspect_status mqtt_inspect_publish_id(struct mqtt_look *look) MOAT_MUST_CHECK;
enum mqtt_inspect_status mqtt_inspect_property(struct mqtt_look *look) MOAT_MUST_CHECK;
enum mqtt_inspect_status mqtt_inspect_pair_value(struct mqtt_look *look) MOAT_MUST_CHECK;

#endif
