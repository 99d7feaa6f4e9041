/*
 * Which clients a rule can reach at all: for warnings about rules and patterns that do nothing.
 *
 * What is answered with true is certain; where a proof is not simple the answer is false.
 */
#ifndef MOAT_POLICY_REACH_H
#define MOAT_POLICY_REACH_H

#include "moat/policy/policy.h"

/* True when every client that `later` matches is matched by `earlier` too, so that a rule so
 * written is never asked when the other stands in front of it. */
bool policy_rule_covers(const struct policy_rule_spec *earlier,
                        const struct policy_rule_spec *later) MOAT_MUST_CHECK;

/* Patterns as policy_check_glob() passes them. True when every text that `narrow` takes is taken by
 * `wide`. */
bool policy_glob_covers(const char *wide, const char *narrow) MOAT_MUST_CHECK;

/* True for "*" and its like, which take every text, the empty one included. */
bool policy_glob_takes_all(const char *glob) MOAT_MUST_CHECK;

/* As the policy itself matches. */
bool policy_glob_takes(const char *glob, struct slice text) MOAT_MUST_CHECK;

#endif
