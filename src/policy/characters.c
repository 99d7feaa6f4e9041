/* Which characters a name may be made of: a class by its name, or a set in brackets. */
#include "patterns_internal.h"

#include <stdlib.h>

static const char alphanumeric[] = "[0-9A-Za-z]"; /* what every server must take [MQTT-3.1.3-5] */
static const char printable[] = "[!-~]";          /* ASCII without the space */

static bool is_ordinary(uint8_t byte)
{
    return byte > 0x20 && byte < 0x7F;
}

static void add_range(struct characters *characters, uint8_t first, uint8_t last)
{
    for (unsigned byte = first; byte <= last; byte++) {
        characters->bits[byte / 8] |= (uint8_t)(1u << byte % 8);
    }
}

/* `inside` is what stands between the brackets. A hyphen is itself where it is first or last. */
static const char *read_set(struct slice inside, struct characters *characters)
{
    if (inside.size == 0) {
        return "the set is empty; write its characters between the brackets, as in [a-z0-9_-]";
    }
    for (size_t at = 0; at < inside.size; at++) {
        uint8_t first = inside.data[at];
        uint8_t last = first;
        if (at + 2 < inside.size && inside.data[at + 1] == '-') {
            last = inside.data[at + 2];
            at += 2;
        }
        if (!is_ordinary(first) || !is_ordinary(last)) {
            return "a set is made of ASCII characters without spaces";
        }
        if (first > last) {
            return "a range of characters runs backwards; write the lower one first, as in a-z";
        }
        add_range(characters, first, last);
    }
    return NULL;
}

static const char *read_characters(struct slice text, struct characters *characters)
{
    if (slice_is(text, "alphanumeric")) {
        text = slice_from_text(alphanumeric);
    } else if (slice_is(text, "printable")) {
        text = slice_from_text(printable);
    }
    if (text.size < 2 || text.data[0] != '[' || text.data[text.size - 1] != ']') {
        return "expected alphanumeric, printable or a set such as [a-z0-9_-]";
    }
    return read_set(slice_of(text.data + 1, text.size - 2), characters);
}

const char *policy_check_characters(struct slice text)
{
    struct characters characters = {.text = NULL};
    return read_characters(text, &characters);
}

const char *characters_copy(struct characters *characters, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    struct slice slice = slice_from_text(text);
    characters->text = slice_to_text(slice);
    return characters->text != NULL ? read_characters(slice, characters) : "out of memory";
}

void characters_free(struct characters *characters)
{
    free(characters->text);
}

bool characters_hold(const struct characters *characters, struct slice text)
{
    for (size_t at = 0; at < text.size; at++) {
        uint8_t byte = text.data[at];
        if (byte >= 0x80 || (characters->bits[byte / 8] & 1u << byte % 8) == 0) {
            return false;
        }
    }
    return true;
}
