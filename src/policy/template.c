/* From a text as written to parts, and from facts to what the parts stand for. */
#include "template_internal.h"

#include <stdlib.h>

static const char *const names[TEMPLATE_VARIABLES] = {
    [TEMPLATE_CERTIFICATE] = "certificate",
    [TEMPLATE_COMMON_NAME] = "certificate.cn",
    [TEMPLATE_USERNAME] = "username",
    [TEMPLATE_ADDRESS] = "address",
};

const char *policy_substitution_name(size_t index)
{
    return index < TEMPLATE_VARIABLES ? names[index] : NULL;
}

/* --- reading ------------------------------------------------------------------------ */

struct template_reader {
    enum template_kind kind;
    struct slice text;
    size_t at;
    struct slice unknown; /* what stands where the name of a substitution should */
};

/* One element of the text: a part of its own, or one byte of literal text. */
struct template_element {
    enum template_part_kind kind;
    enum template_variable variable;
    uint8_t byte;
};

/* "$nonsense" without braces is shown up to where the word ends. */
static struct slice bare_word(struct slice text)
{
    size_t size = 0;
    while (size < text.size && ((text.data[size] >= 'a' && text.data[size] <= 'z') ||
                                text.data[size] == '.' || text.data[size] == '_')) {
        size++;
    }
    return slice_of(text.data, size);
}

/* The reader stands at a dollar sign that is no text. */
static const char *read_substitution(struct template_reader *reader,
                                     struct template_element *out_element)
{
    struct slice rest = slice_after(reader->text, reader->at + 1);
    const uint8_t *end =
        rest.size > 0 && rest.data[0] == '{' ? memchr(rest.data, '}', rest.size) : NULL;
    if (end == NULL) {
        reader->unknown =
            bare_word(rest.size > 0 && rest.data[0] == '{' ? slice_after(rest, 1) : rest);
        return reader->kind == TEMPLATE_NAME
                   ? "a dollar sign opens a substitution, as in ${username}; write \\$ for the "
                     "character itself"
                   : "${ opens a substitution that has no end, as ${username} has";
    }
    struct slice name = slice_of(rest.data + 1, (size_t)(end - rest.data) - 1);
    for (size_t index = 0; index < TEMPLATE_VARIABLES; index++) {
        if (slice_is(name, names[index])) {
            out_element->kind = TEMPLATE_VARIABLE;
            out_element->variable = (enum template_variable)index;
            reader->at += name.size + 3;
            return NULL;
        }
    }
    reader->unknown = name;
    return "unknown substitution; known are ${certificate}, ${certificate.cn}, ${username} and "
           "${address}";
}

static const char *read_escape(struct template_reader *reader, struct template_element *out_element)
{
    struct slice rest = slice_after(reader->text, reader->at + 1);
    if (rest.size == 0) {
        return "the pattern ends in a lone backslash; write \\\\ for a backslash";
    }
    if (memchr("*?\\$", rest.data[0], 4) == NULL) {
        return "a backslash may only stand before *, ?, $ or another backslash";
    }
    out_element->byte = rest.data[0];
    reader->at += 2;
    return NULL;
}

static const char *read_name_element(struct template_reader *reader,
                                     struct template_element *out_element)
{
    switch (out_element->byte) {
    case '$':
        return read_substitution(reader, out_element);
    case '\\':
        return read_escape(reader, out_element);
    case '*':
        out_element->kind = TEMPLATE_RUN;
        break;
    case '?':
        out_element->kind = TEMPLATE_ONE;
        break;
    default:
        break;
    }
    reader->at++;
    return NULL;
}

/* `at` is inside the text. */
static bool is_slash(struct slice text, size_t at)
{
    return text.data[at] == '/';
}

/* A dollar sign alone is an ordinary character of topics ($SYS, $share, device/$state). */
static const char *read_filter_element(struct template_reader *reader,
                                       struct template_element *out_element)
{
    size_t at = reader->at;
    bool begins_level = at == 0 || is_slash(reader->text, at - 1);
    bool ends_text = at + 1 == reader->text.size;

    if (out_element->byte == '$' && !ends_text && reader->text.data[at + 1] == '{') {
        return read_substitution(reader, out_element);
    }
    if (out_element->byte == '+') {
        if (!begins_level || !(ends_text || is_slash(reader->text, at + 1))) {
            return "+ stands for a whole level of the topic, as in a/+/b";
        }
        out_element->kind = TEMPLATE_LEVEL;
    } else if (out_element->byte == '#') {
        if (!begins_level || !ends_text) {
            return "# stands for all levels that follow, and only at the end, as in a/#";
        }
        out_element->kind = TEMPLATE_REST;
    }
    reader->at++;
    return NULL;
}

