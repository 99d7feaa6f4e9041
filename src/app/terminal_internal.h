#ifndef MOAT_APP_TERMINAL_INTERNAL_H
#define MOAT_APP_TERMINAL_INTERNAL_H

#include <stdbool.h>
#include <stdio.h>

/* True for a terminal, unless NO_COLOR is set to anything (no-color.org) or the terminal says that
 * it knows no colour. */
bool terminal_has_colour(FILE *stream);

#endif
