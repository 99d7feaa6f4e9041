/*
 * The numbers and structures are the kernel's, written out: its headers on the machine that builds
 * may be older than the kernel that runs.
 */
#include "landlock_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on every processor. */
#define CALL_CREATE_RULESET 444
#define CALL_ADD_RULE       445
#define CALL_RESTRICT_SELF  446

#define CREATE_VERSION 1u

#define RULE_PATH 1
#define RULE_PORT 2

#define FS_WRITE_FILE  (UINT64_C(1) << 1)
#define FS_READ_FILE   (UINT64_C(1) << 2)
#define FS_READ_DIR    (UINT64_C(1) << 3)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_REG    (UINT64_C(1) << 8)
#define FS_TRUNCATE    (UINT64_C(1) << 14)
#define NET_BIND       (UINT64_C(1) << 0)
#define NET_CONNECT    (UINT64_C(1) << 1)
#define SCOPE_ALL      UINT64_C(3) /* abstract unix sockets, signals */

/* All rights over files that an interface knows; each newer one has added some. */
#define FS_ALL_1 ((UINT64_C(1) << 13) - 1)
#define FS_ALL_2 ((UINT64_C(1) << 14) - 1) /* refer */
#define FS_ALL_3 ((UINT64_C(1) << 15) - 1) /* truncate */
#define FS_ALL_5 ((UINT64_C(1) << 16) - 1) /* ioctl of devices */

struct ruleset {
    uint64_t files;
    uint64_t net;
    uint64_t scopes;
};

struct path_rule {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

struct port_rule {
    uint64_t allowed;
    uint64_t port;
};

/* Which scopes are denied that this kernel does not know is an error, and so is a structure
 * whose unknown part is not zero. */
static struct ruleset ruleset_of(int abi)
{
    struct ruleset ruleset = {.files = FS_ALL_1};

    if (abi >= 2) {
        ruleset.files = FS_ALL_2;
    }
    if (abi >= 3) {
        ruleset.files = FS_ALL_3;
    }
    if (abi >= 5) {
        ruleset.files = FS_ALL_5;
    }
    if (abi >= LANDLOCK_ABI_TCP) {
        ruleset.net = NET_BIND | NET_CONNECT;
    }
    if (abi >= LANDLOCK_ABI_SCOPE) {
        ruleset.scopes = SCOPE_ALL;
    }
    return ruleset;
}

int landlock_abi(void)
{
    long abi = syscall(CALL_CREATE_RULESET, NULL, 0, CREATE_VERSION);
    return abi > 0 ? (int)abi : 0;
}

static uint64_t rights_of(enum landlock_grant grant)
{
    switch (grant) {
    case LANDLOCK_READ:
        return FS_READ_FILE;
    case LANDLOCK_BROWSE:
        return FS_READ_FILE | FS_READ_DIR;
    case LANDLOCK_REPLACE:
        return FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_REMOVE_FILE | FS_MAKE_REG |
               FS_TRUNCATE;
    }
    return 0;
}

static int add_path(int ruleset, uint64_t known, const struct landlock_path *path)
{
    /* Rights that only folders have would be refused for a file. */
    static const uint64_t of_files = FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE;
    struct stat status;
    int place = open(path->path, O_PATH | O_CLOEXEC);
    int result = 0;

    if (place < 0) {
        return 0; /* what is not there cannot be read anyway */
    }
    if (fstat(place, &status) != 0) {
        result = -errno;
    } else {
        struct path_rule rule = {.allowed = rights_of(path->grant) & known, .parent = place};
        rule.allowed &= S_ISDIR(status.st_mode) ? UINT64_MAX : of_files;
        if (syscall(CALL_ADD_RULE, ruleset, RULE_PATH, &rule, 0) != 0) {
            result = -errno;
        }
    }
    close(place);
    return result;
}

static int add_port(int ruleset, uint16_t port)
{
    const struct port_rule rule = {.allowed = NET_CONNECT, .port = port};
    return syscall(CALL_ADD_RULE, ruleset, RULE_PORT, &rule, 0) == 0 ? 0 : -errno;
}

/* Old kernels take only the part of the structure that they know. */
static size_t size_for(int abi)
{
    if (abi >= LANDLOCK_ABI_SCOPE) {
        return sizeof(struct ruleset);
    }
    return abi >= LANDLOCK_ABI_TCP ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

int landlock_apply(const struct landlock_path *paths, size_t path_count, const uint16_t *ports,
                   size_t port_count)
{
    int abi = landlock_abi();
    struct ruleset wanted = ruleset_of(abi);
    int status = 0;

    if (abi == 0) {
        return -ENOSYS;
    }
    int ruleset = (int)syscall(CALL_CREATE_RULESET, &wanted, size_for(abi), 0);
    if (ruleset < 0) {
        return -errno;
    }
    for (size_t i = 0; status == 0 && i < path_count; i++) {
        status = add_path(ruleset, wanted.files, &paths[i]);
    }
    for (size_t i = 0; status == 0 && wanted.net != 0 && i < port_count; i++) {
        status = add_port(ruleset, ports[i]);
    }
    if (status == 0 && syscall(CALL_RESTRICT_SELF, ruleset, 0) != 0) {
        status = -errno;
    }
    close(ruleset);
    return status;
}

/* Nobody may listen any more, for whatever comes in through this process. */
static bool is_binding_refused(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (descriptor < 0) {
        return errno == EAFNOSUPPORT; /* a machine without IPv4 */
    }
    bool is_refused =
        bind(descriptor, (const struct sockaddr *)&any, sizeof any) != 0 && errno == EACCES;
    close(descriptor);
    return is_refused;
}

bool landlock_verify(void)
{
    /* Everybody may list the root, but for Landlock. */
    int descriptor = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (descriptor >= 0) {
        close(descriptor);
        return false;
    }
    return errno == EACCES && (landlock_abi() < LANDLOCK_ABI_TCP || is_binding_refused());
}
