#include "moat/base/bytes.h"

#include <stdlib.h>

#include "moat/base/secret.h"

/* The first allocation of a buffer: most CONNECT packets fit. */
#define BUFFER_FIRST_CAPACITY 256u

char *slice_to_text(struct slice a)
{
    char *text = malloc(a.size + 1);
    if (text == NULL) {
        return NULL;
    }
    if (a.size > 0) {
        memcpy(text, a.data, a.size);
    }
    text[a.size] = '\0';
    return text;
}

void buffer_init(struct buffer *buffer, size_t ceiling)
{
    *buffer = (struct buffer){.ceiling = ceiling};
}

void buffer_deinit(struct buffer *buffer)
{
    if (buffer->data != NULL) {
        secret_wipe(buffer->data, buffer->capacity);
        free(buffer->data);
    }
    buffer_init(buffer, buffer->ceiling);
}

/* Not realloc(): it would leave an unwiped copy of what may be a password behind. */
static bool buffer_grow(struct buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity != 0 ? buffer->capacity : BUFFER_FIRST_CAPACITY;
    while (capacity < needed && capacity <= buffer->ceiling / 2) {
        capacity *= 2;
    }
    if (capacity < needed || capacity > buffer->ceiling) {
        capacity = buffer->ceiling;
    }
    uint8_t *data = malloc(capacity);
    if (data == NULL) {
        return false;
    }
    if (buffer->size > 0) {
        memcpy(data, buffer->data, buffer->size);
    }
    if (buffer->data != NULL) {
        secret_wipe(buffer->data, buffer->capacity);
        free(buffer->data);
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool buffer_append(struct buffer *buffer, struct slice bytes)
{
    if (bytes.size > buffer_room(buffer)) {
        return false;
    }
    if (bytes.size == 0) {
        return true;
    }
    size_t needed = buffer->size + bytes.size;
    if (needed > buffer->capacity && !buffer_grow(buffer, needed)) {
        return false;
    }
    memcpy(buffer->data + buffer->size, bytes.data, bytes.size);
    buffer->size = needed;
    return true;
}
