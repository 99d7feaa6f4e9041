/* Landlock by its system calls: which files may be opened, which TCP ports connected to. */
#ifndef MOAT_APP_LANDLOCK_INTERNAL_H
#define MOAT_APP_LANDLOCK_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "moat/base/bytes.h"

/* The first interface of the kernel that rules TCP ports, and the one that shuts off other
 * processes' signals and abstract sockets. */
#define LANDLOCK_ABI_TCP   4
#define LANDLOCK_ABI_SCOPE 6

enum landlock_grant {
    LANDLOCK_READ,    /* files beneath a folder, or one file */
    LANDLOCK_REPLACE, /* files in a folder: read, write, make, rename, remove; and list it */
    LANDLOCK_BROWSE,  /* read files and list folders */
};

struct landlock_path {
    char *path;
    enum landlock_grant grant;
};

/* The kernel's interface: 1 or more, or 0 when it has none or it is turned off. */
int landlock_abi(void);

/* Denies this thread, and all that it starts from now on, every file but what is beneath `paths`,
 * binding TCP ports, and connecting to any but `ports`. What is denied beyond that depends on the
 * kernel. Paths that do not exist grant nothing. 0 or a negative errno value (-ENOSYS
 * without Landlock). */
int landlock_apply(const struct landlock_path *paths, size_t path_count, const uint16_t *ports,
                   size_t port_count) MOAT_MUST_CHECK;

/* Tries what must be refused now. True when it is. */
bool landlock_verify(void) MOAT_MUST_CHECK;

#endif
