/*
 * A YAML file as a tree of nodes with places. What YAML offers beyond maps,
 * lists and texts (anchors, aliases, tags, several documents) is refused: none of it is
 * needed here, and each of it has surprised somebody.
 */
#ifndef MOAT_CONFIG_DOCUMENT_INTERNAL_H
#define MOAT_CONFIG_DOCUMENT_INTERNAL_H

#include "moat/config/faults.h"

#define DOCUMENT_NODES_MAX 10000u
#define DOCUMENT_DEPTH_MAX 16u /* maps and lists within each other; the table needs 6 */

enum node_kind {
    NODE_BROKEN = 0, /* reported already; readers pass it by */
    NODE_TEXT,
    NODE_LIST,
    NODE_MAP,
};

struct node {
    enum node_kind kind;
    struct config_place place; /* where the value begins */
    char *text;                /* of NODE_TEXT */
    bool is_plain;             /* written without quotes */

    /* Of a value in a map. */
    const char *key; /* the text of the node that was its key */
    struct config_place key_place;

    /* Children in the order of the file. */
    struct node *first;
    struct node *last;
    struct node *next;
    size_t count;

    struct node *allocated_before;
};

struct document {
    struct node *root; /* NULL when there is none */
    struct node *newest;
    size_t node_count;
};

/* Reads the text; false when no tree came of it. Every fault is reported under
 * the name `file`, also when true is returned. */
bool document_parse(struct slice text, const char *file, struct config_faults *faults,
                    struct document *out_document) MOAT_MUST_CHECK;
void document_deinit(struct document *document);

/* The value of a key of a NODE_MAP, or NULL. */
const struct node *node_get(const struct node *map, const char *key);

/* True for what YAML calls null: nothing at all, ~ or null, without quotes. */
bool node_is_null(const struct node *node);

/* "text", "a list", "keys and values" for messages. */
const char *node_kind_text(const struct node *node);

#endif
