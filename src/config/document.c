/* The one file that knows libyaml. Its event interface is used, not its document
 * interface, because only events tell about anchors and about tags that were written. */
#include "document_internal.h"

#include <stdlib.h>
#include <yaml.h>

#include "moat/base/utf8.h"

struct builder {
    struct document *document;
    const char *file;
    struct config_faults *faults;
    struct node *open[DOCUMENT_DEPTH_MAX];
    size_t depth;
    unsigned documents;
};

static struct config_place place_of(yaml_mark_t mark)
{
    /* libyaml counts from 0; the file's size cap keeps both far below UINT_MAX. */
    return (struct config_place){.line = (unsigned)mark.line + 1,
                                 .column = (unsigned)mark.column + 1};
}

static struct node *new_node(struct builder *builder, enum node_kind kind, yaml_mark_t mark)
{
    struct document *document = builder->document;
    struct config_place place = place_of(mark);
    if (document->node_count == DOCUMENT_NODES_MAX) {
        config_error(builder->faults, builder->file, place, "more than %u values; shorten the file",
                     DOCUMENT_NODES_MAX);
        return NULL;
    }
    struct node *node = calloc(1, sizeof(*node));
    if (node == NULL) {
        config_error(builder->faults, builder->file, place, "not enough memory");
        return NULL;
    }
    node->kind = kind;
    node->place = place;
    node->allocated_before = document->newest;
    document->newest = node;
    document->node_count++;
    return node;
}

static void append(struct node *parent, struct node *child)
{
    if (parent->last == NULL) {
        parent->first = child;
    } else {
        parent->last->next = child;
    }
    parent->last = child;
    parent->count++;
}

/* Puts a new node into the innermost open map or list, or makes it the root. */
static void attach(struct builder *builder, struct node *node)
{
    if (builder->depth > 0) {
        append(builder->open[builder->depth - 1], node);
    } else {
        builder->document->root = node;
    }
}

static void refuse_decoration(struct builder *builder, const yaml_char_t *anchor,
                              const yaml_char_t *tag, yaml_mark_t mark)
{
    if (anchor != NULL) {
        config_error(builder->faults, builder->file, place_of(mark),
                     "anchors are not supported; remove \"&%.40s\"", (const char *)anchor);
    }
    if (tag != NULL) {
        config_error(builder->faults, builder->file, place_of(mark),
                     "tags are not supported; remove what begins with \"!\"");
    }
}

static bool add_scalar(struct builder *builder, const yaml_event_t *event)
{
    struct slice value = slice_of(event->data.scalar.value, event->data.scalar.length);
    refuse_decoration(builder, event->data.scalar.anchor, event->data.scalar.tag,
                      event->start_mark);
    struct node *node = new_node(builder, NODE_TEXT, event->start_mark);
    if (node == NULL) {
        return false;
    }
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (utf8_check(value) != UTF8_OK) {
        /* A NUL would cut the text short, a line break would forge a line elsewhere. */
        config_error(builder->faults, builder->file, node->place,
                     "control characters and line breaks cannot stand in a value");
        node->kind = NODE_BROKEN;
    } else {
        node->text = slice_to_text(value);
        if (node->text == NULL) {
            config_error(builder->faults, builder->file, node->place, "not enough memory");
            return false;
        }
    }
    attach(builder, node);
    return true;
}

static bool open_container(struct builder *builder, enum node_kind kind, yaml_mark_t mark)
{
    if (builder->depth == DOCUMENT_DEPTH_MAX) {
        config_error(builder->faults, builder->file, place_of(mark),
                     "nested deeper than %u; take brackets away", DOCUMENT_DEPTH_MAX);
        return false;
    }
    struct node *node = new_node(builder, kind, mark);
    if (node == NULL) {
        return false;
    }
    attach(builder, node);
    builder->open[builder->depth++] = node;
    return true;
}

static void keep_pair(struct builder *builder, struct node *map, const struct node *key,
                      struct node *value)
{
    if (key->kind != NODE_TEXT) {
        if (key->kind != NODE_BROKEN) {
            config_error(builder->faults, builder->file, key->place, "a key must be one text");
        }
        return;
    }
    const struct node *earlier = node_get(map, key->text);
    if (earlier != NULL) {
        config_error(builder->faults, builder->file, key->place,
                     "key \"%.80s\" is written twice, first at %u:%u; keep one", key->text,
                     earlier->key_place.line, earlier->key_place.column);
        return;
    }
    value->key = key->text;
    value->key_place = key->place;
    append(map, value);
}

/* While a map is open its children are keys and values in turn; now they become pairs. */
static void close_map(struct builder *builder, struct node *map)
{
    struct node *child = map->first;
    map->first = map->last = NULL;
    map->count = 0;
    while (child != NULL && child->next != NULL) {
        struct node *value = child->next;
        struct node *following = value->next;
        child->next = value->next = NULL;
        keep_pair(builder, map, child, value);
        child = following;
    }
}

static void close_container(struct builder *builder)
{
    struct node *node = builder->open[--builder->depth];
    if (node->kind == NODE_MAP) {
        close_map(builder, node);
    }
}

