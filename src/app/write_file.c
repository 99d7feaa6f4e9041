#include "moat/app/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Writes everything and closes `file` in every case. */
static int fill_and_close(int file, struct slice content)
{
    int status = 0;

    while (status == 0 && content.size > 0) {
        ssize_t written = write(file, content.data, content.size);
        if (written >= 0) {
            content = slice_after(content, (size_t)written);
        } else if (errno != EINTR) {
            status = -errno;
        }
    }
    if (status == 0 && fsync(file) != 0) {
        status = -errno;
    }
    if (close(file) != 0 && status == 0) {
        status = -errno;
    }
    return status;
}

/* Makes the name itself survive a power cut, not only the content. */
static int sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    /* Of "/name" the folder is "/", of "name" it is the working directory. */
    size_t size = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);

    if (size >= sizeof folder) {
        return -ENAMETOOLONG;
    }
    memcpy(folder, path, size);
    folder[size] = '\0';
    int file = open(size > 0 ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) {
        return -errno;
    }
    int status = fill_and_close(file, slice_of(NULL, 0));
    return status == -EINVAL ? 0 : status; /* this file system has no such thing */
}

int write_file_new(const char *path, mode_t mode, struct slice content)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0) {
        return -errno;
    }
    int status = fill_and_close(file, content);
    if (status == 0) {
        status = sync_folder_of(path);
    }
    if (status != 0) {
        (void)unlink(path);
    }
    return status;
}

/* Gives the new file what belongs to the old one. The owner first: chown may clear mode bits. */
static int copy_owner_and_mode(int file, const struct stat *old)
{
    if (fchown(file, old->st_uid, old->st_gid) != 0 || fchmod(file, old->st_mode & 07777) != 0) {
        return -errno;
    }
    return 0;
}

/* Puts a new file at `path`; owner and mode as the old one's, or its owner's alone without. */
static int exchange(const char *path, const struct stat *old, struct slice content)
{
    char temporary[PATH_MAX];

    int size = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (size < 0 || (size_t)size >= sizeof temporary) {
        return -ENAMETOOLONG;
    }
    int file = mkostemp(temporary, O_CLOEXEC); /* of mode 0600 */
    if (file < 0) {
        return -errno;
    }
    int status = old != NULL ? copy_owner_and_mode(file, old) : 0;
    int filled = fill_and_close(file, status == 0 ? content : slice_of(NULL, 0));
    status = status == 0 ? filled : status;
    if (status == 0 && rename(temporary, path) != 0) {
        status = -errno;
    }
    if (status != 0) {
        (void)unlink(temporary);
        return status;
    }
    /* The exchange has happened and cannot be taken back. Should this fail, a power cut may
     * bring back the old file, which is whole as well. */
    (void)sync_folder_of(path);
    return 0;
}

static int replace_at(const char *path, struct slice content)
{
    struct stat old;

    if (lstat(path, &old) != 0) {
        return -errno;
    }
    return S_ISREG(old.st_mode) ? exchange(path, &old, content) : -EINVAL;
}

int write_file_replace(const char *path, struct slice content)
{
    char *real = realpath(path, NULL);
    if (real == NULL) {
        return -errno;
    }
    int status = replace_at(real, content);
    free(real);
    return status;
}

int write_file_put(const char *path, struct slice content)
{
    return exchange(path, NULL, content);
}
