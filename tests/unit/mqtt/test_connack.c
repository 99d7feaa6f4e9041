#include "moat/mqtt/connack.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "vector.h"

static const char *const keys[] = {"version", "status", "code", "keep_alive", "more", "says", NULL};

static const char *const status_names[] = {
    [MQTT_CONNACK_OK] = "OK",
    [MQTT_CONNACK_MORE] = "MORE",
    [MQTT_CONNACK_MALFORMED] = "MALFORMED",
};

/* Vectors of at most this size are fed in every split into three. */
#define SMALL_VECTOR 110

static struct vectors vectors;

static void load(void)
{
    vectors = vectors_load("connack", keys);
}

static void unload(void)
{
    vectors_free(&vectors);
}

TestSuite(connack, .init = load, .fini = unload);

static void expect_vector(const struct vector *vector, const struct mqtt_connack *connack,
                          enum mqtt_connack_status status, const char *fault)
{
    const char *expected = vector_value(vector, "status");
    const char *says = vector_value(vector, "says");
    bool has_keep_alive = vector_value(vector, "keep_alive") != NULL;

    cr_assert_str_eq(status_names[status], expected != NULL ? expected : "OK", "%s: %s",
                     vector->name, fault);
    if (status == MQTT_CONNACK_MALFORMED) {
        cr_assert_str_eq(fault, says != NULL ? says : "(nothing)", "%s", vector->name);
    }
    if (status == MQTT_CONNACK_OK) {
        cr_assert_eq(connack->code, vector_number(vector, "code", 0), "%s", vector->name);
        cr_assert_eq(connack->has_server_keep_alive, has_keep_alive, "%s", vector->name);
        cr_assert_eq(connack->server_keep_alive, vector_number(vector, "keep_alive", 0), "%s",
                     vector->name);
    }
}

/* Feeds the pieces between the cuts. A fault ends it; an end does not, for more may follow. Each
 * piece is a block of its own, so that a read past it is seen by a sanitizer. */
static void expect_in_pieces(const struct vector *vector, const size_t *cuts, size_t cut_count)
{
    struct slice bytes = buffer_slice(&vector->bytes);
    struct mqtt_connack connack;
    enum mqtt_connack_status status = MQTT_CONNACK_MORE;
    const char *fault = "";
    size_t start = 0;

    mqtt_connack_init(&connack, (enum mqtt_version)vector_number(vector, "version", 0));
    for (size_t i = 0; i <= cut_count && status != MQTT_CONNACK_MALFORMED; i++) {
        size_t end = i < cut_count ? cuts[i] : bytes.size;
        uint8_t *piece = malloc(end - start + 1);

        if (end > start) {
            memcpy(piece, bytes.data + start, end - start);
        }
        status = mqtt_connack_feed(&connack, slice_of(piece, end - start), &fault);
        free(piece);
        size_t whole = bytes.size - (size_t)vector_number(vector, "more", 0);
        cr_assert(status != MQTT_CONNACK_OK || end >= whole, "%s: an end too early", vector->name);
        cr_assert(status != MQTT_CONNACK_MORE || end < whole ||
                      vector_value(vector, "status") != NULL,
                  "%s: no end", vector->name);
        start = end;
    }
    expect_vector(vector, &connack, status, fault);
}

Test(connack, vectors_in_one_piece)
{
    cr_assert_gt(vectors.count, 60);
    for (size_t i = 0; i < vectors.count; i++) {
        expect_in_pieces(&vectors.items[i], NULL, 0);
    }
}

Test(connack, vectors_in_every_split_into_three)
{
    for (size_t i = 0; i < vectors.count; i++) {
        size_t size = vectors.items[i].bytes.size;
        for (size_t first = 0; size <= SMALL_VECTOR && first <= size; first++) {
            for (size_t second = first; second <= size; second++) {
                expect_in_pieces(&vectors.items[i], (const size_t[]){first, second}, 2);
            }
        }
    }
}

Test(connack, vectors_byte_by_byte)
{
    static size_t cuts[70000];

    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        cuts[i] = i;
    }
    for (size_t i = 0; i < vectors.count; i++) {
        expect_in_pieces(&vectors.items[i], cuts, vectors.items[i].bytes.size);
    }
}

/* With any byte changed into any other, a packet is whole at its end, or at fault, or asks for more
 * than its length now says is there; no number is taken from beyond it. */
Test(connack, any_byte_changed)
{
    for (size_t i = 0; i < vectors.count; i++) {
        const struct vector *vector = &vectors.items[i];
        size_t size = vector->bytes.size <= SMALL_VECTOR ? vector->bytes.size : 0;

        for (size_t at = 0; at < size; at++) {
            for (unsigned value = 0; value < 256; value++) {
                uint8_t bytes[SMALL_VECTOR];
                struct mqtt_connack connack;
                const char *fault = NULL;

                memcpy(bytes, vector->bytes.data, size);
                bytes[at] = (uint8_t)value;
                mqtt_connack_init(&connack, (enum mqtt_version)vector_number(vector, "version", 0));
                enum mqtt_connack_status status =
                    mqtt_connack_feed(&connack, slice_of(bytes, size), &fault);
                cr_assert_eq(status == MQTT_CONNACK_MALFORMED, fault != NULL, "%s", vector->name);
                cr_assert(status != MQTT_CONNACK_OK || connack.left == 0, "%s", vector->name);
            }
        }
    }
}
