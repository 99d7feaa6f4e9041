/*
 * The front of a CONNECT: fixed header, protocol name, level and flags. All of it
 * stands at the start, so a packet that is wrong here is refused before the rest
 * has come, at a cost that does not grow with what has come. The rest is read by
 * connect_body.c, once, when it is all there: a client that sends a byte at a time
 * makes nobody read a long packet over and over.
 */
#include "mqtt/connect_internal.h"

#include "moat/mqtt/frame.h"
#include "mqtt/properties_internal.h"

#define MQTT_LEVEL_BRIDGE 0x80u

/* Protocol names with their lengths, as they stand in the packet. */
static const uint8_t name_mqtt[] = {0, 4, 'M', 'Q', 'T', 'T'};
static const uint8_t name_mqisdp[] = {0, 6, 'M', 'Q', 'I', 's', 'd', 'p'};

enum mqtt_connect_status mqtt_connect_refuse(struct mqtt_connect_parser *parser,
                                             enum mqtt_connect_status status, size_t offset,
                                             const char *what, const char *clause_3_1_1,
                                             const char *clause_5_0)
{
    const char *clause = clause_3_1_1;

    if (parser->connect.version == MQTT_VERSION_5_0) {
        clause = clause_5_0;
    } else if (parser->connect.version == MQTT_VERSION_3_1) {
        clause = "";
    }
    parser->fault = (struct mqtt_fault){.what = what, .clause = clause, .offset = offset};
    return status;
}

/* The bytes at hand end before the field does: more will come, or it is not there. */
static enum mqtt_connect_status cut(struct mqtt_connect_parser *parser, const char *what)
{
    if (!parser->is_whole) {
        return MQTT_CONNECT_MORE;
    }
    /* [MQTT-3.1.4-1] */
    return mqtt_connect_malformed(parser, parser->reader.at, what, "MQTT-3.1.4-1", "MQTT-3.1.4-1");
}

/* Type and Remaining Length. Nothing else is looked at before they are in order, and
 * no length makes anyone reserve memory. */
static enum mqtt_connect_status read_fixed_header(struct mqtt_connect_parser *parser)
{
    struct mqtt_varint remaining;
    uint8_t first;

    if (!mqtt_read_u8(&parser->reader, &first)) {
        return MQTT_CONNECT_MORE;
    }
    if (first >> 4 != MQTT_CONNECT) { /* [MQTT-3.1.0-1] */
        return mqtt_connect_refuse(parser, MQTT_CONNECT_NOT_CONNECT, 0,
                                   "first packet is not a CONNECT", "MQTT-3.1.0-1", "MQTT-3.1.0-1");
    }
    parser->fixed_flags = first & 0x0F;

    switch (mqtt_read_varint(&parser->reader, &remaining)) {
    case MQTT_VARINT_OK:
        break;
    case MQTT_VARINT_CUT:
        return MQTT_CONNECT_MORE;
    case MQTT_VARINT_TOO_LONG: /* 3.1.1, 2.2.3; 5.0, 1.5.5 */
        return mqtt_connect_malformed(parser, 1, "Remaining Length has more than four bytes",
                                      "2.2.3", "1.5.5");
    }
    parser->length_is_shortest = remaining.shortest;

    size_t packet_size = parser->reader.at + remaining.value;
    if (packet_size > parser->limits->packet_size) {
        return mqtt_connect_refuse(parser, MQTT_CONNECT_TOO_LARGE, 1,
                                   "packet is larger than the limit", "", "");
    }
    parser->connect.packet_size = packet_size;
    parser->is_whole = parser->reader.end >= packet_size;
    if (parser->is_whole) {
        parser->reader.end = packet_size;
    }
    return MQTT_CONNECT_OK;
}

/* True as long as no byte that has come contradicts the name. */
static bool may_become(struct slice bytes, const uint8_t *name, size_t size)
{
    return memcmp(bytes.data, name, bytes.size < size ? bytes.size : size) == 0;
}

/* Refused at the first byte that belongs to neither name: whoever speaks another
 * protocol is not waited for. */
