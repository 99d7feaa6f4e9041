/*
 * One row for each system call, the busiest first: the filter is read from the top where the
 * kernel does not remember its answers.
 *
 * What is here is what glibc, musl, libuv and BoringSSL call on behalf of this program after its
 * start. A call that only some processors have stands between #ifdef and #endif, here and nowhere
 * else.
 */
#include "seccomp_internal.h"

#include <asm/unistd.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* musl's headers are older than this name for a piece of memory. */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#if defined(__x86_64__)
#define PROCESSOR AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define PROCESSOR AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define PROCESSOR AUDIT_ARCH_ARM
#else
#define PROCESSOR 0
#endif

const uint32_t seccomp_processor = PROCESSOR;

#define ALLOW(name)                                                                                \
    {                                                                                              \
        .number = __NR_##name, .test = SECCOMP_ALWAYS                                              \
    }
#define NEVER(name)                                                                                \
    {                                                                                              \
        .number = __NR_##name, .test = SECCOMP_NEVER                                               \
    }

/* What pthread_create() of glibc and of musl asks for: a thread, never a process. */
#define THREAD_GLIBC 0x003d0f00u
#define THREAD_MUSL  0x007d0f00u

/* clang-format off */
const struct seccomp_call seccomp_calls[] = {
    /* The loops. */
    ALLOW(epoll_pwait), ALLOW(epoll_ctl), ALLOW(read), ALLOW(write), ALLOW(writev), ALLOW(close),
    ALLOW(accept4), ALLOW(clock_gettime), ALLOW(futex), ALLOW(recvmsg), ALLOW(sendmsg),
#ifdef __NR_epoll_wait
    ALLOW(epoll_wait),
#endif
    {.number = __NR_socket, .test = SECCOMP_ONE_OF, .argument = 0, .refusal = EAFNOSUPPORT,
     .values = {AF_INET, AF_INET6, AF_UNIX}, .value_count = 3},
    ALLOW(connect), ALLOW(setsockopt), ALLOW(getsockopt), ALLOW(getpeername), ALLOW(getsockname),
    ALLOW(shutdown), ALLOW(listen), ALLOW(readv), ALLOW(fcntl),
#ifdef __NR_fcntl64
    ALLOW(fcntl64),
#endif
    {.number = __NR_ioctl, .test = SECCOMP_ONE_OF, .argument = 1, .refusal = ENOTTY,
     .values = {FIONBIO, FIOCLEX, FIONCLEX, FIONREAD, SIOCOUTQ, TCGETS}, .value_count = 6},

    /* Memory; nothing is ever made executable. */
    {.number = __NR_mprotect, .test = SECCOMP_WITHOUT, .argument = 2, .refusal = EPERM,
     .values = {PROT_EXEC}, .value_count = 1},
#ifdef __NR_mmap
    {.number = __NR_mmap, .test = SECCOMP_WITHOUT, .argument = 2, .refusal = EPERM,
     .values = {PROT_EXEC}, .value_count = 1},
#endif
#ifdef __NR_mmap2
    {.number = __NR_mmap2, .test = SECCOMP_WITHOUT, .argument = 2, .refusal = EPERM,
     .values = {PROT_EXEC}, .value_count = 1},
#endif
    ALLOW(munmap), ALLOW(mremap), ALLOW(brk), ALLOW(madvise), ALLOW(mlock), ALLOW(munlock),
    ALLOW(getrandom),

    /* Loops and threads, when they are made and when they end. */
    ALLOW(epoll_create1), ALLOW(eventfd2), ALLOW(pipe2), ALLOW(dup), ALLOW(dup3),
    {.number = __NR_clone, .test = SECCOMP_ONE_OF, .argument = 0, .refusal = EPERM,
     .values = {THREAD_GLIBC, THREAD_MUSL}, .value_count = 2},
    /* Not clone3(): its arguments are in memory, where a filter cannot look. Told that there is
     * no such call, the libraries use clone(). */
    ALLOW(set_robust_list), ALLOW(rseq), ALLOW(sched_yield), ALLOW(sched_getaffinity),
    ALLOW(membarrier), ALLOW(exit), ALLOW(exit_group), ALLOW(restart_syscall),
    ALLOW(clock_getres), ALLOW(clock_nanosleep), ALLOW(nanosleep), ALLOW(gettimeofday),
#ifdef __NR_time
    ALLOW(time),
#endif
#ifdef __NR_clock_gettime64
    ALLOW(clock_gettime64), ALLOW(clock_getres_time64), ALLOW(clock_nanosleep_time64),
    ALLOW(futex_time64), ALLOW(ppoll_time64), ALLOW(recvmmsg_time64),
#endif
    ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(sigaltstack),
#ifdef __NR_sigreturn
    ALLOW(sigreturn),
#endif
    /* abort() */
    {.number = __NR_tgkill, .test = SECCOMP_SELF, .argument = 0, .refusal = EPERM},

    /* Who am I, and how much of everything is there. */
    ALLOW(getpid), ALLOW(gettid), ALLOW(getppid), ALLOW(getuid), ALLOW(geteuid), ALLOW(getgid),
    ALLOW(getegid), ALLOW(getresuid), ALLOW(getresgid), ALLOW(capget), ALLOW(uname),
    ALLOW(sysinfo), ALLOW(getrusage), ALLOW(getcpu),
#ifdef __NR_getuid32
    ALLOW(getuid32), ALLOW(geteuid32), ALLOW(getgid32), ALLOW(getegid32), ALLOW(getresuid32),
    ALLOW(getresgid32),
#endif
#ifdef __NR_getrlimit
    ALLOW(getrlimit),
#endif
#ifdef __NR_ugetrlimit
    ALLOW(ugetrlimit),
#endif
    {.number = __NR_prlimit64, .test = SECCOMP_NULL, .argument = 2, .refusal = EPERM},
    {.number = __NR_prctl, .test = SECCOMP_ONE_OF, .argument = 0, .refusal = EPERM,
     .values = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP,
                PR_SET_VMA}, .value_count = 6},

    /* A reload reads files, and the state file is written. Which ones is Landlock's matter. */
    ALLOW(openat), ALLOW(fstat), ALLOW(lseek), ALLOW(pread64), ALLOW(fsync), ALLOW(fdatasync),
    ALLOW(faccessat), ALLOW(faccessat2), ALLOW(readlinkat), ALLOW(renameat2), ALLOW(unlinkat),
    ALLOW(statx), ALLOW(fchmod), ALLOW(ftruncate),
