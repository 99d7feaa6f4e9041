#include "moat/base/utf8.h"

#include <criterion/criterion.h>

/* Encodes a value as the bit pattern of UTF-8 says, surrogates and all. */
static struct slice encode(uint32_t value, uint8_t bytes[4])
{
    static const uint8_t leads[] = {0x00, 0xC0, 0xE0, 0xF0};
    size_t tail = value < 0x80 ? 0 : value < 0x800 ? 1 : value < 0x10000 ? 2 : 3;

    for (size_t i = tail; i > 0; i--) {
        bytes[i] = (uint8_t)(0x80 | (value & 0x3F));
        value >>= 6;
    }
    bytes[0] = (uint8_t)(leads[tail] | value);
    return slice_of(bytes, tail + 1);
}

/* What the standards say of each value, written apart from how the code says it. */
static enum utf8_status expected(uint32_t value)
{
    if (value == 0) {
        return UTF8_NUL;
    }
    if (value <= 0x1F || (value >= 0x7F && value <= 0x9F)) {
        return UTF8_CONTROL;
    }
    if ((value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) {
        return UTF8_ILL_FORMED;
    }
    if ((value >= 0xFDD0 && value <= 0xFDEF) || value % 0x10000 >= 0xFFFE) {
        return UTF8_NON_CHARACTER;
    }
    return UTF8_OK;
}

Test(utf8, every_value_is_judged)
{
    uint8_t bytes[4];

    for (uint32_t value = 0; value <= 0x1FFFFF; value++) {
        cr_assert_eq(utf8_check(encode(value, bytes)), expected(value), "U+%04X", value);
    }
}

Test(utf8, every_value_cut_short_is_ill_formed)
{
    uint8_t bytes[4];

    for (uint32_t value = 0x80; value <= 0x10FFFF; value++) {
        struct slice whole = encode(value, bytes);

        for (size_t size = 1; size < whole.size; size++) {
            cr_assert_eq(utf8_check(slice_of(bytes, size)), UTF8_ILL_FORMED, "U+%04X", value);
        }
    }
}

/* A value has one spelling: the shortest. */
Test(utf8, overlong_forms_are_ill_formed)
{
    for (uint32_t value = 0; value < 0x10000; value++) {
        const uint8_t two[] = {(uint8_t)(0xC0 | (value >> 6 & 0x1F)), 0x80 | (value & 0x3F)};
        const uint8_t three[] = {(uint8_t)(0xE0 | value >> 12), 0x80 | (value >> 6 & 0x3F),
                                 0x80 | (value & 0x3F)};
        const uint8_t four[] = {0xF0, (uint8_t)(0x80 | value >> 12), 0x80 | (value >> 6 & 0x3F),
                                0x80 | (value & 0x3F)};

        if (value < 0x80) {
            cr_assert_eq(utf8_check(slice_of(two, 2)), UTF8_ILL_FORMED, "U+%04X", value);
        }
        if (value < 0x800) {
            cr_assert_eq(utf8_check(slice_of(three, 3)), UTF8_ILL_FORMED, "U+%04X", value);
        }
        cr_assert_eq(utf8_check(slice_of(four, 4)), UTF8_ILL_FORMED, "U+%04X", value);
    }
}

/* Every byte in every place of every pair, against the table of RFC 3629. */
Test(utf8, pairs_of_bytes)
{
    for (unsigned first = 0x80; first <= 0xFF; first++) {
        for (unsigned second = 0; second <= 0xFF; second++) {
            const uint8_t bytes[] = {(uint8_t)first, (uint8_t)second};
            bool is_character = first >= 0xC2 && first <= 0xDF && second >= 0x80 && second <= 0xBF;
            bool is_control = is_character && first == 0xC2 && second <= 0x9F;

            cr_assert_eq(utf8_check(slice_of(bytes, 2)),
                         is_control     ? UTF8_CONTROL
                         : is_character ? UTF8_OK
                                        : UTF8_ILL_FORMED,
                         "%02X %02X", first, second);
        }
    }
}

Test(utf8, continuation_bytes_are_needed_in_every_place)
{
    for (unsigned byte = 0; byte <= 0xFF; byte++) {
        bool continues = byte >= 0x80 && byte <= 0xBF;
        const uint8_t third[] = {0xE1, 0x80, (uint8_t)byte};
        const uint8_t fourth[] = {0xF1, 0x80, 0x80, (uint8_t)byte};
        const uint8_t middle[] = {0xF1, 0x80, (uint8_t)byte, 0x80};

        cr_assert_eq(utf8_check(slice_of(third, 3)), continues ? UTF8_OK : UTF8_ILL_FORMED);
        cr_assert_eq(utf8_check(slice_of(fourth, 4)), continues ? UTF8_OK : UTF8_ILL_FORMED);
        cr_assert_eq(utf8_check(slice_of(middle, 4)), continues ? UTF8_OK : UTF8_ILL_FORMED);
    }
}

/* Plain text is read several bytes at a time; no byte may hide among others. */
Test(utf8, every_byte_in_every_place_of_plain_text)
{
    static const char fillers[] = {' ', 'a', '~'};

    for (size_t at = 0; at < 19 * sizeof fillers; at++) {
        for (unsigned byte = 0; byte <= 0xFF; byte++) {
            enum utf8_status expected = byte == 0                     ? UTF8_NUL
                                        : byte < 0x20 || byte == 0x7F ? UTF8_CONTROL
                                        : byte >= 0x80                ? UTF8_ILL_FORMED
                                                                      : UTF8_OK;
            uint8_t text[19];

            memset(text, fillers[at % sizeof fillers], sizeof text);
            text[at / sizeof fillers] = (uint8_t)byte;
            cr_assert_eq(utf8_check(slice_of(text, sizeof text)), expected, "%02X at %zu", byte,
                         at / sizeof fillers);
        }
    }
}

Test(utf8, the_first_fault_in_reading_order)
{
    cr_assert_eq(utf8_check(slice_of("", 0)), UTF8_OK);
    cr_assert_eq(utf8_check(slice_of(NULL, 0)), UTF8_OK);
    cr_assert_eq(utf8_check(slice_of("a\0\x80", 3)), UTF8_NUL);
    cr_assert_eq(utf8_check(slice_of("a\x80\0", 3)), UTF8_ILL_FORMED);
    cr_assert_eq(utf8_check(slice_of("\n\xEF\xBF\xBF", 4)), UTF8_CONTROL);
    cr_assert_eq(utf8_check(slice_of("\xEF\xBF\xBF\n", 4)), UTF8_NON_CHARACTER);
    cr_assert_eq(utf8_check(slice_from_text("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\n")),
                 UTF8_CONTROL);
}
