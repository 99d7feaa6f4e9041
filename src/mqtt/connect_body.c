/*
 * The rest of a CONNECT: keep alive, properties and the payload, in the order that
 * the standards fix. [MQTT-3.1.3-1] All of the packet is there, so what is not is
 * missing. A fault's offset is where the field at fault begins.
 *
 * Not judged here: `+` and `#` in names and in the will topic (policy refuses them
 * with codes of their own), a will payload that says it is text (the broker may
 * look), and the password, which is bytes.
 */
#include "mqtt/connect_internal.h"

#include "mqtt/properties_internal.h"
#include "mqtt/text_internal.h"

#define CLIENT_ID_MAX_3_1 23 /* bytes, 3.1 section 3.1 */

/* A string of the payload, and what is said when it is not there or too long. */
struct text_field {
    enum mqtt_text_field field;
    const char *missing;
    const char *missing_3_1_1;
    const char *missing_5_0;
    const char *too_large;
};

static enum mqtt_connect_status read_text(struct mqtt_connect_parser *parser,
                                          const struct text_field *field, size_t limit,
                                          struct slice *out_text)
{
    size_t start = parser->reader.at;
    struct slice text;

    if (!mqtt_read_binary(&parser->reader, &text)) {
        return mqtt_connect_malformed(parser, start, field->missing, field->missing_3_1_1,
                                      field->missing_5_0);
    }
    if (text.size > limit) {
        return mqtt_connect_refuse(parser, MQTT_CONNECT_TOO_LARGE, start, field->too_large, "", "");
    }
    if (!mqtt_text_check(text, field->field, parser->connect.version, start, &parser->fault)) {
        return MQTT_CONNECT_MALFORMED;
    }
    *out_text = text;
    return MQTT_CONNECT_OK;
}

static enum mqtt_connect_status read_keep_alive(struct mqtt_connect_parser *parser)
{
    if (!mqtt_read_u16(&parser->reader, &parser->connect.keep_alive)) { /* [MQTT-3.1.4-1] */
        return mqtt_connect_malformed(parser, parser->reader.at,
                                      "packet ends before the keep alive", "MQTT-3.1.4-1",
                                      "MQTT-3.1.4-1");
    }
    return MQTT_CONNECT_OK;
}

static enum mqtt_connect_status read_properties(struct mqtt_connect_parser *parser)
{
    if (parser->connect.version != MQTT_VERSION_5_0) {
        return MQTT_CONNECT_OK;
    }
    return mqtt_properties_parse(&parser->reader, MQTT_IN_CONNECT, &parser->user_properties,
                                 &parser->connect, &parser->fault);
}

/* There and first [MQTT-3.1.3-3]; any characters and any length may be allowed, and 1 to
 * 23 letters and digits must be [MQTT-3.1.3-5]. */
static enum mqtt_connect_status read_client_id(struct mqtt_connect_parser *parser)
{
    static const struct text_field field = {
        .field = MQTT_TEXT_CLIENT_ID,
        .missing = "client identifier is missing or runs past the end of the packet",
        .missing_3_1_1 = "MQTT-3.1.3-3",
        .missing_5_0 = "MQTT-3.1.3-3",
        .too_large = "client identifier is longer than the limit",
    };

    return read_text(parser, &field, parser->limits->client_id_size, &parser->connect.client_id);
}

/* Properties, topic and payload [MQTT-3.1.2-9], not changed on the way: the order of its
 * User Properties [MQTT-3.1.3-10] and the topic's form [MQTT-4.7.3-4] are as sent. A topic
 * of 65,535 bytes is legal [MQTT-4.7.3-3]; only the packet's limit is below it. */
static enum mqtt_connect_status read_will(struct mqtt_connect_parser *parser)
{
    static const struct text_field topic = {
        .field = MQTT_TEXT_WILL_TOPIC,
        .missing = "will topic is missing or runs past the end of the packet",
        .missing_3_1_1 = "MQTT-3.1.2-9",
        .missing_5_0 = "MQTT-3.1.2-9",
    };
    struct mqtt_connect *connect = &parser->connect;
    enum mqtt_connect_status status = MQTT_CONNECT_OK;

    if ((parser->flags & MQTT_FLAG_WILL) == 0) {
        return MQTT_CONNECT_OK;
    }
    if (connect->version == MQTT_VERSION_5_0) {
        status = mqtt_properties_parse(&parser->reader, MQTT_IN_WILL, &parser->user_properties,
                                       connect, &parser->fault);
    }
    if (status != MQTT_CONNECT_OK) {
        return status;
    }

    size_t start = parser->reader.at;
    status = read_text(parser, &topic, SIZE_MAX, &connect->will_topic);
    if (status != MQTT_CONNECT_OK) {
        return status;
    }
    if (connect->will_topic.size == 0) { /* [MQTT-4.7.3-1] */
        return mqtt_connect_malformed(parser, start, "will topic is empty", "MQTT-4.7.3-1",
                                      "MQTT-4.7.3-1");
    }
    start = parser->reader.at;
    if (!mqtt_read_binary(&parser->reader, &connect->will_payload)) { /* [MQTT-3.1.2-9] */
        return mqtt_connect_malformed(parser, start,
                                      "will payload is missing or runs past the end of the packet",
                                      "MQTT-3.1.2-9", "MQTT-3.1.2-9");
    }
    connect->has_will = true;
    connect->will_qos = parser->flags >> 3 & 3;
    connect->will_retain = (parser->flags & MQTT_FLAG_WILL_RETAIN) != 0;
    return MQTT_CONNECT_OK;
}

