/* Numbers, durations and sizes as people write them. */
#ifndef MOAT_CONFIG_VALUES_INTERNAL_H
#define MOAT_CONFIG_VALUES_INTERNAL_H

#include "moat/base/bytes.h"

/* Each returns NULL, or what was expected as a static text; the whole text must be the value.
 * Decimal only: a leading zero is refused because some tools would read it as octal. */
const char *value_parse_number(const char *text, uint64_t *out_number) MOAT_MUST_CHECK;

/* "500ms", "3s", "10m", "1h"; "0" needs no unit. In milliseconds. */
const char *value_parse_duration(const char *text, uint64_t *out_milliseconds) MOAT_MUST_CHECK;

/* "256", "256B", "64KiB", "1MiB". In bytes. */
const char *value_parse_size(const char *text, uint64_t *out_bytes) MOAT_MUST_CHECK;

#define VALUE_TEXT_SIZE 32

/* The shortest text that the parser above reads back as the same value. */
void value_format_number(uint64_t number, char out_text[VALUE_TEXT_SIZE]);
void value_format_duration(uint64_t milliseconds, char out_text[VALUE_TEXT_SIZE]);
void value_format_size(uint64_t bytes, char out_text[VALUE_TEXT_SIZE]);

/* The word of `words` that somebody who wrote `text` most likely meant, or NULL when none is near.
 * Counts inserted, deleted, changed and swapped characters. */
struct suggestion {
    const char *text;
    const char *best;
    size_t best_distance;
};
void suggestion_init(struct suggestion *suggestion, const char *text);
void suggestion_offer(struct suggestion *suggestion, const char *word);

#endif
