/* Runs the tests of a program, each in a process of its own. The last line is "N passed, N failed,
 * N skipped". */
#include "criterion/criterion.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED      77
#define TEST_SECONDS 300 /* an emulator is slow */

static struct forked_test *tests;
static unsigned failures; /* of the test that runs */

void forked_add(struct forked_test *test)
{
    test->next = tests;
    tests = test;
}

void forked_failed(bool is_over, const char *file, int line, const char *condition,
                   const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s:%d: %s: ", file, line, condition);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    failures++;
    if (is_over) {
        exit(EXIT_FAILURE);
    }
}

void forked_skip(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(SKIPPED);
}

static const struct forked_test *suite_of(const struct forked_test *test)
{
    static const struct forked_test none;

    for (const struct forked_test *suite = tests; suite != NULL; suite = suite->next) {
        if (suite->name == NULL && strcmp(suite->suite, test->suite) == 0) {
            return suite;
        }
    }
    return &none;
}

static void run(const struct forked_test *test)
{
    const struct forked_test *suite = suite_of(test);
    void (*init)(void) = test->options.init != NULL ? test->options.init : suite->options.init;
    void (*fini)(void) = test->options.fini != NULL ? test->options.fini : suite->options.fini;

    alarm(TEST_SECONDS);
    if (init != NULL) {
        init();
    }
    test->run();
    if (fini != NULL) {
        fini();
    }
    exit(failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

int main(void)
{
    unsigned passed = 0;
    unsigned failed = 0;
    unsigned skipped = 0;

    for (const struct forked_test *test = tests; test != NULL; test = test->next) {
        int status = -1;
        if (test->name == NULL) {
            continue;
        }
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            run(test);
        }
        bool has_ended = child > 0 && waitpid(child, &status, 0) == child;
        if (has_ended && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) {
            passed++;
        } else if (has_ended && WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
            printf("SKIPPED %s::%s\n", test->suite, test->name);
            skipped++;
        } else {
            printf("FAILED %s::%s, status %d\n", test->suite, test->name, status);
            failed++;
        }
    }
    printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
