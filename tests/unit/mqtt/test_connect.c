#include "moat/mqtt/connect.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "packet.h"
#include "vector.h"

static const char *const keys[] = {"status",
                                   "fault",
                                   "clause",
                                   "at",
                                   "early",
                                   "version",
                                   "bridge",
                                   "clean_start",
                                   "keep_alive",
                                   "client_id",
                                   "will_topic",
                                   "will_payload",
                                   "will_qos",
                                   "will_retain",
                                   "username",
                                   "password",
                                   "session_expiry",
                                   "maximum_packet_size",
                                   "receive_maximum",
                                   "topic_alias_maximum",
                                   "authentication_method",
                                   "limit_packet_size",
                                   "limit_user_properties",
                                   "strict_3_1",
                                   NULL};

static const char *const status_names[] = {
    [MQTT_CONNECT_OK] = "OK",
    [MQTT_CONNECT_MORE] = "MORE",
    [MQTT_CONNECT_NOT_CONNECT] = "NOT_CONNECT",
    [MQTT_CONNECT_TOO_LARGE] = "TOO_LARGE",
    [MQTT_CONNECT_MALFORMED] = "MALFORMED",
    [MQTT_CONNECT_PROTOCOL_NAME] = "PROTOCOL_NAME",
    [MQTT_CONNECT_PROTOCOL_LEVEL] = "PROTOCOL_LEVEL",
    [MQTT_CONNECT_CLIENT_ID] = "CLIENT_ID",
};

/* Vectors of at most this size are also cut and corrupted at every byte. */
#define SMALL_VECTOR 2048

static struct vectors vectors;

static void load(void)
{
    vectors = vectors_load("connect", keys);
    cr_assert_geq(vectors.count, 300);
}

static void unload(void)
{
    vectors_free(&vectors);
}

TestSuite(connect, .init = load, .fini = unload);

static struct mqtt_connect_limits limits_of(const struct vector *vector)
{
    struct mqtt_connect_limits limits = packet_limits();

    limits.packet_size = (size_t)vector_number(vector, "limit_packet_size", limits.packet_size);
    limits.user_properties =
        (size_t)vector_number(vector, "limit_user_properties", limits.user_properties);
    limits.strict_3_1 = vector_flag(vector, "strict_3_1");
    return limits;
}

static bool is_good(const struct vector *vector)
{
    return strcmp(vector_value(vector, "status"), "OK") == 0;
}

static void expect_version(const struct vector *vector, enum mqtt_version version)
{
    const char *expected = vector_value(vector, "version");

    cr_assert_not_null(expected, "%s: no version", vector->name);
    cr_assert_str_eq(mqtt_version_text(version), expected, "%s", vector->name);
}

static void expect_slice(const struct vector *vector, const char *key, struct slice actual)
{
    const char *notation = vector_value(vector, key);
    struct buffer expected;

    buffer_init(&expected, 1u << 20);
    if (notation != NULL) {
        vector_bytes(notation, &expected);
    }
    cr_assert(slice_equal(actual, buffer_slice(&expected)), "%s: %s", vector->name, key);
    buffer_deinit(&expected);
}

static void expect_number(const struct vector *vector, const char *key, uint64_t absent,
                          uint64_t actual)
{
    cr_assert_eq(actual, vector_number(vector, key, absent), "%s: %s is %lu", vector->name, key,
                 (unsigned long)actual);
}

