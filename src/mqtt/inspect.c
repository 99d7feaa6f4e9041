#include "mqtt/inspect_internal.h"

#include "moat/base/topic.h"
#include "moat/mqtt/frame.h"

void mqtt_inspector_init(struct mqtt_inspector *inspector, enum mqtt_version version)
{
    *inspector = (struct mqtt_inspector){.version = (uint8_t)version};
}

enum mqtt_inspect_status mqtt_look_refuse(struct mqtt_look *look, const char *fault)
{
    look->fault = fault;
    return MQTT_INSPECT_MALFORMED;
}

enum mqtt_inspect_status mqtt_look_need(struct mqtt_look *look, size_t size)
{
    if (size > look->limit) {
        return mqtt_look_refuse(look, "the packet ends before its fields do");
    }
    look->element.size = size;
    return MQTT_INSPECT_MORE;
}

static void set_limit(struct mqtt_look *look, size_t limit)
{
    look->limit = limit;
    if (look->reader.end > limit) {
        look->reader.end = limit;
    }
}

enum mqtt_inspect_status mqtt_look_topic(struct mqtt_look *look, size_t behind)
{
    uint16_t size;

    if (!mqtt_read_u16(&look->reader, &size)) {
        return mqtt_look_need(look, look->reader.at + 2);
    }
    if (size + behind > mqtt_look_left(look)) {
        return mqtt_look_refuse(look, "the topic is longer than its packet");
    }
    if (!mqtt_read_bytes(&look->reader, size, &look->element.topic)) {
        return mqtt_look_need(look, look->reader.at + size);
    }
    return MQTT_INSPECT_OK;
}

enum mqtt_inspect_status mqtt_look_property_length(struct mqtt_look *look)
{
    struct mqtt_varint length;

    switch (mqtt_read_varint(&look->reader, &length)) {
    case MQTT_VARINT_OK:
        break;
    case MQTT_VARINT_CUT:
        return mqtt_look_need(look, look->reader.end + 1);
    case MQTT_VARINT_TOO_LONG:
        return mqtt_look_refuse(look, "Property Length has more than four bytes");
    }
    if (length.value > mqtt_look_left(look)) {
        return mqtt_look_refuse(look, "the properties are longer than their packet");
    }
    look->next.properties = length.value;
    return MQTT_INSPECT_OK;
}

/* --- SUBSCRIBE --- */

static enum mqtt_inspect_status read_subscribe_id(struct mqtt_look *look)
{
    uint16_t id;

    if (!mqtt_read_u16(&look->reader, &id)) {
        return mqtt_look_need(look, 2);
    }
    if (look->next.version == MQTT_VERSION_5_0) {
        enum mqtt_inspect_status status = mqtt_look_property_length(look);
        if (status != MQTT_INSPECT_OK) {
            return status;
        }
        look->next.skip = look->next.properties;
    }
    look->next.stage = MQTT_STAGE_FILTER;
    return MQTT_INSPECT_OK;
}

static enum mqtt_inspect_status read_filter(struct mqtt_look *look)
{
    enum mqtt_inspect_status status = mqtt_look_topic(look, 1);

    if (status != MQTT_INSPECT_OK) {
        return status;
    }
    if (!topic_is_filter(look->element.topic)) { /* [MQTT-3.8.3-1] [MQTT-4.7.3-1] */
        return mqtt_look_refuse(look, "SUBSCRIBE to what is no topic filter");
    }
    look->element.request = MQTT_REQUEST_SUBSCRIBE;
    look->next.skip = 1; /* options */
    return MQTT_INSPECT_OK;
}

/* --- the whole --- */

static enum mqtt_inspect_status read_header(struct mqtt_look *look)
{
    struct mqtt_varint remaining;
    uint8_t first;

