#include "moat/base/utf8.h"

/* What the lead byte says: how many bytes follow, and the range of the first of
 * them. The range is what keeps out overlong forms (E0, F0), surrogates (ED) and
 * values past U+10FFFF (F4); the others may be any continuation byte. */
struct sequence {
    size_t tail; /* 0 means that no character starts with this byte */
    uint8_t lowest;
    uint8_t highest;
    uint8_t lead_bits; /* which bits of the lead byte belong to the character */
};

static struct sequence sequence_of(uint8_t lead)
{
    if (lead >= 0xC2 && lead <= 0xDF) {
        return (struct sequence){1, 0x80, 0xBF, 0x1F};
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        return (struct sequence){2, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF, 0x0F};
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        return (struct sequence){3, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF, 0x07};
    }
    return (struct sequence){0};
}

/* Reads one character of two bytes or more; returns how many bytes it has, or 0. */
static size_t decode(struct slice text, uint32_t *out_character)
{
    struct sequence sequence = sequence_of(text.data[0]);

    if (sequence.tail == 0 || text.size <= sequence.tail) {
        return 0;
    }
    if (text.data[1] < sequence.lowest || text.data[1] > sequence.highest) {
        return 0;
    }

    uint32_t character = text.data[0] & sequence.lead_bits;
    for (size_t i = 1; i <= sequence.tail; i++) {
        if ((text.data[i] & 0xC0) != 0x80) {
            return 0;
        }
        character = character << 6 | (text.data[i] & 0x3F);
    }
    *out_character = character;
    return sequence.tail + 1;
}

static enum utf8_status judge(uint32_t character)
{
    if (character == 0) {
        return UTF8_NUL;
    }
    if (character < 0x20 || (character >= 0x7F && character < 0xA0)) {
        return UTF8_CONTROL;
    }
    if ((character >= 0xFDD0 && character <= 0xFDEF) || (character & 0xFFFE) == 0xFFFE) {
        return UTF8_NON_CHARACTER;
    }
    return UTF8_OK;
}

/* What is left behind the printable ASCII in front, eight bytes at a time: most text is nothing
 * else. Up to the first other byte no sum carries and no difference borrows; that byte gets its
 * top bit set by the subtraction (below 0x20) or the addition (0x7F), if it has not got one. */
static struct slice skip_plain(struct slice text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;

    while (text.size >= sizeof word) {
        memcpy(&word, text.data, sizeof word);
        if (((word | (word + ones) | (word - 0x20 * ones)) & (0x80 * ones)) != 0) {
            break;
        }
        text = slice_after(text, sizeof word);
    }
    return text;
}

enum utf8_status utf8_check(struct slice text)
{
    for (text = skip_plain(text); text.size > 0; text = skip_plain(text)) {
        uint32_t character = text.data[0];
        size_t size = 1;

        if (character >= 0x80) {
            size = decode(text, &character);
        }
        if (size == 0) {
            return UTF8_ILL_FORMED;
        }

        enum utf8_status status = judge(character);
        if (status != UTF8_OK) {
            return status;
        }
        text = slice_after(text, size);
    }
    return UTF8_OK;
}
