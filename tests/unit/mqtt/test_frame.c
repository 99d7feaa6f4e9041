#include "moat/mqtt/frame.h"

#include <criterion/criterion.h>

#include "vector.h"

static const char *const keys[] = {"sender", "version",  "status", "packets", "clean",
                                   "type",   "boundary", "shows",  "says",    NULL};

static const char *const status_names[] = {
    [MQTT_FRAME_OK] = "OK",
    [MQTT_FRAME_LENGTH] = "LENGTH",
    [MQTT_FRAME_SECOND_CONNECT] = "SECOND_CONNECT",
    [MQTT_FRAME_NOT_ALLOWED] = "NOT_ALLOWED",
    [MQTT_FRAME_TOO_LARGE] = "TOO_LARGE",
    [MQTT_FRAME_NOT_CONNACK] = "NOT_CONNACK",
    [MQTT_FRAME_FLAGS] = "FLAGS",
};

/* Vectors of at most this size are walked in every split into three. */
#define SMALL_VECTOR 256

static struct vectors vectors;

static void load(void)
{
    vectors = vectors_load("frame", keys);
}

static void unload(void)
{
    vectors_free(&vectors);
}

TestSuite(frame, .init = load, .fini = unload);

static struct mqtt_frame_walker walker_of(const struct vector *vector)
{
    struct mqtt_frame_walker walker;
    bool is_client = strcmp(vector_value(vector, "sender"), "client") == 0;

    mqtt_frame_init(&walker, is_client ? MQTT_FROM_CLIENT : MQTT_FROM_SERVER,
                    (enum mqtt_version)vector_number(vector, "version", MQTT_VERSION_3_1_1));
    return walker;
}

static void expect_walker(const struct vector *vector, enum mqtt_frame_status status,
                          const struct mqtt_frame_walker *walker)
{
    const char *expected = vector_value(vector, "status");
    const char *says = vector_value(vector, "says");
    char text[MQTT_FRAME_TEXT_SIZE];

    mqtt_frame_describe(walker, status, text);
    cr_assert(says == NULL || strcmp(text, says) == 0, "%s: %s", vector->name, text);
    cr_assert_str_eq(status_names[status], expected != NULL ? expected : "OK", "%s", vector->name);
    cr_assert_eq(walker->packets, vector_number(vector, "packets", UINT64_MAX), "%s", vector->name);
    cr_assert_eq(mqtt_frame_type(walker), vector_number(vector, "type", UINT64_MAX), "%s",
                 vector->name);
    cr_assert_eq(mqtt_frame_at_boundary(walker), vector_flag(vector, "boundary"), "%s",
                 vector->name);
}

/* Walks the pieces between the cuts; stops at the first fault. */
static enum mqtt_frame_status walk(struct mqtt_frame_walker *walker, struct slice bytes,
                                   const size_t *cuts, size_t cut_count, size_t *out_clean,
                                   size_t *out_last_start)
{
    enum mqtt_frame_status status = MQTT_FRAME_OK;
    size_t start = 0;
    size_t clean = 0;

    for (size_t i = 0; i <= cut_count && status == MQTT_FRAME_OK; i++) {
        size_t end = i < cut_count ? cuts[i] : bytes.size;

        *out_last_start = start;
        status = mqtt_frame_walk(walker, slice_of(bytes.data + start, end - start), &clean);
        cr_assert_leq(clean, end - start);
        *out_clean = start + clean;
        start = end;
    }
    return status;
}

Test(frame, vectors_in_one_piece)
{
    for (size_t i = 0; i < vectors.count; i++) {
        const struct vector *vector = &vectors.items[i];
        struct mqtt_frame_walker walker = walker_of(vector);
        size_t clean = SIZE_MAX;
        enum mqtt_frame_status status =
            mqtt_frame_walk(&walker, buffer_slice(&vector->bytes), &clean);

        expect_walker(vector, status, &walker);
        cr_assert_eq(clean, vector_number(vector, "clean", SIZE_MAX - 1), "%s: %zu", vector->name,
                     clean);
    }
}