    if (!mqtt_read_u8(&look->reader, &first)) {
        return mqtt_look_need(look, 2);
    }
    switch (mqtt_read_varint(&look->reader, &remaining)) {
    case MQTT_VARINT_OK:
        break;
    case MQTT_VARINT_CUT:
        return mqtt_look_need(look, look->reader.end + 1);
    case MQTT_VARINT_TOO_LONG:
        return mqtt_look_refuse(look, "a length has more than four bytes");
    }
    look->next.remaining = remaining.value;
    look->body = look->reader.at;
    set_limit(look, look->body + look->next.remaining);
    if (first >> 4 == MQTT_PUBLISH) {
        return mqtt_inspect_publish(look, first & 0x0F);
    }
    look->next.stage = MQTT_STAGE_BODY;
    if (first >> 4 == MQTT_SUBSCRIBE) {
        look->next.stage = MQTT_STAGE_SUBSCRIBE_ID;
        /* [MQTT-3.8.1-1]; 3.1 has a flag DUP besides. With QoS 0 there would be no packet
         * identifier in 3.1, and two readings of where the first filter begins. */
        if ((first & 0x06) != 0x02) {
            return mqtt_look_refuse(look, "SUBSCRIBE without QoS 1");
        }
    }
    return MQTT_INSPECT_OK;
}

static size_t limit_of(const struct mqtt_inspector *inspector)
{
    switch ((enum mqtt_stage)inspector->stage) {
    case MQTT_STAGE_HEADER:
        return SIZE_MAX; /* not known yet */
    case MQTT_STAGE_PROPERTY:
    case MQTT_STAGE_PAIR_VALUE:
        return inspector->properties;
    case MQTT_STAGE_PUBLISH_ID:
    case MQTT_STAGE_SUBSCRIBE_ID:
    case MQTT_STAGE_FILTER:
    case MQTT_STAGE_BODY:
        break;
    }
    return inspector->remaining;
}

static enum mqtt_inspect_status read_stage(struct mqtt_look *look)
{
    set_limit(look, limit_of(&look->next));
    switch ((enum mqtt_stage)look->next.stage) {
    case MQTT_STAGE_HEADER:
        return read_header(look);
    case MQTT_STAGE_PUBLISH_ID:
        return mqtt_inspect_publish_id(look);
    case MQTT_STAGE_PROPERTY:
        return mqtt_inspect_property(look);
    case MQTT_STAGE_PAIR_VALUE:
        return mqtt_inspect_pair_value(look);
    case MQTT_STAGE_SUBSCRIBE_ID:
        return read_subscribe_id(look);
    case MQTT_STAGE_FILTER:
        return read_filter(look);
    case MQTT_STAGE_BODY:
        break;
    }
    return MQTT_INSPECT_OK;
}

/* Behind what was read: what is there of the bytes that need no look goes with it. */
static void skip_what_is_there(struct mqtt_look *look, size_t available)
{
    struct mqtt_inspector *next = &look->next;

    next->remaining -= (uint32_t)(look->reader.at - look->body);
    if (next->stage == MQTT_STAGE_BODY) {
        next->skip = next->remaining;
    }
    size_t size = available - look->reader.at;
    size = size < next->skip ? size : next->skip;
    next->skip -= (uint32_t)size;
    next->remaining -= (uint32_t)size;
    look->element.size = look->reader.at + size;
    if (next->remaining == 0) {
        next->stage = MQTT_STAGE_HEADER;
        next->packets++;
    }
}

enum mqtt_inspect_status mqtt_inspect(struct mqtt_inspector *inspector, struct slice bytes,
                                      struct mqtt_element *out_element, const char **out_fault)
{
    struct mqtt_look look = {.next = *inspector, .reader = mqtt_reader_of(bytes)};
    enum mqtt_inspect_status status = look.next.skip > 0 ? MQTT_INSPECT_OK : read_stage(&look);

    switch (status) {
    case MQTT_INSPECT_OK:
        skip_what_is_there(&look, bytes.size);
        *inspector = look.next;
        *out_element = look.element;
        break;
    case MQTT_INSPECT_MORE:
        *out_element = look.element;
        break;
    case MQTT_INSPECT_MALFORMED:
        *out_fault = look.fault;
        break;
    }
    return status;
}
