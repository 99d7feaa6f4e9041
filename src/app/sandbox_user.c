/* Which user the process becomes, and what of root's it leaves to that user. */
#include "sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "moat/base/log.h"

/* The folder that systemd or a package would have made; only the last one of the path. */
static void make_state_folder(const char *path, const struct identity *identity)
{
    char *folder = strdup(path);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;

    if (slash != NULL && slash != folder) {
        *slash = '\0';
        if (mkdir(folder, 0700) == 0 && lchown(folder, identity->user, identity->group) != 0) {
            log_message(LOG_WARNING, "state_folder", "%s: cannot be given to the user %s: %s",
                        folder, identity->name, strerror(errno));
        }
    }
    free(folder);
}

/* A file that root left there, when it was the user. In a folder that others can write to, the name
 * may by now stand for another file: links of either kind are left alone. */
static void hand_over_state(const char *path, const struct identity *identity)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (file < 0) {
        return;
    }
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 &&
        status.st_uid == 0 && fchown(file, identity->user, identity->group) != 0) {
        log_message(LOG_WARNING, "state_folder", "%s: cannot be given to the user %s: %s", path,
                    identity->name, strerror(errno));
    }
    close(file);
}

static enum sandbox_user become(const struct config *config, const struct identity *identity,
                                char out_what[PRIVILEGES_FAULT_SIZE])
{
    if (config->guard_state_file != NULL) {
        make_state_folder(config->guard_state_file, identity);
        hand_over_state(config->guard_state_file, identity);
    }
    int status = privileges_become(identity);
    if (status == 0) {
        return SANDBOX_USER_TAKEN;
    }
    snprintf(out_what, PRIVILEGES_FAULT_SIZE,
             "root may not become the user %s here: %s; grant CAP_SETUID and CAP_SETGID, or start "
             "moat as that user",
             identity->name, strerror(-status));
    /* Who wrote a name relies on it. */
    return config->user != NULL ? SANDBOX_USER_REFUSED : SANDBOX_USER_MISSING;
}

static enum sandbox_user choose(const struct config *config, struct identity *out_identity,
                                char out_what[PRIVILEGES_FAULT_SIZE])
{
    struct identity self;

    privileges_self(&self);
    *out_identity = self;
    if (self.user != 0) {
        if (config->user == NULL || strcmp(config->user, self.name) == 0) {
            return SANDBOX_USER_TAKEN;
        }
        snprintf(out_what, PRIVILEGES_FAULT_SIZE,
                 "%s cannot become the user %s, only root can; start moat as one of them, or "
                 "remove the key user",
                 self.name, config->user);
        return SANDBOX_USER_MISSING;
    }
    if (!privileges_find(config->user, out_identity, out_what)) {
        *out_identity = self;
        return config->user != NULL ? SANDBOX_USER_REFUSED : SANDBOX_USER_MISSING;
    }
    if (out_identity->user == 0) {
        snprintf(
            out_what, PRIVILEGES_FAULT_SIZE,
            "moat stays root, if without its rights; name a user of its own with the key user");
        return SANDBOX_USER_MISSING;
    }
    return become(config, out_identity, out_what);
}

enum sandbox_user sandbox_take_user(const struct config *config, struct identity *out_identity,
                                    char out_what[PRIVILEGES_FAULT_SIZE])
{
    privileges_drop_bounding(); /* while there is the right to do it */
    enum sandbox_user result = choose(config, out_identity, out_what);

    if (result == SANDBOX_USER_REFUSED) {
        return result;
    }
    if (result == SANDBOX_USER_MISSING) {
        privileges_self(out_identity);
    }
    int status = privileges_drop_capabilities();
    if (status != 0 || !privileges_verify(out_identity)) {
        snprintf(out_what, PRIVILEGES_FAULT_SIZE,
                 "the rights of %s are not gone although they were given up (%s)",
                 result == SANDBOX_USER_TAKEN ? "root" : out_identity->name,
                 status != 0 ? strerror(-status) : "the kernel still knows of them");
        return SANDBOX_USER_REFUSED;
    }
    return result;
}
