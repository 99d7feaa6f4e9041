#include "privileges_internal.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- who --------------------------------------------------------------------------------- */

/* More than the line of any user that is not made to hurt. */
#define ENTRY_SIZE 8192

static bool look_up(const char *name, struct identity *out_identity)
{
    char text[ENTRY_SIZE];
    struct passwd entry;
    struct passwd *found = NULL;

    if (strlen(name) >= sizeof out_identity->name ||
        getpwnam_r(name, &entry, text, sizeof text, &found) != 0 || found == NULL) {
        return false;
    }
    *out_identity = (struct identity){.user = found->pw_uid, .group = found->pw_gid};
    memcpy(out_identity->name, name, strlen(name));
    return true;
}

bool privileges_find(const char *name, struct identity *out_identity,
                     char out_what[PRIVILEGES_FAULT_SIZE])
{
    if (name != NULL && look_up(name, out_identity)) {
        return true;
    }
    if (name == NULL &&
        (look_up(PRIVILEGES_USER, out_identity) || look_up(PRIVILEGES_USER_SPARE, out_identity))) {
        return true;
    }
    const char *wanted = name != NULL ? name : PRIVILEGES_USER;
    snprintf(out_what, PRIVILEGES_FAULT_SIZE,
             "there is no user %.32s on this machine; make one with: useradd --system %.32s",
             wanted, wanted);
    return false;
}

void privileges_self(struct identity *out_identity)
{
    char text[ENTRY_SIZE];
    struct passwd entry;
    struct passwd *found = NULL;
    int status = getpwuid_r(geteuid(), &entry, text, sizeof text, &found);
    bool is_known =
        status == 0 && found != NULL && strlen(found->pw_name) < sizeof out_identity->name;

    *out_identity = (struct identity){.user = geteuid(), .group = getegid()};
    if (is_known) {
        memcpy(out_identity->name, found->pw_name, strlen(found->pw_name));
    } else {
        snprintf(out_identity->name, sizeof out_identity->name, "%u", (unsigned)geteuid());
    }
}

/* --- giving up ---------------------------------------------------------------------------- */

/* Capabilities beyond those known today are asked for as well. */
#define CAPABILITY_NUMBERS 64

static int set_capabilities(const struct __user_cap_data_struct data[2])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    return (int)syscall(SYS_capset, &header, data);
}

int privileges_become(const struct identity *identity)
{
    /* The groups first: the right to change them goes with the user. */
    if (setgroups(0, NULL) != 0 ||
        setresgid(identity->group, identity->group, identity->group) != 0 ||
        setresuid(identity->user, identity->user, identity->user) != 0) {
        return -errno;
    }
    return 0;
}

void privileges_drop_bounding(void)
{
    for (unsigned long capability = 0; capability < CAPABILITY_NUMBERS; capability++) {
        (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
}

static bool holds_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct left[2] = {{.effective = UINT32_MAX}};
    uint32_t any = 0;

    if (syscall(SYS_capget, &header, left) != 0) {
        return true;
    }
    for (size_t i = 0; i < 2; i++) {
        any |= left[i].effective | left[i].permitted | left[i].inheritable;
    }
    return any != 0;
}

int privileges_drop_capabilities(void)
{
    static const struct __user_cap_data_struct nothing[2];

    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    int status = set_capabilities(nothing) == 0 ? 0 : -errno;
    /* A service manager's filter refuses the call also to who has nothing to give up. */
    return holds_capabilities() ? status : 0;
}

bool privileges_verify(const struct identity *identity)
{
    uid_t user[3];
    gid_t group[3];

    if (getresuid(&user[0], &user[1], &user[2]) != 0 ||
        getresgid(&group[0], &group[1], &group[2]) != 0) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        if (user[i] != identity->user || group[i] != identity->group) {
            return false;
        }
    }
    return !holds_capabilities();
}

/* --- asking beforehand -------------------------------------------------------------------- */

bool privileges_could_read(const struct identity *identity, const char *path)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        bool is_other = privileges_become(identity) == 0 && privileges_drop_capabilities() == 0;
        bool is_refused = is_other && access(path, R_OK) != 0 && errno == EACCES;
        _exit(is_refused ? 1 : 0);
    }
    if (child < 0) {
        return true;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return !WIFEXITED(status) || WEXITSTATUS(status) != 1;
}
