/* From the table to a program for the kernel's packet filter. */
#include "seccomp_internal.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "where the halves of an argument are");

/* A row gives at most: the number, the load, a comparison for each value, two answers. */
#define ROW_STEPS_MAX  (4 + SECCOMP_VALUES_MAX)
#define HEAD_STEPS_MAX 8
/* Numbers with this bit are those of another calling convention (x32), under other names. */
#define FOREIGN_NUMBER 0x40000000u

struct program {
    struct sock_filter *steps;
    size_t count;
};

/* --- steps -------------------------------------------------------------------------------- */

static void put(struct program *program, unsigned code, uint32_t value, size_t if_true,
                size_t if_false)
{
    program->steps[program->count++] = (struct sock_filter){
        .code = (uint16_t)code, .jt = (uint8_t)if_true, .jf = (uint8_t)if_false, .k = value};
}

static void put_load(struct program *program, size_t offset)
{
    put(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void put_answer(struct program *program, uint32_t answer)
{
    put(program, BPF_RET | BPF_K, answer, 0, 0);
}

/* Skips `if_true` or `if_false` steps. */
static void put_equal(struct program *program, uint32_t value, size_t if_true, size_t if_false)
{
    put(program, BPF_JMP | BPF_JEQ | BPF_K, value, if_true, if_false);
}

static void put_verdicts(struct program *program, const struct seccomp_call *call)
{
    put_answer(program, SECCOMP_RET_ERRNO | call->refusal);
    put_answer(program, SECCOMP_RET_ALLOW);
}

/* --- rows --------------------------------------------------------------------------------- */

static void put_test(struct program *program, const struct seccomp_call *call)
{
    size_t argument = offsetof(struct seccomp_data, args) + call->argument * sizeof(uint64_t);

    switch (call->test) {
    case SECCOMP_ALWAYS:
        put_answer(program, SECCOMP_RET_ALLOW);
        return;
    case SECCOMP_NEVER:
        put_answer(program, SECCOMP_RET_KILL_PROCESS);
        return;
    case SECCOMP_ONE_OF:
        put_load(program, argument);
        for (size_t i = 0; i < call->value_count; i++) {
            put_equal(program, call->values[i], call->value_count - i, 0);
        }
        break;
    case SECCOMP_WITHOUT:
        put_load(program, argument);
        put(program, BPF_JMP | BPF_JSET | BPF_K, call->values[0], 0, 1);
        break;
    case SECCOMP_NULL:
        put_load(program, argument);
        put_equal(program, 0, 0, 2);
        put_load(program, argument + sizeof(uint32_t));
        put_equal(program, 0, 1, 0);
        break;
    case SECCOMP_SELF:
        put_load(program, argument);
        put_equal(program, (uint32_t)getpid(), 1, 0);
        break;
    }
    put_verdicts(program, call);
}

static void put_row(struct program *program, const struct seccomp_call *call)
{
    size_t start = program->count;

    put_equal(program, call->number, 0, 0);
    put_test(program, call);
    program->steps[start].jf = (uint8_t)(program->count - start - 1);
}

static void put_all(struct program *program)
{
    /* Numbers mean other calls for programs of another processor (32 bits on 64). */
    put_load(program, offsetof(struct seccomp_data, arch));
    put_equal(program, seccomp_processor, 1, 0);
    put_answer(program, SECCOMP_RET_KILL_PROCESS);
    put_load(program, offsetof(struct seccomp_data, nr));
    put(program, BPF_JMP | BPF_JGE | BPF_K, FOREIGN_NUMBER, 0, 1);
    put_answer(program, SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < seccomp_call_count; i++) {
        put_row(program, &seccomp_calls[i]);
    }
    put_answer(program, SECCOMP_RET_ERRNO | ENOSYS);
}

/* --- the filter --------------------------------------------------------------------------- */

const char *seccomp_absence(void)
{
    return seccomp_processor != 0 ? NULL : "there is no table of calls for this processor";
}

bool seccomp_is_offered(void)
{
    /* Both answers without a filter mean that there could be one: the address is wrong. */
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) != 0 && errno == EFAULT;
}

int seccomp_apply(void)
{
    size_t most = HEAD_STEPS_MAX + seccomp_call_count * ROW_STEPS_MAX;
    struct program program = {.steps = calloc(most, sizeof *program.steps)};

    if (seccomp_processor == 0) {
        free(program.steps);
        return -ENOSYS;
    }
    if (program.steps == NULL) {
        return -ENOMEM;
    }
    put_all(&program);
    const struct sock_fprog filter = {.len = (unsigned short)program.count,
                                      .filter = program.steps};
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    int status = result < 0 ? -errno : result > 0 ? -EBUSY : 0; /* a thread that would not */
    free(program.steps);
    return status;
}

bool seccomp_verify(void)
{
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);

    if (descriptor >= 0) {
        close(descriptor);
        return false;
    }
    bool is_refused = errno == EAFNOSUPPORT;
    /* cppcheck-suppress invalidFunctionArg ; memory alone has no descriptor */
    void *page = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED) {
        munmap(page, 1);
        return false;
    }
    /* musl takes EPERM for a mistake of the kernel's and makes ENOMEM of it. */
    bool is_forbidden = errno == EPERM || errno == ENOMEM;
    return is_refused && is_forbidden && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2;
}
