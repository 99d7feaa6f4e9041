/* Instead of seccomp.c in builds with a sanitizer, whose own calls are not in the table. */
#include "seccomp_internal.h"

#include <errno.h>

const char *seccomp_absence(void)
{
    return "this build has a sanitizer";
}

bool seccomp_is_offered(void)
{
    return false;
}

int seccomp_apply(void)
{
    return -ENOSYS;
}

bool seccomp_verify(void)
{
    return false;
}
