/*
 * Test vectors: files a person can read, of bytes and of what they must lead to.
 *
 *     # A comment runs to the end of the line.
 *     case: 3.1.1, the smallest packet        a case begins
 *     10 0C                                   bytes in hexadecimal,
 *     00 04 "MQTT" 04 02 00 3C 00 00          text in quotes (no escapes),
 *     2F*300                                  a byte that is repeated
 *     status: OK                              "key: value" says what is expected
 *     shows: MQTT-3.1.3-6                     clauses the case is an example of
 *
 * Which keys there are is the business of the test that reads the file.
 */
#ifndef MOAT_TESTS_VECTOR_H
#define MOAT_TESTS_VECTOR_H

#include "moat/base/bytes.h"

#define VECTOR_FIELDS_MAX 24

struct vector_field {
    char *key;
    char *value;
};

struct vector {
    char *name; /* "file:line: case" */
    struct buffer bytes;
    struct vector_field fields[VECTOR_FIELDS_MAX];
    size_t field_count;
};

struct vectors {
    struct vector *items;
    size_t count;
};

/* Loads tests/vectors/<folder>/ *.vec in the order of their names. Any fault of a file,
 * a key that `keys` (NULL at its end) does not have included, fails the test. */
struct vectors vectors_load(const char *folder, const char *const *keys);
void vectors_free(struct vectors *vectors);

/* The value of a key, or NULL. */
const char *vector_value(const struct vector *vector, const char *key);

/* The same as a number in decimal, or `absent`. */
uint64_t vector_number(const struct vector *vector, const char *key, uint64_t absent);

/* True for "yes", false for an absent key; nothing else is allowed. */
bool vector_flag(const struct vector *vector, const char *key);

/* A value in the notation of the bytes, appended to `out_bytes`. */
void vector_bytes(const char *notation, struct buffer *out_bytes);

#endif
