/*
 * A test whose end is part of it.
 *
 * Criterion does not count an assertion that fails in .fini: the test passes all the same. What
 * must hold at the end of every test of a file is therefore called by the test itself.
 */
#ifndef TEST_WHOLE_TEST_H
#define TEST_WHOLE_TEST_H

#include <criterion/criterion.h>

#define WHOLE_TEST(suite, name, begin, end)                                                        \
    static void suite##_##name##_body(void);                                                       \
    Test(suite, name)                                                                              \
    {                                                                                              \
        begin();                                                                                   \
        suite##_##name##_body();                                                                   \
        end();                                                                                     \
    }                                                                                              \
    static void suite##_##name##_body(void)

#endif
