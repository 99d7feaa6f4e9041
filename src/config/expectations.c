#include "moat/config/expectations.h"

#include <stdarg.h>
#include <stdlib.h>

#include "document_internal.h"
#include "field_internal.h"
#include "files_internal.h"
#include "question_internal.h"
#include "values_internal.h"

#define MEMBER(member)                                                                             \
    .offset = offsetof(struct entry, member), .size = sizeof(((struct entry *)NULL)->member)
#define KEYS_MAX          24 /* of one map */
#define SECTION_PATH_SIZE 40
#define EXPECT_VERDICT    0

static const struct config_place whole_file = {.line = 0};

/* What an entry says of itself and expects, as it is written. */
struct entry {
    char *name;
    uint8_t verdict;
    char *rule;
    char *reason;
    char *code;
};

/* clang-format off */
static const struct table_row entry_rows[] = {
    {"name", TABLE_TEXT, .minimum = 1, .maximum = 256, .is_required = true, MEMBER(name),
     .example = "sensors come in"},
    {"client", TABLE_MAP, .is_required = true, .example = "{ client_id: sensor-1 }"},
    {"expect", TABLE_MAP, .is_required = true, .example = "{ verdict: allow }"},
};

static const struct table_row expect_rows[] = {
    [EXPECT_VERDICT] = {"verdict", TABLE_WORD, .is_required = true, MEMBER(verdict),
     .words = {{"allow", 0}, {"deny", 1}, {"observe", 2}}, .example = "allow"},
    {"rule", TABLE_TEXT, .minimum = 1, .maximum = 64, MEMBER(rule)},
    {"reason", TABLE_TEXT, .minimum = 1, .maximum = 64, MEMBER(reason)},
    {"code", TABLE_TEXT, .minimum = 1, .maximum = 16, MEMBER(code)},
    {"publish", TABLE_MAP},
    {"subscribe", TABLE_MAP},
};
/* clang-format on */

static const struct table_row *entry_row(size_t index)
{
    return index < sizeof(entry_rows) / sizeof(entry_rows[0]) ? &entry_rows[index] : NULL;
}

static const struct table_row *expect_row(size_t index)
{
    return index < sizeof(expect_rows) / sizeof(expect_rows[0]) ? &expect_rows[index] : NULL;
}

/* --- one map ----------------------------------------------------------------------------- */

/* A map of the file, and the table that its keys are of. */
struct section {
    char path[SECTION_PATH_SIZE]; /* "[3].client" */
    const struct table_row *(*row_at)(size_t index);
    void *base;                           /* what the offsets of the rows are of */
    const struct node *written[KEYS_MAX]; /* by index of the row; NULL where it is not there */
};

struct reading {
    const char *path;
    char *folder; /* of the file: "" or with a slash at the end */
    struct config_faults *faults;
};

static void fault(struct reading *reading, struct config_place place, const char *format, ...)
    MOAT_PRINTF(3, 4);
