#include "credential_internal.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool base64_value(uint8_t character, uint32_t *out_value)
{
    const char *found = character != 0 ? strchr(alphabet, character) : NULL;
    if (found == NULL) {
        return false;
    }
    *out_value = (uint32_t)(found - alphabet);
    return true;
}

/* The text without its padding; false when the padding is not what it should be. */
static bool strip_padding(struct slice *text, enum base64_padding padding)
{
    switch (padding) {
    case BASE64_UNPADDED:
        return true; /* a '=' is then no character of the alphabet */
    case BASE64_PADDED:
        if (text->size % 4 != 0) {
            return false;
        }
        for (int dropped = 0; dropped < 2 && text->size > 0; dropped++) {
            if (text->data[text->size - 1] == '=') {
                text->size--;
            }
        }
        return true;
    }
    return false;
}

bool base64_decode(struct slice text, enum base64_padding padding, uint8_t *out_bytes,
                   size_t capacity, size_t *out_size)
{
    /* One character left over holds 6 bits and can be no byte. */
    if (!strip_padding(&text, padding) || text.size % 4 == 1) {
        return false;
    }
    size_t size = text.size / 4 * 3 + (text.size % 4 != 0 ? text.size % 4 - 1 : 0);
    if (size > capacity) {
        return false;
    }
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t written = 0;
    for (size_t at = 0; at < text.size; at++) {
        uint32_t value;
        if (!base64_value(text.data[at], &value)) {
            return false;
        }
        bits = (bits << 6 | value) & 0xFFFFu;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            out_bytes[written++] = (uint8_t)(bits >> bit_count);
        }
    }
    if ((bits & ((1u << bit_count) - 1)) != 0) {
        return false;
    }
    *out_size = size;
    return true;
}

void base64_encode(struct slice bytes, char *out_text)
{
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t count = bytes.size - at < 3 ? bytes.size - at : 3;
        uint32_t bits = 0;
        for (size_t index = 0; index < 3; index++) {
            bits = bits << 8 | (index < count ? bytes.data[at + index] : 0u);
        }
        for (size_t index = 0; index < 4; index++) {
            *out_text++ = index <= count ? alphabet[bits >> (18 - 6 * index) & 63] : '=';
        }
    }
    *out_text = '\0';
}

bool credential_take_field(struct slice *rest, char mark, struct slice *out_field)
{
    const uint8_t *end = rest->size > 0 ? memchr(rest->data, mark, rest->size) : NULL;
    if (end == NULL) {
        return false;
    }
    size_t size = (size_t)(end - rest->data);
    *out_field = slice_of(rest->data, size);
    *rest = slice_after(*rest, size + 1);
    return true;
}

bool credential_number(struct slice text, uint32_t limit, uint32_t *out_number)
{
    if (text.size == 0 || text.size > 9 || text.data[0] == '0') {
        return false;
    }
    uint32_t number = 0; /* nine digits fit */
    for (size_t at = 0; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') {
            return false;
        }
        number = number * 10 + (uint32_t)(text.data[at] - '0');
    }
    if (number > limit) {
        return false;
    }
    *out_number = number;
    return true;
}
