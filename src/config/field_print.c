/* Values of the table back to YAML, and their release. */
#include "field_internal.h"

#include <stdlib.h>

#include "moat/base/address.h"
#include "moat/policy/policy.h"
#include "require_internal.h"

static bool is_text_list(const struct table_row *row)
{
    return row->type == TABLE_GLOBS || row->type == TABLE_NETWORKS || row->type == TABLE_PINS ||
           row->type == TABLE_NAMES || row->type == TABLE_FILTERS;
}

bool field_is_set(const struct table_row *row, const void *base)
{
    switch (row->type) {
    case TABLE_TEXT:
    case TABLE_PATH:
    case TABLE_CHARACTERS:
        return field_array(row, base) != NULL;
    case TABLE_MAPS:
        return row->element_size == 0 || field_count(row, base) > 0;
    case TABLE_WORDS:
    case TABLE_GLOBS:
    case TABLE_NETWORKS:
    case TABLE_PINS:
    case TABLE_NAMES:
    case TABLE_FILTERS:
        return field_count(row, base) > 0;
    case TABLE_NUMBER:
    case TABLE_DURATION:
    case TABLE_SIZE:
    case TABLE_WORD:
        /* Without a default 0 is no value that could have been written. */
        return row->fallback != NULL || field_integer(row, base) != 0;
    case TABLE_MAP:
    case TABLE_ENDPOINT:
    case TABLE_BOOL:
    case TABLE_REQUIRE:
        break;
    }
    return true;
}

/* Values hold no control characters, so these two escapes are enough. */
static void print_quoted(const char *text, FILE *stream)
{
    fputc('"', stream);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            fputc('\\', stream);
        }
        fputc(*text, stream);
    }
    fputc('"', stream);
}

static void print_endpoint(const struct endpoint *endpoint, FILE *stream)
{
    const char *open = strchr(endpoint->host, ':') != NULL ? "[" : "";
    const char *close = open[0] != '\0' ? "]" : "";
    char text[ENDPOINT_HOST_SIZE + ENDPOINT_PATH_SIZE];
    if (endpoint->kind == ENDPOINT_UNIX) {
        snprintf(text, sizeof(text), "unix:%s", endpoint->path);
    } else if (endpoint->kind == ENDPOINT_SYSTEMD) {
        snprintf(text, sizeof(text), "systemd:%s", endpoint->host);
    } else {
        snprintf(text, sizeof(text), "%s%s%s:%u", open, endpoint->host, close,
                 (unsigned)endpoint->port);
    }
    print_quoted(text, stream);
}

static const char *word_of(const struct table_row *row, uint64_t value)
{
    size_t i = 0;
    while (i + 1 < TABLE_WORDS_MAX && row->words[i + 1].text != NULL &&
           row->words[i].value != value) {
        i++;
    }
    return row->words[i].text;
}

static void print_list(const struct table_row *row, const void *base, FILE *stream)
{
    const unsigned char *array = field_array(row, base);
    size_t count = field_count(row, base);
    fputc('[', stream);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *element = array + i * row->size;
        const char *text = NULL;
        if (is_text_list(row)) {
            memcpy(&text, element, sizeof(text));
        } else {
            text = word_of(row, *element);
        }
        fputs(i > 0 ? ", " : "", stream);
        print_quoted(text, stream);
    }
    fputc(']', stream);
}

static void print_number(const struct table_row *row, const void *base, FILE *stream)
{
    char text[TABLE_NUMBER_TEXT_SIZE];
    table_number_text(row, field_integer(row, base), text);
    fputs(text, stream);
}

void field_print(const struct table_row *row, const void *base, FILE *stream)
{
    struct endpoint endpoint;
    if (row->is_secret) {
        fputs("(hidden)", stream);
        return;
    }
    switch (row->type) {
    case TABLE_MAP:
    case TABLE_MAPS:
        break;
    case TABLE_TEXT:
    case TABLE_PATH:
    case TABLE_CHARACTERS:
        print_quoted(field_array(row, base), stream);
        break;
    case TABLE_ENDPOINT:
        memcpy(&endpoint, (const unsigned char *)base + row->offset, sizeof(endpoint));
        print_endpoint(&endpoint, stream);
        break;
    case TABLE_BOOL:
        fputs(field_integer(row, base) != 0 ? "true" : "false", stream);
        break;
    case TABLE_NUMBER:
    case TABLE_DURATION:
    case TABLE_SIZE:
        print_number(row, base, stream);
        break;
    case TABLE_WORD:
        fputs(word_of(row, field_integer(row, base)), stream);
        break;
    case TABLE_WORDS:
    case TABLE_GLOBS:
    case TABLE_NETWORKS:
    case TABLE_PINS:
    case TABLE_NAMES:
    case TABLE_FILTERS:
        print_list(row, base, stream);
        break;
    case TABLE_REQUIRE:
        fputs(require_text((enum policy_require)field_integer(row, base)), stream);
        break;
    }
}

void field_release(const struct table_row *row, void *base)
{
    bool owns_pointer = row->type == TABLE_TEXT || row->type == TABLE_PATH ||
                        row->type == TABLE_CHARACTERS || row->type == TABLE_WORDS ||
                        row->type == TABLE_MAPS || is_text_list(row);
    if (!owns_pointer || row->size == 0) {
        return;
    }
    void *owned = field_array(row, base);
    for (size_t i = 0; is_text_list(row) && i < field_count(row, base); i++) {
        char *text = NULL;
        memcpy(&text, (unsigned char *)owned + i * row->size, sizeof(text));
        free(text);
    }
    free(owned);
}
