/* The account of a judgement: what each rule wanted, what the client has, and what follows. */
#ifndef MOAT_APP_ACCOUNT_INTERNAL_H
#define MOAT_APP_ACCOUNT_INTERNAL_H

#include <stdio.h>

#include "judgement_internal.h"

/* Writes down what the policy tells while it decides. */
struct account {
    struct policy_trace trace; /* to be given to judge_question() */
    FILE *stream;
    bool in_colour;
    const char *rule; /* the one under way; owned by the policy */
    size_t rule_count;
    size_t condition_count; /* of the rule under way */
};

/* The account must not be moved afterwards: its trace points to it. */
void account_init(struct account *account, FILE *stream, bool in_colour);

/* What is known of the client. */
void account_client(const struct account *account, const struct judge *judge,
                    const struct question *question, const struct judgement *judgement);

/* The verdict and the bytes of the answer. */
void account_verdict(const struct account *account, const struct judgement *judgement);

#endif
