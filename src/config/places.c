#include "places_internal.h"

#include <stdarg.h>
#include <stdlib.h>

#include "table_internal.h"

struct entry {
    char *path;
    struct config_place place;
    bool is_sound;
};

struct config_places {
    struct entry *entries;
    size_t count;
};

struct config_places *places_new(void)
{
    return calloc(1, sizeof(struct config_places));
}

void places_free(struct config_places *places)
{
    for (size_t i = 0; places != NULL && i < places->count; i++) {
        free(places->entries[i].path);
    }
    if (places != NULL) {
        free(places->entries);
    }
    free(places);
}

bool places_add(struct config_places *places, const char *path, struct config_place place,
                bool is_sound)
{
    struct entry *entries = reallocarray(places->entries, places->count + 1, sizeof(*entries));
    if (entries == NULL) {
        return false;
    }
    places->entries = entries;
    struct entry *entry = &entries[places->count];
    *entry = (struct entry){strdup(path), place, is_sound};
    if (entry->path == NULL) {
        return false;
    }
    places->count++;
    return true;
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    return strcmp(a->path, b->path);
}

void places_sort(struct config_places *places)
{
    if (places->count > 0) {
        qsort(places->entries, places->count, sizeof(*places->entries), compare_entries);
    }
}

static const struct entry *find(const struct config_places *places, char *path)
{
    if (places->count == 0) {
        return NULL;
    }
    struct entry wanted = {.path = path};
    return bsearch(&wanted, places->entries, places->count, sizeof(wanted), compare_entries);
}

/* "listeners[0].tls" -> "listeners[0]" -> "listeners" -> "" */
static void cut_last_part(char *path)
{
    size_t size = strlen(path);
    while (size > 0 && path[size - 1] != '.' && path[size - 1] != '[') {
        size--;
    }
    path[size > 0 ? size - 1 : 0] = '\0';
}

static const struct entry *find_around(const struct config_places *places, char *path)
{
    const struct entry *found = find(places, path);
    while (found == NULL && path[0] != '\0') {
        cut_last_part(path);
        found = find(places, path);
    }
    return found;
}

static void format_path(char path[TABLE_PATH_SIZE], const char *format, va_list arguments)
    MOAT_PRINTF(2, 0);
static void format_path(char path[TABLE_PATH_SIZE], const char *format, va_list arguments)
{
    vsnprintf(path, TABLE_PATH_SIZE, format, arguments);
}

struct config_place config_place_of(const struct config *config, const char *format, ...)
{
    char path[TABLE_PATH_SIZE];
    va_list arguments;
    va_start(arguments, format);
    format_path(path, format, arguments);
    va_end(arguments);
    const struct entry *found = find_around(config->places, path);
    return found != NULL ? found->place : (struct config_place){.line = 0};
}

bool config_has(const struct config *config, const char *format, ...)
{
    char path[TABLE_PATH_SIZE];
    va_list arguments;
    va_start(arguments, format);
    format_path(path, format, arguments);
    va_end(arguments);
    const struct entry *found = find(config->places, path);
    return found != NULL && found->is_sound;
}

bool config_is_sound(const struct config *config, const char *format, ...)
{
    char path[TABLE_PATH_SIZE];
    va_list arguments;
    va_start(arguments, format);
    format_path(path, format, arguments);
    va_end(arguments);
    const struct entry *found = find_around(config->places, path);
    return found == NULL || found->is_sound;
}
