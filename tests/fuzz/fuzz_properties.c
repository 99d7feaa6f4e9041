/*
 * Properties of 5.0. First byte: bit 0 the place, bits 1-2 how many User Properties may come; the
 * rest is a Property Length and what follows it.
 *
 * Held against another reading of them, from a table of its own.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "mqtt/properties_internal.h"

static const size_t user_limits[] = {SIZE_MAX, 0, 1, 3};

/* The size of a value at the start of `bytes`; SIZE_MAX when it is not all there. `form`: number
 * of bytes, or 's' for a string, 'p' for two. */
static size_t value_size(struct slice bytes, char form)
{
    size_t size = 0;

    if (form < 's' && form != 'p') {
        size = (size_t)(form - '0');
    } else {
        for (int i = form == 'p' ? 2 : 1; i > 0; i--) {
            if (bytes.size < size + 2) {
                return SIZE_MAX;
            }
            size += 2 + ((size_t)bytes.data[size] << 8 | bytes.data[size + 1]);
        }
    }
    return size <= bytes.size ? size : SIZE_MAX;
}

/* The form of a property, '\0' where it may not stand. */
static char form_of(uint8_t id, bool in_will)
{
    static const char connect[] = {
        [0x11] = '4', [0x15] = 's', [0x16] = 's', [0x17] = '1', [0x19] = '1',
        [0x21] = '2', [0x22] = '2', [0x26] = 'p', [0x27] = '4', [0x28] = 0};
    static const char will[] = {[0x01] = '1', [0x02] = '4', [0x03] = 's', [0x08] = 's',
                                [0x09] = 's', [0x18] = '4', [0x26] = 'p', [0x28] = 0};

    return id >= 0x28 ? '\0' : in_will ? will[id] : connect[id];
}

/* What must hold of properties that were found in order; returns how many are User Properties. */
static size_t expect_good(struct slice block, bool in_will, const struct mqtt_connect *connect)
{
    unsigned seen[0x28] = {0};
    size_t at = 0;

    while (at < block.size) {
        uint8_t id = block.data[at];
        char form = form_of(id, in_will);
        FUZZ_CHECK(form != '\0');
        struct slice value = slice_after(block, at + 1);
        size_t size = value_size(value, form);
        FUZZ_CHECK(size != SIZE_MAX);
        FUZZ_CHECK(++seen[id] == 1 || id == 0x26);
        if (id == 0x21 || id == 0x27) {
            FUZZ_CHECK(size == 2 ? connect->receive_maximum > 0 : connect->maximum_packet_size > 0);
        }
        if (id == 0x21) {
            FUZZ_CHECK(connect->receive_maximum == (value.data[0] << 8 | value.data[1]));
        }
        if (id == 0x15) {
            FUZZ_CHECK(connect->authentication_method.data == value.data + 2);
        }
        at += 1 + size;
    }
    FUZZ_CHECK(seen[0x16] == 0 || seen[0x15] == 1);
    FUZZ_CHECK(connect->has_authentication_method == (seen[0x15] == 1));
    FUZZ_CHECK(seen[0x11] == 1 || connect->session_expiry == 0);
    return seen[0x26];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    uint8_t choice = fuzz_u8(&input);
    bool in_will = (choice & 1) != 0;
    size_t limit = user_limits[choice >> 1 & 3];
    size_t user_properties = limit;
    uint8_t *copy = fuzz_copy(input);
    struct mqtt_reader reader = {.packet = copy, .end = input.size};
    struct mqtt_connect connect = {.packet_size = 0};
    struct mqtt_fault fault = {.offset = SIZE_MAX};

    mqtt_properties_init(&connect);
    enum mqtt_connect_status status = mqtt_properties_parse(
        &reader, in_will ? MQTT_IN_WILL : MQTT_IN_CONNECT, &user_properties, &connect, &fault);
    if (status == MQTT_CONNECT_OK) {
        FUZZ_CHECK(reader.at <= input.size && fault.what == NULL);
        size_t length_size = 0;
        size_t length = 0;
        do {
            length |= (size_t)(copy[length_size] & 0x7F) << (7 * length_size);
        } while (copy[length_size++] > 0x7F);
        FUZZ_CHECK(reader.at == length_size + length);
        size_t met = expect_good(slice_of(copy + length_size, length), in_will, &connect);
        FUZZ_CHECK(met <= limit && user_properties == limit - met);
    } else {
        FUZZ_CHECK(status == MQTT_CONNECT_MALFORMED || status == MQTT_CONNECT_TOO_LARGE);
        FUZZ_CHECK(fault.what != NULL && fault.clause != NULL && fault.offset <= input.size);
    }
    FUZZ_CHECK(input.size == 0 || memcmp(copy, input.data, input.size) == 0);
    free(copy);
    return 0;
}
