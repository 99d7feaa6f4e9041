#include "visitor.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

/* --- the client --- */

static enum ssl_verify_result_t believe(SSL *ssl, uint8_t *out_alert)
{
    (void)ssl;
    (void)out_alert;
    return ssl_verify_ok;
}

void device_connect(struct device *device)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons(house.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    device->socket = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(device->socket, (const struct sockaddr *)&in, sizeof in), 0);
    fcntl(device->socket, F_SETFL, O_NONBLOCK);
    SSL_CTX *context = SSL_CTX_new(TLS_with_buffers_method());
    SSL_CTX_set_custom_verify(context, SSL_VERIFY_PEER, believe);
    device->ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_connect_state(device->ssl);
    cr_assert(SSL_set_fd(device->ssl, device->socket));
}

void device_handshake(struct device *device)
{
    int result = 0;
    HOUSE_UNTIL((result = SSL_do_handshake(device->ssl)) == 1 ||
                SSL_get_error(device->ssl, result) == SSL_ERROR_SSL);
    cr_assert_eq(result, 1, "the handshake failed");
}

void device_open(struct device *device)
{
    device_connect(device);
    device_handshake(device);
    HOUSE_UNTIL(house.worker.sessions != NULL && house_session()->state == SESSION_ADMIT);
}

void device_send(struct device *device, struct slice bytes)
{
    while (bytes.size > 0) {
        int part = bytes.size < 16384 ? (int)bytes.size : 16384;
        HOUSE_UNTIL(SSL_write(device->ssl, bytes.data, part) == part);
        bytes = slice_after(bytes, (size_t)part);
    }
}

void device_expect(struct device *device, struct slice bytes)
{
    uint8_t read[16384];
    while (bytes.size > 0) {
        int wanted = bytes.size < sizeof read ? (int)bytes.size : (int)sizeof read;
        int count = 0;
        HOUSE_UNTIL((count = SSL_read(device->ssl, read, wanted)) > 0 ||
                    SSL_get_error(device->ssl, count) != SSL_ERROR_WANT_READ);
        cr_assert_gt(count, 0, "the session ended before all bytes came");
        cr_assert_eq(memcmp(read, bytes.data, (size_t)count), 0, "other bytes came");
        bytes = slice_after(bytes, (size_t)count);
    }
}

void device_expect_end(struct device *device)
{
    uint8_t byte = 0;
    int count = 0;
    HOUSE_UNTIL((count = SSL_read(device->ssl, &byte, 1)) > 0 ||
                SSL_get_error(device->ssl, count) != SSL_ERROR_WANT_READ);
    cr_assert_leq(count, 0, "a byte came instead of the end: %02x", byte);
    cr_expect_eq(SSL_get_error(device->ssl, count), SSL_ERROR_ZERO_RETURN, "no close_notify");
}

static void device_free(struct device *device)
{
    SSL_free(device->ssl);
    *device = (struct device){.socket = -1};
}

void device_close(struct device *device)
{
    if (!SSL_in_init(device->ssl)) {
        SSL_shutdown(device->ssl);
    }
    close(device->socket);
    device_free(device);
}

static void reset(int descriptor)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(descriptor);
}

void device_reset(struct device *device)
{
    reset(device->socket);
    device_free(device);
}

/* --- the broker --- */

int broker_accept(void)
{
    int connection = -1;
    HOUSE_UNTIL((connection = accept4(house.broker, NULL, NULL, SOCK_NONBLOCK)) >= 0);
    return connection;
}

void broker_expect_nobody(void)
{
    for (int i = 0; i < 20; i++) {
        house_turn();
    }
    cr_expect_lt(accept4(house.broker, NULL, NULL, SOCK_NONBLOCK), 0, "somebody was dialled");
}

void broker_send(int connection, struct slice bytes)
{
    while (bytes.size > 0) {
        ssize_t count = 0;
        HOUSE_UNTIL((count = write(connection, bytes.data, bytes.size)) > 0);
        bytes = slice_after(bytes, (size_t)count);
    }
}

void broker_expect(int connection, struct slice bytes)
{
    uint8_t read_bytes[16384];
    while (bytes.size > 0) {
        size_t wanted = bytes.size < sizeof read_bytes ? bytes.size : sizeof read_bytes;
        ssize_t count = -1;
        HOUSE_UNTIL((count = read(connection, read_bytes, wanted)) >= 0);
        cr_assert_gt(count, 0, "the end came before all bytes did");
        cr_assert_eq(memcmp(read_bytes, bytes.data, (size_t)count), 0, "other bytes came");
        bytes = slice_after(bytes, (size_t)count);
    }
}

void broker_expect_end(int connection)
{
    uint8_t byte = 0;
    ssize_t count = -1;
    HOUSE_UNTIL((count = read(connection, &byte, 1)) >= 0);
    cr_expect_eq(count, 0, "a byte came instead of the end: %02x", byte);
}

void broker_reset(int connection)
{
    reset(connection);
}

/* --- packets --- */

static void put_bytes(struct packet *packet, struct slice bytes)
{
    cr_assert_leq(packet->size + bytes.size, PACKET_MAX);
    if (bytes.size > 0) {
        memcpy(packet->bytes + packet->size, bytes.data, bytes.size);
        packet->size += bytes.size;
    }
}

