#include "document_internal.h"

#include <stdlib.h>

void document_deinit(struct document *document)
{
    struct node *node = document->newest;
    while (node != NULL) {
        struct node *before = node->allocated_before;
        free(node->text);
        free(node);
        node = before;
    }
    *document = (struct document){.root = NULL};
}

const struct node *node_get(const struct node *map, const char *key)
{
    for (const struct node *child = map->first; child != NULL; child = child->next) {
        if (strcmp(child->key, key) == 0) {
            return child;
        }
    }
    return NULL;
}

bool node_is_null(const struct node *node)
{
    if (node->kind != NODE_TEXT || !node->is_plain) {
        return false;
    }
    return node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0;
}

const char *node_kind_text(const struct node *node)
{
    switch (node->kind) {
    case NODE_BROKEN:
        return "something broken";
    case NODE_TEXT:
        return node_is_null(node) ? "nothing" : "one value";
    case NODE_LIST:
        return "a list";
    case NODE_MAP:
        return "keys and values";
    }
    return "";
}
