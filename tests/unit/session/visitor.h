/* Who comes to the house: TLS clients, and the broker behind it. */
#ifndef TEST_SESSION_VISITOR_H
#define TEST_SESSION_VISITOR_H

#include <openssl/base.h>

#include "house.h"

/* --- the client --- */

struct device {
    int socket;
    SSL *ssl;
};

/* Connects; with TLS 1.3 unless told. */
void device_connect(struct device *device);
void device_handshake(struct device *device);
void device_open(struct device *device);
void device_send(struct device *device, struct slice bytes);
/* The next bytes are these. */
void device_expect(struct device *device, struct slice bytes);
/* close_notify comes, and nothing before it. */
void device_expect_end(struct device *device);
/* Says close_notify and closes. */
void device_close(struct device *device);
void device_reset(struct device *device);

/* --- the broker --- */

int broker_accept(void);
/* Nobody has connected. */
void broker_expect_nobody(void);
void broker_send(int connection, struct slice bytes);
void broker_expect(int connection, struct slice bytes);
void broker_expect_end(int connection);
void broker_reset(int connection);

/* --- packets --- */

#define PACKET_MAX 700u

struct packet {
    uint8_t bytes[PACKET_MAX];
    size_t size;
};

struct packet_plan {
    uint8_t version;
    const char *client_id;
    const char *username; /* NULL: none */
    const char *password;
    const char *will_topic;
    const char *properties; /* 5.0: as bytes, without their length */
    size_t properties_size;
};

struct packet packet_connect(const struct packet_plan *plan);

static inline struct slice packet_slice(const struct packet *packet)
{
    return slice_of(packet->bytes, packet->size);
}

#define BYTES(text) slice_of((text), sizeof(text) - 1)

struct packet connect_of(uint8_t version, const char *client_id, const char *username,
                         const char *password);
/* A user with the right password. */
struct packet connect_bob(uint8_t version);
/* A client that needs none. */
struct packet connect_guest(uint8_t version);
/* PUBLISH packets of QoS 0 that fill exactly `size` bytes, at least 2; to be freed. */
uint8_t *publishes(size_t size);

/* --- usual ways --- */

void send_packet(struct device *device, struct packet packet);
/* The broker's acceptance. */
struct slice connack(uint8_t version);
/* A client that was let in; returns the broker's connection. */
int relaying(struct device *device, uint8_t version);
/* A client that is answered so, hears the end, and whom the broker never sees. */
void expect_refusal(struct packet packet, enum close_reason reason, struct slice answer);

/* A port where nobody listens. */
uint16_t dead_port(void);
/* An upstream that neither accepts nor refuses: its backlog is full. Until unstick(). */
const char *stuck_upstream(void);
void unstick(void);

#endif
