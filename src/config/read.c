#include "read_internal.h"

#include <stdarg.h>
#include <stdlib.h>

#include "environment_internal.h"
#include "field_internal.h"
#include "places_internal.h"
#include "require_internal.h"
#include "values_internal.h"

struct reading {
    struct config *config;
    struct config_faults *faults;
    char *folder; /* of the file: "" or with a slash at the end */
};

static const struct node empty_section = {.kind = NODE_MAP};

static void fault(struct reading *reading, struct config_place place, const char *format, ...)
    MOAT_PRINTF(3, 4);
static void fault(struct reading *reading, struct config_place place, const char *format, ...)
{
    char what[FIELD_FAULT_SIZE + TABLE_PATH_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    config_error(reading->faults, reading->config->path, place, "%s", what);
}

static void remember(struct reading *reading, const char *path, struct config_place place,
                     bool is_sound)
{
    if (!places_add(reading->config->places, path, place, is_sound)) {
        fault(reading, place, "not enough memory");
    }
}

/* --- one value, or a list of values ---------------------------------------------------- */

/* Quotes make a text of what would else be a number or a boolean. */
static bool is_wrongly_quoted(const struct table_row *row, const struct node *node)
{
    return !node->is_plain && (row->type == TABLE_BOOL || row->type == TABLE_NUMBER);
}

static bool read_one(struct reading *reading, const struct table_row *row, const struct node *node,
                     const char *path, void *base)
{
    char what[FIELD_FAULT_SIZE];
    char type[TABLE_TYPE_TEXT_SIZE];
    table_type_text(row, type);
    if (node->kind == NODE_BROKEN) {
        return false;
    }
    if (node->kind != NODE_TEXT || node_is_null(node)) {
        struct config_place place =
            node_is_null(node) && node->key != NULL ? node->key_place : node->place;
        fault(reading, place, "%s: expected %s, found %s", path, type, node_kind_text(node));
        return false;
    }
    if (is_wrongly_quoted(row, node)) {
        fault(reading, node->place, "%s: expected %s, found text; remove the quotes", path, type);
        return false;
    }
    /* Who sets a variable does not think of where the file is. */
    const char *folder = node->place.variable != NULL ? "" : reading->folder;
    if (!field_put(row, base, node->text, folder, what)) {
        fault(reading, node->place, "%s: %s", path, what);
        return false;
    }
    return true;
}

static bool read_several(struct reading *reading, const struct table_row *row,
                         const struct node *node, const char *path, void *base)
{
    if (node->kind != NODE_LIST) {
        return read_one(reading, row, node, path, base);
    }
    if (node->count == 0) {
        /* "No condition" and "a condition nobody can meet" both look like this. */
        fault(reading, node->place, "%s: the list is empty; remove the key or fill it", path);
        return false;
    }
    bool is_sound = true;
    size_t index = 0;
    for (const struct node *item = node->first; item != NULL; item = item->next) {
        char item_path[TABLE_PATH_SIZE];
        table_path_of_entry(path, index++, item_path);
        is_sound = read_one(reading, row, item, item_path, base) && is_sound;
    }
    return is_sound;
}

static bool read_require(struct reading *reading, const struct table_row *row,
                         const struct node *node, const char *path, void *base)
{
    struct require_fault what;
    enum policy_require require = POLICY_REQUIRE_NONE;
    if (node->kind == NODE_BROKEN) {
        return false;
    }
    if (!require_parse(node, &require, &what)) {
        fault(reading, what.place, "%s: %s", path, what.what);
        return false;
    }
    field_put_integer(row, base, (uint64_t)require);
    return true;
}

/* --- maps and lists of maps -------------------------------------------------------------- */

static void read_map(struct reading *reading, const struct node *map, const char *pattern,
                     const char *path, void *base);

static void report_unknown(struct reading *reading, const struct node *child, const char *pattern,
                           const char *path)
{
    struct suggestion suggestion;
    suggestion_init(&suggestion, child->key);
    const struct table_row *row = NULL;
    while ((row = table_next(pattern, row)) != NULL) {
        suggestion_offer(&suggestion, table_key(row));
    }
    const char *in = path[0] != '\0' ? " in " : "";
    if (suggestion.best != NULL) {
        fault(reading, child->key_place, "unknown key \"%.80s\"%s%s (did you mean \"%s\"?)",
              child->key, in, path, suggestion.best);
    } else {
        fault(reading, child->key_place, "unknown key \"%.80s\"%s%s; remove it", child->key, in,
              path);
    }
}

static void report_missing(struct reading *reading, const struct node *map,
                           const struct table_row *row, const char *path)
{
    /* The top of the file is everywhere; its faults are of the whole file. */
    struct config_place place = {.line = 0};
    if (row->variable != NULL && !config_is_file(reading->config->path)) {
        fault(reading, place, "%s is not set; for example %s=%s", row->variable, row->variable,
              row->example);
        return;
    }
    if (path[0] != '\0') {
        place = map->key != NULL ? map->key_place : map->place;
    }
    fault(reading, place, "missing key \"%s\"%s%s; for example %s: %s", table_key(row),
          path[0] != '\0' ? " in " : "", path, table_key(row), row->example);
}

static bool check_entry_count(struct reading *reading, const struct table_row *row,
                              const struct node *list, const char *path)
{
    if (list->count < row->minimum) {
        fault(reading, list->key_place, "%s: the list is empty; for example %s: %s", path,
              table_key(row), row->example);
        return false;
    }
    if (list->count > row->maximum) {
        const struct node *surplus = list->first;
        for (uint64_t i = 0; i < row->maximum; i++) {
            surplus = surplus->next;
        }
        fault(reading, surplus->place,
              "%s: %zu entries, but this version takes at most %zu; remove "
              "those from here on",
              path, list->count, (size_t)row->maximum);
        return false;
    }
    return true;
}

static bool read_maps(struct reading *reading, const struct table_row *row, const struct node *node,
                      const char *path, void *base)
{
    if (node->kind != NODE_LIST) {
        fault(reading, node->place,
              "%s: expected a list of entries that begin with \"- \", found %s", path,
              node_kind_text(node));
        return false;
    }
    bool is_sound = check_entry_count(reading, row, node, path);
    size_t count = node->count < row->maximum ? node->count : (size_t)row->maximum;
    bool is_inline = row->element_size == 0;
    if (count > 0 && !is_inline && !field_make_array(row, base, count)) {
        fault(reading, node->place, "not enough memory");
        return false;
    }
    char pattern[TABLE_PATH_SIZE];
    table_pattern_below(row, pattern);
    const struct node *item = node->first;
    for (size_t i = 0; i < count; i++, item = item->next) {
        char item_path[TABLE_PATH_SIZE];
        table_path_of_entry(path, i, item_path);
        void *entry =
            is_inline ? base : (unsigned char *)field_array(row, base) + i * row->element_size;
        bool is_map = item->kind == NODE_MAP;
        remember(reading, item_path, item->place, is_map);
        if (!is_map && item->kind != NODE_BROKEN) {
            fault(reading, item->place, "%s: expected keys and values, found %s", item_path,
                  node_kind_text(item));
        }
        read_map(reading, is_map ? item : NULL, pattern, item_path, entry);
    }
    return is_sound;
}

static bool read_section(struct reading *reading, const struct table_row *row,
                         const struct node *node, const char *path, void *base)
{
    char pattern[TABLE_PATH_SIZE];
    table_pattern_below(row, pattern);
    /* A heading with every key beneath it behind a # is an empty section. */
    bool is_map = node->kind == NODE_MAP || node_is_null(node);
    if (!is_map && node->kind != NODE_BROKEN) {
        fault(reading, node->place, "%s: expected keys and values, found %s", path,
              node_kind_text(node));
    }
    read_map(reading, is_map ? node : NULL, pattern, path, base);
    return is_map;
}

static bool read_value(struct reading *reading, const struct table_row *row,
                       const struct node *node, const char *path, void *base)
{
    switch (row->type) {
    case TABLE_MAP:
        return read_section(reading, row, node, path, base);
    case TABLE_MAPS:
        return read_maps(reading, row, node, path, base);
    case TABLE_REQUIRE:
        return read_require(reading, row, node, path, base);
    case TABLE_WORDS:
    case TABLE_GLOBS:
    case TABLE_NETWORKS:
    case TABLE_PINS:
    case TABLE_NAMES:
    case TABLE_FILTERS:
        return read_several(reading, row, node, path, base);
    case TABLE_TEXT:
    case TABLE_PATH:
    case TABLE_ENDPOINT:
    case TABLE_BOOL:
    case TABLE_NUMBER:
    case TABLE_DURATION:
    case TABLE_SIZE:
    case TABLE_WORD:
    case TABLE_CHARACTERS:
        break;
    }
    return read_one(reading, row, node, path, base);
}

static void put_default(struct reading *reading, const struct table_row *row, void *base)
{
    char what[FIELD_FAULT_SIZE];
    bool is_small = reading->config->profile == CONFIG_PROFILE_SMALL && row->small != NULL;
    const char *fallback = is_small ? row->small : row->fallback;
    if (fallback != NULL && !field_put(row, base, fallback, "", what)) {
        fault(reading, (struct config_place){.line = 0}, "%s: %s", row->path, what);
    }
}

/* Reads the value of one row, or what stands for it: its default, or the report that it is missing.
 */
static void read_row(struct reading *reading, const struct node *map, const struct table_row *row,
                     const char *path, void *base)
{
    const struct node *node = map != NULL ? node_get(map, table_key(row)) : NULL;
    struct node given;
    char row_path[TABLE_PATH_SIZE];
    table_path(path, row, row_path);
    if (environment_gives(row, row_path, &given)) {
        node = &given;
    } else if (node == NULL && row->type == TABLE_MAP && environment_gives_beneath(row, row_path)) {
        node = &empty_section;
    }
    put_default(reading, row, base);
    if (node != NULL) {
        bool is_value = row->type != TABLE_MAP && row->type != TABLE_MAPS;
        bool is_sound = read_value(reading, row, node, row_path, base);
        remember(reading, row_path, is_value && !node_is_null(node) ? node->place : node->key_place,
                 is_sound);
        return;
    }
    if (row->is_required && map != NULL) {
        report_missing(reading, map, row, path);
    }
    if (row->type == TABLE_MAP) {
        char pattern[TABLE_PATH_SIZE];
        table_pattern_below(row, pattern);
        read_map(reading, NULL, pattern, row_path, base);
    }
}

/* `map` NULL: nothing was written, or nothing that could be read; only defaults are put.
 * The recursion follows the table, never the file. */
static void read_map(struct reading *reading, const struct node *map, const char *pattern,
                     const char *path, void *base)
{
    for (const struct node *child = map != NULL ? map->first : NULL; child != NULL;
         child = child->next) {
        if (table_find(pattern, child->key) == NULL) {
            report_unknown(reading, child, pattern, path);
        }
    }
    const struct table_row *row = NULL;
    while ((row = table_next(pattern, row)) != NULL) {
        read_row(reading, map, row, path, base);
    }
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slice_to_text(slice_of(path, slash != NULL ? (size_t)(slash - path) + 1 : 0));
}

/* Defaults depend on it, also those of keys before it. What is wrong with it is told in its turn.
 */
static void choose_profile(const struct node *root, struct config *config)
{
    const struct node *node = node_get(root, "profile");
    char what[FIELD_FAULT_SIZE];
    if (node != NULL && node->kind == NODE_TEXT &&
        !field_put(table_find("", "profile"), config, node->text, "", what)) {
        config->profile = CONFIG_PROFILE_FULL;
    }
}

void read_config(const struct node *root, struct config *config, struct config_faults *faults)
{
    struct reading reading = {config, faults, folder_of(config->path)};
    if (reading.folder == NULL) {
        fault(&reading, (struct config_place){.line = 0}, "not enough memory");
        return;
    }
    choose_profile(root, config);
    read_map(&reading, root, "", "", config);
    places_sort(config->places);
    free(reading.folder);
}