/* A field that the vector does not name must have the value of an absent one. */
static void expect_connect(const struct vector *vector, const struct mqtt_connect *connect)
{
    expect_version(vector, connect->version);
    cr_assert_eq(connect->is_bridge, vector_flag(vector, "bridge"), "%s", vector->name);
    cr_assert_eq(connect->packet_size, vector->bytes.size, "%s", vector->name);
    cr_assert_eq(connect->clean_start, vector_flag(vector, "clean_start"), "%s", vector->name);
    expect_number(vector, "keep_alive", 0, connect->keep_alive);
    expect_slice(vector, "client_id", connect->client_id);

    cr_assert_eq(connect->has_will, vector_value(vector, "will_topic") != NULL, "%s", vector->name);
    cr_assert_eq(connect->will_retain, vector_flag(vector, "will_retain"), "%s", vector->name);
    expect_number(vector, "will_qos", 0, connect->will_qos);
    expect_slice(vector, "will_topic", connect->will_topic);
    expect_slice(vector, "will_payload", connect->will_payload);

    cr_assert_eq(connect->has_username, vector_value(vector, "username") != NULL, "%s",
                 vector->name);
    cr_assert_eq(connect->has_password, vector_value(vector, "password") != NULL, "%s",
                 vector->name);
    expect_slice(vector, "username", connect->username);
    expect_slice(vector, "password", connect->password);

    expect_number(vector, "session_expiry", 0, connect->session_expiry);
    expect_number(vector, "maximum_packet_size", UINT32_MAX, connect->maximum_packet_size);
    expect_number(vector, "receive_maximum", 65535, connect->receive_maximum);
    expect_number(vector, "topic_alias_maximum", 0, connect->topic_alias_maximum);
    cr_assert_eq(connect->has_authentication_method,
                 vector_value(vector, "authentication_method") != NULL, "%s", vector->name);
    expect_slice(vector, "authentication_method", connect->authentication_method);
}

static void expect_fault(const struct vector *vector, const struct mqtt_fault *fault)
{
    const char *what = vector_value(vector, "fault");
    const char *clause = vector_value(vector, "clause");

    cr_assert(what != NULL && clause != NULL, "%s: no fault or no clause", vector->name);
    cr_assert_str_eq(fault->what, what, "%s: %s", vector->name, fault->what);
    cr_assert_str_eq(fault->clause[0] != '\0' ? fault->clause : "none", clause, "%s: %s",
                     vector->name, fault->clause);
    expect_number(vector, "at", SIZE_MAX, fault->offset);
}

/* Parses `bytes` and holds the outcome against the vector. */
static void expect_outcome(const struct vector *vector, struct slice bytes)
{
    struct mqtt_connect_limits limits = limits_of(vector);
    struct mqtt_connect connect;
    struct mqtt_fault fault;
    const char *status = status_names[packet_parse(bytes, &limits, &connect, &fault)];

    cr_assert_str_eq(status, vector_value(vector, "status"), "%s: %s", vector->name, status);
    if (strcmp(status, "OK") == 0) {
        expect_connect(vector, &connect);
    } else if (strcmp(status, "MORE") != 0) {
        expect_fault(vector, &fault);
    }
    if (strcmp(status, "CLIENT_ID") == 0) {
        expect_version(vector, connect.version);
        cr_assert_eq(connect.maximum_packet_size, UINT32_MAX, "%s", vector->name);
    }
}

Test(connect, vectors_lead_to_what_they_say)
{
    for (size_t i = 0; i < vectors.count; i++) {
        expect_outcome(&vectors.items[i], buffer_slice(&vectors.items[i].bytes));
    }
}

/* A good packet waits for its last byte; a bad one waits too or is refused, and once it
 * is refused more bytes change nothing. */
Test(connect, vectors_cut_at_every_byte)
{
    for (size_t i = 0; i < vectors.count; i++) {
        const struct vector *vector = &vectors.items[i];
        struct mqtt_connect_limits limits = limits_of(vector);
        size_t early = vector->bytes.size;
        struct mqtt_connect connect;
        struct mqtt_fault fault;

        for (size_t size = vector->bytes.size; size-- > 0 && vector->bytes.size <= SMALL_VECTOR;) {
            struct slice bytes = slice_of(vector->bytes.data, size);

            if (packet_parse(bytes, &limits, &connect, &fault) != MQTT_CONNECT_MORE) {
                cr_assert_not(is_good(vector), "%s: refused after %zu bytes", vector->name, size);
                cr_assert_eq(early, size + 1, "%s: refused after %zu bytes, but not after %zu",
                             vector->name, size, size + 1);
                expect_outcome(vector, bytes);
                early = size;
            }
        }
        if (vector_value(vector, "early") != NULL) {
            expect_number(vector, "early", 0, early);
        }
    }
}

