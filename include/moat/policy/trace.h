/*
 * How a verdict came about, told step by step by the very code that decides.
 *
 * An event borrows everything it points to for the length of the call.
 */
#ifndef MOAT_POLICY_TRACE_H
#define MOAT_POLICY_TRACE_H

#include "moat/policy/policy.h"

enum policy_trace_kind {
    POLICY_TRACE_HYGIENE,   /* what no rule can allow: once for each text, before any rule */
    POLICY_TRACE_RULE,      /* a rule is looked at; `held`: all of its conditions hold. Comes
                               behind its conditions. */
    POLICY_TRACE_CONDITION, /* one of its conditions under `match` */
    POLICY_TRACE_ACTION,    /* the deciding rule's action; `held`: it is not deny */
    POLICY_TRACE_REQUIRE,   /* its `require`; `held`: every factor is there (a password that is
                               there may still prove wrong) */
    POLICY_TRACE_BIND,
    POLICY_TRACE_LIMIT,
    POLICY_TRACE_NAME, /* is the user name proven, or absent; not held: only a password could */
};

struct policy_trace_event {
    enum policy_trace_kind kind;
    const char *rule;            /* NULL for hygiene */
    const char *key;             /* as in the configuration, beneath the rule: "match.certificate",
                                    "bind.client_id", "limits.keep_alive" */
    const char *const *patterns; /* as written; one must hold */
    size_t pattern_count;
    const char *pattern; /* the one that held, or NULL */
    bool has_fact;
    struct slice fact; /* text of the peer's, never a password: to be escaped before it is shown */
    bool held;
};

struct policy_trace {
    void (*on_event)(void *context, const struct policy_trace_event *event);
    void *context;
};

/*
 * policy_decide() with a witness. Without `trace` (NULL) a rule is left at its first
 * condition that fails and the deciding rule at the first thing that refuses; with it, all
 * of them are judged and told. The verdict is the same.
 */
void policy_decide_traced(const struct policy *policy, const struct policy_facts *facts,
                          struct policy_trace *trace, struct policy_verdict *out_verdict);

#endif
