#include "table_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "values_internal.h"

static_assert(TABLE_NUMBER_TEXT_SIZE == VALUE_TEXT_SIZE, "numbers of rows are values");

const char *table_key(const struct table_row *row)
{
    const char *dot = strrchr(row->path, '.');
    return dot != NULL ? dot + 1 : row->path;
}

static bool is_beneath(const struct table_row *row, const char *pattern)
{
    const char *key = table_key(row);
    size_t parent_size = key == row->path ? 0 : (size_t)(key - row->path) - 1;
    return slice_equal(slice_of(row->path, parent_size), slice_from_text(pattern));
}

void table_pattern_below(const struct table_row *row, char out_pattern[TABLE_PATH_SIZE])
{
    snprintf(out_pattern, TABLE_PATH_SIZE, "%s%s", row->path, row->type == TABLE_MAPS ? "[]" : "");
}

const struct table_row *table_next(const char *pattern, const struct table_row *previous)
{
    const struct table_row *row = table_after(previous);
    while (row != NULL && !is_beneath(row, pattern)) {
        row = table_after(row);
    }
    return row;
}

const struct table_row *table_find(const char *pattern, const char *key)
{
    const struct table_row *row = table_next(pattern, NULL);
    while (row != NULL && strcmp(table_key(row), key) != 0) {
        row = table_next(pattern, row);
    }
    return row;
}

void table_path(const char *parent, const struct table_row *row, char out_path[TABLE_PATH_SIZE])
{
    snprintf(out_path, TABLE_PATH_SIZE, "%s%s%s", parent, parent[0] != '\0' ? "." : "",
             table_key(row));
}

void table_path_of_entry(const char *list, size_t index, char out_path[TABLE_PATH_SIZE])
{
    snprintf(out_path, TABLE_PATH_SIZE, "%s[%zu]", list, index);
}

/* --- types in words ------------------------------------------------------------- */

void table_number_text(const struct table_row *row, uint64_t number,
                       char out_text[TABLE_NUMBER_TEXT_SIZE])
{
    if (row->type == TABLE_DURATION) {
        value_format_duration(number, out_text);
    } else if (row->type == TABLE_SIZE) {
        value_format_size(number, out_text);
    } else {
        value_format_number(number, out_text);
    }
}

static void with_range(const struct table_row *row, const char *noun,
                       char out_text[TABLE_TYPE_TEXT_SIZE])
{
    char least[TABLE_NUMBER_TEXT_SIZE];
    char most[TABLE_NUMBER_TEXT_SIZE];
    table_number_text(row, row->minimum, least);
    table_number_text(row, row->maximum, most);
    snprintf(out_text, TABLE_TYPE_TEXT_SIZE, "%s, %s to %s", noun, least, most);
}

static void with_words(const struct table_row *row, const char *noun,
                       char out_text[TABLE_TYPE_TEXT_SIZE])
{
    if (row->words[1].text == NULL) {
        snprintf(out_text, TABLE_TYPE_TEXT_SIZE, "%s", row->words[0].text);
        return;
    }
    snprintf(out_text, TABLE_TYPE_TEXT_SIZE, "%s", noun);
    for (size_t i = 0; i < TABLE_WORDS_MAX && row->words[i].text != NULL; i++) {
        size_t used = strlen(out_text);
        snprintf(out_text + used, TABLE_TYPE_TEXT_SIZE - used, "%s%s", i == 0 ? " " : ", ",
                 row->words[i].text);
    }
}

/* Of the types that every row words alike. */
static const char *const type_texts[] = {
    [TABLE_MAP] = "keys and values",
    [TABLE_PATH] = "path of a file",
    [TABLE_ENDPOINT] = "address with port",
    [TABLE_BOOL] = "true or false",
    [TABLE_GLOBS] = "pattern or list of patterns",
    [TABLE_NETWORKS] = "network or list of networks (CIDR)",
    [TABLE_PINS] = "digest or list of digests of public keys (SHA-256)",
    [TABLE_NAMES] = "name or list of names, with substitutions",
    [TABLE_FILTERS] = "topic filter or list of topic filters, with substitutions",
    [TABLE_CHARACTERS] = "alphanumeric, printable, or a set such as [a-z0-9_-]",
    [TABLE_REQUIRE] = "none, a list of certificate and password, or any: with such a list",
};

void table_type_text(const struct table_row *row, char out_text[TABLE_TYPE_TEXT_SIZE])
{
    switch (row->type) {
    case TABLE_MAP:
    case TABLE_PATH:
    case TABLE_ENDPOINT:
    case TABLE_BOOL:
    case TABLE_GLOBS:
    case TABLE_NETWORKS:
    case TABLE_PINS:
    case TABLE_NAMES:
    case TABLE_FILTERS:
    case TABLE_CHARACTERS:
    case TABLE_REQUIRE:
        snprintf(out_text, TABLE_TYPE_TEXT_SIZE, "%s", type_texts[row->type]);
        break;
    case TABLE_MAPS:
        with_range(row, "list of entries", out_text);
        break;
    case TABLE_TEXT:
        snprintf(out_text, TABLE_TYPE_TEXT_SIZE, "text of %zu to %zu bytes", (size_t)row->minimum,
                 (size_t)row->maximum);
        break;
    case TABLE_NUMBER:
        with_range(row, "whole number", out_text);
        break;
    case TABLE_DURATION:
        with_range(row, "duration", out_text);
        break;
    case TABLE_SIZE:
        with_range(row, "size", out_text);
        break;
    case TABLE_WORD:
        with_words(row, "one of", out_text);
        break;
    case TABLE_WORDS:
        with_words(row, "one or a list of", out_text);
        break;
    }
}