/* The invariants are in packet_parse(): no crash, no waiting with all of the packet
 * there, a fault that is filled in, no slice that leaves the packet. */
Test(connect, vectors_with_every_byte_corrupted)
{
    struct mqtt_connect connect;
    struct mqtt_fault fault;

    for (size_t i = 0; i < vectors.count; i++) {
        const struct vector *vector = &vectors.items[i];
        struct mqtt_connect_limits limits = limits_of(vector);
        struct slice bytes = buffer_slice(&vector->bytes);

        if (!is_good(vector) || bytes.size > SMALL_VECTOR) {
            continue;
        }
        for (size_t at = 0; at < bytes.size; at++) {
            uint8_t original = vector->bytes.data[at];
            const uint8_t values[] = {
                0x00,
                0x01,
                0x7F,
                0x80,
                0xC0,
                0xFE,
                0xFF,
                '+',
                (uint8_t)(original + 1),
                (uint8_t)(original - 1),
                original ^ 0x01,
                original ^ 0x04,
                original ^ 0x40,
                original ^ 0x80,
            };

            for (size_t j = 0; j < sizeof values; j++) {
                vector->bytes.data[at] = values[j];
                (void)packet_parse(bytes, &limits, &connect, &fault);
            }
            vector->bytes.data[at] = original;
        }
    }
}

/* CVE-2024-36856: two packets in one segment. What follows a packet is not part of it. */
Test(connect, every_pair_of_vectors_in_one_segment)
{
    for (size_t i = 0; i < vectors.count; i++) {
        const struct vector *first = &vectors.items[i];

        if (strcmp(vector_value(first, "status"), "MORE") == 0 ||
            first->bytes.size > SMALL_VECTOR) {
            continue;
        }
        for (size_t j = 0; j < vectors.count; j++) {
            struct slice second = buffer_slice(&vectors.items[j].bytes);
            struct mqtt_connect_limits limits = limits_of(first);
            struct mqtt_connect connect;
            struct mqtt_fault fault;
            struct buffer both;

            buffer_init(&both, 1u << 20);
            put_bytes(&both, first->bytes.data, first->bytes.size);
            put_bytes(&both, second.data, second.size < 64 ? second.size : 64);
            const char *status =
                status_names[packet_parse(buffer_slice(&both), &limits, &connect, &fault)];
            cr_assert_str_eq(status, vector_value(first, "status"), "%s", first->name);
            if (j == i) {
                expect_outcome(first, buffer_slice(&both));
            }
            buffer_deinit(&both);
        }
    }
}

static const size_t text_sizes[] = {0, 1, 127, 128, 255, 256, 32767, 32768, 65535};

#define TEXT_SIZE_COUNT (sizeof text_sizes / sizeof text_sizes[0])

static enum mqtt_connect_status build_and_parse(const struct packet *packet,
                                                const struct mqtt_connect_limits *limits,
                                                struct mqtt_fault *out_fault,
                                                struct mqtt_connect *out_connect)
{
    struct buffer bytes = packet_build(packet);
    enum mqtt_connect_status status =
        packet_parse(buffer_slice(&bytes), limits, out_connect, out_fault);

    buffer_deinit(&bytes);
    return status;
}

/* HAProxy ca925c9c2: a length past 127 was taken for a negative one. */
Test(connect, strings_of_every_size_in_every_field)
{
    static const enum mqtt_version versions[] = {MQTT_VERSION_3_1, MQTT_VERSION_3_1_1,
                                                 MQTT_VERSION_5_0};
    struct mqtt_connect_limits limits = packet_no_limits();
    struct mqtt_connect connect;
    struct mqtt_fault fault;
    uint8_t *letters = malloc(65535);

    cr_assert_not_null(letters);
    memset(letters, 'x', 65535);
    for (size_t i = 0; i < 3 * TEXT_SIZE_COUNT * 5; i++) {
        struct slice text = slice_of(letters, text_sizes[i % TEXT_SIZE_COUNT]);
        struct packet packet = {.version = versions[i / TEXT_SIZE_COUNT % 3],
                                .flags = 0xC6,
                                .client_id = slice_from_text("id"),
                                .will_topic = slice_from_text("t")};
        struct slice *const places[] = {&packet.client_id, &packet.will_topic, &packet.will_payload,
                                        &packet.username, &packet.password};
        const struct slice *const fields[] = {&connect.client_id, &connect.will_topic,
                                              &connect.will_payload, &connect.username,
                                              &connect.password};
        size_t place = i / TEXT_SIZE_COUNT / 3;

        *places[place] = text;
        if (text.size == 0 && (place == 1 || (place == 0 && packet.version == MQTT_VERSION_3_1))) {
            continue; /* an empty topic, and in 3.1 an empty identifier, have their vectors */
        }
        cr_assert_eq(build_and_parse(&packet, &limits, &fault, &connect), MQTT_CONNECT_OK,
                     "%zu bytes in field %zu", text.size, place);
        cr_assert_eq(fields[place]->size, text.size);
    }
    free(letters);
}

