/* Files written whole or not at all, and on the disk before success is reported. */
#ifndef MOAT_APP_WRITE_FILE_H
#define MOAT_APP_WRITE_FILE_H

#include <sys/types.h>

#include "moat/base/bytes.h"

/* Creates a file with `mode` (less the umask). Whatever stands at `path`, a link that
 * leads nowhere included, is left alone and gives -EEXIST. Returns 0 or a negative errno
 * value; nothing is left behind on failure. */
int write_file_new(const char *path, mode_t mode, struct slice content) MOAT_MUST_CHECK;

/* Replaces the content of an existing regular file in one step: a reader sees the old
 * content or the new, never a part. Owner and mode stay; a link is followed, so what it
 * points at is replaced. Returns 0 or a negative errno value (-ENOENT when there is no
 * such file, -EINVAL when it is not a regular one); the old file is then untouched. */
int write_file_replace(const char *path, struct slice content) MOAT_MUST_CHECK;

/* Makes `path` a file with this content and mode 0600 in one step, whether there was one before
 * or not; a link is replaced, not followed. Returns 0 or a negative errno value; what
 * stood there is then untouched. */
int write_file_put(const char *path, struct slice content) MOAT_MUST_CHECK;

#endif
