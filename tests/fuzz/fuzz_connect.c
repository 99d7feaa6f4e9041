/*
 * The CONNECT parser. The first byte chooses limits and a cut; the rest is what a client sent.
 *
 * Held against an obvious reading of the packet: where it ends, where its fields lie. A good packet
 * is waited for until its last byte; a bad one, once refused, stays refused for the same reason
 * whatever follows; and not one byte is changed.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "moat/mqtt/connect.h"

static const struct mqtt_connect_limits all_limits[] = {
    {65536, 256, 256, 1024, 32, false},
    {65536, 256, 256, 1024, 32, true},
    {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, false},
    {40, 6, 3, 5, 1, true},
};

/* How long the packet says it is; SIZE_MAX when that is not known, or cannot be said. */
static size_t announced_size(struct slice bytes)
{
    size_t value = 0;

    for (size_t i = 0; i < 4 && i + 1 < bytes.size; i++) {
        value |= (size_t)(bytes.data[i + 1] & 0x7F) << (7 * i);
        if ((bytes.data[i + 1] & 0x80) == 0) {
            return i + 2 + value;
        }
    }
    return SIZE_MAX;
}

/* --- an obvious reading of a good packet --- */

static const uint8_t *skip_length(const uint8_t *at, size_t *out_value)
{
    size_t shift = 0;

    *out_value = 0;
    do {
        *out_value |= (size_t)(*at & 0x7F) << shift;
        shift += 7;
    } while ((*at++ & 0x80) != 0);
    return at;
}

static const uint8_t *skip_properties(const uint8_t *at, enum mqtt_version version)
{
    size_t size = 0;

    if (version != MQTT_VERSION_5_0) {
        return at;
    }
    at = skip_length(at, &size);
    return at + size;
}

/* The field begins here; returns where the next one does. */
static const uint8_t *expect_field(const uint8_t *at, struct slice field)
{
    FUZZ_CHECK(field.size == ((size_t)at[0] << 8 | at[1]));
    FUZZ_CHECK(field.data == at + 2);
    return at + 2 + field.size;
}

static void expect_good(struct slice bytes, const struct mqtt_connect *connect,
                        const struct mqtt_connect_limits *limits)
{
    size_t remaining = 0;
    const uint8_t *at = skip_length(bytes.data + 1, &remaining);
    bool is_3_1 = connect->version == MQTT_VERSION_3_1;

    FUZZ_CHECK(connect->packet_size <= bytes.size && connect->packet_size <= limits->packet_size);
    FUZZ_CHECK(at + remaining == bytes.data + connect->packet_size);
    FUZZ_CHECK(memcmp(at, is_3_1 ? "\0\6MQIsdp" : "\0\4MQTT", is_3_1 ? 8 : 6) == 0);
    at += is_3_1 ? 8 : 6;
    FUZZ_CHECK((at[0] & 0x7F) == (int)connect->version && connect->is_bridge == (at[0] > 0x7F));
    uint8_t flags = at[1];
    FUZZ_CHECK(connect->clean_start == ((flags & 0x02) != 0));
    FUZZ_CHECK(connect->keep_alive == ((unsigned)at[2] << 8 | at[3]));
    at = skip_properties(at + 4, connect->version);
    at = expect_field(at, connect->client_id);
    FUZZ_CHECK(connect->client_id.size <= limits->client_id_size);
    FUZZ_CHECK(connect->has_will == ((flags & 0x04) != 0));
    if (connect->has_will) {
        FUZZ_CHECK(connect->will_qos == (flags >> 3 & 3) && connect->will_qos < 3);
        FUZZ_CHECK(connect->will_retain == ((flags & 0x20) != 0));
        at = expect_field(skip_properties(at, connect->version), connect->will_topic);
        at = expect_field(at, connect->will_payload);
        FUZZ_CHECK(connect->will_topic.size > 0);
    }
    const uint8_t *end = bytes.data + connect->packet_size;
    /* 3.1 lets a packet end before a user name and a password that its flags announce. */
    FUZZ_CHECK(connect->has_username == ((flags & 0x80) != 0 && !(is_3_1 && at == end)));
    if (connect->has_username) {
        at = expect_field(at, connect->username);
        FUZZ_CHECK(connect->username.size <= limits->username_size);
    }
    FUZZ_CHECK(connect->has_password == ((flags & 0x40) != 0 && !(is_3_1 && at == end)));
    if (connect->has_password) {
        at = expect_field(at, connect->password);
        FUZZ_CHECK(connect->password.size <= limits->password_size);
    }
    FUZZ_CHECK(at == end);
    FUZZ_CHECK(connect->receive_maximum > 0 && connect->maximum_packet_size > 0);
}

/* --- --- */

struct outcome {
    enum mqtt_connect_status status;
    struct mqtt_connect connect;
    struct mqtt_fault fault;
};

static struct outcome parse(struct slice bytes, const struct mqtt_connect_limits *limits)
{
    struct outcome outcome = {.fault = {.offset = SIZE_MAX}};

    outcome.status = mqtt_connect_parse(bytes, limits, &outcome.connect, &outcome.fault);
    if (outcome.status == MQTT_CONNECT_OK || outcome.status == MQTT_CONNECT_MORE) {
        FUZZ_CHECK(outcome.fault.what == NULL);
    } else {
        FUZZ_CHECK(outcome.fault.what != NULL && outcome.fault.clause != NULL);
        FUZZ_CHECK(outcome.fault.offset <= bytes.size);
    }
    return outcome;
}

static void expect_cut(struct slice bytes, size_t size, const struct mqtt_connect_limits *limits,
                       const struct outcome *whole)
{
    uint8_t *copy = fuzz_copy(slice_of(bytes.data, size));
    struct outcome cut = parse(slice_of(copy, size), limits);

    if (cut.status == MQTT_CONNECT_OK) {
        FUZZ_CHECK(whole->status == MQTT_CONNECT_OK && size >= whole->connect.packet_size);
        FUZZ_CHECK(cut.connect.packet_size == whole->connect.packet_size);
        FUZZ_CHECK(slice_equal(cut.connect.client_id, whole->connect.client_id));
        FUZZ_CHECK(slice_equal(cut.connect.username, whole->connect.username));
    } else if (cut.status == MQTT_CONNECT_MORE) {
        FUZZ_CHECK(whole->status != MQTT_CONNECT_OK || size < whole->connect.packet_size);
    } else {
        FUZZ_CHECK(cut.status == whole->status);
        FUZZ_CHECK(cut.fault.what == whole->fault.what && cut.fault.offset == whole->fault.offset);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    uint8_t choice = fuzz_u8(&input);
    const struct mqtt_connect_limits *limits = &all_limits[choice & 3];
    uint8_t *copy = fuzz_copy(input);
    struct slice bytes = slice_of(copy, input.size);
    struct outcome whole = parse(bytes, limits);

    if (whole.status == MQTT_CONNECT_OK) {
        expect_good(bytes, &whole.connect, limits);
        expect_cut(bytes, whole.connect.packet_size, limits, &whole);
        expect_cut(bytes, whole.connect.packet_size - 1, limits, &whole);
    } else if (whole.status == MQTT_CONNECT_MORE) {
        FUZZ_CHECK(bytes.size < announced_size(bytes));
    }
    if (bytes.size > 0) {
        expect_cut(bytes, (size_t)(choice >> 2) % bytes.size, limits, &whole);
    }
    FUZZ_CHECK(slice_equal(bytes, input));
    free(copy);
    return 0;
}
