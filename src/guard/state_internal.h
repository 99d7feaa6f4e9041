/*
 * What the states that the guard writes have in common. All numbers are little-endian:
 *
 *   0   8   magic
 *   8   4   version
 *   12  4   number of records
 *   16  32  key of the digests
 *   48      the records, all of one size
 *   end 32  SHA-256 of everything before
 */
#ifndef MOAT_GUARD_STATE_INTERNAL_H
#define MOAT_GUARD_STATE_INTERNAL_H

#include "digest_internal.h"
#include "moat/base/secret.h"

#define STATE_HEADER_SIZE (8u + 4u + 4u + DIGEST_KEY_SIZE)

struct state_form {
    const char *magic; /* 8 characters */
    uint32_t version;
    size_t record_size;
};

static inline void state_put_number(uint8_t *bytes, size_t size, uint64_t number)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(number >> (8 * i));
    }
}

static inline uint64_t state_get_number(const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number |= (uint64_t)bytes[i] << (8 * i);
    }
    return number;
}

/* Appends the header, without the number of records. */
bool state_begin(const struct state_form *form, const uint8_t key[DIGEST_KEY_SIZE],
                 struct buffer *state) MOAT_MUST_CHECK;

/* Completes what began at `start`: the number of records, the checksum. */
bool state_end(const struct state_form *form, size_t start, struct buffer *state) MOAT_MUST_CHECK;

/* NULL and the number of records, or what is wrong as a static sentence. The records themselves
 * are not looked at. */
const char *state_check(const struct state_form *form, struct slice state,
                        size_t *out_count) MOAT_MUST_CHECK;

#endif
