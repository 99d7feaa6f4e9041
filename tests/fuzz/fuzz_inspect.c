/*
 * The inspector: what a client publishes and subscribes to. First byte: the version; second byte:
 * how the stream is split. The rest is the stream behind CONNECT.
 *
 * In one piece and in many it asks for the same; and of every packet that passed whole, an obvious
 * reading finds the same topics: nothing passes that nobody was asked about.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "moat/base/topic.h"
#include "moat/mqtt/inspect.h"

/* One request after the other, as bytes that can be compared. */
struct reading {
    struct mqtt_inspector inspector;
    enum mqtt_inspect_status status;
    struct buffer held;
    struct buffer asked;
    size_t passed;
};

static void append(struct buffer *buffer, const void *data, size_t size)
{
    FUZZ_CHECK(size == 0 || buffer_append(buffer, slice_of(data, size)));
}

static void ask(struct buffer *asked, enum mqtt_request request, struct slice topic, unsigned alias)
{
    char head[40];
    int size = snprintf(head, sizeof head, "%u %u %zu ", (unsigned)request, alias, topic.size);

    append(asked, head, (size_t)size);
    append(asked, topic.data, topic.size);
}

static void ask_element(struct buffer *asked, const struct mqtt_element *element)
{
    static const struct slice none = {.size = 0};

    switch (element->request) {
    case MQTT_REQUEST_NONE:
        break;
    case MQTT_REQUEST_PUBLISH:
        FUZZ_CHECK(topic_is_name(element->topic));
        ask(asked, element->request, element->topic, 0);
        break;
    case MQTT_REQUEST_SUBSCRIBE:
        FUZZ_CHECK(topic_is_filter(element->topic));
        ask(asked, element->request, element->topic, 0);
        break;
    case MQTT_REQUEST_SET_ALIAS:
    case MQTT_REQUEST_USE_ALIAS:
        FUZZ_CHECK(element->alias > 0);
        ask(asked, element->request, none, element->alias);
        break;
    }
}

/* --- as the session does it --- */

static void bring(struct reading *reading, struct slice bytes)
{
    append(&reading->held, bytes.data, bytes.size);
    while (reading->held.size > 0 && reading->status == MQTT_INSPECT_OK) {
        struct mqtt_inspector before = reading->inspector;
        struct mqtt_element element = {.size = 0};
        const char *fault = NULL;
        uint8_t *copy = fuzz_copy(buffer_slice(&reading->held));
        enum mqtt_inspect_status status =
            mqtt_inspect(&reading->inspector, slice_of(copy, reading->held.size), &element, &fault);

        if (status == MQTT_INSPECT_OK) {
            FUZZ_CHECK(element.size > 0 && element.size <= reading->held.size);
            ask_element(&reading->asked, &element);
        } else {
            FUZZ_CHECK(memcmp(&before, &reading->inspector, sizeof before) == 0);
        }
        free(copy);
        FUZZ_CHECK((fault != NULL) == (status == MQTT_INSPECT_MALFORMED));
        if (status == MQTT_INSPECT_MORE) {
            FUZZ_CHECK(element.size > reading->held.size);
            FUZZ_CHECK(element.size <= MQTT_ELEMENT_HELD_MAX);
            return;
        }
        if (status == MQTT_INSPECT_MALFORMED) {
            reading->status = status;
            return;
        }
        reading->held.size -= element.size;
        memmove(reading->held.data, reading->held.data + element.size, reading->held.size);
        reading->passed += element.size;
    }
}

static void read_in_pieces(struct reading *reading, struct slice bytes, enum mqtt_version version,
                           unsigned split)
{
    size_t at = 0;

    *reading = (struct reading){.status = MQTT_INSPECT_OK};
    buffer_init(&reading->held, SIZE_MAX);
    buffer_init(&reading->asked, SIZE_MAX);
    mqtt_inspector_init(&reading->inspector, version);
    while (at < bytes.size && reading->status == MQTT_INSPECT_OK) {
        size_t step = split == 0 ? bytes.size : 1 + (at * 5 + split) % split;
        step = step < bytes.size - at ? step : bytes.size - at;
        bring(reading, slice_of(bytes.data + at, step));
        at += step;
    }
}

