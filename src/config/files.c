#include "files_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "moat/base/secret_pages.h"

#define GROUPS_MAX 256 /* more are not looked at: the key is then refused, not accepted */

static void explain_open(const char *path, int error, char out_what[FILE_FAULT_SIZE])
{
    const char *remedy = error == ENOENT ? "; create it or correct the path" : "";
    if (error == EACCES) {
        /* The number: within the sandbox nobody can be asked for the name. */
        snprintf(out_what, FILE_FAULT_SIZE,
                 "cannot open %s: %s; let the user that runs moat (%u) read it, for example with "
                 "chown %u, and enter its folders",
                 path, strerror(error), (unsigned)geteuid(), (unsigned)geteuid());
        return;
    }
    snprintf(out_what, FILE_FAULT_SIZE, "cannot open %s: %s%s", path, strerror(error), remedy);
}

/* True for root's own group and for those this process is in. root is in none that counts: it
 * reads for the user that it becomes, whose groups decide when that user reads (and
 * "moat check" warns when that user could not). */
static bool is_group_ours(gid_t group)
{
    gid_t groups[GROUPS_MAX];
    int count = getgroups(GROUPS_MAX, groups);
    bool is_ours = group == 0 || group == getegid() || geteuid() == 0;
    for (int i = 0; i < count; i++) {
        is_ours = is_ours || groups[i] == group;
    }
    return is_ours;
}

/*
 * Whether a secret is its owner's alone, or root's who lets one group read it: that is how an
 * orchestrator hands a key to a process without rights (mode 0440, group of the pod), and a
 * distribution to its services (root:moat 0640). Any other owner could be let down by members
 * of the group, who are no administrators, and whoever may write can put in a key of his own.
 */
static bool is_kept(const struct stat *status)
{
    if ((status->st_mode & 077) == 0) {
        return true;
    }
    return (status->st_mode & 077) == 040 && status->st_uid == 0 && is_group_ours(status->st_gid);
}

static void explain_exposed(const char *path, const struct stat *status,
                            char out_what[FILE_FAULT_SIZE])
{
    snprintf(out_what, FILE_FAULT_SIZE,
             "%s is open to others (mode %04o, owner %u, group %u) and must be its owner's alone, "
             "or root's with a group of moat's that may only read it; run chmod 600 %s",
             path, (unsigned)status->st_mode & 07777u, (unsigned)status->st_uid,
             (unsigned)status->st_gid, path);
}

/* What is wrong with the file that was opened; false when nothing is. */
static bool is_unfit(const char *path, const struct stat *status, enum file_secrecy secrecy,
                     size_t most, char out_what[FILE_FAULT_SIZE])
{
    if (!S_ISREG(status->st_mode)) {
        snprintf(out_what, FILE_FAULT_SIZE, "%s is not a regular file; name a file", path);
        return true;
    }
    if (secrecy == FILE_SECRET && !is_kept(status)) {
        explain_exposed(path, status, out_what);
        return true;
    }
    if (status->st_size <= 0) {
        snprintf(out_what, FILE_FAULT_SIZE, "%s is empty; fill it or name another file", path);
        return true;
    }
    if (status->st_size > (off_t)most) {
        snprintf(out_what, FILE_FAULT_SIZE, "%s is larger than %zu MiB; name a smaller file", path,
                 most / (1024u * 1024));
        return true;
    }
    return false;
}

/* Fills `data` to its size or to the end of the file; how many bytes came, or -1 and errno. */
static ssize_t read_fully(int descriptor, uint8_t *data, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t got = read(descriptor, data + used, size - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        used += (size_t)got;
    }
    return (ssize_t)used;
}

static bool read_opened(int descriptor, const char *path, enum file_secrecy secrecy, size_t most,
                        struct file_bytes *out_bytes, char out_what[FILE_FAULT_SIZE])
{
    struct stat status;
    if (fstat(descriptor, &status) != 0) {
        explain_open(path, errno, out_what);
        return false;
    }
    if (is_unfit(path, &status, secrecy, most, out_what)) {
        return false;
    }
    /* One byte more than the file had: it comes only when the file grew meanwhile. */
    size_t size = (size_t)status.st_size;
    uint8_t *data = secret_pages_new(size + 1);
    if (data == NULL) {
        snprintf(out_what, FILE_FAULT_SIZE, "not enough memory to read %s", path);
        return false;
    }
    ssize_t got = read_fully(descriptor, data, size + 1);
    if (got != (ssize_t)size) {
        snprintf(out_what, FILE_FAULT_SIZE, "cannot read %s: %s; try again", path,
                 got < 0 ? strerror(errno) : "it changed while it was read");
        secret_pages_free(data, size + 1);
        return false;
    }
    data[size] = '\0';
    out_bytes->data = data;
    out_bytes->size = size;
    out_bytes->exposed = (status.st_mode & 07) != 0;
    out_bytes->is_alterable = (status.st_mode & 02) != 0;
    return true;
}

bool file_read(const char *path, enum file_secrecy secrecy, struct file_bytes *out_bytes,
               char out_what[FILE_FAULT_SIZE])
{
    return file_read_up_to(path, secrecy, FILE_SIZE_MAX, out_bytes, out_what);
}

bool file_read_up_to(const char *path, enum file_secrecy secrecy, size_t most,
                     struct file_bytes *out_bytes, char out_what[FILE_FAULT_SIZE])
{
    /* O_NONBLOCK: a pipe or a device under this name must not stop the program. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        explain_open(path, errno, out_what);
        return false;
    }
    bool is_read = read_opened(descriptor, path, secrecy, most, out_bytes, out_what);
    close(descriptor);
    return is_read;
}

void file_bytes_deinit(struct file_bytes *bytes)
{
    secret_pages_free(bytes->data, bytes->size + 1);
    *bytes = (struct file_bytes){.data = NULL};
}