/* The reader must not be at the end. */
static const char *read_element(struct template_reader *reader,
                                struct template_element *out_element)
{
    *out_element =
        (struct template_element){.kind = TEMPLATE_TEXT, .byte = reader->text.data[reader->at]};
    return reader->kind == TEMPLATE_NAME ? read_name_element(reader, out_element)
                                         : read_filter_element(reader, out_element);
}

/* --- checking and compiling ----------------------------------------------------------- */

static const char *check_whole(enum template_kind kind, struct slice text)
{
    if (kind == TEMPLATE_FILTER && text.size == 0) {
        return "a topic filter has at least one character";
    }
    if (kind == TEMPLATE_FILTER && slice_starts_with(text, "$share/")) {
        return "write the filter without $share/<group>/; shared subscriptions are judged by it";
    }
    return NULL;
}

const char *template_check(enum template_kind kind, struct slice text, struct slice *out_unknown)
{
    struct template_reader reader = {.kind = kind, .text = text};
    struct template_element element;
    const char *fault = check_whole(kind, text);
    while (fault == NULL && reader.at < text.size) {
        fault = read_element(&reader, &element);
    }
    *out_unknown = reader.unknown;
    return fault;
}

const char *policy_check_template(struct slice text, struct slice *out_unknown)
{
    return template_check(TEMPLATE_NAME, text, out_unknown);
}

const char *policy_check_filter(struct slice text, struct slice *out_unknown)
{
    return template_check(TEMPLATE_FILTER, text, out_unknown);
}

const char *policy_check_bind_username(struct slice text)
{
    struct template_reader reader = {.kind = TEMPLATE_NAME, .text = text};
    struct template_element element;
    const char *fault = NULL;
    while (fault == NULL && reader.at < text.size) {
        fault = read_element(&reader, &element);
        if (fault == NULL && element.kind == TEMPLATE_VARIABLE &&
            element.variable == TEMPLATE_USERNAME) {
            fault = "${username} would compare the user name with itself; write what it must be";
        }
    }
    return fault;
}

/* Literal bytes that stand together are one part. `used` counts those of all parts. */
static void add_element(struct template *template, const struct template_element *element,
                        size_t *used)
{
    struct template_part *last = template->count > 0 ? &template->parts[template->count - 1] : NULL;
    bool is_text = element->kind == TEMPLATE_TEXT;
    if (!is_text || last == NULL || last->kind != TEMPLATE_TEXT) {
        last = &template->parts[template->count++];
        *last = (struct template_part){.kind = element->kind,
                                       .variable = element->variable,
                                       .text = slice_of(template->bytes + *used, 0)};
    }
    if (is_text) {
        template->bytes[(*used)++] = element->byte;
        last->text.size++;
    }
}

const char *template_compile(enum template_kind kind, struct slice text,
                             struct template *out_template)
{
    struct template_reader reader = {.kind = kind, .text = text};
    struct template_element element;
    size_t used = 0;
    /* Every part comes from at least one byte of the text. */
    *out_template = (struct template){.kind = kind,
                                      .written = slice_to_text(text),
                                      .bytes = malloc(text.size + 1),
                                      .parts = calloc(text.size + 1, sizeof(struct template_part))};
    if (out_template->written == NULL || out_template->bytes == NULL ||
        out_template->parts == NULL) {
        return "out of memory";
    }
    const char *fault = check_whole(kind, text);
    while (fault == NULL && reader.at < text.size) {
        fault = read_element(&reader, &element);
        if (fault == NULL) {
            add_element(out_template, &element, &used);
        }
    }
    return fault;
}

void template_deinit(struct template *template)
{
    free(template->written);
    free(template->bytes);
    free(template->parts);
    *template = (struct template){.count = 0};
}

/* --- facts --------------------------------------------------------------------------- */

void template_values_init(struct template_values *values, const struct policy_facts *facts)
{
    *values = (struct template_values){.address = ""};
    if (facts->has_identity) {
        values->of[TEMPLATE_CERTIFICATE] = facts->identity;
        values->of[TEMPLATE_COMMON_NAME] = facts->common_name;
    }
    if (facts->has_username) {
        values->of[TEMPLATE_USERNAME] = facts->username;
    }
    if (facts->address.family != ADDRESS_NONE) {
        address_format(&facts->address, values->address);
        values->of[TEMPLATE_ADDRESS] = slice_from_text(values->address);
    }
}