static enum mqtt_connect_status read_protocol_name(struct mqtt_connect_parser *parser)
{
    struct slice bytes = mqtt_reader_peek(&parser->reader);
    struct slice name;

    parser->name_is_mqtt = may_become(bytes, name_mqtt, sizeof name_mqtt);
    if (!parser->name_is_mqtt && !may_become(bytes, name_mqisdp, sizeof name_mqisdp)) {
        /* [MQTT-3.1.2-1] */
        return mqtt_connect_refuse(parser, MQTT_CONNECT_PROTOCOL_NAME, parser->reader.at,
                                   "protocol name is neither MQTT nor MQIsdp", "MQTT-3.1.2-1",
                                   "MQTT-3.1.2-1");
    }
    if (!mqtt_read_bytes(&parser->reader,
                         parser->name_is_mqtt ? sizeof name_mqtt : sizeof name_mqisdp, &name)) {
        return cut(parser, "packet ends inside the protocol name");
    }
    return MQTT_CONNECT_OK;
}

/*
 * Bit 7 of the level marks a bridge in a private dialect of Mosquitto's, spoken in 3.1 and
 * 3.1.1 alone. A broker sends a bridge back nothing that came from it and keeps its retain
 * flags, so whether this client may be one is for the policy to say.
 */
static enum mqtt_connect_status read_protocol_level(struct mqtt_connect_parser *parser)
{
    size_t start = parser->reader.at;
    uint8_t level;

    if (!mqtt_read_u8(&parser->reader, &level)) {
        return cut(parser, "packet ends before the protocol level");
    }
    unsigned number = level & ~MQTT_LEVEL_BRIDGE;
    if (parser->name_is_mqtt && number == MQTT_VERSION_3_1_1) {
        parser->connect.version = MQTT_VERSION_3_1_1;
    } else if (parser->name_is_mqtt && level == MQTT_VERSION_5_0) {
        parser->connect.version = MQTT_VERSION_5_0;
    } else if (!parser->name_is_mqtt && number == MQTT_VERSION_3_1) {
        parser->connect.version = MQTT_VERSION_3_1;
    } else { /* [MQTT-3.1.2-2] */
        return mqtt_connect_refuse(parser, MQTT_CONNECT_PROTOCOL_LEVEL, start,
                                   "protocol level is unknown or not that of the name",
                                   "MQTT-3.1.2-2", "MQTT-3.1.2-2");
    }
    parser->connect.is_bridge = (level & MQTT_LEVEL_BRIDGE) != 0;
    return MQTT_CONNECT_OK;
}

/* What of the fixed header could not be judged before the version was known. 3.1 says
 * that the flags are not used, and neither it nor 3.1.1 asks for the shortest length. */
static enum mqtt_connect_status check_fixed_header(struct mqtt_connect_parser *parser)
{
    if (parser->connect.version != MQTT_VERSION_3_1 && parser->fixed_flags != 0) {
        /* 3.1.1 [MQTT-2.2.2-1] [MQTT-2.2.2-2], 5.0 [MQTT-2.1.3-1] */
        return mqtt_connect_malformed(parser, 0, "reserved flag of the fixed header is set",
                                      "MQTT-2.2.2-2", "MQTT-2.1.3-1");
    }
    if (parser->connect.version == MQTT_VERSION_5_0 && !parser->length_is_shortest) {
        return mqtt_connect_malformed(parser, 1, "Remaining Length is not in its shortest form", "",
                                      "MQTT-1.5.5-1");
    }
    return MQTT_CONNECT_OK;
}

/* Without a will 3.1 disregards its QoS and retain bits; later versions want them 0. */
static enum mqtt_connect_status check_will_flags(struct mqtt_connect_parser *parser, size_t start)
{
    bool has_will = (parser->flags & MQTT_FLAG_WILL) != 0;
    unsigned qos = parser->flags >> 3 & 3u;

