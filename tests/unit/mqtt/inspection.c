#include "inspection.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "moat/base/topic.h"
#include "packet.h"

void reading_init(struct reading *reading, enum mqtt_version version)
{
    memset(reading, 0, sizeof *reading);
    mqtt_inspector_init(&reading->inspector, version);
    buffer_init(&reading->held, MQTT_ELEMENT_HELD_MAX);
    buffer_init(&reading->passed, 64u << 20);
}

void reading_deinit(struct reading *reading)
{
    buffer_deinit(&reading->held);
    buffer_deinit(&reading->passed);
}

static void trace(struct reading *reading, const char *verb, const char *object)
{
    int size = snprintf(reading->trace + reading->traced, TRACE_SIZE - reading->traced, "%s%s %s",
                        reading->traced > 0 ? ", " : "", verb, object);
    reading->traced += (size_t)size;
    cr_assert_lt(reading->traced, (size_t)TRACE_SIZE);
}

static void trace_topic(struct reading *reading, const char *verb, struct slice topic)
{
    char text[128];

    if (topic.size < 100) {
        snprintf(text, sizeof text, "%.*s", (int)topic.size, (const char *)topic.data);
    } else {
        snprintf(text, sizeof text, "%zu bytes", topic.size);
    }
    trace(reading, verb, text);
}

void trace_element(struct reading *reading, const struct mqtt_element *element)
{
    char alias[8];

    snprintf(alias, sizeof alias, "%u", element->alias);
    switch (element->request) {
    case MQTT_REQUEST_NONE:
        break;
    case MQTT_REQUEST_PUBLISH:
        cr_assert(topic_is_name(element->topic));
        trace_topic(reading, "publish", element->topic);
        break;
    case MQTT_REQUEST_SUBSCRIBE:
        cr_assert(topic_is_filter(element->topic));
        trace_topic(reading, "subscribe", element->topic);
        break;
    case MQTT_REQUEST_SET_ALIAS:
        trace(reading, "set", alias);
        break;
    case MQTT_REQUEST_USE_ALIAS:
        trace(reading, "use", alias);
        break;
    }
}

/* Asks about a copy that ends where its memory ends, so that the sanitizer sees a byte read
 * too many, and checks what must hold for any input. */
static enum mqtt_inspect_status look(struct reading *reading, struct slice bytes,
                                     struct mqtt_element *out_element)
{
    struct mqtt_inspector before = reading->inspector;
    struct mqtt_element element = {.size = SIZE_MAX};
    const char *fault = NULL;
    uint8_t *copy = malloc(bytes.size);

    cr_assert_not_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    enum mqtt_inspect_status status =
        mqtt_inspect(&reading->inspector, slice_of(copy, bytes.size), &element, &fault);
    cr_assert_eq(fault != NULL, status == MQTT_INSPECT_MALFORMED);
    if (status != MQTT_INSPECT_OK) {
        cr_assert_eq(memcmp(&before, &reading->inspector, sizeof before), 0);
    }
    if (status == MQTT_INSPECT_OK) {
        cr_assert(element.size > 0 && element.size <= bytes.size);
        trace_element(reading, &element);
    } else if (status == MQTT_INSPECT_MORE) {
        cr_assert(element.size > bytes.size && element.size <= MQTT_ELEMENT_HELD_MAX);
    }
    free(copy);
    *out_element = element;
    return status;
}

/* Fills up what is held until it can be judged; returns how many bytes that took. */
static size_t complete_held(struct reading *reading, struct slice bytes)
{
    struct mqtt_element element;
    size_t used = 0;

    while (reading->held.size > 0) {
        enum mqtt_inspect_status status = look(reading, buffer_slice(&reading->held), &element);
        if (status == MQTT_INSPECT_OK) {
            cr_assert_eq(element.size, reading->held.size);
            put_bytes(&reading->passed, reading->held.data, reading->held.size);
            reading->held.size = 0;
            break;
        }
        reading->status = status == MQTT_INSPECT_MALFORMED ? status : reading->status;
        if (status == MQTT_INSPECT_MALFORMED || used == bytes.size) {
            return used;
        }
        size_t missing = element.size - reading->held.size;
        size_t step = missing < bytes.size - used ? missing : bytes.size - used;
        put_bytes(&reading->held, bytes.data + used, step);
        used += step;
    }
    return used;
}

void bring(struct reading *reading, struct slice bytes)
{
    struct mqtt_element element;
    size_t at = complete_held(reading, bytes);

    while (at < bytes.size && reading->status == MQTT_INSPECT_OK) {
        enum mqtt_inspect_status status = look(reading, slice_after(bytes, at), &element);
        if (status == MQTT_INSPECT_OK) {
            put_bytes(&reading->passed, bytes.data + at, element.size);
            at += element.size;
        } else if (status == MQTT_INSPECT_MORE) {
            put_bytes(&reading->held, bytes.data + at, bytes.size - at);
            at = bytes.size;
        } else {
            reading->status = status;
        }
    }
    if (reading->held.size > reading->held_most) {
        reading->held_most = reading->held.size;
    }
}

void expect_untouched(const struct reading *reading, struct slice bytes)
{
    cr_assert_leq(reading->passed.size, bytes.size);
    cr_assert(
        slice_equal(buffer_slice(&reading->passed), slice_of(bytes.data, reading->passed.size)));
}
