#include "confined.h"

#include <sys/resource.h>

#include "app/process_limits_internal.h"

static int forbid_privileges(void)
{
    bool was_allowed = !process_has_no_new_privileges();
    return verdict(was_allowed && process_forbid_new_privileges() == 0 &&
                   process_has_no_new_privileges());
}

Test(process_limits, no_new_privileges)
{
    cr_expect_eq(confined(forbid_privileges), CONFINED_YES);
}

static int forbid_dumps(void)
{
    bool was_dumpable = !process_is_not_dumpable();
    struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};
    return verdict(was_dumpable && process_forbid_dumps() == 0 && process_is_not_dumpable() &&
                   process_has_no_core() &&
                   (geteuid() == 0 || setrlimit(RLIMIT_CORE, &limit) != 0));
}

Test(process_limits, no_dumps)
{
    cr_expect_eq(confined(forbid_dumps), CONFINED_YES);
}

static int fix_descriptors(void)
{
    struct rlimit limit = {.rlim_cur = 100, .rlim_max = 200};
    return verdict(setrlimit(RLIMIT_NOFILE, &limit) == 0 && process_fix_descriptors() == 0 &&
                   getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 100 &&
                   limit.rlim_max == 100);
}

Test(process_limits, the_number_of_descriptors_stays)
{
    cr_expect_eq(confined(fix_descriptors), CONFINED_YES);
}