/* What was clean does not depend on the split either, except that header bytes of a
 * packet whose length turns out wrong in a later piece have been relayed by then. */
static void expect_split(const struct vector *vector, const size_t *cuts, size_t cut_count)
{
    struct mqtt_frame_walker whole = walker_of(vector);
    struct mqtt_frame_walker split = walker_of(vector);
    size_t expected = (size_t)vector_number(vector, "clean", 0);
    size_t clean = 0;
    size_t last_start = 0;
    size_t ignored;

    enum mqtt_frame_status whole_status =
        mqtt_frame_walk(&whole, buffer_slice(&vector->bytes), &ignored);
    enum mqtt_frame_status status =
        walk(&split, buffer_slice(&vector->bytes), cuts, cut_count, &clean, &last_start);

    expect_walker(vector, status, &split);
    cr_assert_eq(status, whole_status, "%s", vector->name);
    cr_assert_eq(memcmp(&split, &whole, sizeof whole), 0, "%s", vector->name);
    if (status == MQTT_FRAME_LENGTH && last_start > expected) {
        expected = last_start;
    }
    cr_assert_eq(clean, expected, "%s", vector->name);
}

Test(frame, vectors_in_every_split_into_three)
{
    for (size_t i = 0; i < vectors.count; i++) {
        const struct vector *vector = &vectors.items[i];
        size_t size = vector->bytes.size <= SMALL_VECTOR ? vector->bytes.size : 0;

        for (size_t first = 0; first <= size; first++) {
            for (size_t second = first; second <= size; second++) {
                expect_split(vector, (const size_t[]){first, second}, 2);
            }
        }
    }
}

