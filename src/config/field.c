#include "field_internal.h"

#include <stdarg.h>
#include <stdlib.h>

#include "environment_internal.h"
#include "moat/base/address.h"
#include "values_internal.h"

/* --- members, reached through the offsets of the row ---------------------------------- */

static void *member(const struct table_row *row, void *base)
{
    return (unsigned char *)base + row->offset;
}

static const void *const_member(const struct table_row *row, const void *base)
{
    return (const unsigned char *)base + row->offset;
}

void field_put_integer(const struct table_row *row, void *base, uint64_t value)
{
    uint8_t one = (uint8_t)value;
    uint32_t four = (uint32_t)value;
    switch (row->size) {
    case 1:
        memcpy(member(row, base), &one, sizeof(one));
        break;
    case 4:
        memcpy(member(row, base), &four, sizeof(four));
        break;
    case 8:
        memcpy(member(row, base), &value, sizeof(value));
        break;
    default: /* size 0: the value is checked, and nobody needs it */
        break;
    }
}

uint64_t field_integer(const struct table_row *row, const void *base)
{
    uint8_t one = 0;
    uint32_t four = 0;
    uint64_t eight = 0;
    switch (row->size) {
    case 1:
        memcpy(&one, const_member(row, base), sizeof(one));
        return one;
    case 4:
        memcpy(&four, const_member(row, base), sizeof(four));
        return four;
    case 8:
        memcpy(&eight, const_member(row, base), sizeof(eight));
        return eight;
    default:
        return 0;
    }
}

/* Pointers go through memcpy because members differ in what they point to. */
static void *pointer(const struct table_row *row, const void *base)
{
    void *value = NULL;
    memcpy(&value, const_member(row, base), sizeof(value));
    return value;
}

static void put_pointer(const struct table_row *row, void *base, void *value)
{
    memcpy(member(row, base), &value, sizeof(value));
}

size_t field_count(const struct table_row *row, const void *base)
{
    size_t count = 0;
    memcpy(&count, (const unsigned char *)base + row->counter_offset, sizeof(count));
    return count;
}

static void put_count(const struct table_row *row, void *base, size_t count)
{
    memcpy((unsigned char *)base + row->counter_offset, &count, sizeof(count));
}

void *field_array(const struct table_row *row, const void *base)
{
    return pointer(row, base);
}

bool field_make_array(const struct table_row *row, void *base, size_t count)
{
    void *array = calloc(count, row->element_size);
    if (array == NULL) {
        return false;
    }
    put_pointer(row, base, array);
    put_count(row, base, count);
    return true;
}

static bool append(const struct table_row *row, void *base, const void *element)
{
    size_t count = field_count(row, base);
    unsigned char *array = reallocarray(pointer(row, base), count + 1, row->size);
    if (array == NULL) {
        return false;
    }
    memcpy(array + count * row->size, element, row->size);
    put_pointer(row, base, array);
    put_count(row, base, count + 1);
    return true;
}

/* --- from text -------------------------------------------------------------------------- */

static bool refuse(char out_what[FIELD_FAULT_SIZE], const char *format, ...) MOAT_PRINTF(2, 3);
static bool refuse(char out_what[FIELD_FAULT_SIZE], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_what, FIELD_FAULT_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

static bool refuse_without_memory(char out_what[FIELD_FAULT_SIZE])
{
    return refuse(out_what, "not enough memory");
}

static bool put_copy(const struct table_row *row, void *base, const char *text,
                     char out_what[FIELD_FAULT_SIZE])
{
    char *copy = strdup(text);
    if (copy == NULL) {
        return refuse_without_memory(out_what);
    }
    put_pointer(row, base, copy);
    return true;
}

static bool put_text(const struct table_row *row, void *base, const char *text,
                     char out_what[FIELD_FAULT_SIZE])
{
    size_t size = strlen(text);
    if (size < row->minimum || size > row->maximum) {
        return refuse(out_what, "%zu bytes; expected %zu to %zu", size, (size_t)row->minimum,
                      (size_t)row->maximum);
    }
    return put_copy(row, base, text, out_what);
}

/* "credential:NAME" is a file that the service manager has put where only this service sees it. */
static const char credential_prefix[] = "credential:";

/* The folder of a path and, in *out_rest, what stands in it; NULL when there is no such folder. */
static const char *folder_of(const char *text, const char *folder, const char **out_rest)
{
    size_t prefix = sizeof credential_prefix - 1;

    *out_rest = text;
    if (strncmp(text, credential_prefix, prefix) == 0) {
        *out_rest = text + prefix;
        return environment_credentials();
    }
    return text[0] == '/' ? "" : folder;
}

static bool put_path(const struct table_row *row, void *base, const char *text, const char *folder,
                     char out_what[FIELD_FAULT_SIZE])
{
    const char *rest = NULL;
    const char *where = folder_of(text, folder, &rest);

    if (rest[0] == '\0') {
        return refuse(out_what, "the path is empty; name a file");
    }
    if (where == NULL) {
        return refuse(
            out_what,
            "no credentials were passed to moat; write LoadCredential=%.60s:/path/of/it in "
            "the unit, and start moat by it",
            rest);
    }
    const char *slash = where == folder || where[0] == '\0' ? "" : "/";
    char *path = NULL;
    if (asprintf(&path, "%s%s%s", where, slash, rest) < 0) {
        return refuse_without_memory(out_what);
    }
    put_pointer(row, base, path);
    return true;
}

static bool put_endpoint(const struct table_row *row, void *base, const char *text,
                         char out_what[FIELD_FAULT_SIZE])
{
    struct endpoint endpoint;
    const char *fault = endpoint_parse(slice_from_text(text), &endpoint);
    if (fault != NULL) {
        return refuse(out_what, "\"%.80s\": %s", text, fault);
    }
    memcpy(member(row, base), &endpoint, sizeof(endpoint));
    return true;
}

static bool put_bool(const struct table_row *row, void *base, const char *text,
                     char out_what[FIELD_FAULT_SIZE])
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0) {
        return refuse(out_what, "\"%.80s\" is neither true nor false; write one of these", text);
    }
    field_put_integer(row, base, is_true);
    return true;
}

