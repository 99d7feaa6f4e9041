#include "state_file_internal.h"

#define FILE_MAGIC   "moat-grd"
#define FILE_VERSION 2u
#define HEADER_SIZE  16u
#define MAGIC_SIZE   8u
#define SIZE_SIZE    8u /* of the number in front of a section */

static void put_number(uint8_t *bytes, size_t size, uint64_t number)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(number >> (8 * i));
    }
}

static uint64_t get_number(const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number |= (uint64_t)bytes[i] << (8 * i);
    }
    return number;
}

bool state_file_begin(struct buffer *file, uint32_t sections)
{
    uint8_t header[HEADER_SIZE] = {0};

    memcpy(header, FILE_MAGIC, MAGIC_SIZE);
    put_number(header + 8, 4, FILE_VERSION);
    put_number(header + 12, 4, sections);
    return buffer_append(file, slice_of(header, sizeof header));
}

bool state_file_open_section(struct buffer *file, size_t *out_start)
{
    uint8_t size[SIZE_SIZE] = {0};

    *out_start = file->size;
    return buffer_append(file, slice_of(size, sizeof size));
}

void state_file_close_section(struct buffer *file, size_t start)
{
    put_number(file->data + start, SIZE_SIZE, file->size - start - SIZE_SIZE);
}

/* Takes one section off the front of `rest`; false when it is not whole. */
static bool next_section(struct slice *rest, struct slice *out_section)
{
    if (rest->size < SIZE_SIZE + MAGIC_SIZE) {
        return false;
    }
    uint64_t size = get_number(rest->data, SIZE_SIZE);
    *rest = slice_after(*rest, SIZE_SIZE);
    if (size < MAGIC_SIZE || size > rest->size) {
        return false;
    }
    *out_section = slice_of(rest->data, (size_t)size);
    *rest = slice_after(*rest, (size_t)size);
    return true;
}

static const char *find(struct slice file, const char *magic, struct slice *out_section)
{
    struct slice rest = slice_after(file, HEADER_SIZE);
    struct slice found = slice_of(NULL, 0);
    struct slice section;

    for (uint64_t left = get_number(file.data + 12, 4); left > 0; left--) {
        if (!next_section(&rest, &section)) {
            return "its size is not what its header says";
        }
        if (!slice_starts_with(section, magic)) {
            continue;
        }
        if (found.size > 0) {
            return "a section stands in it twice";
        }
        found = section;
    }
    if (rest.size > 0) {
        return "its size is not what its header says";
    }
    *out_section = found;
    return NULL;
}

const char *state_file_find(struct slice file, const char *magic, struct slice *out_section)
{
    if (slice_starts_with(file, STATE_FILE_OWNERS)) { /* version 1 */
        *out_section = strcmp(magic, STATE_FILE_OWNERS) == 0 ? file : slice_of(NULL, 0);
        return NULL;
    }
    if (file.size < HEADER_SIZE) {
        return "it is too short";
    }
    if (!slice_starts_with(file, FILE_MAGIC)) {
        return "it is not a state file of moat";
    }
    if (get_number(file.data + 8, 4) != FILE_VERSION) {
        return "another version of moat wrote it";
    }
    return find(file, magic, out_section);
}