#ifdef __NR_newfstatat
    ALLOW(newfstatat),
#endif
#ifdef __NR_renameat
    ALLOW(renameat),
#endif
#ifdef __NR_open
    ALLOW(open), ALLOW(stat), ALLOW(lstat), ALLOW(access), ALLOW(readlink), ALLOW(rename),
    ALLOW(unlink), ALLOW(dup2), ALLOW(poll), ALLOW(pipe), ALLOW(epoll_create), ALLOW(eventfd),
#endif
#ifdef __NR_fstat64
    ALLOW(fstat64), ALLOW(stat64), ALLOW(lstat64), ALLOW(fstatat64), ALLOW(_llseek),
    ALLOW(ftruncate64),
#endif

    /* Names are looked up: the resolver's own ways to wait and to speak. */
    ALLOW(ppoll), ALLOW(recvfrom), ALLOW(sendto), ALLOW(sendmmsg), ALLOW(recvmmsg),
#ifdef __NR_recv
    ALLOW(recv), ALLOW(send),
#endif
#ifdef __NR_accept
    ALLOW(accept),
#endif

    /* What a stranger who runs code here would try first. The process ends, and says so in the
     * system's log: it is not ours any more. */
    NEVER(execve), NEVER(execveat), NEVER(ptrace), NEVER(process_vm_readv),
    NEVER(process_vm_writev), NEVER(bpf), NEVER(mount), NEVER(umount2), NEVER(pivot_root),
    NEVER(chroot), NEVER(unshare), NEVER(setns), NEVER(keyctl), NEVER(add_key), NEVER(request_key),
    NEVER(init_module), NEVER(finit_module), NEVER(delete_module), NEVER(kexec_load),
    NEVER(perf_event_open), NEVER(userfaultfd), NEVER(open_by_handle_at), NEVER(pidfd_getfd),
#ifdef __NR_fork
    NEVER(fork),
#endif
#ifdef __NR_vfork
    NEVER(vfork),
#endif
};
/* clang-format on */

const size_t seccomp_call_count = sizeof seccomp_calls / sizeof seccomp_calls[0];
