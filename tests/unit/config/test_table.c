#include "files.h"

#include <ctype.h>

#include "config/field_internal.h"
#include "moat/config/config.h"
#include "moat/config/reference.h"

static bool is_section(const struct table_row *row)
{
    return row->type == TABLE_MAP || row->type == TABLE_MAPS;
}

static bool is_number(const struct table_row *row)
{
    return row->type == TABLE_NUMBER || row->type == TABLE_DURATION || row->type == TABLE_SIZE;
}

/* Room for a value of any row, at the offset of the row. */
union scratch {
    struct config config;
    struct config_listener listener;
    struct config_rule rule;
};

static bool put(const struct table_row *row, const char *text, union scratch *scratch)
{
    char what[FIELD_FAULT_SIZE] = "";
    memset(scratch, 0, sizeof(*scratch));
    bool is_put = field_put(row, scratch, text, "folder/", what);
    cr_expect(is_put == (what[0] == '\0'), "%s: \"%s\": %s", row->path, text, what);
    return is_put;
}

Test(table, every_row_is_whole)
{
    const struct table_row *row = NULL;
    while ((row = table_after(row)) != NULL) {
        cr_expect_not_null(row->doc, "%s", row->path);
        cr_expect_eq(row->doc[strlen(row->doc) - 1], '.', "%s", row->path);
        cr_expect(isupper((unsigned char)row->doc[0]) || islower((unsigned char)row->doc[0]), "%s",
                  row->path);
        cr_expect_lt(strlen(row->path) + 16, TABLE_PATH_SIZE, "%s", row->path);
        bool needs_example = !is_section(row) || row->is_required;
        cr_expect(!needs_example || row->example != NULL, "%s", row->path);
        cr_expect(!(row->is_required && row->fallback != NULL), "%s", row->path);
        cr_expect(!is_number(row) || row->minimum < row->maximum, "%s", row->path);
        cr_expect(!is_number(row) || row->fallback != NULL || row->minimum > 0,
                  "%s: 0 would look as if nothing had been written", row->path);
        /* One variable is one value: no section, no list. */
        cr_expect(row->variable == NULL || (!is_section(row) && row->counter_offset == 0 &&
                                            strncmp(row->variable, "MOAT_", 5) == 0),
                  "%s", row->path);
    }
}

Test(table, every_path_is_found_once_beneath_a_section)
{
    const struct table_row *row = NULL;
    while ((row = table_after(row)) != NULL) {
        char parent[TABLE_PATH_SIZE];
        snprintf(parent, sizeof(parent), "%s", row->path);
        char *dot = strrchr(parent, '.');
        *(dot != NULL ? dot : parent) = '\0';
        cr_expect_eq(table_find(parent, table_key(row)), row, "%s", row->path);
    }
    cr_expect_null(table_find("", "listeners[]"));
    cr_expect_null(table_find("", ""));
    cr_expect_null(table_find("listener", "s"));
    cr_expect_null(table_find("listeners", "name"));
    cr_expect_null(table_next("nothing", NULL));
}

Test(table, every_row_is_reached)
{
    size_t reached = 0;
    const struct table_row *row = NULL;
    while ((row = table_next("", row)) != NULL) {
        reached++;
    }
    size_t count = 0;
    const struct table_row *parent = NULL;
    while ((parent = table_after(parent)) != NULL) {
        char below[TABLE_PATH_SIZE];
        table_pattern_below(parent, below);
        row = NULL;
        while (is_section(parent) && (row = table_next(below, row)) != NULL) {
            reached++;
        }
        count++;
    }
    cr_expect_eq(reached, count);
}

Test(table, every_default_and_example_can_be_read)
{
    const struct table_row *row = NULL;
    while ((row = table_after(row)) != NULL) {
        union scratch scratch;
        if (row->fallback != NULL) {
            cr_expect(put(row, row->fallback, &scratch), "%s", row->path);
        }
        if (is_number(row) || row->type == TABLE_BOOL) {
            cr_expect(put(row, row->example, &scratch), "%s", row->path);
        }
    }
}

Test(table, every_range_holds_at_its_ends)
{
    const struct table_row *row = NULL;
    while ((row = table_after(row)) != NULL) {
        char text[TABLE_NUMBER_TEXT_SIZE];
        union scratch scratch;
        if (!is_number(row)) {
            continue;
        }
        table_number_text(row, row->minimum, text);
        cr_expect(put(row, text, &scratch), "%s: %s", row->path, text);
        cr_expect_eq(field_integer(row, &scratch), row->minimum, "%s", row->path);
        table_number_text(row, row->maximum, text);
        cr_expect(put(row, text, &scratch), "%s: %s", row->path, text);
        cr_expect_eq(field_integer(row, &scratch), row->maximum, "%s", row->path);
        table_number_text(row, row->maximum + 1, text);
        cr_expect_not(put(row, text, &scratch), "%s: %s", row->path, text);
        if (row->minimum > 0) {
            table_number_text(row, row->minimum - 1, text);
            cr_expect_not(put(row, text, &scratch), "%s: %s", row->path, text);
        }
    }
}