/* In 3.1 the Remaining Length outranks the flags: a user name or password that is
 * announced but not there is allowed. It is then none at all, and policy decides. */
static bool is_left_out(const struct mqtt_connect_parser *parser)
{
    return parser->connect.version == MQTT_VERSION_3_1 && mqtt_reader_left(&parser->reader) == 0;
}

static enum mqtt_connect_status read_username(struct mqtt_connect_parser *parser)
{
    static const struct text_field field = {
        .field = MQTT_TEXT_USERNAME,
        .missing = "user name is missing or runs past the end of the packet",
        .missing_3_1_1 = "MQTT-3.1.2-19",
        .missing_5_0 = "MQTT-3.1.2-17",
        .too_large = "user name is longer than the limit",
    };

    if ((parser->flags & MQTT_FLAG_USERNAME) == 0 || is_left_out(parser)) {
        return MQTT_CONNECT_OK;
    }
    enum mqtt_connect_status status =
        read_text(parser, &field, parser->limits->username_size, &parser->connect.username);
    parser->connect.has_username = status == MQTT_CONNECT_OK;
    return status;
}

static enum mqtt_connect_status read_password(struct mqtt_connect_parser *parser)
{
    size_t start = parser->reader.at;

    if ((parser->flags & MQTT_FLAG_PASSWORD) == 0 || is_left_out(parser)) {
        return MQTT_CONNECT_OK;
    }
    if (!mqtt_read_binary(&parser->reader, &parser->connect.password)) {
        /* 3.1.1 [MQTT-3.1.2-21], 5.0 [MQTT-3.1.2-19] */
        return mqtt_connect_malformed(parser, start,
                                      "password is missing or runs past the end of the packet",
                                      "MQTT-3.1.2-21", "MQTT-3.1.2-19");
    }
    if (parser->connect.password.size > parser->limits->password_size) {
        return mqtt_connect_refuse(parser, MQTT_CONNECT_TOO_LARGE, start,
                                   "password is longer than the limit", "", "");
    }
    parser->connect.has_password = true;
    return MQTT_CONNECT_OK;
}

/* Nothing may follow the last field; what does is a field whose flag is not set, or
 * bytes that the broker might read in another way than we did. */
static enum mqtt_connect_status check_end(struct mqtt_connect_parser *parser)
{
    size_t at = parser->reader.at;

    if (mqtt_reader_left(&parser->reader) == 0) {
        return MQTT_CONNECT_OK;
    }
    if ((parser->flags & MQTT_FLAG_USERNAME) == 0 && (parser->flags & MQTT_FLAG_PASSWORD) == 0) {
        /* 3.1.1 [MQTT-3.1.2-18], 5.0 [MQTT-3.1.2-16] */
        return mqtt_connect_malformed(parser, at, "bytes follow, but the user name flag is not set",
                                      "MQTT-3.1.2-18", "MQTT-3.1.2-16");
    }
    /* 3.1.1 [MQTT-3.1.2-20], 5.0 [MQTT-3.1.2-18] */
    if ((parser->flags & MQTT_FLAG_PASSWORD) == 0) {
        return mqtt_connect_malformed(parser, at, "bytes follow, but the password flag is not set",
                                      "MQTT-3.1.2-20", "MQTT-3.1.2-18");
    }
    /* [MQTT-3.1.4-1] */
    return mqtt_connect_malformed(parser, at, "bytes follow the last field of the packet",
                                  "MQTT-3.1.4-1", "MQTT-3.1.4-1");
}

/* Last, because this refusal is answered: only a packet that is otherwise in order
 * gets an answer. An empty identifier is the broker's to replace where the client
 * keeps no session [MQTT-3.1.3-6] [MQTT-3.1.3-7]. */
static enum mqtt_connect_status judge_client_id(struct mqtt_connect_parser *parser)
{
    const struct mqtt_connect *connect = &parser->connect;
    size_t size = connect->client_id.size;
    size_t start = (size_t)(connect->client_id.data - parser->reader.packet) - 2;

    if (size == 0 && connect->version == MQTT_VERSION_3_1) {
        return mqtt_connect_refuse(parser, MQTT_CONNECT_CLIENT_ID, start,
                                   "client identifier is empty", "", "");
    }
    if (size == 0 && connect->version == MQTT_VERSION_3_1_1 && !connect->clean_start) {
        return mqtt_connect_refuse(parser, MQTT_CONNECT_CLIENT_ID, start,
                                   "client identifier is empty and the session is to be kept",
                                   "MQTT-3.1.3-8", "");
    }
    if (size > CLIENT_ID_MAX_3_1 && connect->version == MQTT_VERSION_3_1 &&
        parser->limits->strict_3_1) {
        return mqtt_connect_refuse(parser, MQTT_CONNECT_CLIENT_ID, start,
                                   "client identifier has more than 23 bytes", "", "");
    }
    return MQTT_CONNECT_OK;
}

enum mqtt_connect_status mqtt_connect_read_body(struct mqtt_connect_parser *parser)
{
    static enum mqtt_connect_status (*const steps[])(struct mqtt_connect_parser *) = {
        read_keep_alive, read_properties, read_client_id, read_will,
        read_username,   read_password,   check_end,      judge_client_id,
    };
    enum mqtt_connect_status status = MQTT_CONNECT_OK;

    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && status == MQTT_CONNECT_OK; i++) {
        status = steps[i](parser);
    }
    return status;
}