static bool put_number(const struct table_row *row, void *base, const char *text,
                       char out_what[FIELD_FAULT_SIZE])
{
    uint64_t number = 0;
    const char *fault = NULL;
    if (row->type == TABLE_DURATION) {
        fault = value_parse_duration(text, &number);
    } else if (row->type == TABLE_SIZE) {
        fault = value_parse_size(text, &number);
    } else {
        fault = value_parse_number(text, &number);
    }
    if (fault != NULL) {
        return refuse(out_what, "\"%.80s\": %s", text, fault);
    }
    if (number < row->minimum || number > row->maximum) {
        char least[TABLE_NUMBER_TEXT_SIZE];
        char most[TABLE_NUMBER_TEXT_SIZE];
        table_number_text(row, row->minimum, least);
        table_number_text(row, row->maximum, most);
        return refuse(out_what, "%.80s is out of range; expected %s to %s", text, least, most);
    }
    field_put_integer(row, base, number);
    return true;
}

static bool refuse_word(const struct table_row *row, const char *text,
                        char out_what[FIELD_FAULT_SIZE])
{
    char type[TABLE_TYPE_TEXT_SIZE];
    struct suggestion suggestion;
    suggestion_init(&suggestion, text);
    for (size_t i = 0; i < TABLE_WORDS_MAX && row->words[i].text != NULL; i++) {
        suggestion_offer(&suggestion, row->words[i].text);
    }
    table_type_text(row, type);
    if (suggestion.best == NULL) {
        return refuse(out_what, "\"%.80s\" is not known; expected %s", text, type);
    }
    return refuse(out_what, "\"%.80s\" is not known; expected %s (did you mean \"%s\"?)", text,
                  type, suggestion.best);
}

static bool put_word(const struct table_row *row, void *base, const char *text,
                     char out_what[FIELD_FAULT_SIZE])
{
    size_t i = 0;
    while (i < TABLE_WORDS_MAX && row->words[i].text != NULL &&
           strcmp(row->words[i].text, text) != 0) {
        i++;
    }
    if (i == TABLE_WORDS_MAX || row->words[i].text == NULL) {
        return refuse_word(row, text, out_what);
    }
    if (row->type == TABLE_WORD) {
        field_put_integer(row, base, row->words[i].value);
        return true;
    }
    uint8_t value = (uint8_t)row->words[i].value;
    return append(row, base, &value) || refuse_without_memory(out_what);
}

/* A text of a form that another layer knows, at the end of a list. */
static bool put_checked(const struct table_row *row, void *base, const char *text,
                        char out_what[FIELD_FAULT_SIZE])
{
    if (!field_check_pattern(row, text, out_what)) {
        return false;
    }
    char *copy = strdup(text);
    if (copy == NULL || !append(row, base, &copy)) {
        free(copy);
        return refuse_without_memory(out_what);
    }
    return true;
}

bool field_put(const struct table_row *row, void *base, const char *text, const char *folder,
               char out_what[FIELD_FAULT_SIZE])
{
    switch (row->type) {
    case TABLE_TEXT:
        return put_text(row, base, text, out_what);
    case TABLE_PATH:
        return put_path(row, base, text, folder, out_what);
    case TABLE_ENDPOINT:
        return put_endpoint(row, base, text, out_what);
    case TABLE_BOOL:
        return put_bool(row, base, text, out_what);
    case TABLE_NUMBER:
    case TABLE_DURATION:
    case TABLE_SIZE:
        return put_number(row, base, text, out_what);
    case TABLE_WORD:
    case TABLE_WORDS:
        return put_word(row, base, text, out_what);
    case TABLE_GLOBS:
    case TABLE_NETWORKS:
    case TABLE_PINS:
    case TABLE_NAMES:
    case TABLE_FILTERS:
        return put_checked(row, base, text, out_what);
    case TABLE_CHARACTERS:
        return field_check_pattern(row, text, out_what) && put_copy(row, base, text, out_what);
    case TABLE_MAP:
    case TABLE_MAPS:
    case TABLE_REQUIRE:
        break;
    }
    return refuse(out_what, "cannot be one value");
}
