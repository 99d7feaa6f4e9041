#include "moat/mqtt/inspect.h"

#include <criterion/criterion.h>

#include "inspection.h"
#include "vector.h"

static const char *const keys[] = {"version", "status", "asks", "clean", "packets", "shows", NULL};

/* Vectors of at most this size are brought in every split into three. */
#define SMALL_VECTOR 64

/* --- vectors ---------------------------------------------------------------------------- */

static struct vectors vectors;

static void load(void)
{
    vectors = vectors_load("inspect", keys);
}

static void unload(void)
{
    vectors_free(&vectors);
}

TestSuite(inspect, .init = load, .fini = unload);

static void expect_vector(const struct vector *vector, const struct reading *reading)
{
    const char *status = vector_value(vector, "status");
    const char *asks = vector_value(vector, "asks");
    bool is_malformed = status != NULL && strcmp(status, "MALFORMED") == 0;

    cr_assert_eq(reading->status, is_malformed ? MQTT_INSPECT_MALFORMED : MQTT_INSPECT_OK, "%s",
                 vector->name);
    cr_assert_str_eq(reading->trace, asks != NULL ? asks : "", "%s", vector->name);
    cr_assert_eq(reading->inspector.packets, vector_number(vector, "packets", UINT64_MAX), "%s: %u",
                 vector->name, (unsigned)reading->inspector.packets);
    cr_assert_eq(reading->passed.size, vector_number(vector, "clean", vector->bytes.size),
                 "%s: %zu", vector->name, reading->passed.size);
    expect_untouched(reading, buffer_slice(&vector->bytes));
}

static void expect_in_pieces(const struct vector *vector, const size_t *cuts, size_t cut_count)
{
    struct slice bytes = buffer_slice(&vector->bytes);
    struct reading reading;
    size_t start = 0;

    reading_init(&reading, (enum mqtt_version)vector_number(vector, "version", 0));
    for (size_t i = 0; i <= cut_count && reading.status == MQTT_INSPECT_OK; i++) {
        size_t end = i < cut_count ? cuts[i] : bytes.size;
        bring(&reading, slice_of(bytes.data + start, end - start));
        start = end;
    }
    expect_vector(vector, &reading);
    reading_deinit(&reading);
}

Test(inspect, vectors_in_one_piece)
{
    cr_assert_gt(vectors.count, 50);
    for (size_t i = 0; i < vectors.count; i++) {
        expect_in_pieces(&vectors.items[i], NULL, 0);
    }
}

Test(inspect, vectors_in_every_split_into_three)
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

Test(inspect, vectors_byte_by_byte)
{
    for (size_t i = 0; i < vectors.count; i++) {
        size_t cuts[SMALL_VECTOR];

        for (size_t j = 0; j < SMALL_VECTOR; j++) {
            cuts[j] = j;
        }
        if (vectors.items[i].bytes.size <= SMALL_VECTOR) {
            expect_in_pieces(&vectors.items[i], cuts, vectors.items[i].bytes.size);
        }
    }
}
