#include "vector.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define VECTOR_SIZE_MAX (1u << 20)
#define LINE_SIZE       4096

static void put(struct buffer *bytes, const void *data, size_t size)
{
    cr_assert(buffer_append(bytes, slice_of(data, size)), "a vector of more than 1 MiB");
}

/* "2F" or "2F*300"; returns what follows. */
static const char *read_hexadecimal(const char *text, struct buffer *out_bytes)
{
    const char pair[] = {text[0], text[1], '\0'};
    unsigned long repeat = 1;
    char *end;

    cr_assert(isxdigit((unsigned char)pair[0]) && isxdigit((unsigned char)pair[1]),
              "no byte in hexadecimal: %s", text);
    uint8_t byte = (uint8_t)strtoul(pair, NULL, 16);
    text += 2;
    if (*text == '*') {
        repeat = strtoul(text + 1, &end, 10);
        text = end;
    }
    while (repeat-- > 0) {
        put(out_bytes, &byte, 1);
    }
    return text;
}

void vector_bytes(const char *notation, struct buffer *out_bytes)
{
    const char *text = notation;

    while (*text != '\0' && *text != '#') {
        if (isspace((unsigned char)*text)) {
            text++;
        } else if (*text == '"') {
            const char *end = strchr(text + 1, '"');
            cr_assert_not_null(end, "a quote is not closed: %s", notation);
            put(out_bytes, text + 1, (size_t)(end - text - 1));
            text = end + 1;
        } else {
            text = read_hexadecimal(text, out_bytes);
        }
    }
}

/* The length of the key that the line begins with, or 0 when it holds bytes. */
static size_t key_size(const char *line)
{
    size_t size = strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");

    return line[size] == ':' ? size : 0;
}

static char *trimmed(const char *text)
{
    size_t size;

    text += strspn(text, " \t");
    size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1])) {
        size--;
    }
    char *copy = strndup(text, size);
    cr_assert_not_null(copy);
    return copy;
}

static bool is_known(const char *key, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        if (strcmp(key, *keys) == 0) {
            return true;
        }
    }
    return strcmp(key, "shows") == 0;
}

static struct vector *new_case(struct vectors *vectors, const char *path, unsigned number,
                               const char *title)
{
    char name[LINE_SIZE];
    const char *base = strrchr(path, '/') + 1;
    char *text = trimmed(title);

    vectors->items = realloc(vectors->items, (vectors->count + 1) * sizeof *vectors->items);
    cr_assert_not_null(vectors->items);
    struct vector *vector = &vectors->items[vectors->count++];
    *vector = (struct vector){0};
    buffer_init(&vector->bytes, VECTOR_SIZE_MAX);
    snprintf(name, sizeof name, "%s:%u: %s", base, number, text);
    vector->name = trimmed(name);
    free(text);
    return vector;
}

static void add_field(struct vector *vector, const char *line, size_t size, const char *const *keys)
{
    char *key = strndup(line, size);

    cr_assert_not_null(key);
    cr_assert(is_known(key, keys), "%s: unknown key %s", vector->name, key);
    cr_assert_null(vector_value(vector, key), "%s: %s is given twice", vector->name, key);
    cr_assert_lt(vector->field_count, VECTOR_FIELDS_MAX);
    vector->fields[vector->field_count++] =
        (struct vector_field){.key = key, .value = trimmed(line + size + 1)};
}

static void load_file(const char *path, const char *const *keys, struct vectors *vectors)
{
    FILE *file = fopen(path, "r");
    struct vector *vector = NULL;
    char line[LINE_SIZE];

    cr_assert_not_null(file, "%s cannot be read", path);
    for (unsigned number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        size_t size = key_size(line);

        cr_assert_not_null(strchr(line, '\n'), "%s:%u: the line is too long", path, number);
        if (size == 4 && strncmp(line, "case", 4) == 0) {
            vector = new_case(vectors, path, number, line + 5);
        } else if (line[0] != '#' && line[0] != '\n') {
            cr_assert_not_null(vector, "%s:%u: no case begins before this", path, number);
            if (size > 0) {
                add_field(vector, line, size, keys);
            } else {
                vector_bytes(line, &vector->bytes);
            }
        }
    }
    fclose(file);
}

static int is_vector_file(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return dot != NULL && strcmp(dot, ".vec") == 0;
}

struct vectors vectors_load(const char *folder, const char *const *keys)
{
    struct vectors vectors = {0};
    struct dirent **entries;
    char path[LINE_SIZE];

    snprintf(path, sizeof path, "%s/tests/vectors/%s", TEST_SOURCE_ROOT, folder);
    int count = scandir(path, &entries, is_vector_file, alphasort);
    cr_assert_gt(count, 0, "%s has no vectors", path);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/tests/vectors/%s/%s", TEST_SOURCE_ROOT, folder,
                 entries[i]->d_name);
        load_file(path, keys, &vectors);
        free(entries[i]);
    }
    free(entries);
    return vectors;
}

void vectors_free(struct vectors *vectors)
{
    for (size_t i = 0; i < vectors->count; i++) {
        struct vector *vector = &vectors->items[i];

        for (size_t j = 0; j < vector->field_count; j++) {
            free(vector->fields[j].key);
            free(vector->fields[j].value);
        }
        buffer_deinit(&vector->bytes);
        free(vector->name);
    }
    free(vectors->items);
    *vectors = (struct vectors){0};
}

const char *vector_value(const struct vector *vector, const char *key)
{
    for (size_t i = 0; i < vector->field_count; i++) {
        if (strcmp(vector->fields[i].key, key) == 0) {
            return vector->fields[i].value;
        }
    }
    return NULL;
}

uint64_t vector_number(const struct vector *vector, const char *key, uint64_t absent)
{
    const char *value = vector_value(vector, key);
    char *end;

    if (value == NULL) {
        return absent;
    }
    uint64_t number = strtoull(value, &end, 10);
    cr_assert(end != value && *end == '\0', "%s: %s is not a number: %s", vector->name, key, value);
    return number;
}

bool vector_flag(const struct vector *vector, const char *key)
{
    const char *value = vector_value(vector, key);

    cr_assert(value == NULL || strcmp(value, "yes") == 0, "%s: %s is not yes: %s", vector->name,
              key, value);
    return value != NULL;
}
