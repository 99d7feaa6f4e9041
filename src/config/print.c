/* moat check --print: what is in force, as a file that says the same when it is read. */
#include "field_internal.h"
#include "moat/config/config.h"

struct printer {
    FILE *stream;
    bool begins_entry; /* the next key is the first of a list entry and gets the dash */
};

static void print_key(struct printer *printer, const struct table_row *row, int indent)
{
    if (printer->begins_entry) {
        fprintf(printer->stream, "%*s- %s:", indent - 2, "", table_key(row));
    } else {
        fprintf(printer->stream, "%*s%s:", indent, "", table_key(row));
    }
    printer->begins_entry = false;
}

/* False for a section with nothing in it. The recursions follow the table. */
static bool has_content(const struct table_row *row, const void *base)
{
    if (row->type != TABLE_MAP) {
        return field_is_set(row, base);
    }
    char below[TABLE_PATH_SIZE];
    table_pattern_below(row, below);
    const struct table_row *child = NULL;
    while ((child = table_next(below, child)) != NULL) {
        if (has_content(child, base)) {
            return true;
        }
    }
    return false;
}

static void print_map(struct printer *printer, const char *pattern, const void *base, int indent);

static void print_entries(struct printer *printer, const struct table_row *row, const void *base,
                          int indent)
{
    char below[TABLE_PATH_SIZE];
    table_pattern_below(row, below);
    if (row->element_size == 0) {
        printer->begins_entry = true;
        print_map(printer, below, base, indent + 4);
        return;
    }
    const unsigned char *entries = field_array(row, base);
    for (size_t i = 0; i < field_count(row, base); i++) {
        printer->begins_entry = true;
        print_map(printer, below, entries + i * row->element_size, indent + 4);
    }
}

static void print_row(struct printer *printer, const struct table_row *row, const void *base,
                      int indent)
{
    if (!has_content(row, base)) {
        return;
    }
    print_key(printer, row, indent);
    if (row->type == TABLE_MAP) {
        char below[TABLE_PATH_SIZE];
        table_pattern_below(row, below);
        fputc('\n', printer->stream);
        print_map(printer, below, base, indent + 2);
    } else if (row->type == TABLE_MAPS) {
        fputc('\n', printer->stream);
        print_entries(printer, row, base, indent);
    } else {
        fputc(' ', printer->stream);
        /* What has no member has its default: there is no other value it could have. */
        if (row->size == 0) {
            fputs(row->fallback, printer->stream);
        } else {
            field_print(row, base, printer->stream);
        }
        fputc('\n', printer->stream);
    }
}

static void print_map(struct printer *printer, const char *pattern, const void *base, int indent)
{
    const struct table_row *row = NULL;
    while ((row = table_next(pattern, row)) != NULL) {
        print_row(printer, row, base, indent);
    }
}

void config_print(const struct config *config, FILE *stream)
{
    struct printer printer = {.stream = stream};
    print_map(&printer, "", config, 0);
}