/* Mosquitto 2.0.12: many User Properties took time that grew with their square. */
Test(connect, user_properties_by_the_thousand_are_refused_at_the_limit)
{
    struct mqtt_connect_limits limits = packet_no_limits();
    struct mqtt_connect connect;
    struct mqtt_fault fault;
    struct buffer properties;

    buffer_init(&properties, 1u << 20);
    for (unsigned i = 0; i < 65000; i++) {
        put_bytes(&properties, "\x26\0\0\0\0", 5);
    }
    struct packet packet = {.version = MQTT_VERSION_5_0,
                            .flags = 0x02,
                            .client_id = slice_from_text("id"),
                            .properties = buffer_slice(&properties)};
    cr_assert_eq(build_and_parse(&packet, &limits, &fault, &connect), MQTT_CONNECT_OK);
    limits.user_properties = 65000;
    cr_assert_eq(build_and_parse(&packet, &limits, &fault, &connect), MQTT_CONNECT_OK);
    limits.user_properties = 64999;
    cr_assert_eq(build_and_parse(&packet, &limits, &fault, &connect), MQTT_CONNECT_TOO_LARGE);
    limits.user_properties = 32;
    cr_assert_eq(build_and_parse(&packet, &limits, &fault, &connect), MQTT_CONNECT_TOO_LARGE);
    /* Fixed header of 4 bytes, 10 of variable header, 3 of Property Length, 32 properties. */
    cr_assert_eq(fault.offset, 4 + 10 + 3 + 32 * 5);
    buffer_deinit(&properties);
}

Test(connect, limits_of_every_field)
{
    struct mqtt_connect_limits limits = packet_limits();
    struct mqtt_connect connect;
    struct mqtt_fault fault;
    struct packet packet = {.version = MQTT_VERSION_3_1_1,
                            .flags = 0xC2,
                            .client_id = slice_from_text("client"),
                            .username = slice_from_text("ann"),
                            .password = slice_from_text("password")};
    size_t *const fields[] = {&limits.client_id_size, &limits.username_size, &limits.password_size};
    const size_t sizes[] = {6, 3, 8};

    for (size_t i = 0; i < 3; i++) {
        size_t before = *fields[i];

        *fields[i] = sizes[i];
        cr_assert_eq(build_and_parse(&packet, &limits, &fault, &connect), MQTT_CONNECT_OK);
        *fields[i] = sizes[i] - 1;
        cr_assert_eq(build_and_parse(&packet, &limits, &fault, &connect), MQTT_CONNECT_TOO_LARGE);
        *fields[i] = 0;
        cr_assert_eq(build_and_parse(&packet, &limits, &fault, &connect), MQTT_CONNECT_TOO_LARGE);
        *fields[i] = before;
    }
}

Test(connect, versions_have_names)
{
    cr_assert_str_eq(mqtt_version_text(MQTT_VERSION_3_1), "3.1");
    cr_assert_str_eq(mqtt_version_text(MQTT_VERSION_3_1_1), "3.1.1");
    cr_assert_str_eq(mqtt_version_text(MQTT_VERSION_5_0), "5.0");
    cr_assert_str_eq(mqtt_version_text((enum mqtt_version)6), "unknown");
}