static void fault(struct reading *reading, struct config_place place, const char *format, ...)
{
    char what[FIELD_FAULT_SIZE + TABLE_PATH_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    config_error(reading->faults, reading->path, place, "%s", what);
}

static void read_value(struct reading *reading, const struct section *section,
                       const struct table_row *row, const struct node *node)
{
    char what[FIELD_FAULT_SIZE];
    char type[TABLE_TYPE_TEXT_SIZE];
    bool is_text = node->kind == NODE_TEXT && !node_is_null(node);
    if (node->kind == NODE_BROKEN || (row->type == TABLE_MAP && node->kind == NODE_MAP)) {
        return;
    }
    if (!is_text || row->type == TABLE_MAP) {
        table_type_text(row, type);
        fault(reading, node->place, "%s.%s: expected %s, found %s", section->path, row->path, type,
              node_kind_text(node));
    } else if (!field_put(row, section->base, node->text, reading->folder, what)) {
        fault(reading, node->place, "%s.%s: %s", section->path, row->path, what);
    }
}

static void report_unknown(struct reading *reading, const struct section *section,
                           const struct node *node)
{
    struct suggestion suggestion;
    suggestion_init(&suggestion, node->key);
    for (size_t i = 0; section->row_at(i) != NULL; i++) {
        suggestion_offer(&suggestion, section->row_at(i)->path);
    }
    bool is_near = suggestion.best != NULL;
    fault(reading, node->key_place, "%s: unknown key \"%.80s\"%s%s%s", section->path, node->key,
          is_near ? " (did you mean \"" : "; remove it", is_near ? suggestion.best : "",
          is_near ? "\"?)" : "");
}

static void read_key(struct reading *reading, struct section *section, const struct node *node)
{
    for (size_t i = 0; section->row_at(i) != NULL; i++) {
        if (strcmp(section->row_at(i)->path, node->key) == 0) {
            section->written[i] = node;
            read_value(reading, section, section->row_at(i), node);
            return;
        }
    }
    report_unknown(reading, section, node);
}

static void read_section(struct reading *reading, struct section *section, const struct node *map)
{
    for (const struct node *node = map->first; node != NULL; node = node->next) {
        read_key(reading, section, node);
    }
    for (size_t i = 0; section->row_at(i) != NULL; i++) {
        const struct table_row *row = section->row_at(i);
        if (row->is_required && section->written[i] == NULL) {
            fault(reading, map->place, "%s: missing key \"%s\"; for example %s: %s", section->path,
                  row->path, row->path, row->example);
        }
    }
}

/* The place of a key, or none when it was not written. */
static struct config_place place_of(const struct section *section, const char *key)
{
    size_t index = 0;
    while (strcmp(section->row_at(index)->path, key) != 0) {
        index++;
    }
    return section->written[index] != NULL ? section->written[index]->place : whole_file;
}

/* --- one entry --------------------------------------------------------------------------- */

static void read_client(struct reading *reading, const struct node *map, size_t entry_at,
                        struct expectation *expectation)
{
    struct section section = {.row_at = question_row, .base = &expectation->client};
    size_t at = 0;
    size_t errors_before = reading->faults->error_count;
    snprintf(section.path, sizeof(section.path), "[%zu].client", entry_at);
    read_section(reading, &section, map);
    expectation->listener_place = place_of(&section, "listener");
    const char *what = question_check(&expectation->client, &at);
    if (what != NULL && reading->faults->error_count == errors_before) {
        const struct node *node = section.written[at];
        fault(reading, node != NULL ? node->place : map->place, "%s.%s: %s", section.path,
              question_row(at)->path, what);
    }
}

static int32_t digit_value(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *found = digit != '\0' ? strchr(digits, digit | 0x20) : NULL;
    return found != NULL ? (int32_t)(found - digits) : -1;
}

/* "none", or two hexadecimal digits behind 0x as MQTT's own tables have them. */
static bool parse_code(const char *text, int32_t *out_code)
{
    if (strcmp(text, "none") == 0) {
        *out_code = EXPECTATION_CODE_NONE;
        return true;
    }
    bool is_hex = strlen(text) == 4 && text[0] == '0' && text[1] == 'x' &&
                  digit_value(text[2]) >= 0 && digit_value(text[3]) >= 0;
    if (is_hex) {
        *out_code = digit_value(text[2]) * 16 + digit_value(text[3]);
    }
    return is_hex;
}

/* Of a map from topics to verdicts, one pair. */
static void read_topic(struct reading *reading, const struct node *node, const char *path,
                       bool is_subscription, struct expectation *expectation)
{
    const struct table_row *row = &expect_rows[EXPECT_VERDICT];
    struct entry entry = {.name = NULL};
    char what[FIELD_FAULT_SIZE];
    struct question *client = &expectation->client;
    if (node->kind != NODE_TEXT || !field_put(row, &entry, node->text, "", what)) {
        fault(reading, node->place, "%s: expected allow, deny or observe behind each topic", path);
        return;
    }
    if (!question_add_topic(client, is_subscription, node->key, what)) {
        fault(reading, node->key_place, "%s: %s", path, what);
        return;
    }
    const char **verdicts = reallocarray(expectation->topic_verdicts, client->topic_count,
                                         sizeof(*expectation->topic_verdicts));
    if (verdicts == NULL) {
        fault(reading, whole_file, "not enough memory");
        return;
    }
    verdicts[client->topic_count - 1] = row->words[entry.verdict].text;
    expectation->topic_verdicts = verdicts;
}

static void read_topics(struct reading *reading, const struct node *map, size_t entry_at,
                        struct expectation *expectation)
{
    bool is_subscription = map != NULL && strcmp(map->key, "subscribe") == 0;
    char path[SECTION_PATH_SIZE];
    if (map == NULL || map->kind != NODE_MAP) {
        return;
    }
    snprintf(path, sizeof(path), "[%zu].expect.%s", entry_at,
             is_subscription ? "subscribe" : "publish");
    for (const struct node *node = map->first; node != NULL; node = node->next) {
        read_topic(reading, node, path, is_subscription, expectation);
    }
}

static void read_expect(struct reading *reading, const struct node *map, size_t entry_at,
                        struct entry *entry, struct expectation *expectation)
{
    struct section section = {.row_at = expect_row, .base = entry};
    snprintf(section.path, sizeof(section.path), "[%zu].expect", entry_at);
    read_section(reading, &section, map);
    expectation->rule_place = place_of(&section, "rule");
    expectation->reason_place = place_of(&section, "reason");
    read_topics(reading, node_get(map, "publish"), entry_at, expectation);
    read_topics(reading, node_get(map, "subscribe"), entry_at, expectation);
    if (entry->code != NULL && !parse_code(entry->code, &expectation->code)) {
        fault(reading, place_of(&section, "code"),
              "%s.code: \"%s\" is no code; expected two hexadecimal digits as in 0x87, or none",
              section.path, entry->code);
    }
}

static void read_entry(struct reading *reading, const struct node *map, size_t at,
                       struct expectation *expectation)
{
    struct entry entry = {.name = NULL};
    struct section section = {.row_at = entry_row, .base = &entry};
    snprintf(section.path, sizeof(section.path), "[%zu]", at);
    expectation->place = map->place;
    expectation->code = EXPECTATION_CODE_UNSAID;
    question_init(&expectation->client);
    if (map->kind != NODE_MAP) {
        fault(reading, map->place, "%s: expected keys and values, found %s", section.path,
              node_kind_text(map));
        return;
    }
    read_section(reading, &section, map);
    const struct node *client = node_get(map, "client");
    const struct node *expect = node_get(map, "expect");
    if (client != NULL && client->kind == NODE_MAP) {
        read_client(reading, client, at, expectation);
    }
    if (expect != NULL && expect->kind == NODE_MAP) {
        read_expect(reading, expect, at, &entry, expectation);
    }
    expectation->name = entry.name;
    expectation->verdict = expect_rows[EXPECT_VERDICT].words[entry.verdict].text;
    expectation->rule = entry.rule;
    expectation->reason = entry.reason;
    free(entry.code);
}

/* --- the file ---------------------------------------------------------------------------- */

void expectations_free(struct expectations *expectations)
{
    for (size_t i = 0; expectations != NULL && i < expectations->count; i++) {
        struct expectation *expectation = &expectations->list[i];
        question_deinit(&expectation->client);
        free(expectation->name);
        free(expectation->rule);
        free(expectation->reason);
        free(expectation->topic_verdicts);
    }
    if (expectations != NULL) {
        free(expectations->list);
        free(expectations->path);
    }
    free(expectations);
}

static struct expectations *read_list(struct reading *reading, const struct node *root)
{
    if (root->kind != NODE_LIST || root->count == 0) {
        fault(reading, root->place,
              "expected a list of tests that begin with \"- name:\", found %s",
              root->count == 0 ? "nothing" : node_kind_text(root));
        return NULL;
    }
    struct expectations *expectations = calloc(1, sizeof(*expectations));
    if (expectations == NULL) {
        fault(reading, whole_file, "not enough memory");
        return NULL;
    }
    expectations->path = strdup(reading->path);
    expectations->list = calloc(root->count, sizeof(*expectations->list));
    if (expectations->path == NULL || expectations->list == NULL) {
        fault(reading, whole_file, "not enough memory");
        return expectations;
    }
    for (const struct node *node = root->first; node != NULL; node = node->next) {
        size_t at = expectations->count++;
        read_entry(reading, node, at, &expectations->list[at]);
    }
    return expectations;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slice_to_text(slice_of(path, slash != NULL ? (size_t)(slash - path) + 1 : 0));
}

static struct expectations *read_bytes(struct reading *reading, const struct file_bytes *bytes)
{
    struct document document;
    struct expectations *expectations = NULL;
    reading->folder = folder_of(reading->path);
    if (reading->folder == NULL) {
        fault(reading, whole_file, "not enough memory");
    } else if (document_parse(file_slice(bytes), reading->path, reading->faults, &document)) {
        expectations = read_list(reading, document.root);
        document_deinit(&document);
    }
    free(reading->folder);
    return expectations;
}

struct expectations *expectations_load(const char *path, struct config_faults *faults)
{
    struct reading reading = {.path = path, .faults = faults};
    struct file_bytes bytes;
    char what[FILE_FAULT_SIZE];
    size_t errors_before = faults->error_count;
    if (!file_read(path, FILE_PUBLIC, &bytes, what)) {
        config_error(faults, path, whole_file, "%s", what);
        return NULL;
    }
    struct expectations *expectations = read_bytes(&reading, &bytes);
    file_bytes_deinit(&bytes);
    if (faults->error_count > errors_before) {
        expectations_free(expectations);
        return NULL;
    }
    return expectations;
}
