#include "app/init_folder_internal.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "moat/app/write_file.h"

/* Where the files are made: in the empty folder that was there, or in a sibling of the
 * target that takes the target's name once it is complete. */
struct stage {
    char folder[PATH_MAX];
    bool is_sibling;
};

static bool join(char out_path[PATH_MAX], const char *folder, const char *name)
{
    int size = snprintf(out_path, PATH_MAX, "%s/%s", folder, name);
    return size >= 0 && size < PATH_MAX;
}

/* Names are shown as far as they are plain; a file's name may hold anything. */
static void say_not_empty(const char *target, const char *name, char out_fault[INIT_FAULT_SIZE])
{
    char plain[64];
    size_t size = 0;

    for (; name[size] != '\0' && size < sizeof plain - 1; size++) {
        plain[size] = name[size] >= ' ' && name[size] <= '~' ? name[size] : '?';
    }
    plain[size] = '\0';
    (void)snprintf(out_fault, INIT_FAULT_SIZE,
                   "%s is not empty, it holds %s; nothing was changed; name another folder, or "
                   "move this one out of the way",
                   target, plain);
}

static bool is_empty(const char *target, char out_fault[INIT_FAULT_SIZE])
{
    DIR *folder = opendir(target);
    if (folder == NULL) {
        (void)snprintf(out_fault, INIT_FAULT_SIZE, "%s exists and cannot be used as a folder: %s",
                       target, strerror(errno));
        return false;
    }
    const struct dirent *entry;
    do {
        entry = readdir(folder);
    } while (entry != NULL &&
             (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    if (entry != NULL) {
        say_not_empty(target, entry->d_name, out_fault);
    }
    (void)closedir(folder);
    return entry == NULL;
}

static bool open_sibling(const char *target, struct stage *out_stage,
                         char out_fault[INIT_FAULT_SIZE])
{
    size_t size = strlen(target);
    while (size > 1 && target[size - 1] == '/') {
        size--;
    }
    if (size + sizeof ".XXXXXX" > PATH_MAX) {
        (void)snprintf(out_fault, INIT_FAULT_SIZE, "the name of the folder is too long");
        return false;
    }
    struct stage stage = {.is_sibling = true};
    memcpy(stage.folder, target, size);
    memcpy(stage.folder + size, ".XXXXXX", sizeof ".XXXXXX");
    if (mkdtemp(stage.folder) == NULL) {
        (void)snprintf(out_fault, INIT_FAULT_SIZE, "cannot make %s: %s%s", target, strerror(errno),
                       errno == ENOENT ? "; make the folder it shall stand in first" : "");
        return false;
    }
    *out_stage = stage;
    return true;
}

static bool open_stage(const char *target, struct stage *out_stage, char out_fault[INIT_FAULT_SIZE])
{
    struct stat status;

    if (stat(target, &status) != 0) {
        return open_sibling(target, out_stage, out_fault);
    }
    if (strlen(target) >= sizeof out_stage->folder || !is_empty(target, out_fault)) {
        return false;
    }
    out_stage->is_sibling = false;
    memcpy(out_stage->folder, target, strlen(target) + 1);
    return true;
}

/* Removes the files that were made, then the folders. Whatever else has appeared there
 * meanwhile is not ours and stays. */
static void undo(const struct stage *stage, const struct init_file *files, size_t made)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < made; i++) {
        if (join(path, stage->folder, files[i].name)) {
            (void)unlink(path);
        }
    }
    if (join(path, stage->folder, "tls")) {
        (void)rmdir(path);
    }
    if (stage->is_sibling) {
        (void)rmdir(stage->folder);
    }
}

/* Counts in *out_made the files that exist now, also on failure. Returns 0 or a negative errno. */
static int write_all(const struct stage *stage, const struct init_file *files, size_t count,
                     size_t *out_made)
{
    char path[PATH_MAX];

    if (!join(path, stage->folder, "tls")) {
        return -ENAMETOOLONG;
    }
    if (mkdir(path, 0700) != 0) {
        return -errno;
    }
    for (size_t i = 0; i < count; i++) {
        if (!join(path, stage->folder, files[i].name)) {
            return -ENAMETOOLONG;
        }
        int status = write_file_new(path, files[i].mode, files[i].content);
        if (status != 0) {
            return status;
        }
        *out_made = i + 1;
    }
    return 0;
}

bool init_folder_make(const char *target, const struct init_file *files, size_t count,
                      char out_fault[INIT_FAULT_SIZE])
{
    struct stage stage;
    size_t made = 0;

    if (!open_stage(target, &stage, out_fault)) {
        return false;
    }
    int status = write_all(&stage, files, count, &made);
    /* rename() replaces nothing but an empty folder, so what may have come to stand at
     * `target` meanwhile is safe. */
    if (status == 0 && stage.is_sibling && rename(stage.folder, target) != 0) {
        status = -errno;
    }
    if (status != 0) {
        undo(&stage, files, made);
        (void)snprintf(out_fault, INIT_FAULT_SIZE, "cannot make %s: %s; nothing was changed",
                       target, strerror(-status));
        return false;
    }
    return true;
}
