/* A password file on the disk, for one reading and one writing back. */
#ifndef MOAT_APP_PASSWORD_FILE_INTERNAL_H
#define MOAT_APP_PASSWORD_FILE_INTERNAL_H

#include "moat/base/bytes.h"

#define PASSWORD_FILE_SIZE_MAX ((size_t)16 << 20) /* bytes: more than 100,000 users */
#define PASSWORD_FILE_FAULT    256

struct password_file {
    const char *path; /* borrowed */
    int folder;       /* of the file; locked until password_file_close() */
    bool exists;
    struct buffer text;
};

/*
 * Reads the file; one that is not there yet is empty, and a fault only if it `must_exist`.
 * Until it is closed another `moat passwd` on a file of this folder waits, so that of two
 * changes at once none is lost.
 *
 * Returns a sysexits code; for all but EX_OK the file is closed and out_fault says why,
 * without a full stop.
 */
int password_file_open(struct password_file *file, const char *path, bool must_exist,
                       char out_fault[PASSWORD_FILE_FAULT]) MOAT_MUST_CHECK;

/* Puts the text in the file's place in one step; a new file is for its owner's eyes only,
 * an old one keeps its owner and mode. Returns as password_file_open(), but never closes. */
int password_file_write(const struct password_file *file, struct slice text,
                        char out_fault[PASSWORD_FILE_FAULT]) MOAT_MUST_CHECK;

void password_file_close(struct password_file *file);

#endif
