/*
 * The CONNECT packet of MQTT 3.1, 3.1.1 and 5.0, read strictly.
 *
 * Pure: bytes in, fields out. Nothing is allocated and nothing is copied; the
 * slices of struct mqtt_connect point into the packet given.
 */
#ifndef MOAT_MQTT_CONNECT_H
#define MOAT_MQTT_CONNECT_H

#include "moat/base/bytes.h"

enum mqtt_version {
    MQTT_VERSION_3_1 = 3,
    MQTT_VERSION_3_1_1 = 4,
    MQTT_VERSION_5_0 = 5,
};

/* What a gateway is willing to read before it knows the client. */
struct mqtt_connect_limits {
    size_t packet_size;     /* whole packet, fixed header included, in bytes */
    size_t client_id_size;  /* bytes */
    size_t username_size;   /* bytes */
    size_t password_size;   /* bytes */
    size_t user_properties; /* in CONNECT and Will properties together */
    bool strict_3_1;        /* refuse 3.1 client identifiers over 23 bytes */
};

enum mqtt_connect_status {
    MQTT_CONNECT_OK = 0,
    MQTT_CONNECT_MORE, /* fewer bytes than the packet's length so far; never with all of them */
    MQTT_CONNECT_NOT_CONNECT, /* the first packet is something else, or not MQTT at all */
    MQTT_CONNECT_TOO_LARGE,   /* over limits->packet_size or a field's limit */
    MQTT_CONNECT_MALFORMED,
    MQTT_CONNECT_PROTOCOL_NAME,  /* neither "MQTT" nor "MQIsdp" */
    MQTT_CONNECT_PROTOCOL_LEVEL, /* a level we do not know, or that is not the name's */
    MQTT_CONNECT_CLIENT_ID,      /* empty where the version forbids it, or too long for 3.1 */
};

struct mqtt_connect {
    enum mqtt_version version;
    bool is_bridge;     /* the level had bit 7 set, which is how Mosquitto's bridges say so */
    size_t packet_size; /* bytes of the whole packet; what follows in the input is not part of it */
    bool clean_start;   /* Clean Session in 3.x */
    uint16_t keep_alive; /* seconds; 0 is off */
    struct slice client_id;

    bool has_will;
    bool will_retain;
    uint8_t will_qos; /* 0..2 */
    struct slice will_topic;
    struct slice will_payload;

    bool has_username; /* the field is there; it may be empty */
    bool has_password;
    struct slice username;
    struct slice password;

    /* 5.0 properties; the value the standard gives to an absent one. */
    uint32_t session_expiry;      /* seconds; 0 */
    uint32_t maximum_packet_size; /* bytes; UINT32_MAX (no limit) */
    uint16_t receive_maximum;     /* 65535 */
    uint16_t topic_alias_maximum; /* 0 */
    bool has_authentication_method;
    struct slice authentication_method;
};

/* Why a packet was refused, for the log. */
struct mqtt_fault {
    const char *what;   /* static text: "reserved connect flag is set" */
    const char *clause; /* static text: "MQTT-3.1.2-3"; "" where no clause speaks of it */
    size_t offset;      /* byte of the packet at which it was seen */
};

/*
 * Reads one CONNECT from the start of `bytes`. Says MORE as long as the packet is
 * not all there, and refuses as soon as the bytes so far allow it (the type at
 * byte 1, the length as soon as it is complete). *out_connect is written for OK
 * and, as far as `version` and `maximum_packet_size`, for CLIENT_ID; *out_fault
 * for everything but OK and MORE.
 */
enum mqtt_connect_status mqtt_connect_parse(struct slice bytes,
                                            const struct mqtt_connect_limits *limits,
                                            struct mqtt_connect *out_connect,
                                            struct mqtt_fault *out_fault) MOAT_MUST_CHECK;

/* "3.1", "3.1.1" or "5.0". */
const char *mqtt_version_text(enum mqtt_version version);

#endif
