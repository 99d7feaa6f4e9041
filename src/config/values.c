#include "values_internal.h"

#include <inttypes.h>
#include <stdio.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* From the largest to the smallest; formatting takes the first that divides. */
static const struct unit duration_units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit size_units[] = {{"MiB", 1048576}, {"KiB", 1024}, {"B", 1}};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Reads digits; false when there are none, too many, or a zero in front of others. */
static bool read_digits(const char **text, uint64_t *out_number)
{
    const char *at = *text;
    uint64_t number = 0;
    while (*at >= '0' && *at <= '9') {
        uint64_t digit = (uint64_t)(*at - '0');
        if (number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
        at++;
    }
    bool is_octal = **text == '0' && at - *text > 1;
    if (at == *text || is_octal) {
        return false;
    }
    *text = at;
    *out_number = number;
    return true;
}

static bool scale(const char *unit, const struct unit *units, size_t count, uint64_t number,
                  uint64_t *out_value)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(units[i].name, unit) == 0) {
            if (number > UINT64_MAX / units[i].factor) {
                return false;
            }
            *out_value = number * units[i].factor;
            return true;
        }
    }
    return false;
}

const char *value_parse_number(const char *text, uint64_t *out_number)
{
    uint64_t number = 0;
    if (!read_digits(&text, &number) || *text != '\0') {
        return "expected a whole number in decimal digits";
    }
    *out_number = number;
    return NULL;
}

const char *value_parse_duration(const char *text, uint64_t *out_milliseconds)
{
    static const char expected[] = "expected a whole number with the unit ms, s, m or h, as in 10s";
    uint64_t number = 0;
    if (!read_digits(&text, &number)) {
        return expected;
    }
    if (number == 0 && *text == '\0') {
        *out_milliseconds = 0;
        return NULL;
    }
    if (!scale(text, duration_units, COUNT_OF(duration_units), number, out_milliseconds)) {
        return expected;
    }
    return NULL;
}

const char *value_parse_size(const char *text, uint64_t *out_bytes)
{
    static const char expected[] =
        "expected a whole number with the unit B, KiB or MiB, as in 64KiB";
    uint64_t number = 0;
    if (!read_digits(&text, &number)) {
        return expected;
    }
    if (*text == '\0') {
        *out_bytes = number;
        return NULL;
    }
    if (!scale(text, size_units, COUNT_OF(size_units), number, out_bytes)) {
        return expected;
    }
    return NULL;
}

static void format_scaled(uint64_t value, const struct unit *units, size_t count,
                          char out_text[VALUE_TEXT_SIZE])
{
    size_t chosen = 0;
    while (chosen + 1 < count && (value == 0 || value % units[chosen].factor != 0)) {
        chosen++;
    }
    snprintf(out_text, VALUE_TEXT_SIZE, "%" PRIu64 "%s", value / units[chosen].factor,
             value == 0 ? "" : units[chosen].name);
}

void value_format_number(uint64_t number, char out_text[VALUE_TEXT_SIZE])
{
    snprintf(out_text, VALUE_TEXT_SIZE, "%" PRIu64, number);
}

void value_format_duration(uint64_t milliseconds, char out_text[VALUE_TEXT_SIZE])
{
    format_scaled(milliseconds, duration_units, COUNT_OF(duration_units), out_text);
}

void value_format_size(uint64_t bytes, char out_text[VALUE_TEXT_SIZE])
{
    format_scaled(bytes, size_units, COUNT_OF(size_units), out_text);
}
