/* What several property tests share: repeatable random numbers, and a glob matcher that
 * is obviously right and as slow as it likes. */
#ifndef MOAT_TESTS_POLICY_ORACLE_H
#define MOAT_TESTS_POLICY_ORACLE_H

#include "moat/base/bytes.h"

#include <criterion/logging.h>
#include <inttypes.h>

struct random {
    uint64_t state;
};

/* The seed is fixed, and printed so that a failure can be told exactly. */
static inline struct random random_start(uint64_t seed)
{
    cr_log_info("seed %" PRIu64, seed);
    return (struct random){.state = seed};
}

/* 0..bound-1; splitmix64. */
static inline size_t random_below(struct random *random, size_t bound)
{
    random->state += 0x9E3779B97F4A7C15u;
    uint64_t z = random->state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (size_t)((z ^ (z >> 31)) % bound);
}

/* Up to `limit` characters of the alphabet. */
static inline struct slice random_text(struct random *random, const char *alphabet, char *out_text,
                                       size_t limit)
{
    size_t size = random_below(random, limit + 1);
    for (size_t at = 0; at < size; at++) {
        out_text[at] = alphabet[random_below(random, strlen(alphabet))];
    }
    out_text[size] = '\0';
    return slice_of(out_text, size);
}

/* Tries everything a star can take. */
static inline bool slow_glob_match(struct slice glob, struct slice text)
{
    if (glob.size == 0) {
        return text.size == 0;
    }
    if (glob.data[0] == '*') {
        for (size_t taken = 0; taken <= text.size; taken++) {
            if (slow_glob_match(slice_after(glob, 1), slice_after(text, taken))) {
                return true;
            }
        }
        return false;
    }
    if (text.size == 0) {
        return false;
    }
    if (glob.data[0] == '\\') {
        return glob.data[1] == text.data[0] &&
               slow_glob_match(slice_after(glob, 2), slice_after(text, 1));
    }
    return (glob.data[0] == '?' || glob.data[0] == text.data[0]) &&
           slow_glob_match(slice_after(glob, 1), slice_after(text, 1));
}

#endif
