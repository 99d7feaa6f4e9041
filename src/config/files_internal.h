/* Reading the files a configuration names, trusting nothing about them. */
#ifndef MOAT_CONFIG_FILES_INTERNAL_H
#define MOAT_CONFIG_FILES_INTERNAL_H

#include "moat/base/bytes.h"

#define FILE_SIZE_MAX   1048576u /* bytes */
#define FILE_FAULT_SIZE 512

enum file_secrecy {
    FILE_PUBLIC,       /* anybody may read it */
    FILE_CONFIDENTIAL, /* *out_exposed tells when users outside its group may read it */
    FILE_SECRET,       /* refused when anybody but its owner may read, write or run it; of root's
                        * files one group may read, if this process is in it */
};

struct file_bytes {
    uint8_t *data;
    size_t size;
    bool exposed;      /* other users of this machine may read it */
    bool is_alterable; /* other users of this machine may write to it */
};

/* Reads a regular file whole; links are followed and what was opened is judged, so
 * that nothing can be swapped between the look and the read. False, and a sentence with the
 * remedy in out_what, when that cannot be done. The bytes end with a NUL not counted in `size`. */
bool file_read(const char *path, enum file_secrecy secrecy, struct file_bytes *out_bytes,
               char out_what[FILE_FAULT_SIZE]) MOAT_MUST_CHECK;

/* The same with another limit than FILE_SIZE_MAX, in bytes. */
bool file_read_up_to(const char *path, enum file_secrecy secrecy, size_t most,
                     struct file_bytes *out_bytes, char out_what[FILE_FAULT_SIZE]) MOAT_MUST_CHECK;

/* Wipes and releases. */
void file_bytes_deinit(struct file_bytes *bytes);

static inline struct slice file_slice(const struct file_bytes *bytes)
{
    return slice_of(bytes->data, bytes->size);
}

#endif
