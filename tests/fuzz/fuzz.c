#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void fuzz_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: this must hold: %s\n", file, line, condition);
    abort();
}

uint8_t fuzz_u8(struct slice *input)
{
    uint8_t byte = 0;

    if (input->size > 0) {
        byte = input->data[0];
        *input = slice_after(*input, 1);
    }
    return byte;
}

uint16_t fuzz_u16(struct slice *input)
{
    unsigned high = fuzz_u8(input);

    return (uint16_t)(high << 8 | fuzz_u8(input));
}

struct slice fuzz_bytes(struct slice *input, size_t size)
{
    struct slice bytes = slice_of(input->data, size < input->size ? size : input->size);

    *input = slice_after(*input, bytes.size);
    return bytes;
}

struct slice fuzz_until(struct slice *input, uint8_t end)
{
    const uint8_t *found = input->size > 0 ? memchr(input->data, end, input->size) : NULL;
    size_t size = found != NULL ? (size_t)(found - input->data) : input->size;
    struct slice bytes = fuzz_bytes(input, size);

    (void)fuzz_u8(input);
    return bytes;
}

uint8_t *fuzz_copy(struct slice bytes)
{
    uint8_t *copy = malloc(bytes.size);

    FUZZ_CHECK(copy != NULL || bytes.size == 0);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return copy;
}