    if (has_will && qos == 3) { /* 3.1.1 [MQTT-3.1.2-14], 5.0 [MQTT-3.1.2-12] */
        return mqtt_connect_malformed(parser, start, "Will QoS is 3", "MQTT-3.1.2-14",
                                      "MQTT-3.1.2-12");
    }
    if (has_will || parser->connect.version == MQTT_VERSION_3_1) {
        return MQTT_CONNECT_OK;
    }
    if (qos != 0) { /* 3.1.1 [MQTT-3.1.2-13], 5.0 [MQTT-3.1.2-11] */
        return mqtt_connect_malformed(parser, start, "Will QoS without a will", "MQTT-3.1.2-13",
                                      "MQTT-3.1.2-11");
    }
    /* 3.1.1 [MQTT-3.1.2-15], 5.0 [MQTT-3.1.2-13] */
    if ((parser->flags & MQTT_FLAG_WILL_RETAIN) != 0) {
        return mqtt_connect_malformed(parser, start, "Will Retain without a will", "MQTT-3.1.2-15",
                                      "MQTT-3.1.2-13");
    }
    return MQTT_CONNECT_OK;
}

static enum mqtt_connect_status read_connect_flags(struct mqtt_connect_parser *parser)
{
    size_t start = parser->reader.at;

    if (!mqtt_read_u8(&parser->reader, &parser->flags)) {
        return cut(parser, "packet ends before the Connect Flags");
    }
    /* [MQTT-3.1.2-3]; 3.1 does not use the bit. */
    if (parser->connect.version != MQTT_VERSION_3_1 && (parser->flags & MQTT_FLAG_RESERVED) != 0) {
        return mqtt_connect_malformed(parser, start, "reserved connect flag is set", "MQTT-3.1.2-3",
                                      "MQTT-3.1.2-3");
    }
    /* 3.1.1 [MQTT-3.1.2-22]; 3.1 says the same, 5.0 lifted it. */
    if (parser->connect.version != MQTT_VERSION_5_0 && (parser->flags & MQTT_FLAG_USERNAME) == 0 &&
        (parser->flags & MQTT_FLAG_PASSWORD) != 0) {
        return mqtt_connect_malformed(parser, start, "password without a user name",
                                      "MQTT-3.1.2-22", "");
    }
    parser->connect.clean_start = (parser->flags & MQTT_FLAG_CLEAN_START) != 0;
    return check_will_flags(parser, start);
}

static enum mqtt_connect_status await_all(struct mqtt_connect_parser *parser)
{
    return parser->is_whole ? MQTT_CONNECT_OK : MQTT_CONNECT_MORE;
}

enum mqtt_connect_status mqtt_connect_parse(struct slice bytes,
                                            const struct mqtt_connect_limits *limits,
                                            struct mqtt_connect *out_connect,
                                            struct mqtt_fault *out_fault)
{
    static enum mqtt_connect_status (*const steps[])(struct mqtt_connect_parser *) = {
        read_fixed_header,  read_protocol_name, read_protocol_level,    check_fixed_header,
        read_connect_flags, await_all,          mqtt_connect_read_body,
    };
    struct mqtt_connect_parser parser = {
        .limits = limits,
        .reader = mqtt_reader_of(bytes),
        .user_properties = limits->user_properties,
    };
    enum mqtt_connect_status status = MQTT_CONNECT_OK;

    mqtt_properties_init(&parser.connect);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && status == MQTT_CONNECT_OK; i++) {
        status = steps[i](&parser);
    }

    if (status == MQTT_CONNECT_OK) {
        *out_connect = parser.connect;
    } else if (status != MQTT_CONNECT_MORE) {
        *out_fault = parser.fault;
    }
    if (status == MQTT_CONNECT_CLIENT_ID) {
        out_connect->version = parser.connect.version;
        out_connect->maximum_packet_size = parser.connect.maximum_packet_size;
    }
    return status;
}

const char *mqtt_version_text(enum mqtt_version version)
{
    switch (version) {
    case MQTT_VERSION_3_1:
        return "3.1";
    case MQTT_VERSION_3_1_1:
        return "3.1.1";
    case MQTT_VERSION_5_0:
        return "5.0";
    }
    return "unknown";
}
