#include "moat/app/terminal.h"

#include <stdlib.h>
#include <unistd.h>

bool terminal_wants_colour(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR");
    bool is_refused = no_color != NULL && no_color[0] != '\0';
    int descriptor = fileno(stream);

    return !is_refused && descriptor >= 0 && isatty(descriptor) == 1;
}