static void reading_deinit(struct reading *reading)
{
    buffer_deinit(&reading->held);
    buffer_deinit(&reading->asked);
}

/* --- an obvious reading of packets that are there whole and in order --- */

static size_t u16(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

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

/* The topic alias among properties; 0 for none. */
static unsigned find_alias(const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        uint8_t id = *at++;
        if (id == 0x23) {
            return (unsigned)u16(at);
        }
        at += id == 0x01 ? 1 : id == 0x02 ? 4 : 2 + u16(at);
        at += id == 0x26 ? 2 + u16(at) : 0;
    }
    return 0;
}

static void expect_publish(const uint8_t *body, unsigned qos, enum mqtt_version version,
                           struct buffer *asked)
{
    struct slice topic = slice_of(body + 2, u16(body));
    const uint8_t *at = body + 2 + topic.size + (qos > 0 ? 2 : 0);
    unsigned alias = 0;

    if (version == MQTT_VERSION_5_0) {
        size_t size = 0;
        at = skip_length(at, &size);
        alias = find_alias(at, at + size);
    }
    if (topic.size > 0) {
        ask(asked, MQTT_REQUEST_PUBLISH, topic, 0);
    }
    if (alias > 0) {
        ask(asked, topic.size > 0 ? MQTT_REQUEST_SET_ALIAS : MQTT_REQUEST_USE_ALIAS,
            slice_of(NULL, 0), alias);
    }
    FUZZ_CHECK(topic.size > 0 || alias > 0);
}

static void expect_subscribe(const uint8_t *body, const uint8_t *end, enum mqtt_version version,
                             struct buffer *asked)
{
    const uint8_t *at = body + 2;
    size_t size = 0;

    if (body == end) {
        return; /* a packet of nothing: it asks for nothing, and is for the broker to refuse */
    }
    if (version == MQTT_VERSION_5_0) {
        at = skip_length(at, &size);
        at += size;
    }
    while (at < end) {
        ask(asked, MQTT_REQUEST_SUBSCRIBE, slice_of(at + 2, u16(at)), 0);
        at += 2 + u16(at) + 1;
    }
    FUZZ_CHECK(at == end);
}

static void expect_packets(const struct reading *reading, struct slice bytes,
                           enum mqtt_version version)
{
    const uint8_t *at = bytes.data;
    struct buffer asked;

    buffer_init(&asked, SIZE_MAX);
    for (uint64_t i = 0; i < reading->inspector.packets; i++) {
        size_t size = 0;
        const uint8_t *body = skip_length(at + 1, &size);
        if (*at >> 4 == 3) {
            expect_publish(body, *at >> 1 & 3, version, &asked);
        } else if (*at >> 4 == 8) {
            expect_subscribe(body, body + size, version, &asked);
        }
        at = body + size;
        FUZZ_CHECK((size_t)(at - bytes.data) <= reading->passed);
    }
    FUZZ_CHECK(asked.size <= reading->asked.size);
    FUZZ_CHECK(asked.size == 0 || memcmp(asked.data, reading->asked.data, asked.size) == 0);
    FUZZ_CHECK(!mqtt_inspector_at_boundary(&reading->inspector) || reading->inspector.stage != 0 ||
               asked.size == reading->asked.size);
    buffer_deinit(&asked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of(data, size);
    enum mqtt_version version = (enum mqtt_version)(3 + fuzz_u8(&bytes) % 3);
    uint8_t split = fuzz_u8(&bytes);
    struct reading whole;
    struct reading pieces;

    read_in_pieces(&whole, bytes, version, 0);
    read_in_pieces(&pieces, bytes, version, 1 + split);
    FUZZ_CHECK(whole.status == pieces.status);
    FUZZ_CHECK(whole.passed == pieces.passed);
    FUZZ_CHECK(slice_equal(buffer_slice(&whole.asked), buffer_slice(&pieces.asked)));
    FUZZ_CHECK(memcmp(&whole.inspector, &pieces.inspector, sizeof whole.inspector) == 0);
    expect_packets(&whole, bytes, version);
    reading_deinit(&whole);
    reading_deinit(&pieces);
    return 0;
}
