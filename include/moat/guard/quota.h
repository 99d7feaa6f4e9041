/*
 * How many sessions one identity has under one rule. Shared by all workers, behind one lock
 * that is taken only for rules that set such a limit. Holds keyed digests only.
 */
#ifndef MOAT_GUARD_QUOTA_H
#define MOAT_GUARD_QUOTA_H

#include "moat/guard/identity.h"

struct quota;

/* The count of one identity under one rule, from its first session to its last. */
struct quota_account;

enum quota_answer {
    QUOTA_USED_UP = 0,
    QUOTA_GRANTED,
    QUOTA_NO_MEMORY,
};

/* NULL without memory. */
struct quota *quota_new(void) MOAT_MUST_CHECK;
/* Every account must have been given back. NULL is allowed. */
void quota_free(struct quota *quota);

/* Takes a place unless the identity has `ceiling` of them under the rule of this name. All who
 * proved nothing share one account. *out_account is written when granted. */
enum quota_answer quota_take(struct quota *quota, struct slice rule,
                             const struct guard_identity *identity, unsigned ceiling,
                             struct quota_account **out_account) MOAT_MUST_CHECK;

/* Gives a place back; NULL is allowed. */
void quota_give(struct quota *quota, struct quota_account *account);

#endif