Test(frame, vectors_byte_by_byte)
{
    for (size_t i = 0; i < vectors.count; i++) {
        const struct vector *vector = &vectors.items[i];
        size_t cuts[SMALL_VECTOR];

        for (size_t j = 0; j < SMALL_VECTOR; j++) {
            cuts[j] = j;
        }
        if (vector->bytes.size > 0 && vector->bytes.size <= SMALL_VECTOR) {
            expect_split(vector, cuts, vector->bytes.size);
        }
    }
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* With flags that the type may have. */
static uint8_t first_byte(uint8_t type, uint32_t *seed)
{
    bool has_flag = type == MQTT_PUBREL || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE;
    uint32_t flags = type == MQTT_PUBLISH ? next_random(seed) & 0x0F : has_flag ? 2 : 0;

    return (uint8_t)((unsigned)type << 4 | flags);
}

/* A stream of packets of every size class, from either sender. */
static void fill(struct buffer *stream, enum mqtt_sender sender, uint32_t *seed, size_t count)
{
    static const uint8_t client_types[] = {3, 4, 5, 6, 7, 8, 10, 12, 14};
    static const uint8_t server_types[] = {3, 4, 5, 6, 7, 9, 11, 13, 14, 3};
    static const uint32_t sizes[] = {0, 1, 2, 127, 128, 300, 16383, 16384, 20000};

    for (size_t i = 0; i < count; i++) {
        bool is_connack = sender == MQTT_FROM_SERVER && i == 0;
        uint8_t type = sender == MQTT_FROM_CLIENT ? client_types[next_random(seed) % 9]
                                                  : server_types[next_random(seed) % 10];
        uint32_t size = sizes[next_random(seed) % 9];
        uint8_t header[5] = {is_connack ? 0x20 : first_byte(type, seed)};
        size_t used = 1;
        uint32_t rest = size;

        do {
            header[used++] = (uint8_t)(rest % 128 | (rest > 127 ? 0x80 : 0));
            rest /= 128;
        } while (rest > 0);
        cr_assert(buffer_append(stream, slice_of(header, used)));
        for (uint32_t j = 0; j < size; j++) {
            uint8_t byte = (uint8_t)next_random(seed);
            cr_assert(buffer_append(stream, slice_of(&byte, 1)));
        }
    }
}

Test(frame, random_streams_in_random_splits)
{
    uint32_t seed = 20261122;

    for (unsigned round = 0; round < 40; round++) {
        enum mqtt_sender sender = round % 2 == 0 ? MQTT_FROM_CLIENT : MQTT_FROM_SERVER;
        struct mqtt_frame_walker walker;
        struct buffer stream;

        buffer_init(&stream, 8u << 20);
        fill(&stream, sender, &seed, 100);
        mqtt_frame_init(&walker, sender, MQTT_VERSION_5_0);
        for (size_t at = 0; at < stream.size;) {
            size_t step = 1 + next_random(&seed) % (round % 3 == 0 ? 7 : 9000);
            size_t clean = 0;

            step = step < stream.size - at ? step : stream.size - at;
            cr_assert_eq(mqtt_frame_walk(&walker, slice_of(stream.data + at, step), &clean),
                         MQTT_FRAME_OK);
            cr_assert_eq(clean, step);
            at += step;
        }
        cr_assert_eq(walker.packets, 100);
        cr_assert(mqtt_frame_at_boundary(&walker));
        buffer_deinit(&stream);
    }
}

/* Abuse case 18: at every boundary of a stream a second CONNECT is caught, and at no
 * other place is anything mistaken for one. */
Test(frame, a_second_connect_at_every_boundary)
{
    static const uint8_t connect[] = {0x10, 0x0C, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, 0};
    uint32_t seed = 7;

    for (size_t count = 0; count < 60; count++) {
        struct mqtt_frame_walker walker;
        struct buffer stream;
        size_t clean;

        buffer_init(&stream, 8u << 20);
        fill(&stream, MQTT_FROM_CLIENT, &seed, count);
        size_t boundary = stream.size;
        cr_assert(buffer_append(&stream, slice_of(connect, sizeof connect)));
        mqtt_frame_init(&walker, MQTT_FROM_CLIENT, MQTT_VERSION_5_0);
        cr_assert_eq(mqtt_frame_walk(&walker, buffer_slice(&stream), &clean),
                     MQTT_FRAME_SECOND_CONNECT);
        cr_assert_eq(clean, boundary);
        cr_assert_eq(walker.packets, count);
        cr_assert(mqtt_frame_at_boundary(&walker));
        buffer_deinit(&stream);
    }
}

/* A packet larger than memory: only its length matters. */
Test(frame, the_largest_packet)
{
    static const uint8_t header[] = {0x30, 0xFF, 0xFF, 0xFF, 0x7F};
    static const uint8_t zeros[65536];
    struct mqtt_frame_walker walker;
    size_t clean;
    size_t left = 268435455;

    mqtt_frame_init(&walker, MQTT_FROM_CLIENT, MQTT_VERSION_5_0);
    cr_assert_eq(mqtt_frame_walk(&walker, slice_of(header, 5), &clean), MQTT_FRAME_OK);
    while (left > 0) {
        size_t step = left < sizeof zeros ? left : sizeof zeros;

        cr_assert_not(mqtt_frame_at_boundary(&walker));
        cr_assert_eq(mqtt_frame_walk(&walker, slice_of(zeros, step), &clean), MQTT_FRAME_OK);
        left -= step;
    }
    cr_assert(mqtt_frame_at_boundary(&walker));
    cr_assert_eq(walker.packets, 1);
    /* Type 0 comes next, which nobody may send. */
    cr_assert_eq(mqtt_frame_walk(&walker, slice_of(zeros, 1), &clean), MQTT_FRAME_NOT_ALLOWED);
    cr_assert_eq(clean, 0);
}

/* --- the limit ------------------------------------------------------------------------ */

static size_t length_bytes(size_t remaining)
{
    size_t count = 1;

    for (; remaining > 127; remaining /= 128) {
        count++;
    }
    return count;
}

/* A PUBLISH of `size` bytes altogether, between two PINGREQ. False where there is none: as a
 * length takes a second byte, a size is skipped. */
static bool fill_around(struct buffer *stream, size_t size)
{
    static const uint8_t ping[] = {0xC0, 0x00};
    uint8_t header[5] = {0x30};
    size_t count = 1;

    while (count < 4 && length_bytes(size - 1 - count) != count) {
        count++;
    }
    size_t remaining = size - 1 - count;
    if (length_bytes(remaining) != count) {
        return false;
    }
    for (size_t at = 0, rest = remaining; at < count; at++, rest /= 128) {
        header[1 + at] = (uint8_t)(rest % 128 | (at + 1 < count ? 0x80 : 0));
    }
    cr_assert(buffer_append(stream, slice_of(ping, 2)));
    cr_assert(buffer_append(stream, slice_of(header, 1 + count)));
    for (size_t at = 0; at < remaining; at++) {
        cr_assert(buffer_append(stream, slice_of("x", 1)));
    }
    cr_assert(buffer_append(stream, slice_of(ping, 2)));
    return true;
}

/* Walks in pieces of `step` bytes; returns how many bytes were clean. */
static size_t walk_in_steps(struct mqtt_frame_walker *walker, struct slice bytes, size_t step,
                            enum mqtt_frame_status *out_status)
{
    size_t at = 0;

    *out_status = MQTT_FRAME_OK;
    while (at < bytes.size && *out_status == MQTT_FRAME_OK) {
        size_t size = step < bytes.size - at ? step : bytes.size - at;
        size_t clean = 0;

        *out_status = mqtt_frame_walk(walker, slice_of(bytes.data + at, size), &clean);
        at += clean;
    }
    return at;
}

static void expect_limit(size_t limit, size_t size, size_t step)
{
    struct mqtt_frame_walker walker;
    enum mqtt_frame_status status;
    struct buffer stream;

    buffer_init(&stream, 1u << 20);
    if (fill_around(&stream, size)) {
        mqtt_frame_init(&walker, MQTT_FROM_CLIENT, MQTT_VERSION_5_0);
        mqtt_frame_limit(&walker, limit);
        size_t clean = walk_in_steps(&walker, buffer_slice(&stream), step, &status);
        cr_assert_eq(status, size > limit ? MQTT_FRAME_TOO_LARGE : MQTT_FRAME_OK,
                     "%zu of %zu in steps of %zu", size, limit, step);
        cr_assert_eq(walker.packets, size > limit ? 1 : 3);
        /* Of a packet that is too large no more than its header has passed. */
        cr_assert(size > limit ? clean < 2 + 5 : clean == stream.size);

        /* Observed, and let pass from where it was stopped. */
        mqtt_frame_limit(&walker, 0);
        walk_in_steps(&walker, slice_after(buffer_slice(&stream), clean), step, &status);
        cr_assert_eq(status, MQTT_FRAME_OK);
        cr_assert_eq(walker.packets, 3);
        cr_assert(mqtt_frame_at_boundary(&walker));
    }
    buffer_deinit(&stream);
}

Test(frame, a_packet_at_the_limit_passes_and_one_past_it_does_not)
{
    static const size_t limits[] = {MQTT_FRAME_LIMIT_MIN, 131, 300, 16386, 16388, 20000};
    static const size_t steps[] = {1, 2, 3, 4, 5, 7, 200, 65536};

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        for (size_t j = 0; j < sizeof steps / sizeof steps[0]; j++) {
            for (size_t size = limits[i] - 2; size <= limits[i] + 2; size++) {
                expect_limit(limits[i], size, steps[j]);
            }
        }
    }
}

Test(frame, the_largest_limit)
{
    static const uint8_t header[] = {0x30, 0xFF, 0xFF, 0xFF, 0x7F};
    struct mqtt_frame_walker walker;
    size_t clean;

    mqtt_frame_init(&walker, MQTT_FROM_CLIENT, MQTT_VERSION_5_0);
    mqtt_frame_limit(&walker, 268435460);
    cr_assert_eq(mqtt_frame_walk(&walker, slice_of(header, 5), &clean), MQTT_FRAME_OK);
    mqtt_frame_init(&walker, MQTT_FROM_CLIENT, MQTT_VERSION_5_0);
    mqtt_frame_limit(&walker, 268435459);
    cr_assert_eq(mqtt_frame_walk(&walker, slice_of(header, 5), &clean), MQTT_FRAME_TOO_LARGE);
    cr_assert_eq(clean, 0);
}
