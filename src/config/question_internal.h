#ifndef MOAT_CONFIG_QUESTION_INTERNAL_H
#define MOAT_CONFIG_QUESTION_INTERNAL_H

#include "moat/config/question.h"
#include "table_internal.h"

/* The rows of the table of keys, whose paths are the keys; NULL past the last. */
const struct table_row *question_row(size_t index);

#endif
