#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/terminal_internal.h"

/* A terminal of our own. */
static bool is_coloured(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    FILE *terminal = fopen(ptsname(master), "w");
    cr_assert_not_null(terminal);
    bool has_colour = terminal_has_colour(terminal);
    fclose(terminal);
    close(master);
    return has_colour;
}

Test(terminal, colour_unless_somebody_minds)
{
    unsetenv("NO_COLOR");
    unsetenv("TERM");
    cr_expect(is_coloured());
    setenv("NO_COLOR", "", 1);
    cr_expect(is_coloured(), "an empty value counts as none");
    setenv("NO_COLOR", "1", 1);
    cr_expect_not(is_coloured());
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    cr_expect(is_coloured());
    setenv("TERM", "dumb", 1);
    cr_expect_not(is_coloured());
}

Test(terminal, no_colour_in_files)
{
    unsetenv("NO_COLOR");
    FILE *file = tmpfile();
    cr_assert_not_null(file);
    cr_expect_not(terminal_has_colour(file));
    fclose(file);
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    cr_expect_not(terminal_has_colour(memory));
    fclose(memory);
    free(text);
}
