#include "moat/config/faults.h"

#include <stdarg.h>
#include <stdlib.h>

#include "files_internal.h"
#include "moat/base/log.h"

#define SHOWN_LINE_MAX 160 /* characters of a source line that are shown */

void config_faults_init(struct config_faults *faults)
{
    *faults = (struct config_faults){.list = NULL};
}

void config_faults_deinit(struct config_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        free(faults->list[i].file);
        free(faults->list[i].what);
    }
    free(faults->list);
    config_faults_init(faults);
}

/* Without memory the text is lost, never the fact that there was an error. */
static void add(struct config_faults *faults, const struct config_fault *fault)
{
    faults->error_count += fault->is_warning ? 0 : 1;
    struct config_fault *list = NULL;
    if (fault->file != NULL && fault->what != NULL) {
        list = reallocarray(faults->list, faults->count + 1, sizeof(*list));
    }
    if (list == NULL) {
        free(fault->file);
        free(fault->what);
        return;
    }
    list[faults->count] = *fault;
    faults->list = list;
    faults->count++;
}

static char *copy_source(const char *file, struct config_place place)
{
    return strdup(place.variable != NULL ? place.variable : file);
}

static char *format_text(const char *format, va_list arguments) MOAT_PRINTF(1, 0);
static char *format_text(const char *format, va_list arguments)
{
    char *text = NULL;
    return vasprintf(&text, format, arguments) < 0 ? NULL : text;
}

void config_error(struct config_faults *faults, const char *file, struct config_place place,
                  const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(faults, &(struct config_fault){.is_warning = false,
                                       .file = copy_source(file, place),
                                       .place = place,
                                       .what = format_text(format, arguments)});
    va_end(arguments);
}

void config_warning(struct config_faults *faults, const char *file, struct config_place place,
                    const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(faults, &(struct config_fault){.is_warning = true,
                                       .file = copy_source(file, place),
                                       .place = place,
                                       .what = format_text(format, arguments)});
    va_end(arguments);
}

/* --- in order of place --------------------------------------------------------- */

struct ranked_fault {
    const struct config_fault *fault;
    size_t file_rank; /* files in the order in which they were first at fault */
    size_t index;
};

static int compare_sizes(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked_fault *a = left;
    const struct ranked_fault *b = right;
    int order = compare_sizes(a->file_rank, b->file_rank);
    if (order == 0) {
        order = compare_sizes(a->fault->place.line, b->fault->place.line);
    }
    if (order == 0) {
        order = compare_sizes(a->fault->place.column, b->fault->place.column);
    }
    return order != 0 ? order : compare_sizes(a->index, b->index);
}

static size_t rank_of_file(const struct config_faults *faults, const char *file)
{
    size_t rank = 0;
    while (strcmp(faults->list[rank].file, file) != 0) {
        rank++;
    }
    return rank;
}

/* NULL without faults or memory. */
static struct ranked_fault *rank_faults(const struct config_faults *faults)
{
    struct ranked_fault *ranked = calloc(faults->count, sizeof(*ranked));
    for (size_t i = 0; ranked != NULL && i < faults->count; i++) {
        const struct config_fault *fault = &faults->list[i];
        ranked[i] = (struct ranked_fault){fault, rank_of_file(faults, fault->file), i};
    }
    if (ranked != NULL) {
        qsort(ranked, faults->count, sizeof(*ranked), compare_ranked);
    }
    return ranked;
}

/* --- as a compiler prints them ---------------------------------------------------- */

struct source {
    const char *file; /* whose bytes these are; NULL when none were read yet */
    struct file_bytes bytes;
};

/* The text of a line without its end; empty when it cannot be had any more. */
static struct slice source_line(struct source *source, const char *file, unsigned line)
{
    if (source->file == NULL || strcmp(source->file, file) != 0) {
        char what[FILE_FAULT_SIZE];
        file_bytes_deinit(&source->bytes);
        source->file = file;
        if (!file_read(file, FILE_PUBLIC, &source->bytes, what)) {
            return slice_of(NULL, 0);
        }
    }
    struct slice rest = file_slice(&source->bytes);
    for (unsigned at = 1; rest.size > 0; at++) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        size_t size = end != NULL ? (size_t)(end - rest.data) : rest.size;
        if (at == line) {
            return slice_of(rest.data, size);
        }
        rest = slice_after(rest, end != NULL ? size + 1 : size);
    }
    return rest;
}

static bool is_continuation_byte(uint8_t byte)
{
    return (byte & 0xC0u) == 0x80u;
}

/* The line, then spaces and a caret under the column. Control characters become '?':
 * a file must not be able to steer the terminal. Columns count characters, not bytes. */
static void print_source(FILE *stream, struct slice line, unsigned column)
{
    char caret[SHOWN_LINE_MAX + 1];
    unsigned shown = 0;
    fputs("    ", stream);
    for (size_t i = 0; i < line.size; i++) {
        uint8_t byte = line.data[i];
        bool is_control = (byte < 0x20 && byte != '\t') || byte == 0x7F;
        if (!is_continuation_byte(byte)) {
            if (shown == SHOWN_LINE_MAX) {
                break;
            }
            caret[shown++] = byte == '\t' ? '\t' : ' ';
        }
        if (byte != '\r') {
            fputc(is_control ? '?' : byte, stream);
        }
    }
    fputc('\n', stream);
    if (column <= shown + 1) {
        fprintf(stream, "    %.*s^\n", (int)(column - 1), caret);
    }
}

static void print_fault(FILE *stream, const struct config_fault *fault, struct source *source,
                        bool in_colour)
{
    const char *bold = in_colour ? "\033[1m" : "";
    const char *plain = in_colour ? "\033[0m" : "";
    const char *mark = fault->is_warning ? "\033[1;35m" : "\033[1;31m";
    fprintf(stream, "%s%s:", bold, fault->file);
    if (fault->place.line > 0) {
        fprintf(stream, "%u:", fault->place.line);
    }
    if (fault->place.column > 0) {
        fprintf(stream, "%u:", fault->place.column);
    }
    fprintf(stream, "%s %s%s:%s %s\n", plain, in_colour ? mark : "",
            fault->is_warning ? "warning" : "error", plain, fault->what);
    /* Only places in the YAML file have a column. Lines of a password file are not
     * shown: they hold hashes, and terminals are recorded. */
    if (fault->place.line > 0 && fault->place.column > 0) {
        struct slice line = source_line(source, fault->file, fault->place.line);
        if (line.size > 0) {
            print_source(stream, line, fault->place.column);
        }
    }
}

void config_faults_print(const struct config_faults *faults, FILE *stream, bool in_colour)
{
    struct source source = {.file = NULL};
    struct ranked_fault *ranked = rank_faults(faults);
    for (size_t i = 0; i < faults->count; i++) {
        print_fault(stream, ranked != NULL ? ranked[i].fault : &faults->list[i], &source,
                    in_colour);
    }
    free(ranked);
    file_bytes_deinit(&source.bytes);
}

void config_faults_log(const struct config_faults *faults)
{
    struct ranked_fault *ranked = rank_faults(faults);
    for (size_t i = 0; i < faults->count; i++) {
        const struct config_fault *fault = ranked != NULL ? ranked[i].fault : &faults->list[i];
        struct log_line line;
        log_begin(&line, fault->is_warning ? LOG_WARNING : LOG_ERROR, "configuration_fault");
        log_text(&line, "file", fault->file);
        log_number(&line, "line", fault->place.line);
        log_number(&line, "column", fault->place.column);
        log_text(&line, "msg", fault->what);
        log_end(&line);
    }
    free(ranked);
}
