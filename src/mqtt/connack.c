#include "moat/mqtt/connack.h"

#include "moat/mqtt/frame.h"
#include "mqtt/property_table_internal.h"

/* What the next byte is. */
enum stage {
    STAGE_TYPE = 0,
    STAGE_LENGTH,
    STAGE_FLAGS,
    STAGE_CODE,
    STAGE_PROPERTY_LENGTH,
    STAGE_PROPERTY_ID,
    STAGE_NUMBER,
    STAGE_TEXT_LENGTH,
    STAGE_TEXT,
    STAGE_END,
};

#define VARINT_MAX_BYTES  4
#define TEXT_LENGTH_BYTES 2
#define SIZE_V3           2 /* flags and code; in 5.0 the Property Length follows */

void mqtt_connack_init(struct mqtt_connack *connack, enum mqtt_version version)
{
    *connack = (struct mqtt_connack){.version = (uint8_t)version, .stage = STAGE_TYPE};
}

static void go_to(struct mqtt_connack *connack, enum stage stage)
{
    connack->stage = (uint8_t)stage;
    connack->count = 0;
    connack->number = 0;
}

/* Each step returns NULL, or what is wrong. */

static const char *read_type(struct mqtt_connack *connack, uint8_t byte)
{
    if (byte >> 4 != MQTT_CONNACK) {
        return "the first packet is no CONNACK";
    }
    go_to(connack, STAGE_LENGTH);
    return NULL;
}

/* Adds a byte to a length of the variable form; *out_is_whole once that was its last. Lengths may
 * be longer than they must be: what that means to a client is the client's business. */
static const char *read_varint(struct mqtt_connack *connack, uint8_t byte, bool *out_is_whole)
{
    *out_is_whole = (byte & 0x80) == 0;
    if (!*out_is_whole && connack->count == VARINT_MAX_BYTES - 1) {
        return "a length in its CONNACK has a fifth byte";
    }
    connack->number |= (uint32_t)(byte & 0x7F) << (7 * connack->count);
    connack->count++;
    return NULL;
}

static const char *read_length(struct mqtt_connack *connack, uint8_t byte)
{
    bool is_whole;
    const char *fault = read_varint(connack, byte, &is_whole);

    if (fault != NULL || !is_whole) {
        return fault;
    }
    if (connack->number < SIZE_V3 ||
        (connack->number > SIZE_V3 && connack->version != MQTT_VERSION_5_0)) {
        return "the Remaining Length of its CONNACK is not that of this version";
    }
    connack->left = connack->number;
    go_to(connack, STAGE_FLAGS);
    return NULL;
}

/* 3.1 does not use this byte. */
static const char *read_flags(struct mqtt_connack *connack, uint8_t byte)
{
    if ((byte & 0xFE) != 0 && connack->version != MQTT_VERSION_3_1) { /* [MQTT-3.2.2-1] */
        return "reserved flags of its CONNACK are set";
    }
    go_to(connack, STAGE_CODE);
    return NULL;
}

static const char *read_code(struct mqtt_connack *connack, uint8_t byte)
{
    connack->code = byte;
    if (connack->left > 0) {
        go_to(connack, STAGE_PROPERTY_LENGTH);
        return NULL;
    }
    /* A broker that knows no 5.0 says so in the form that it knows. */
    if (connack->version == MQTT_VERSION_5_0 && byte == 0) {
        return "its CONNACK accepts 5.0 but has no Property Length";
    }
    go_to(connack, STAGE_END);
    return NULL;
}

static void next_property(struct mqtt_connack *connack)
{
    go_to(connack, connack->left > 0 ? STAGE_PROPERTY_ID : STAGE_END);
}

static const char *read_property_length(struct mqtt_connack *connack, uint8_t byte)
{
    bool is_whole;
    const char *fault = read_varint(connack, byte, &is_whole);

    if (fault != NULL) {
        return fault;
    }
    if (is_whole ? connack->number != connack->left : connack->left == 0) {
        return "the Property Length of its CONNACK does not fit the packet";
    }
    if (is_whole) {
        next_property(connack);
    }
    return NULL;
}

/* Bytes that a value has at least, or exactly. */
static uint32_t size_of(enum mqtt_property_type type)
{
    switch (type) {
    case MQTT_TYPE_U8:
        return 1;
    case MQTT_TYPE_U16:
    case MQTT_TYPE_TEXT:
    case MQTT_TYPE_BINARY:
        return 2;
    case MQTT_TYPE_U32:
    case MQTT_TYPE_PAIR:
        return 4;
    }
    return 0;
}

static bool is_number(const struct mqtt_property *property)
{
    return property->type == MQTT_TYPE_U8 || property->type == MQTT_TYPE_U16 ||
           property->type == MQTT_TYPE_U32;
}