Test(table, what_was_put_is_printed)
{
    const struct table_row *row = NULL;
    while ((row = table_after(row)) != NULL) {
        union scratch scratch;
        if (row->fallback == NULL || row->size == 0 || !put(row, row->fallback, &scratch)) {
            continue;
        }
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        field_print(row, &scratch, stream);
        fclose(stream);
        /* Addresses are printed in quotes, for some would be something else without. */
        bool is_quoted = row->type == TABLE_ENDPOINT;
        cr_expect_eq(strlen(text), strlen(row->fallback) + (is_quoted ? 2 : 0), "%s", row->path);
        cr_expect_eq(strncmp(text + is_quoted, row->fallback, strlen(row->fallback)), 0, "%s",
                     row->path);
        free(text);
    }
}

Test(table, secrets_are_not_printed)
{
    struct config_listener listener = {.name = test_folder};
    struct table_row row = *table_find("listeners[]", "name");
    row.is_secret = true;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    field_print(&row, &listener, stream);
    fclose(stream);
    cr_expect_str_eq(text, "(hidden)");
    free(text);
}

/* --- the papers that are made of it --------------------------------------------------------- */

static char *made_by(void (*print)(FILE *stream))
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    cr_assert_not_null(stream);
    print(stream);
    cr_assert_eq(fclose(stream), 0);
    return text;
}

static char *read_whole(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    cr_assert_geq(getdelim(&text, &size, '\0', file), 0);
    fclose(file);
    return text;
}

Test(table, the_papers_are_up_to_date)
{
    char *made = made_by(config_reference_markdown);
    char *kept = read_whole(TEST_SOURCE_ROOT "/docs/configuration.md");
    cr_expect(strcmp(made, kept) == 0, "run tests/lint/configuration --write");
    free(made);
    free(kept);
    made = made_by(config_reference_yaml);
    kept = read_whole(TEST_SOURCE_ROOT "/config/moat.yaml");
    cr_expect(strcmp(made, kept) == 0, "run tests/lint/configuration --write");
    free(made);
    free(kept);
}

Test(table, the_reference_has_every_key)
{
    char *made = made_by(config_reference_markdown);
    const struct table_row *row = NULL;
    while ((row = table_after(row)) != NULL) {
        char heading[TABLE_PATH_SIZE + 8];
        snprintf(heading, sizeof(heading), "# `%s`\n", row->path);
        cr_expect_not_null(strstr(made, heading), "%s", row->path);
    }
    free(made);
}

static bool is_switched_off(const char *line)
{
    return line[0] == '#' && line[1] != '\n' && (line[1] != ' ' || line[2] == ' ');
}

/* The example, with the line of this number switched on; (size_t)-1 switches none. */
static size_t write_example(const char *text, size_t switched_on, char *out_line, size_t line_size)
{
    size_t count = 0;
    FILE *file = fopen("moat.yaml", "w");
    cr_assert_not_null(file);
    while (*text != '\0') {
        size_t size = strcspn(text, "\n") + 1;
        size_t skipped = 0;
        if (is_switched_off(text) && count++ == switched_on) {
            skipped = 1;
            snprintf(out_line, line_size, "%.*s", (int)size - 2, text + 1);
        }
        fwrite(text + skipped, 1, size - skipped, file);
        text += size;
    }
    cr_assert_eq(fclose(file), 0);
    return count;
}

Test(table, the_example_is_a_configuration, .init = enter_test_folder, .fini = leave_test_folder)
{
    char *text = made_by(config_reference_yaml);
    char line[128] = "";
    struct config_faults faults;
    config_faults_init(&faults);
    size_t count = write_example(text, (size_t)-1, line, sizeof(line));
    struct config *config = config_load("moat.yaml", &faults);
    show_faults(&faults);
    cr_expect_not_null(config);
    cr_expect_eq(faults.count, 0);
    config_free(config);
    cr_expect_gt(count, 25);
    for (size_t i = 0; i < count; i++) {
        write_example(text, i, line, sizeof(line));
        config = config_load("moat.yaml", &faults);
        if (strstr(line, "certificate: \"") != NULL || strstr(line, "issuer: \"") != NULL ||
            strstr(line, "client_id: [\"${certificate}\"") != NULL) {
            cr_expect(faults.count == 1 && faults.error_count == 0,
                      "no listener of the example asks for certificates: %s", line);
            config_free(config);
            config_faults_deinit(&faults);
            continue;
        }
        /* The keys that need another beside them. */
        bool is_of_clients = strstr(line, "client_ca:") != NULL ||
                             strstr(line, "client_crl:") != NULL ||
                             strstr(line, "spki_pins:") != NULL;
        cr_expect_eq(faults.count, is_of_clients ? 1 : 0, "%s", line);
        show_faults(&faults);
        config_free(config);
        config_faults_deinit(&faults);
    }
    free(text);
}
