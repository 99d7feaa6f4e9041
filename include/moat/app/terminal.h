/* What a person at a terminal wants to see. */
#ifndef MOAT_APP_TERMINAL_H
#define MOAT_APP_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* True when the stream is a terminal and NO_COLOR is not set (or empty). */
bool terminal_wants_colour(FILE *stream);

#endif
