#include "terminal_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool terminal_has_colour(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    bool is_refused =
        (no_color != NULL && no_color[0] != '\0') || (kind != NULL && strcmp(kind, "dumb") == 0);
    int descriptor = fileno(stream);
    return !is_refused && descriptor >= 0 && isatty(descriptor) == 1;
}
