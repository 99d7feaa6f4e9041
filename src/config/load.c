#include <stdlib.h>

#include "environment_internal.h"
#include "field_internal.h"
#include "files_internal.h"
#include "places_internal.h"
#include "read_internal.h"

static const struct config_place whole_file = {.line = 0};

static struct config *new_config(const char *path)
{
    struct config *config = calloc(1, sizeof(*config));
    if (config == NULL) {
        return NULL;
    }
    config->path = strdup(path);
    config->places = places_new();
    if (config->path == NULL || config->places == NULL) {
        config_free(config);
        return NULL;
    }
    return config;
}

static struct config *read_document(const char *path, const struct document *document,
                                    struct config_faults *faults)
{
    const struct node *root = document->root;
    if (root->kind != NODE_MAP) {
        config_error(faults, path, root->place, "expected keys and values, found %s",
                     node_kind_text(root));
        return NULL;
    }
    struct config *config = new_config(path);
    if (config == NULL) {
        config_error(faults, path, whole_file, "not enough memory");
        return NULL;
    }
    read_config(root, config, faults);
    check_config(config, faults);
    return config;
}

static struct config *read_text(struct slice text, const char *path, struct config_faults *faults)
{
    struct document document;
    struct config *config = NULL;
    if (document_parse(text, path, faults, &document)) {
        config = read_document(path, &document, faults);
        document_deinit(&document);
    }
    return config;
}

static struct config *read_environment(struct config_faults *faults)
{
    char text[ENVIRONMENT_TEXT_SIZE];
    if (!environment_text(faults, text)) {
        return NULL;
    }
    return read_text(slice_from_text(text), CONFIG_OF_ENVIRONMENT, faults);
}

struct config *config_read(const char *path, struct config_faults *faults)
{
    if (!config_is_file(path)) {
        return read_environment(faults);
    }
    struct file_bytes bytes;
    char what[FILE_FAULT_SIZE];
    if (!file_read(path, FILE_PUBLIC, &bytes, what)) {
        config_error(faults, path, whole_file, "%s", what);
        return NULL;
    }
    if (bytes.is_alterable) {
        config_warning(faults, path, whole_file,
                       "every user of this machine can change who may come in; run chmod o-w %s",
                       path);
    }
    struct config *config = read_text(file_slice(&bytes), path, faults);
    file_bytes_deinit(&bytes);
    return config;
}

struct config *config_load(const char *path, struct config_faults *faults)
{
    size_t errors_before = faults->error_count;
    struct config *config = config_read(path, faults);
    if (faults->error_count > errors_before) {
        config_free(config);
        return NULL;
    }
    return config;
}

/* The recursion follows the table. */
static void release(const char *pattern, void *base)
{
    const struct table_row *row = NULL;
    while ((row = table_next(pattern, row)) != NULL) {
        char below[TABLE_PATH_SIZE];
        table_pattern_below(row, below);
        bool is_inline = row->type == TABLE_MAP || row->element_size == 0;
        if (is_inline && (row->type == TABLE_MAP || row->type == TABLE_MAPS)) {
            release(below, base);
        } else if (row->type == TABLE_MAPS) {
            unsigned char *entries = field_array(row, base);
            for (size_t i = 0; i < field_count(row, base); i++) {
                release(below, entries + i * row->element_size);
            }
        }
        field_release(row, base);
    }
}

void config_free(struct config *config)
{
    if (config == NULL) {
        return;
    }
    release("", config);
    places_free(config->places);
    free(config->path);
    free(config);
}
