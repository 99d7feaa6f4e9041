/* A folder that comes into being with all its files or not at all. */
#ifndef MOAT_APP_INIT_FOLDER_INTERNAL_H
#define MOAT_APP_INIT_FOLDER_INTERNAL_H

#include <sys/types.h>

#include "moat/base/bytes.h"

struct init_file {
    const char *name; /* "x" or "tls/x" */
    mode_t mode;
    struct slice content;
};

#define INIT_FAULT_SIZE 512

/* Makes `target` (only its owner may enter) with these files and a folder "tls". An empty
 * folder that is there already is filled as it is. On failure nothing has changed, false
 * is returned and `out_fault` holds a sentence without a full stop. */
bool init_folder_make(const char *target, const struct init_file *files, size_t count,
                      char out_fault[INIT_FAULT_SIZE]) MOAT_MUST_CHECK;

#endif
