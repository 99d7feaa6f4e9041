/* Children that take something from themselves and then try to do it all the same. */
#ifndef TESTS_UNIT_APP_CONFINED_H
#define TESTS_UNIT_APP_CONFINED_H

#include <criterion/criterion.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONFINED_YES     0
#define CONFINED_NO      10
#define CONFINED_SKIPPED 11 /* this kernel, or this build, does not offer it */

/* The exit status of a child that runs `attempt`, or minus the signal that ended it. */
static inline int confined(int (*attempt)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        _exit(attempt());
    }
    cr_assert_gt(child, 0);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline int verdict(bool is_right)
{
    return is_right ? CONFINED_YES : CONFINED_NO;
}

#endif
