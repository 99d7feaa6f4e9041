#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulated.h"
#include "moat/base/secret_pages.h"
#include "sanitizer.h"

/* AddressSanitizer makes mlock() do nothing. */

/* The line of /proc/self/smaps with this label, of the mapping at `pages`. */
static void smaps_line(const void *pages, const char *label, char out_line[256])
{
    char start[32];
    bool is_there = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    cr_assert_not_null(maps);
    snprintf(start, sizeof start, "%lx-", (unsigned long)pages);
    while (fgets(out_line, 256, maps) != NULL) {
        is_there = is_there || strncmp(out_line, start, strlen(start)) == 0;
        if (is_there && strncmp(out_line, label, strlen(label)) == 0) {
            fclose(maps);
            return;
        }
    }
    fclose(maps);
    cr_assert_fail("no %s for the mapping %s", label, start);
}

Test(secret_pages, are_locked_and_left_out_of_core_files_and_children)
{
    char flags[256];
    if (is_emulated()) {
        cr_skip("the emulator keeps advice about memory from the kernel");
    }
    unsigned char *pages = secret_pages_new(100);
    cr_assert_not_null(pages);
    memset(pages, 0xA5, 100);
    smaps_line(pages, "VmFlags:", flags);
    cr_expect_not_null(strstr(flags, " dd"), "not in core files: %s", flags);
    cr_expect_not_null(strstr(flags, " wf"), "wiped in children: %s", flags);
    cr_expect(HAS_SANITIZER || strstr(flags, " lo") != NULL, "locked: %s", flags);

    pid_t child = fork();
    if (child == 0) {
        _exit(pages[0] == 0 && pages[99] == 0 ? 0 : 1);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    secret_pages_free(pages, 100);
    secret_pages_free(NULL, 100);
}

Test(secret_pages, a_limit_on_locked_memory_is_no_failure)
{
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
    cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    cr_assert(geteuid() != 0 || setuid(65534) == 0);
    unsigned char *pages = secret_pages_new(5000);
    cr_assert_not_null(pages);
    cr_expect_eq(pages[0] | pages[4999], 0);
    cr_expect(HAS_SANITIZER || mlock(pages, 1) != 0, "the limit holds");
    secret_pages_free(pages, 5000);
}
