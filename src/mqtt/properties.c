#include "mqtt/properties_internal.h"

#include "mqtt/property_table_internal.h"
#include "mqtt/text_internal.h"

struct value {
    uint32_t number;
    struct slice bytes; /* of a pair, the name */
    struct slice other; /* of a pair, the value */
};

/* Every property has a bit of its own to be remembered by: its identifier. */
_Static_assert(MQTT_SHARED_SUBSCRIPTION_AVAILABLE < 64,
               "the largest identifier has its bit in `seen`");

/* One block of properties under way. */
struct block {
    struct mqtt_reader reader; /* of the block alone */
    enum mqtt_property_place place;
    uint64_t seen; /* the bits 1 << id of those met */
    size_t *user_properties;
    struct mqtt_connect *connect;
    struct mqtt_fault *fault;
};

static enum mqtt_connect_status refuse(struct mqtt_fault *out_fault, size_t offset,
                                       const char *what, const char *clause)
{
    *out_fault = (struct mqtt_fault){.what = what, .clause = clause, .offset = offset};
    return MQTT_CONNECT_MALFORMED;
}

/* The identifier is a Variable Byte Integer, though all that exist have one byte. */
static enum mqtt_connect_status read_id(struct block *block,
                                        const struct mqtt_property **out_property)
{
    size_t start = block->reader.at;
    struct mqtt_varint id;

    switch (mqtt_read_varint(&block->reader, &id)) {
    case MQTT_VARINT_OK:
        break;
    case MQTT_VARINT_CUT:
        return refuse(block->fault, start, "property identifier is cut short", "2.2.2.2");
    case MQTT_VARINT_TOO_LONG:
        return refuse(block->fault, start, "property identifier has more than four bytes", "1.5.5");
    }
    if (!id.shortest) { /* [MQTT-1.5.5-1] */
        return refuse(block->fault, start, "property identifier is not in its shortest form",
                      "MQTT-1.5.5-1");
    }
    *out_property = mqtt_property_find(id.value, block->place);
    if (*out_property == NULL) {
        return refuse(block->fault, start, "property that is not allowed here", "2.2.2.2");
    }
    return MQTT_CONNECT_OK;
}

/* Refuses what comes too often before its value is looked at. */
static enum mqtt_connect_status count(struct block *block, const struct mqtt_property *property,
                                      size_t start)
{
    uint64_t bit = UINT64_C(1) << property->id;

    if (property->once && (block->seen & bit) != 0) {
        return refuse(block->fault, start, property->twice, property->section);
    }
    block->seen |= bit;
    if (property->id != MQTT_USER_PROPERTY) {
        return MQTT_CONNECT_OK;
    }
    if (*block->user_properties == 0) {
        (void)refuse(block->fault, start, "more User Properties than the limit", "");
        return MQTT_CONNECT_TOO_LARGE;
    }
    *block->user_properties -= 1;
    return MQTT_CONNECT_OK;
}

static bool read_value(struct mqtt_reader *reader, enum mqtt_property_type type,
                       struct value *out_value)
{
    struct value value = {0};
    uint8_t small = 0;
    uint16_t medium = 0;
    bool is_there = false;

    switch (type) {
    case MQTT_TYPE_U8:
        is_there = mqtt_read_u8(reader, &small);
        value.number = small;
        break;
    case MQTT_TYPE_U16:
        is_there = mqtt_read_u16(reader, &medium);
        value.number = medium;
        break;
    case MQTT_TYPE_U32:
        is_there = mqtt_read_u32(reader, &value.number);
        break;
    case MQTT_TYPE_TEXT:
    case MQTT_TYPE_BINARY:
        is_there = mqtt_read_binary(reader, &value.bytes);
        break;
    case MQTT_TYPE_PAIR:
        is_there = mqtt_read_binary(reader, &value.bytes) && mqtt_read_binary(reader, &value.other);
        break;
    }
    if (is_there) {
        *out_value = value;
    }
    return is_there;
}

/* The topic has one character at least. */
static bool has_wildcard(struct slice topic)
{
    return memchr(topic.data, '+', topic.size) != NULL ||
           memchr(topic.data, '#', topic.size) != NULL;
}

