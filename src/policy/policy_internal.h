/* A policy as it is kept: rules in the order they were added. */
#ifndef MOAT_POLICY_POLICY_INTERNAL_H
#define MOAT_POLICY_POLICY_INTERNAL_H

#include "cidr_internal.h"
#include "moat/policy/policy.h"

/* Globs of one condition; a count of 0 is "no such condition". */
struct globs {
    char **texts;
    size_t count;
};

struct networks {
    struct network *list;
    size_t count;
};

struct policy_rule {
    char *name;
    bool deny;
    enum policy_require require;
    struct globs listeners;
    struct networks addresses;
    struct globs certificates;
    struct globs issuers;
    struct globs usernames;
    struct globs client_ids;
    unsigned protocols; /* bit N for protocol level N; 0 is "no such condition" */
};

struct policy {
    struct policy_rule *rules;
    size_t count;
    size_t capacity;
};

#endif
