#include "moat/mqtt/answer.h"

#include <criterion/criterion.h>

#include "vector.h"

static const char *const keys[] = {"packet", "code", NULL};

static size_t encode(const char *packet, uint8_t code, uint8_t out_bytes[MQTT_ANSWER_MAX])
{
    if (strcmp(packet, "connack_v3") == 0) {
        return mqtt_encode_connack_v3(code, out_bytes);
    }
    if (strcmp(packet, "connack_v5") == 0) {
        return mqtt_encode_connack_v5(code, out_bytes);
    }
    cr_assert_str_eq(packet, "disconnect_v5");
    return mqtt_encode_disconnect_v5(code, out_bytes);
}

Test(answer, vectors)
{
    struct vectors vectors = vectors_load("answer", keys);

    for (size_t i = 0; i < vectors.count; i++) {
        const struct vector *vector = &vectors.items[i];
        uint8_t code = (uint8_t)vector_number(vector, "code", 0);
        uint8_t bytes[MQTT_ANSWER_MAX];
        size_t size = encode(vector_value(vector, "packet"), code, bytes);

        cr_assert(slice_equal(slice_of(bytes, size), buffer_slice(&vector->bytes)), "%s",
                  vector->name);
    }
    vectors_free(&vectors);
}

/* Beyond its size an answer writes nothing, whatever the code. */
Test(answer, sizes)
{
    for (unsigned code = 0; code <= 0xFF; code++) {
        uint8_t bytes[MQTT_ANSWER_MAX];

        memset(bytes, 0xA5, sizeof bytes);
        cr_assert_eq(mqtt_encode_connack_v3((uint8_t)code, bytes), 4);
        cr_assert_eq(bytes[3], code);
        cr_assert_eq(bytes[4], 0xA5);
        cr_assert_eq(mqtt_encode_connack_v5((uint8_t)code, bytes), 5);
        cr_assert_eq(bytes[3], code);
        memset(bytes, 0xA5, sizeof bytes);
        cr_assert_eq(mqtt_encode_disconnect_v5((uint8_t)code, bytes), 3);
        cr_assert_eq(bytes[2], code);
        cr_assert_eq(bytes[3], 0xA5);
    }
}