static enum mqtt_connect_status check_value(struct block *block,
                                            const struct mqtt_property *property,
                                            const struct value *value, size_t start)
{
    bool is_text = property->type == MQTT_TYPE_TEXT || property->type == MQTT_TYPE_PAIR;

    /* [MQTT-1.5.4-1] [MQTT-1.5.4-2], both halves of a pair [MQTT-1.5.7-1] */
    if (is_text && (!mqtt_text_check(value->bytes, MQTT_TEXT_PROPERTY, MQTT_VERSION_5_0, start,
                                     block->fault) ||
                    !mqtt_text_check(value->other, MQTT_TEXT_PROPERTY, MQTT_VERSION_5_0, start,
                                     block->fault))) {
        return MQTT_CONNECT_MALFORMED;
    }

    switch (property->rule) {
    case MQTT_ANY_VALUE:
        break;
    case MQTT_NOT_ZERO:
        if (value->number == 0) {
            return refuse(block->fault, start, property->bad_value, property->section);
        }
        break;
    case MQTT_ZERO_OR_ONE:
        if (value->number > 1) {
            return refuse(block->fault, start, property->bad_value, property->section);
        }
        break;
    case MQTT_TOPIC_NAME:
        if (value->bytes.size == 0) { /* [MQTT-4.7.3-1] */
            return refuse(block->fault, start, property->bad_value, "MQTT-4.7.3-1");
        }
        if (has_wildcard(value->bytes)) { /* [MQTT-3.3.2-14] */
            return refuse(block->fault, start, property->bad_value, "MQTT-3.3.2-14");
        }
        break;
    }
    return MQTT_CONNECT_OK;
}

/* Keeps what the gateway uses. The broker reads the rest itself, from the same bytes. */
static void keep_value(struct mqtt_connect *connect, enum mqtt_property_id id,
                       const struct value *value)
{
    if (id == MQTT_SESSION_EXPIRY_INTERVAL) {
        connect->session_expiry = value->number;
    } else if (id == MQTT_RECEIVE_MAXIMUM) {
        connect->receive_maximum = (uint16_t)value->number;
    } else if (id == MQTT_MAXIMUM_PACKET_SIZE) {
        connect->maximum_packet_size = value->number;
    } else if (id == MQTT_TOPIC_ALIAS_MAXIMUM) {
        connect->topic_alias_maximum = (uint16_t)value->number;
    } else if (id == MQTT_AUTHENTICATION_METHOD) {
        connect->has_authentication_method = true;
        connect->authentication_method = value->bytes;
    }
}

static enum mqtt_connect_status read_property(struct block *block)
{
    size_t start = block->reader.at;
    const struct mqtt_property *property;
    struct value value;

    enum mqtt_connect_status status = read_id(block, &property);
    if (status != MQTT_CONNECT_OK) {
        return status;
    }
    status = count(block, property, start);
    if (status != MQTT_CONNECT_OK) {
        return status;
    }
    if (!read_value(&block->reader, property->type, &value)) {
        return refuse(block->fault, start, "property runs past the end of the properties",
                      "2.2.2.2");
    }
    status = check_value(block, property, &value, start);
    if (status == MQTT_CONNECT_OK) {
        keep_value(block->connect, property->id, &value);
    }
    return status;
}

/* The Property Length, there even when it is 0. [MQTT-2.2.2-1] */
static enum mqtt_connect_status read_block(struct mqtt_reader *reader, struct mqtt_reader *out_part,
                                           struct mqtt_fault *out_fault)
{
    size_t start = reader->at;
    struct mqtt_varint length;

    switch (mqtt_read_varint(reader, &length)) {
    case MQTT_VARINT_OK:
        break;
    case MQTT_VARINT_CUT:
        return refuse(out_fault, start, "Property Length is missing or cut short", "MQTT-2.2.2-1");
    case MQTT_VARINT_TOO_LONG:
        return refuse(out_fault, start, "Property Length has more than four bytes", "1.5.5");
    }
    if (!length.shortest) { /* [MQTT-1.5.5-1] */
        return refuse(out_fault, start, "Property Length is not in its shortest form",
                      "MQTT-1.5.5-1");
    }
    if (!mqtt_read_part(reader, length.value, out_part)) {
        return refuse(out_fault, start, "properties run past the end of the packet",
                      "MQTT-3.1.4-1");
    }
    return MQTT_CONNECT_OK;
}

void mqtt_properties_init(struct mqtt_connect *connect)
{
    connect->session_expiry = 0;
    connect->maximum_packet_size = UINT32_MAX;
    connect->receive_maximum = UINT16_MAX;
    connect->topic_alias_maximum = 0;
    connect->has_authentication_method = false;
}

enum mqtt_connect_status mqtt_properties_parse(struct mqtt_reader *reader,
                                               enum mqtt_property_place place,
                                               size_t *user_properties,
                                               struct mqtt_connect *connect,
                                               struct mqtt_fault *out_fault)
{
    size_t start = reader->at;
    struct block block = {
        .place = place, .user_properties = user_properties, .connect = connect, .fault = out_fault};
    enum mqtt_connect_status status = read_block(reader, &block.reader, out_fault);

    while (status == MQTT_CONNECT_OK && mqtt_reader_left(&block.reader) > 0) {
        status = read_property(&block);
    }
    if (status != MQTT_CONNECT_OK) {
        return status;
    }

    bool has_method = (block.seen & UINT64_C(1) << MQTT_AUTHENTICATION_METHOD) != 0;
    bool has_data = (block.seen & UINT64_C(1) << MQTT_AUTHENTICATION_DATA) != 0;
    if (has_data && !has_method) {
        return refuse(out_fault, start, "Authentication Data without Authentication Method",
                      "3.1.2.11.10");
    }
    return MQTT_CONNECT_OK;
}
