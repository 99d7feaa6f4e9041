/* What the two halves of the CONNECT parser share. */
#ifndef MOAT_MQTT_CONNECT_INTERNAL_H
#define MOAT_MQTT_CONNECT_INTERNAL_H

#include "moat/mqtt/connect.h"
#include "mqtt/reader_internal.h"

/* The Connect Flags, 3.1.2.3. */
enum mqtt_connect_flag {
    MQTT_FLAG_RESERVED = 0x01,
    MQTT_FLAG_CLEAN_START = 0x02,
    MQTT_FLAG_WILL = 0x04,
    MQTT_FLAG_WILL_RETAIN = 0x20,
    MQTT_FLAG_PASSWORD = 0x40,
    MQTT_FLAG_USERNAME = 0x80,
};

struct mqtt_connect_parser {
    const struct mqtt_connect_limits *limits;
    struct mqtt_reader reader; /* ends with the packet, or with what has come of it */
    bool is_whole;             /* all of the packet is there */
    bool length_is_shortest;
    bool name_is_mqtt; /* and not MQIsdp */
    uint8_t fixed_flags;
    uint8_t flags;
    size_t user_properties; /* how many may still come */
    struct mqtt_connect connect;
    struct mqtt_fault fault;
};

/* Notes why, with the clause of the version at hand, and returns `status`. 3.1 has no
 * numbered clauses; before the version is known, 3.1.1 speaks. */
enum mqtt_connect_status mqtt_connect_refuse(struct mqtt_connect_parser *parser,
                                             enum mqtt_connect_status status, size_t offset,
                                             const char *what, const char *clause_3_1_1,
                                             const char *clause_5_0) MOAT_MUST_CHECK;

static inline enum mqtt_connect_status mqtt_connect_malformed(struct mqtt_connect_parser *parser,
                                                              size_t offset, const char *what,
                                                              const char *clause_3_1_1,
                                                              const char *clause_5_0)
{
    return mqtt_connect_refuse(parser, MQTT_CONNECT_MALFORMED, offset, what, clause_3_1_1,
                               clause_5_0);
}

/* Everything behind the Connect Flags, once all of the packet is there. */
enum mqtt_connect_status mqtt_connect_read_body(struct mqtt_connect_parser *parser) MOAT_MUST_CHECK;

#endif