static void put_byte(struct packet *packet, size_t byte)
{
    uint8_t one = (uint8_t)byte;
    put_bytes(packet, slice_of(&one, 1));
}

static void put_text(struct packet *packet, const char *text)
{
    put_byte(packet, strlen(text) >> 8);
    put_byte(packet, strlen(text) & 0xff);
    put_bytes(packet, slice_from_text(text));
}

struct packet packet_connect(const struct packet_plan *plan)
{
    struct packet body = {.size = 0};
    struct packet packet = {.size = 0};
    bool is_v5 = plan->version == MQTT_VERSION_5_0;

    put_text(&body, plan->version == MQTT_VERSION_3_1 ? "MQIsdp" : "MQTT");
    put_byte(&body, plan->version);
    put_byte(&body, 0x02u | (plan->will_topic != NULL ? 0x04u : 0) |
                        (plan->username != NULL ? 0x80u : 0) |
                        (plan->password != NULL ? 0x40u : 0));
    put_bytes(&body, BYTES("\0\x3c"));
    if (is_v5) {
        put_byte(&body, plan->properties_size);
        put_bytes(&body, slice_of(plan->properties, plan->properties_size));
    }
    put_text(&body, plan->client_id);
    if (plan->will_topic != NULL) {
        if (is_v5) {
            put_byte(&body, 0);
        }
        put_text(&body, plan->will_topic);
        put_text(&body, "gone");
    }
    if (plan->username != NULL) {
        put_text(&body, plan->username);
    }
    if (plan->password != NULL) {
        put_text(&body, plan->password);
    }
    put_byte(&packet, 0x10);
    if (body.size > 127) {
        put_byte(&packet, 0x80 | (body.size & 127));
        put_byte(&packet, body.size >> 7);
    } else {
        put_byte(&packet, body.size);
    }
    put_bytes(&packet, packet_slice(&body));
    return packet;
}

/* --- usual ways --- */

struct packet connect_of(uint8_t version, const char *client_id, const char *username,
                         const char *password)
{
    return packet_connect(&(struct packet_plan){
        .version = version, .client_id = client_id, .username = username, .password = password});
}

struct packet connect_bob(uint8_t version)
{
    return connect_of(version, "pump-7", "bob", "secret");
}

struct packet connect_guest(uint8_t version)
{
    return connect_of(version, "guest-1", NULL, NULL);
}

void send_packet(struct device *device, struct packet packet)
{
    device_send(device, packet_slice(&packet));
}

struct slice connack(uint8_t version)
{
    return version == MQTT_VERSION_5_0 ? BYTES("\x20\x03\0\0\0") : BYTES("\x20\x02\0\0");
}

/* A client that was let in; returns the broker's connection. */
int relaying(struct device *device, uint8_t version)
{
    struct packet packet = connect_bob(version);
    device_open(device);
    send_packet(device, packet);
    int broker = broker_accept();
    broker_expect(broker, packet_slice(&packet));
    broker_send(broker, connack(version));
    device_expect(device, connack(version));
    cr_assert_eq(house_session()->state, SESSION_RELAY);
    return broker;
}

/* --- what is held behind CONNECT --- */

/* PUBLISH packets of QoS 0 that fill exactly `size` bytes, at least 2. */
uint8_t *publishes(size_t size)
{
    uint8_t *bytes = malloc(size);
    size_t at = 0;
    while (at < size) {
        size_t left = size - at;
        size_t packet = left <= 100 ? left : left < 110 ? left - 10 : 100;
        cr_assert_geq(packet, 2);
        bytes[at] = 0x30;
        bytes[at + 1] = (uint8_t)(packet - 2);
        for (size_t i = 2; i < packet; i++) {
            bytes[at + i] = (uint8_t)((at + i) * 7);
        }
        at += packet;
    }
    return bytes;
}

void expect_refusal(struct packet packet, enum close_reason reason, struct slice answer)
{
    struct device device;
    device_open(&device);
    send_packet(&device, packet);
    device_expect(&device, answer);
    device_expect_end(&device);
    broker_expect_nobody();
    device_close(&device);
    house_expect_reason(reason);
}

/* --- the upstream --- */

uint16_t dead_port(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(descriptor, (const struct sockaddr *)&in, sizeof in), 0);
    cr_assert_eq(getsockname(descriptor, (struct sockaddr *)&in, &size), 0);
    close(descriptor);
    return ntohs(in.sin_port);
}

static int stuck_listener;

static int stuck_client;

/* An upstream that neither accepts nor refuses: its backlog is full. */
const char *stuck_upstream(void)
{
    static char text[32];
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    stuck_listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(stuck_listener, (const struct sockaddr *)&in, sizeof in), 0);
    cr_assert_eq(listen(stuck_listener, 0), 0);
    cr_assert_eq(getsockname(stuck_listener, (struct sockaddr *)&in, &size), 0);
    stuck_client = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(stuck_client, (const struct sockaddr *)&in, sizeof in), 0);
    snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)ntohs(in.sin_port));
    return text;
}

void unstick(void)
{
    close(stuck_client);
    close(stuck_listener);
}
