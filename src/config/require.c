#include "require_internal.h"

#include <stdio.h>

#include "values_internal.h"

#define CERTIFICATE 1u
#define PASSWORD    2u

static bool refuse(const struct node *node, const char *what, struct require_fault *out_fault)
{
    out_fault->place = node->place;
    snprintf(out_fault->what, sizeof(out_fault->what), "%s", what);
    return false;
}

static bool refuse_word(const struct node *node, struct require_fault *out_fault)
{
    struct suggestion suggestion;
    suggestion_init(&suggestion, node->text);
    suggestion_offer(&suggestion, "certificate");
    suggestion_offer(&suggestion, "password");
    out_fault->place = node->place;
    snprintf(out_fault->what, sizeof(out_fault->what),
             "\"%.40s\" cannot stand here; expected certificate or password%s%s%s", node->text,
             suggestion.best != NULL ? " (did you mean \"" : "",
             suggestion.best != NULL ? suggestion.best : "", suggestion.best != NULL ? "\"?)" : "");
    return false;
}

static bool parse_factor(const struct node *node, unsigned *factors,
                         struct require_fault *out_fault)
{
    if (node->kind != NODE_TEXT) {
        return refuse(node, "expected certificate or password", out_fault);
    }
    unsigned factor = 0;
    if (strcmp(node->text, "certificate") == 0) {
        factor = CERTIFICATE;
    } else if (strcmp(node->text, "password") == 0) {
        factor = PASSWORD;
    } else {
        return refuse_word(node, out_fault);
    }
    if ((*factors & factor) != 0) {
        return refuse(node, "written twice; keep one", out_fault);
    }
    *factors |= factor;
    return true;
}

static bool parse_list(const struct node *list, unsigned *factors, struct require_fault *out_fault)
{
    for (const struct node *item = list->first; item != NULL; item = item->next) {
        if (!parse_factor(item, factors, out_fault)) {
            return false;
        }
    }
    if (*factors == 0) {
        return refuse(list, "the list is empty; write none to let in everybody", out_fault);
    }
    return true;
}

static bool parse_any(const struct node *map, enum policy_require *out_require,
                      struct require_fault *out_fault)
{
    const struct node *list = map->first;
    if (map->count != 1 || strcmp(list->key, "any") != 0 || list->kind != NODE_LIST) {
        return refuse(map, "expected any: [certificate, password]", out_fault);
    }
    unsigned factors = 0;
    if (!parse_list(list, &factors, out_fault)) {
        return false;
    }
    if (factors != (CERTIFICATE | PASSWORD)) {
        return refuse(list,
                      "any needs both certificate and password; for one of them write a "
                      "list without any",
                      out_fault);
    }
    *out_require = POLICY_REQUIRE_ANY;
    return true;
}

static enum policy_require from_factors(unsigned factors)
{
    if (factors == (CERTIFICATE | PASSWORD)) {
        return POLICY_REQUIRE_BOTH;
    }
    return factors == CERTIFICATE ? POLICY_REQUIRE_CERTIFICATE : POLICY_REQUIRE_PASSWORD;
}

bool require_parse(const struct node *node, enum policy_require *out_require,
                   struct require_fault *out_fault)
{
    unsigned factors = 0;
    switch (node->kind) {
    case NODE_BROKEN:
        return refuse(node, "cannot be read", out_fault);
    case NODE_MAP:
        return parse_any(node, out_require, out_fault);
    case NODE_TEXT:
        if (strcmp(node->text, "none") == 0) {
            *out_require = POLICY_REQUIRE_NONE;
            return true;
        }
        if (!parse_factor(node, &factors, out_fault)) {
            return false;
        }
        break;
    case NODE_LIST:
        if (!parse_list(node, &factors, out_fault)) {
            return false;
        }
        break;
    }
    *out_require = from_factors(factors);
    return true;
}

const char *require_text(enum policy_require require)
{
    switch (require) {
    case POLICY_REQUIRE_NONE:
        return "none";
    case POLICY_REQUIRE_CERTIFICATE:
        return "[certificate]";
    case POLICY_REQUIRE_PASSWORD:
        return "[password]";
    case POLICY_REQUIRE_BOTH:
        return "[certificate, password]";
    case POLICY_REQUIRE_ANY:
        return "{ any: [certificate, password] }";
    }
    return "";
}
