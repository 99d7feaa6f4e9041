/* Whether an emulator stands between the test and the kernel, as tests/packages/test_router.py
 * says. */
#ifndef MOAT_TESTS_EMULATED_H
#define MOAT_TESTS_EMULATED_H

#include <stdbool.h>
#include <stdlib.h>

static inline bool is_emulated(void)
{
    return getenv("MOAT_TEST_EMULATED") != NULL;
}

#endif
