#include "moat/app/terminal.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>

/* A terminal of our own: coloured unless NO_COLOR is set to something. */
Test(terminal, colour_is_for_terminals)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    FILE *terminal = fopen(ptsname(master), "w");
    cr_assert_not_null(terminal);
    unsetenv("NO_COLOR");
    cr_expect(terminal_wants_colour(terminal));
    setenv("NO_COLOR", "", 1);
    cr_expect(terminal_wants_colour(terminal));
    setenv("NO_COLOR", "1", 1);
    cr_expect_not(terminal_wants_colour(terminal));
    fclose(terminal);
}

Test(terminal, a_file_is_none)
{
    FILE *file = tmpfile();
    cr_assert_not_null(file);
    unsetenv("NO_COLOR");
    cr_expect_not(terminal_wants_colour(file));
    fclose(file);
}
