#include "app/password_file_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "moat/app/write_file.h"
#include "moat/base/secret.h"

static int refuse(int code, char out_fault[PASSWORD_FILE_FAULT], const char *what, int error)
{
    (void)snprintf(out_fault, PASSWORD_FILE_FAULT, "%s%s%s", what, error != 0 ? ": " : "",
                   error != 0 ? strerror(error) : "");
    return code;
}

/* Opens the folder of `path`; a negative errno value when that fails. */
static int open_folder(const char *path)
{
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash != NULL) {
        size_t size = slash == path ? 1 : (size_t)(slash - path); /* of "/name" it is "/" */
        if (size >= sizeof folder) {
            return -ENAMETOOLONG;
        }
        memcpy(folder, path, size);
        folder[size] = '\0';
    }
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return -errno;
    }
    return descriptor;
}

static int read_all(int descriptor, struct buffer *text, char out_fault[PASSWORD_FILE_FAULT])
{
    uint8_t chunk[16384];
    int code = EX_OK;
    ssize_t size;
    do {
        size = read(descriptor, chunk, sizeof chunk);
        if (size < 0 && errno != EINTR) {
            code = refuse(EX_IOERR, out_fault, "cannot be read", errno);
        } else if (size > 0 && !buffer_append(text, slice_of(chunk, (size_t)size))) {
            code = refuse(EX_DATAERR, out_fault, "too large for a password file", 0);
        }
    } while (code == EX_OK && size != 0);
    secret_wipe(chunk, sizeof chunk);
    return code;
}

/* O_NONBLOCK: a FIFO of that name must not hold us up before it can be refused. */
static int read_file(struct password_file *file, bool must_exist,
                     char out_fault[PASSWORD_FILE_FAULT])
{
    int descriptor = open(file->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0) {
        if (errno == ENOENT && !must_exist) {
            return EX_OK;
        }
        return refuse(EX_NOINPUT, out_fault, "cannot be opened", errno);
    }
    file->exists = true;
    struct stat status;
    int code;
    if (fstat(descriptor, &status) != 0) {
        code = refuse(EX_NOINPUT, out_fault, "cannot be read", errno);
    } else if (!S_ISREG(status.st_mode)) {
        code = refuse(EX_NOINPUT, out_fault, "not a regular file", 0);
    } else {
        code = read_all(descriptor, &file->text, out_fault);
    }
    (void)close(descriptor);
    return code;
}

int password_file_open(struct password_file *file, const char *path, bool must_exist,
                       char out_fault[PASSWORD_FILE_FAULT])
{
    *file = (struct password_file){.path = path, .folder = open_folder(path)};
    buffer_init(&file->text, PASSWORD_FILE_SIZE_MAX);
    if (file->folder < 0) {
        return refuse(must_exist ? EX_NOINPUT : EX_CANTCREAT, out_fault,
                      "its folder cannot be opened", -file->folder);
    }
    /* Where a file system has no locks, two at once are the administrator's to avoid. */
    while (flock(file->folder, LOCK_EX) != 0 && errno == EINTR) {
    }
    int code = read_file(file, must_exist, out_fault);
    if (code != EX_OK) {
        password_file_close(file);
    }
    return code;
}

int password_file_write(const struct password_file *file, struct slice text,
                        char out_fault[PASSWORD_FILE_FAULT])
{
    if (file->exists) {
        int status = write_file_replace(file->path, text);
        bool is_full = status == -EIO || status == -ENOSPC || status == -EDQUOT;
        return status == 0 ? EX_OK
                           : refuse(is_full ? EX_IOERR : EX_CANTCREAT, out_fault,
                                    "cannot be replaced, and was left as it is", -status);
    }
    int status = write_file_new(file->path, S_IRUSR | S_IWUSR, text);
    return status == 0 ? EX_OK : refuse(EX_CANTCREAT, out_fault, "cannot be made", -status);
}

void password_file_close(struct password_file *file)
{
    buffer_deinit(&file->text);
    (void)close(file->folder);
    file->folder = -1;
}
