/*
 * What the fuzz targets share. A target is one file, fuzz_<what>.c, with the function below. Built
 * by clang it is linked with libFuzzer (tests/fuzz/run); built by any compiler it is linked with
 * replay.c, which feeds it files (tests/run).
 */
#ifndef MOAT_TESTS_FUZZ_H
#define MOAT_TESTS_FUZZ_H

#include "moat/base/bytes.h"

/* Returns 0; what must not be ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert() it is there in every build. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fuzz_failed(#condition, __FILE__, __LINE__);                                           \
        }                                                                                          \
    } while (0)

_Noreturn void fuzz_failed(const char *condition, const char *file, int line);

/* Takes from the front of the input; what is not there any more is 0 or empty. */
uint8_t fuzz_u8(struct slice *input);
uint16_t fuzz_u16(struct slice *input);
struct slice fuzz_bytes(struct slice *input, size_t size);
/* Up to the next byte of this value, which is taken too and not part of the result. */
struct slice fuzz_until(struct slice *input, uint8_t end);

/* A copy that ends where its memory ends, so that ASan sees a byte read too many. */
uint8_t *fuzz_copy(struct slice bytes);

#endif
