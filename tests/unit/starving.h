/*
 * Memory that runs out when a test says so. The unit tests are linked so that malloc() and what is
 * like it come by here first (tests/unit/meson.build).
 *
 *     for (size_t at = 0; starving_goes_on(at); at++) {
 *         thing = thing_new();
 *         bool has_failed = starving_end();
 *         ... without memory thing is NULL, and nothing was lost ...
 *     }
 */
#ifndef MOAT_TESTS_STARVING_H
#define MOAT_TESTS_STARVING_H

#include <stdbool.h>
#include <stddef.h>

/* From now on the allocation with this number, counted from 0, fails, and only that one. False when
 * the run before was over without reaching the number it was told: then there is nothing left to
 * try. */
bool starving_goes_on(size_t number);

/* Everything is given again. True when an allocation did fail. */
bool starving_end(void);

/* Whether it has failed by now, on whatever thread. */
bool starving_has_failed(void);

/* What happens to the next fstat() or read(). */
enum failing_file {
    FILE_IS_SOUND = 0,
    FILE_FAILS_AT_STAT,
    FILE_FAILS_AT_READ,
    FILE_ENDS_EARLY,
    FILE_IS_INTERRUPTED, /* once, by a signal */
    FILE_GROWS,          /* by a byte, behind fstat() */
};
void failing_file(enum failing_file how);

#endif
