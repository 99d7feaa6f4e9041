/* One value of the table: from text into a struct, and back to text. */
#ifndef MOAT_CONFIG_FIELD_INTERNAL_H
#define MOAT_CONFIG_FIELD_INTERNAL_H

#include <stdio.h>

#include "table_internal.h"

#define FIELD_FAULT_SIZE 512

/*
 * Reads `text` as a value of the row and stores it in `base`, the struct the row's
 * offsets are of; a row that is a list gets it appended. Paths are joined with `folder`, which
 * is "" or ends with a slash. False, and what is wrong with the remedy, when it is no such value.
 * Not for TABLE_MAP, TABLE_MAPS and TABLE_REQUIRE.
 */
bool field_put(const struct table_row *row, void *base, const char *text, const char *folder,
               char out_what[FIELD_FAULT_SIZE]) MOAT_MUST_CHECK;

/* Whether a text is a pattern of the row's kind; false and what is wrong when it is not. */
bool field_check_pattern(const struct table_row *row, const char *text,
                         char out_what[FIELD_FAULT_SIZE]) MOAT_MUST_CHECK;

/* For the rows whose value is an integer. */
void field_put_integer(const struct table_row *row, void *base, uint64_t value);
uint64_t field_integer(const struct table_row *row, const void *base);

/* Of lists: how many entries there are, and the array of TABLE_MAPS. */
size_t field_count(const struct table_row *row, const void *base);
void *field_array(const struct table_row *row, const void *base);

/* Makes the zeroed array of a TABLE_MAPS row; false without memory. */
bool field_make_array(const struct table_row *row, void *base, size_t count) MOAT_MUST_CHECK;

/* False for what was not written and has no default. */
bool field_is_set(const struct table_row *row, const void *base);

/* As YAML in one line; the value must be set. */
void field_print(const struct table_row *row, const void *base, FILE *stream);

/* Frees what the row owns; for TABLE_MAPS the array itself, whose entries are released before. */
void field_release(const struct table_row *row, void *base);

#endif
