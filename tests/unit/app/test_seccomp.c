#include "confined.h"

#include <linux/sockios.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>

#include "app/process_limits_internal.h"
#include "app/seccomp_internal.h"

static bool enter(void)
{
    return process_forbid_new_privileges() == 0 && seccomp_apply() == 0;
}

static void expect(int (*attempt)(void), int wanted)
{
    if (seccomp_absence() != NULL) {
        cr_skip("%s", seccomp_absence());
    }
    if (!seccomp_is_offered()) {
        cr_skip("this kernel takes no filter");
    }
    cr_expect_eq(confined(attempt), wanted);
}

/* --- what goes on working --------------------------------------------------------------- */

static void *answer(void *argument)
{
    return argument;
}

static int ordinary(void)
{
    pthread_t thread;
    void *result = NULL;
    int here = 0;
    if (!enter() || !seccomp_verify() || pthread_create(&thread, NULL, answer, &here) != 0 ||
        pthread_join(thread, &result) != 0) {
        return CONFINED_NO;
    }
    struct rlimit limit;
    void *memory = malloc(1 << 22);
    bool is_well = result == &here && memory != NULL && getrlimit(RLIMIT_NOFILE, &limit) == 0;
    free(memory);
    int tcp = socket(AF_INET, SOCK_STREAM, 0);
    int local = socket(AF_UNIX, SOCK_STREAM, 0);
    return verdict(is_well && tcp >= 0 && local >= 0 && ioctl(tcp, FIONBIO, &(int){1}) == 0 &&
                   ioctl(tcp, SIOCOUTQ, &here) == 0);
}

Test(seccomp, threads_memory_and_sockets_work)
{
    expect(ordinary, CONFINED_YES);
}

static int kill_self(void)
{
    if (!enter()) {
        return CONFINED_NO;
    }
    abort();
}

Test(seccomp, a_fault_of_ours_still_ends_the_process)
{
#ifdef __GLIBC__
    expect(kill_self, -SIGABRT);
#else
    expect(kill_self, -SIGSEGV); /* the signal is refused, and musl then runs into a wall */
#endif
}

/* --- what fails --------------------------------------------------------------------------- */

static int netlink(void)
{
    return verdict(enter() && socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EAFNOSUPPORT &&
                   socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EAFNOSUPPORT);
}

Test(seccomp, no_sockets_but_the_networks_and_the_brokers)
{
    expect(netlink, CONFINED_YES);
}

static int run_memory(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return verdict(enter() && mprotect(page, 4096, PROT_READ | PROT_EXEC) != 0 && errno == EPERM &&
                   mprotect(page, 4096, PROT_READ) == 0 &&
                   mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
                   (errno == EPERM || errno == ENOMEM)); /* the second is musl's word for it */
}

Test(seccomp, no_memory_becomes_executable)
{
    expect(run_memory, CONFINED_YES);
}

static int be_two(void)
{
    return verdict(enter() && syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) < 0 && errno == EPERM &&
                   syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS);
}

Test(seccomp, no_process_is_made)
{
    expect(be_two, CONFINED_YES);
}

static int loosen(void)
{
    const struct rlimit limit = {.rlim_cur = 8, .rlim_max = 8};
    return verdict(enter() && setrlimit(RLIMIT_CORE, &limit) != 0 && errno == EPERM &&
                   prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 && errno == EPERM &&
                   prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) >= 0);
}

Test(seccomp, what_was_taken_is_not_taken_back)
{
    expect(loosen, CONFINED_YES);
}

static int disturb(void)
{
    pid_t parent = getppid();
    return verdict(enter() && syscall(SYS_tgkill, parent, parent, 0) != 0 && errno == EPERM &&
                   kill(parent, 0) != 0 && errno == ENOSYS &&
                   ioctl(STDERR_FILENO, TIOCSTI, "x") != 0 && errno == ENOTTY);
}

Test(seccomp, others_are_left_alone)
{
    expect(disturb, CONFINED_YES);
}

/* --- what ends the process ---------------------------------------------------------------- */

static int execute(void)
{
    char *const arguments[] = {(char[]){"true"}, NULL};
    return enter() ? execve("/bin/true", arguments, NULL) : CONFINED_NO;
}

static int trace(void)
{
    return enter() ? (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL) : CONFINED_NO;
}

static int leave(void)
{
    return enter() ? (int)syscall(SYS_unshare, 0) : CONFINED_NO;
}

Test(seccomp, another_program_is_the_end)
{
    expect(execute, -SIGSYS);
}

Test(seccomp, tracing_is_the_end)
{
    expect(trace, -SIGSYS);
}

Test(seccomp, another_namespace_is_the_end)
{
    expect(leave, -SIGSYS);
}

/* --- the table and the look at it --------------------------------------------------------- */

static int verify_without(void)
{
    return verdict(!seccomp_verify());
}

Test(seccomp, its_absence_is_noticed)
{
    cr_expect_eq(confined(verify_without), CONFINED_YES);
}

Test(seccomp, each_call_stands_once_in_the_table)
{
    for (size_t i = 0; i < seccomp_call_count; i++) {
        const struct seccomp_call *call = &seccomp_calls[i];
        cr_expect_leq(call->value_count, SECCOMP_VALUES_MAX);
        cr_expect_lt(call->argument, 6);
        bool can_fail = call->test != SECCOMP_ALWAYS && call->test != SECCOMP_NEVER;
        cr_expect_eq(call->refusal != 0, can_fail, "call %u", call->number);
        for (size_t j = 0; j < i; j++) {
            cr_expect_neq(call->number, seccomp_calls[j].number, "call %u", call->number);
        }
    }
}
