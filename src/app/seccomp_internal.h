/* seccomp: the system calls this program needs, and no others. */
#ifndef MOAT_APP_SECCOMP_INTERNAL_H
#define MOAT_APP_SECCOMP_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "moat/base/bytes.h"

/* --- the table ---------------------------------------------------------------------------- */

enum seccomp_test {
    SECCOMP_ALWAYS,  /* allowed whatever its arguments are */
    SECCOMP_ONE_OF,  /* allowed where the argument is one of the values */
    SECCOMP_WITHOUT, /* allowed where the argument has none of the bits of values[0] */
    SECCOMP_NULL,    /* allowed where the argument, a pointer, is NULL */
    SECCOMP_SELF,    /* allowed where the argument is the number of this process */
    SECCOMP_NEVER,   /* ends the process: only somebody else's code would call it */
};

#define SECCOMP_VALUES_MAX 6

struct seccomp_call {
    uint32_t number;
    enum seccomp_test test;
    uint8_t argument; /* which one is looked at; its lower 32 bits, but for SECCOMP_NULL */
    uint8_t value_count;
    uint16_t refusal; /* the errno value where the test fails */
    uint32_t values[SECCOMP_VALUES_MAX];
};

/* Calls that are not in the table fail with ENOSYS, as on a kernel that does not have them. */
extern const struct seccomp_call seccomp_calls[];
extern const size_t seccomp_call_count;

/* The kernel's name for the processor that the table was written for; 0 when there is no table. */
extern const uint32_t seccomp_processor;

/* --- its use ------------------------------------------------------------------------------ */

/* Why there is no filter in this build, or NULL when there is one. */
const char *seccomp_absence(void);

/* Whether this kernel takes filters. */
bool seccomp_is_offered(void);

/* Puts every thread of the process under the table, for good. no_new_privs must be set. 0 or
 * a negative errno value. */
int seccomp_apply(void) MOAT_MUST_CHECK;

/* Asks the kernel and tries what must be refused now. True when it is. */
bool seccomp_verify(void) MOAT_MUST_CHECK;

#endif
