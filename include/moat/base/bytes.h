/*
 * Bytes that are borrowed (struct slice) and bytes that are owned (struct buffer).
 *
 * A slice never outlives what it points into. A buffer has a ceiling that is
 * set when it is made and takes memory only as bytes arrive.
 */
#ifndef MOAT_BASE_BYTES_H
#define MOAT_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The result decides something; a caller that ignores it does not compile. */
#define MOAT_MUST_CHECK          __attribute__((warn_unused_result))
#define MOAT_PRINTF(text, first) __attribute__((format(printf, text, first)))

struct slice {
    const uint8_t *data; /* may be NULL only when size is 0 */
    size_t size;
};

static inline struct slice slice_of(const void *data, size_t size)
{
    return (struct slice){.data = data, .size = size};
}

/* The characters of a NUL-terminated string, without the NUL; NULL gives the empty slice. */
static inline struct slice slice_from_text(const char *text)
{
    return slice_of(text, text != NULL ? strlen(text) : 0);
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_from_text(text));
}

static inline bool slice_starts_with(struct slice a, const char *text)
{
    size_t size = strlen(text);
    return a.size >= size && memcmp(a.data, text, size) == 0;
}

/* What is left of `a` after its first `count` bytes; count must not exceed a.size. */
static inline struct slice slice_after(struct slice a, size_t count)
{
    return slice_of(a.data != NULL ? a.data + count : NULL, a.size - count);
}

/* A NUL-terminated copy to be released with free(), or NULL without memory. */
char *slice_to_text(struct slice a) MOAT_MUST_CHECK;

struct buffer {
    uint8_t *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
    size_t ceiling;  /* bytes it may ever hold */
};

/* Makes an empty buffer that holds no memory yet. */
void buffer_init(struct buffer *buffer, size_t ceiling);

/* Wipes the content and releases the memory; the buffer is empty and usable again. */
void buffer_deinit(struct buffer *buffer);

/* Appends; false (and nothing appended) past the ceiling or without memory. */
bool buffer_append(struct buffer *buffer, struct slice bytes) MOAT_MUST_CHECK;

static inline struct slice buffer_slice(const struct buffer *buffer)
{
    return slice_of(buffer->data, buffer->size);
}

/* How many bytes may still be appended before the ceiling. */
static inline size_t buffer_room(const struct buffer *buffer)
{
    return buffer->ceiling - buffer->size;
}

#endif
