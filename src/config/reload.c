#include <stdlib.h>

#include "field_internal.h"
#include "places_internal.h"

struct comparison {
    const struct config *next;
    struct config_faults *faults;
};

/* As --print would show it; NULL without memory. To be released with free(). */
static char *value_text(const struct table_row *row, const void *base)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL) {
        return NULL;
    }
    if (field_is_set(row, base)) {
        field_print(row, base, stream);
    } else {
        fputs("not written", stream);
    }
    return fclose(stream) == 0 ? text : NULL;
}

static void compare_value(const struct comparison *comparison, const struct table_row *row,
                          const char *path, const void *running, const void *next)
{
    char *old_text = value_text(row, running);
    char *new_text = value_text(row, next);
    if (old_text == NULL || new_text == NULL || strcmp(old_text, new_text) != 0) {
        config_error(comparison->faults, comparison->next->path,
                     config_place_of(comparison->next, "%s", path),
                     "%s: cannot change while moat runs, where it is %s; restart moat", path,
                     old_text != NULL ? old_text : "something else");
    }
    free(old_text);
    free(new_text);
}

static void compare_map(const struct comparison *comparison, const char *pattern, const char *path,
                        const void *running, const void *next);

static void compare_entries(const struct comparison *comparison, const struct table_row *row,
                            const char *path, const void *running, const void *next)
{
    size_t old_count = field_count(row, running);
    size_t new_count = field_count(row, next);
    if (row->needs_restart && old_count != new_count) {
        config_error(comparison->faults, comparison->next->path,
                     config_place_of(comparison->next, "%s", path),
                     "%s: the number of entries cannot change while moat runs, where it is %zu; "
                     "restart moat",
                     path, old_count);
        return;
    }
    const unsigned char *old_entries = field_array(row, running);
    const unsigned char *new_entries = field_array(row, next);
    char pattern[TABLE_PATH_SIZE];
    table_pattern_below(row, pattern);
    for (size_t i = 0; row->needs_restart && i < new_count; i++) {
        char entry_path[TABLE_PATH_SIZE];
        table_path_of_entry(path, i, entry_path);
        compare_map(comparison, pattern, entry_path, old_entries + i * row->element_size,
                    new_entries + i * row->element_size);
    }
}

/* The recursion follows the table. */
static void compare_map(const struct comparison *comparison, const char *pattern, const char *path,
                        const void *running, const void *next)
{
    const struct table_row *row = NULL;
    while ((row = table_next(pattern, row)) != NULL) {
        char row_path[TABLE_PATH_SIZE];
        char below[TABLE_PATH_SIZE];
        table_path(path, row, row_path);
        table_pattern_below(row, below);
        if (row->type == TABLE_MAP) {
            compare_map(comparison, below, row_path, running, next);
        } else if (row->type == TABLE_MAPS && row->element_size > 0) {
            compare_entries(comparison, row, row_path, running, next);
        } else if (row->needs_restart) {
            compare_value(comparison, row, row_path, running, next);
        }
    }
}

void config_check_reload(const struct config *running, const struct config *next,
                         struct config_faults *faults)
{
    struct comparison comparison = {next, faults};
    compare_map(&comparison, "", "", running, next);
}
