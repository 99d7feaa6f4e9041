/*
 * As much of Criterion as the unit tests use, for the static programs of other processors: Debian
 * has no Criterion for musl, and the real one starts itself anew for each test, which an emulator
 * cannot do. Here each test is a fork. Everywhere else the tests run under Criterion.
 */
#ifndef MOAT_TESTS_FORKED_CRITERION_H
#define MOAT_TESTS_FORKED_CRITERION_H
#pragma GCC system_header

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct forked_options {
    void (*init)(void);
    void (*fini)(void);
};

struct forked_test {
    const char *suite;
    const char *name; /* NULL: this is the suite, with what goes for all its tests */
    void (*run)(void);
    struct forked_options options;
    struct forked_test *next;
};

void forked_add(struct forked_test *test);
void forked_failed(bool is_over, const char *file, int line, const char *condition,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));
void forked_skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#define FORKED_ADD(Identifier, Suite, Name, Run, ...)                                              \
    __attribute__((constructor)) static void Identifier(void)                                      \
    {                                                                                              \
        static struct forked_test test = {Suite, Name, Run, {__VA_ARGS__}, NULL};                  \
        forked_add(&test);                                                                         \
    }

#define Test(Suite, Name, ...)                                                                     \
    static void Suite##_##Name##_run(void);                                                        \
    FORKED_ADD(Suite##_##Name##_add, #Suite, #Name, Suite##_##Name##_run, __VA_ARGS__)             \
    static void Suite##_##Name##_run(void)

#define TestSuite(Suite, ...)                                                                      \
    FORKED_ADD(Suite##_add, #Suite, NULL, NULL, __VA_ARGS__)                                       \
    _Static_assert(true, "takes the semicolon")

#define FORKED_CHECK(IsOver, Condition, Text, ...)                                                 \
    ((Condition) ? (void)0 : forked_failed(IsOver, __FILE__, __LINE__, Text, "" __VA_ARGS__))

#define cr_assert(C, ...)           FORKED_CHECK(true, C, #C, __VA_ARGS__)
#define cr_assert_not(C, ...)       FORKED_CHECK(true, !(C), "not " #C, __VA_ARGS__)
#define cr_assert_null(P, ...)      FORKED_CHECK(true, (P) == NULL, #P " is NULL", __VA_ARGS__)
#define cr_assert_not_null(P, ...)  FORKED_CHECK(true, (P) != NULL, #P " is not NULL", __VA_ARGS__)
#define cr_assert_eq(A, B, ...)     FORKED_CHECK(true, (A) == (B), #A " == " #B, __VA_ARGS__)
#define cr_assert_neq(A, B, ...)    FORKED_CHECK(true, (A) != (B), #A " != " #B, __VA_ARGS__)
#define cr_assert_lt(A, B, ...)     FORKED_CHECK(true, (A) < (B), #A " < " #B, __VA_ARGS__)
#define cr_assert_leq(A, B, ...)    FORKED_CHECK(true, (A) <= (B), #A " <= " #B, __VA_ARGS__)
#define cr_assert_gt(A, B, ...)     FORKED_CHECK(true, (A) > (B), #A " > " #B, __VA_ARGS__)
#define cr_assert_geq(A, B, ...)    FORKED_CHECK(true, (A) >= (B), #A " >= " #B, __VA_ARGS__)
#define cr_assert_str_eq(A, B, ...) FORKED_CHECK(true, strcmp(A, B) == 0, #A " eq " #B, __VA_ARGS__)
#define cr_assert_str_neq(A, B, ...)                                                               \
    FORKED_CHECK(true, strcmp(A, B) != 0, #A " ne " #B, __VA_ARGS__)
#define cr_assert_str_empty(A, ...) FORKED_CHECK(true, *(A) == '\0', #A " is empty", __VA_ARGS__)
#define cr_assert_fail(...)         FORKED_CHECK(true, false, "fail", __VA_ARGS__)

#define cr_expect(C, ...)          FORKED_CHECK(false, C, #C, __VA_ARGS__)
#define cr_expect_not(C, ...)      FORKED_CHECK(false, !(C), "not " #C, __VA_ARGS__)
#define cr_expect_null(P, ...)     FORKED_CHECK(false, (P) == NULL, #P " is NULL", __VA_ARGS__)
#define cr_expect_not_null(P, ...) FORKED_CHECK(false, (P) != NULL, #P " is not NULL", __VA_ARGS__)
#define cr_expect_eq(A, B, ...)    FORKED_CHECK(false, (A) == (B), #A " == " #B, __VA_ARGS__)
#define cr_expect_neq(A, B, ...)   FORKED_CHECK(false, (A) != (B), #A " != " #B, __VA_ARGS__)
#define cr_expect_lt(A, B, ...)    FORKED_CHECK(false, (A) < (B), #A " < " #B, __VA_ARGS__)
#define cr_expect_leq(A, B, ...)   FORKED_CHECK(false, (A) <= (B), #A " <= " #B, __VA_ARGS__)
#define cr_expect_gt(A, B, ...)    FORKED_CHECK(false, (A) > (B), #A " > " #B, __VA_ARGS__)
#define cr_expect_geq(A, B, ...)   FORKED_CHECK(false, (A) >= (B), #A " >= " #B, __VA_ARGS__)
#define cr_expect_str_eq(A, B, ...)                                                                \
    FORKED_CHECK(false, strcmp(A, B) == 0, #A " eq " #B, __VA_ARGS__)
#define cr_expect_str_neq(A, B, ...)                                                               \
    FORKED_CHECK(false, strcmp(A, B) != 0, #A " ne " #B, __VA_ARGS__)
#define cr_expect_arr_eq(A, B, Size, ...)                                                          \
    FORKED_CHECK(false, memcmp(A, B, Size) == 0, #A " eq " #B, __VA_ARGS__)

#define cr_skip(...)      forked_skip("" __VA_ARGS__)
#define cr_skip_test(...) forked_skip("" __VA_ARGS__)
#define cr_log_info(...)  ((void)fprintf(stderr, __VA_ARGS__), (void)fputc(10, stderr))

#endif