static const char *read_property_id(struct mqtt_connack *connack, uint8_t byte)
{
    const struct mqtt_property *property = mqtt_property_find(byte, MQTT_IN_CONNACK);

    if (property == NULL) {
        return "a property that is not allowed in a CONNACK";
    }
    if (property->once && (connack->seen & UINT64_C(1) << byte) != 0) {
        return property->twice;
    }
    if (size_of(property->type) > connack->left) {
        return "a property runs past the end of its CONNACK";
    }
    connack->seen |= UINT64_C(1) << byte;
    connack->property = property;
    connack->is_second = false;
    go_to(connack, is_number(property) ? STAGE_NUMBER : STAGE_TEXT_LENGTH);
    return NULL;
}

static bool is_value_good(const struct mqtt_property *property, uint32_t value)
{
    switch (property->rule) {
    case MQTT_ANY_VALUE:
    case MQTT_TOPIC_NAME: /* no number has it */
        return true;
    case MQTT_NOT_ZERO:
        return value != 0;
    case MQTT_ZERO_OR_ONE:
        return value <= 1;
    }
    return false;
}

static const char *read_number(struct mqtt_connack *connack, uint8_t byte)
{
    const struct mqtt_property *property = connack->property;

    connack->number = connack->number << 8 | byte;
    connack->count++;
    if (connack->count < size_of(property->type)) {
        return NULL;
    }
    if (!is_value_good(property, connack->number)) {
        return property->bad_value;
    }
    if (property->id == MQTT_SERVER_KEEP_ALIVE) { /* [MQTT-3.2.2-21] */
        connack->has_server_keep_alive = true;
        connack->server_keep_alive = (uint16_t)connack->number;
    }
    next_property(connack);
    return NULL;
}

/* Behind a string: the other half of a pair, or the next property. */
static void end_text(struct mqtt_connack *connack)
{
    if (connack->property->type == MQTT_TYPE_PAIR && !connack->is_second) {
        connack->is_second = true;
        go_to(connack, STAGE_TEXT_LENGTH);
    } else {
        next_property(connack);
    }
}

static const char *read_text_length(struct mqtt_connack *connack, uint8_t byte)
{
    bool has_second = connack->property->type == MQTT_TYPE_PAIR && !connack->is_second;

    connack->number = connack->number << 8 | byte;
    connack->count++;
    if (connack->count < TEXT_LENGTH_BYTES) {
        return NULL;
    }
    if (connack->number + (has_second ? TEXT_LENGTH_BYTES : 0u) > connack->left) {
        return "a property runs past the end of its CONNACK";
    }
    connack->skip = connack->number;
    go_to(connack, STAGE_TEXT);
    if (connack->skip == 0) {
        end_text(connack);
    }
    return NULL;
}

static const char *read_byte(struct mqtt_connack *connack, uint8_t byte)
{
    if (connack->stage >= STAGE_FLAGS) {
        connack->left--;
    }
    switch ((enum stage)connack->stage) {
    case STAGE_TYPE:
        return read_type(connack, byte);
    case STAGE_LENGTH:
        return read_length(connack, byte);
    case STAGE_FLAGS:
        return read_flags(connack, byte);
    case STAGE_CODE:
        return read_code(connack, byte);
    case STAGE_PROPERTY_LENGTH:
        return read_property_length(connack, byte);
    case STAGE_PROPERTY_ID:
        return read_property_id(connack, byte);
    case STAGE_NUMBER:
        return read_number(connack, byte);
    case STAGE_TEXT_LENGTH:
        return read_text_length(connack, byte);
    case STAGE_TEXT:
    case STAGE_END:
        break;
    }
    return "a CONNACK was read past its end";
}

/* Strings are passed over without a look. Returns how many bytes that was. */
static size_t skip_text(struct mqtt_connack *connack, size_t available)
{
    size_t step = available < connack->skip ? available : connack->skip;

    connack->skip -= (uint32_t)step;
    connack->left -= (uint32_t)step;
    if (connack->skip == 0) {
        end_text(connack);
    }
    return step;
}

enum mqtt_connack_status mqtt_connack_feed(struct mqtt_connack *connack, struct slice bytes,
                                           const char **out_fault)
{
    size_t at = 0;

    while (at < bytes.size && connack->stage != STAGE_END) {
        if (connack->stage == STAGE_TEXT) {
            at += skip_text(connack, bytes.size - at);
        } else {
            const char *fault = read_byte(connack, bytes.data[at]);
            if (fault != NULL) {
                *out_fault = fault;
                return MQTT_CONNACK_MALFORMED;
            }
            at++;
        }
    }
    return connack->stage == STAGE_END ? MQTT_CONNACK_OK : MQTT_CONNACK_MORE;
}
