/*
 * PUBLISH: the topic and, in 5.0, the one property that can stand for it. A topic is
 * judged before any byte behind it; a PUBLISH that has none is judged at its alias, without
 * which no broker can know what it is for.
 */
#include "moat/base/topic.h"
#include "mqtt/inspect_internal.h"
#include "mqtt/property_table_internal.h"

enum mqtt_inspect_status mqtt_inspect_publish(struct mqtt_look *look, uint8_t flags)
{
    bool has_properties = look->next.version == MQTT_VERSION_5_0;

    look->next.qos = (flags >> 1) & 3;
    if (look->next.qos == 3) { /* [MQTT-3.3.1-4]: is there a packet identifier or not? */
        return mqtt_look_refuse(look, "PUBLISH with QoS 3");
    }
    size_t behind = (look->next.qos > 0 ? 2u : 0u) + (has_properties ? 1u : 0u);
    enum mqtt_inspect_status status = mqtt_look_topic(look, behind);
    if (status != MQTT_INSPECT_OK) {
        return status;
    }
    look->next.has_topic = look->element.topic.size > 0;
    look->next.has_alias = false;
    look->next.stage = has_properties ? MQTT_STAGE_PUBLISH_ID : MQTT_STAGE_BODY;
    if (!look->next.has_topic && has_properties) {
        return MQTT_INSPECT_OK; /* its alias will be judged */
    }
    /* [MQTT-3.3.2-1] [MQTT-3.3.2-2] [MQTT-4.7.3-1] */
    if (!topic_is_name(look->element.topic)) {
        return mqtt_look_refuse(look, "PUBLISH to what is no topic name");
    }
    look->element.request = MQTT_REQUEST_PUBLISH;
    return MQTT_INSPECT_OK;
}

/* Behind the last property it is known whether the packet has a topic at all. */
static enum mqtt_inspect_status go_on_to_property(struct mqtt_look *look)
{
    look->next.stage = look->next.properties > 0 ? MQTT_STAGE_PROPERTY : MQTT_STAGE_BODY;
    if (look->next.properties == 0 && !look->next.has_topic && !look->next.has_alias) {
        return mqtt_look_refuse(look, "PUBLISH with neither a topic nor an alias");
    }
    return MQTT_INSPECT_OK;
}

enum mqtt_inspect_status mqtt_inspect_publish_id(struct mqtt_look *look)
{
    uint16_t id;

    if (look->next.qos > 0 && !mqtt_read_u16(&look->reader, &id)) {
        return mqtt_look_need(look, look->reader.at + 2);
    }
    enum mqtt_inspect_status status = mqtt_look_property_length(look);
    return status == MQTT_INSPECT_OK ? go_on_to_property(look) : status;
}

static enum mqtt_inspect_status read_alias(struct mqtt_look *look)
{
    if (!mqtt_read_u16(&look->reader, &look->element.alias)) {
        return mqtt_look_need(look, look->reader.at + 2);
    }
    if (look->element.alias == 0) { /* [MQTT-3.3.2-8] */
        return mqtt_look_refuse(look, "topic alias 0");
    }
    /* Which of two aliases the broker would take is its secret. */
    if (look->next.has_alias) {
        return mqtt_look_refuse(look, "two topic aliases in one PUBLISH");
    }
    look->next.has_alias = true;
    look->element.request = look->next.has_topic ? MQTT_REQUEST_SET_ALIAS : MQTT_REQUEST_USE_ALIAS;
    return MQTT_INSPECT_OK;
}

static enum mqtt_inspect_status read_number(struct mqtt_look *look, size_t size)
{
    struct slice ignored;

    return mqtt_read_bytes(&look->reader, size, &ignored)
               ? MQTT_INSPECT_OK
               : mqtt_look_need(look, look->reader.at + size);
}

/* A length of two bytes, and as many bytes to be skipped that leave `behind` of the properties. */
static enum mqtt_inspect_status read_length(struct mqtt_look *look, size_t behind)
{
    uint16_t size;

    if (!mqtt_read_u16(&look->reader, &size)) {
        return mqtt_look_need(look, look->reader.at + 2);
    }
    if (size + behind > mqtt_look_left(look)) {
        return mqtt_look_refuse(look, "a property is longer than the properties");
    }
    look->next.skip = size;
    return MQTT_INSPECT_OK;
}

static enum mqtt_inspect_status read_value(struct mqtt_look *look,
                                           const struct mqtt_property *property)
{
    switch (property->type) {
    case MQTT_TYPE_U8:
        return read_number(look, 1);
    case MQTT_TYPE_U16: /* Topic Alias is the only one */
        return read_alias(look);
    case MQTT_TYPE_U32:
        return read_number(look, 4);
    case MQTT_TYPE_TEXT:
    case MQTT_TYPE_BINARY:
        return read_length(look, 0);
    case MQTT_TYPE_PAIR:
        return read_length(look, 2);
    }
    return mqtt_look_refuse(look, "property of an unknown type");
}

static enum mqtt_inspect_status end_property(struct mqtt_look *look)
{
    look->next.properties -= (uint32_t)look->reader.at + look->next.skip;
    return go_on_to_property(look);
}

enum mqtt_inspect_status mqtt_inspect_property(struct mqtt_look *look)
{
    uint8_t id;

    if (!mqtt_read_u8(&look->reader, &id)) {
        return mqtt_look_need(look, 1);
    }
    const struct mqtt_property *property = mqtt_property_find(id, MQTT_IN_PUBLISH);
    if (property == NULL) {
        return mqtt_look_refuse(look, "property that is not allowed in a PUBLISH");
    }
    enum mqtt_inspect_status status = read_value(look, property);
    if (status == MQTT_INSPECT_OK) {
        status = end_property(look);
    }
    if (property->type == MQTT_TYPE_PAIR) {
        look->next.stage = MQTT_STAGE_PAIR_VALUE;
    }
    return status;
}

enum mqtt_inspect_status mqtt_inspect_pair_value(struct mqtt_look *look)
{
    enum mqtt_inspect_status status = read_length(look, 0);

    return status == MQTT_INSPECT_OK ? end_property(look) : status;
}