static bool add_alias(struct builder *builder, const yaml_event_t *event)
{
    config_error(builder->faults, builder->file, place_of(event->start_mark),
                 "aliases are not supported; write the value in place of \"*%.40s\"",
                 (const char *)event->data.alias.anchor);
    struct node *node = new_node(builder, NODE_BROKEN, event->start_mark);
    if (node != NULL) {
        attach(builder, node);
    }
    return node != NULL;
}

static bool start_document(struct builder *builder, const yaml_event_t *event)
{
    if (builder->documents++ == 0) {
        return true;
    }
    config_error(builder->faults, builder->file, place_of(event->start_mark),
                 "a second document begins here; keep one and remove \"---\"");
    return false;
}

/* False when reading has to end, because of a fault that was reported. */
static bool take_event(struct builder *builder, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    case YAML_DOCUMENT_START_EVENT:
        return start_document(builder, event);
    case YAML_ALIAS_EVENT:
        return add_alias(builder, event);
    case YAML_SCALAR_EVENT:
        return add_scalar(builder, event);
    case YAML_SEQUENCE_START_EVENT:
        refuse_decoration(builder, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag, event->start_mark);
        return open_container(builder, NODE_LIST, event->start_mark);
    case YAML_MAPPING_START_EVENT:
        refuse_decoration(builder, event->data.mapping_start.anchor, event->data.mapping_start.tag,
                          event->start_mark);
        return open_container(builder, NODE_MAP, event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_container(builder);
        return true;
    }
    return false;
}

/* --- what libyaml itself refuses ------------------------------------------------- */

/* libyaml's reader tells a byte, not a line, when the text is no UTF-8. */
static struct config_place place_of_offset(struct slice text, size_t offset)
{
    struct config_place place = {.line = 1, .column = 1};
    for (size_t i = 0; i < offset && i < text.size; i++) {
        bool is_continuation = (text.data[i] & 0xC0u) == 0x80u;
        place.column += is_continuation ? 0 : 1;
        if (text.data[i] == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    return place;
}

static void report_reader_error(struct builder *builder, const yaml_parser_t *parser,
                                struct slice text)
{
    config_error(builder->faults, builder->file, place_of_offset(text, parser->problem_offset),
                 "the file is not plain UTF-8 text here (%s); save it as UTF-8", parser->problem);
}

static bool is_tab_at(struct slice text, struct config_place place)
{
    unsigned line = 1;
    unsigned column = 1;
    for (size_t i = 0; i < text.size && line <= place.line; i++, column++) {
        if (line == place.line && column == place.column) {
            return text.data[i] == '\t';
        }
        if (text.data[i] == '\n') {
            line++;
            column = 0;
        }
    }
    return false;
}

static void report_syntax_error(struct builder *builder, const yaml_parser_t *parser,
                                struct slice text)
{
    struct config_place place = place_of(parser->problem_mark);
    if (is_tab_at(text, place)) {
        config_error(builder->faults, builder->file, place,
                     "syntax error: a tab cannot indent; use spaces");
    } else if (parser->context != NULL && parser->context_mark.line != parser->problem_mark.line) {
        config_error(builder->faults, builder->file, place,
                     "syntax error: %s, %s that began in line %zu", parser->problem,
                     parser->context, parser->context_mark.line + 1);
    } else {
        config_error(builder->faults, builder->file, place, "syntax error: %s", parser->problem);
    }
}

static void report_parser_error(struct builder *builder, const yaml_parser_t *parser,
                                struct slice text)
{
    if (parser->error == YAML_READER_ERROR) {
        report_reader_error(builder, parser, text);
    } else if (parser->problem != NULL) {
        report_syntax_error(builder, parser, text);
    } else {
        config_error(builder->faults, builder->file, (struct config_place){.line = 0},
                     "not enough memory to read the file");
    }
}

static bool build(struct builder *builder, yaml_parser_t *parser, struct slice text)
{
    bool is_at_end = false;
    while (!is_at_end) {
        yaml_event_t event;
        if (yaml_parser_parse(parser, &event) == 0) {
            report_parser_error(builder, parser, text);
            return false;
        }
        is_at_end = event.type == YAML_STREAM_END_EVENT;
        bool goes_on = take_event(builder, &event);
        yaml_event_delete(&event);
        if (!goes_on) {
            return false;
        }
    }
    if (builder->document->root == NULL) {
        config_error(builder->faults, builder->file, (struct config_place){.line = 0},
                     "the file holds no configuration");
        return false;
    }
    return true;
}

bool document_parse(struct slice text, const char *file, struct config_faults *faults,
                    struct document *out_document)
{
    struct document document = {.root = NULL};
    struct builder builder = {.document = &document, .file = file, .faults = faults};
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) {
        config_error(faults, file, (struct config_place){.line = 0}, "not enough memory");
        return false;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, text.data, text.size);
    bool is_built = build(&builder, &parser, text);
    yaml_parser_delete(&parser);
    if (!is_built) {
        document_deinit(&document);
        return false;
    }
    *out_document = document;
    return true;
}
