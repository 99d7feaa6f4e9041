/* The account of a judgement: what each rule wanted, what the client has, and what follows. */
#ifndef MOAT_APP_ACCOUNT_INTERNAL_H
#define MOAT_APP_ACCOUNT_INTERNAL_H

#include <stdio.h>

#include "judgement_internal.h"

/* Judges the question and writes the account of it. As judge_question(): EX_OK and *out_outcome,
 * which is DENY also when one of the topics is not permitted, or another code and the sentence in
 * out_what, and then nothing is written. */
int account_write(const struct judge *judge, const struct question *question, FILE *stream,
                  bool in_colour, enum judgement_outcome *out_outcome,
                  char out_what[JUDGEMENT_TEXT_SIZE]) MOAT_MUST_CHECK;

#endif
