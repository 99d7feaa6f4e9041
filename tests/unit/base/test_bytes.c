#include "moat/base/bytes.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(slice, text_of_a_null_pointer_is_empty)
{
    cr_expect_eq(slice_from_text(NULL).size, 0);
    cr_expect(slice_equal(slice_from_text(NULL), slice_from_text("")));
}

Test(slice, equality_looks_at_every_byte_and_at_the_size)
{
    cr_expect(slice_equal(slice_of("a\0b", 3), slice_of("a\0b", 3)));
    cr_expect_not(slice_equal(slice_of("a\0b", 3), slice_of("a\0c", 3)));
    cr_expect_not(slice_equal(slice_of("ab", 2), slice_of("abc", 3)));
    cr_expect(slice_is(slice_of("mqtt", 4), "mqtt"));
    cr_expect_not(slice_is(slice_of("mqtt\0", 5), "mqtt"));
}

Test(slice, starts_with_needs_the_whole_beginning)
{
    cr_expect(slice_starts_with(slice_from_text("unix:/x"), "unix:"));
    cr_expect(slice_starts_with(slice_from_text("unix:"), "unix:"));
    cr_expect_not(slice_starts_with(slice_from_text("unix"), "unix:"));
    cr_expect_not(slice_starts_with(slice_from_text("Unix:"), "unix:"));
}

Test(slice, after_may_take_everything)
{
    cr_expect(slice_is(slice_after(slice_from_text("abc"), 1), "bc"));
    cr_expect_eq(slice_after(slice_from_text("abc"), 3).size, 0);
    cr_expect_null(slice_after(slice_of(NULL, 0), 0).data);
}

Test(slice, to_text_copies_and_ends_the_text)
{
    char *text = slice_to_text(slice_of("abcdef", 3));
    cr_assert_str_eq(text, "abc");
    free(text);
    text = slice_to_text(slice_of(NULL, 0));
    cr_assert_str_eq(text, "");
    free(text);
}

Test(buffer, holds_no_memory_until_bytes_come)
{
    struct buffer buffer;
    buffer_init(&buffer, 100);
    cr_expect_null(buffer.data);
    cr_expect_eq(buffer_room(&buffer), 100);
    cr_expect(buffer_append(&buffer, slice_of(NULL, 0)));
    cr_expect_null(buffer.data);
    buffer_deinit(&buffer);
}

Test(buffer, memory_follows_the_bytes_not_the_ceiling)
{
    struct buffer buffer;
    buffer_init(&buffer, 1u << 20);
    cr_assert(buffer_append(&buffer, slice_of("x", 1)));
    cr_expect_leq(buffer.capacity, 256);
    buffer_deinit(&buffer);
    cr_expect_eq(buffer.ceiling, 1u << 20);
    cr_expect(buffer_append(&buffer, slice_of("x", 1)), "usable again after deinit");
    buffer_deinit(&buffer);
}

/* Fills a buffer in steps and returns whether content and ceiling were right at each. */
static void fill(size_t ceiling, size_t step)
{
    struct buffer buffer;
    uint8_t chunk[700];
    size_t sent = 0;

    buffer_init(&buffer, ceiling);
    while (sent + step <= ceiling) {
        for (size_t i = 0; i < step; i++) {
            chunk[i] = (uint8_t)((sent + i) * 31);
        }
        cr_assert(buffer_append(&buffer, slice_of(chunk, step)));
        sent += step;
        cr_assert_eq(buffer.size, sent);
        cr_assert_leq(buffer.capacity, ceiling);
        cr_assert_leq(buffer.size, buffer.capacity);
    }
    for (size_t i = 0; i < sent; i++) {
        cr_assert_eq(buffer.data[i], (uint8_t)(i * 31), "byte %zu of %zu", i, sent);
    }
    size_t room = buffer_room(&buffer);
    cr_assert_eq(room, ceiling - sent);
    cr_expect_not(buffer_append(&buffer, slice_of(chunk, room + 1)), "one past the ceiling");
    cr_expect_eq(buffer.size, sent, "a refused append changes nothing");
    cr_expect(buffer_append(&buffer, slice_of(chunk, room)), "exactly to the ceiling");
    cr_expect_eq(buffer_room(&buffer), 0);
    cr_expect_not(buffer_append(&buffer, slice_of(chunk, 1)));
    cr_expect(buffer_append(&buffer, slice_of(chunk, 0)));
    buffer_deinit(&buffer);
}

Test(buffer, keeps_every_byte_and_its_ceiling)
{
    static const size_t ceilings[] = {1, 2, 255, 256, 257, 511, 512, 513, 1000, 65536, 81920};
    static const size_t steps[] = {1, 7, 255, 256, 257, 699};

    for (size_t i = 0; i < sizeof ceilings / sizeof ceilings[0]; i++) {
        for (size_t j = 0; j < sizeof steps / sizeof steps[0]; j++) {
            fill(ceilings[i], steps[j]);
        }
    }
}

Test(buffer, a_ceiling_lowered_below_the_memory_still_holds)
{
    struct buffer buffer;
    uint8_t chunk[600] = {1};

    buffer_init(&buffer, 4096);
    cr_assert(buffer_append(&buffer, slice_of(chunk, 600)));
    cr_assert_eq(buffer.capacity, 1024);
    buffer.ceiling = 601;
    cr_expect(buffer_append(&buffer, slice_of(chunk, 1)));
    cr_expect_not(buffer_append(&buffer, slice_of(chunk, 1)));
    buffer_deinit(&buffer);
}

Test(buffer, an_append_that_would_wrap_is_refused)
{
    struct buffer buffer;
    buffer_init(&buffer, SIZE_MAX);
    cr_assert(buffer_append(&buffer, slice_of("abc", 3)));
    cr_expect_not(buffer_append(&buffer, slice_of("abc", SIZE_MAX - 2)));
    buffer_deinit(&buffer);
}
