/* Builds CONNECT packets that are too large or too many to be written as vectors. */
#ifndef MOAT_TESTS_PACKET_H
#define MOAT_TESTS_PACKET_H

#include "moat/mqtt/connect.h"

/* What the configuration as shipped allows. */
struct mqtt_connect_limits packet_limits(void);

/* Nothing but the two-byte lengths stands in the way. */
struct mqtt_connect_limits packet_no_limits(void);

/* The fields of a packet to build; `flags` decides which of them are written. */
struct packet {
    enum mqtt_version version;
    uint8_t flags;
    struct slice properties; /* without the Property Length; 5.0 only, as the next */
    struct slice client_id;
    struct slice will_properties;
    struct slice will_topic;
    struct slice will_payload;
    struct slice username;
    struct slice password;
};

void put_bytes(struct buffer *buffer, const void *data, size_t size);
void put_u8(struct buffer *buffer, unsigned value);
void put_varint(struct buffer *buffer, size_t value);
/* A two-byte length and the bytes. */
void put_binary(struct buffer *buffer, struct slice bytes);

/* Writes the packet into a buffer that the caller deinits. */
struct buffer packet_build(const struct packet *packet);

/* How long the packet at the start of `bytes` says it is, or SIZE_MAX when the length
 * is not all there or has more than four bytes. Written apart from the parser. */
size_t packet_announced_size(struct slice bytes);

/*
 * Parses a copy that ends where its memory ends, so that the sanitizer sees a byte
 * read too many, and checks what must hold for any input: MORE only with fewer bytes
 * than announced, nothing written that should not be, every slice inside the packet.
 * The slices of *out_connect point into `bytes`.
 */
enum mqtt_connect_status packet_parse(struct slice bytes, const struct mqtt_connect_limits *limits,
                                      struct mqtt_connect *out_connect,
                                      struct mqtt_fault *out_fault);

#endif
