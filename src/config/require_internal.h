/* The `require` of a rule, the one value with a grammar of its own. */
#ifndef MOAT_CONFIG_REQUIRE_INTERNAL_H
#define MOAT_CONFIG_REQUIRE_INTERNAL_H

#include "document_internal.h"
#include "moat/policy/policy.h"

struct require_fault {
    struct config_place place;
    char what[256];
};

/* False and *out_fault when the node is no requirement. */
bool require_parse(const struct node *node, enum policy_require *out_require,
                   struct require_fault *out_fault) MOAT_MUST_CHECK;

/* As YAML: "none", "[password]", "{ any: [certificate, password] }". */
const char *require_text(enum policy_require require);

#endif
