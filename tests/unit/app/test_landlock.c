#include "confined.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "app/landlock_internal.h"
#include "app/process_limits_internal.h"

static char folder[] = "/tmp/moat-landlock-XXXXXX";
static char inside[128];
static char outside[128];
static uint16_t open_port;
static uint16_t other_port;
static int listeners[2];

static uint16_t listen_somewhere(int *out_descriptor)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(descriptor, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(listen(descriptor, 8), 0);
    cr_assert_eq(getsockname(descriptor, (struct sockaddr *)&address, &size), 0);
    *out_descriptor = descriptor;
    return ntohs(address.sin_port);
}

static void put_file(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    cr_assert_geq(file, 0);
    close(file);
}

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(inside, sizeof inside, "%s/in", folder);
    cr_assert_eq(mkdir(inside, 0700), 0);
    snprintf(outside, sizeof outside, "%s/outside", folder);
    put_file(outside);
    snprintf(inside, sizeof inside, "%s/in/file", folder);
    put_file(inside);
    open_port = listen_somewhere(&listeners[0]);
    other_port = listen_somewhere(&listeners[1]);
}

static void tear_down(void)
{
    close(listeners[0]);
    close(listeners[1]);
    char path[160];
    unlink(inside);
    unlink(outside);
    snprintf(path, sizeof path, "%s/in", folder);
    rmdir(path);
    rmdir(folder);
}

TestSuite(landlock, .init = set_up, .fini = tear_down);

/* 0, or the errno value. */
static int try_open(const char *path, int flags)
{
    int file = open(path, flags | O_CLOEXEC, 0600);
    int error = file < 0 ? errno : 0;
    if (file >= 0) {
        close(file);
    }
    return error;
}

static int try_connect(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    int error =
        connect(descriptor, (const struct sockaddr *)&address, sizeof address) != 0 ? errno : 0;
    close(descriptor);
    return error;
}

static bool enter(enum landlock_grant grant)
{
    char path[160];
    snprintf(path, sizeof path, "%s/in", folder);
    const struct landlock_path paths[] = {{path, grant}, {(char[]){"/no/such/folder"}, grant}};
    return process_forbid_new_privileges() == 0 && landlock_apply(paths, 2, &open_port, 1) == 0;
}

static int read_only(void)
{
    return verdict(
        enter(LANDLOCK_READ) && landlock_verify() && try_open(inside, O_RDONLY) == 0 &&
        try_open(inside, O_WRONLY) == EACCES && try_open(inside, O_RDONLY | O_TRUNC) == EACCES &&
        try_open(outside, O_RDONLY) == EACCES && try_open(folder, O_RDONLY) == EACCES &&
        try_open("/etc/passwd", O_RDONLY) == EACCES && unlink(inside) != 0 && errno == EACCES);
}

static int replace(void)
{
    char temporary[160];
    char up[192];
    snprintf(temporary, sizeof temporary, "%s.new", inside);
    snprintf(up, sizeof up, "%s/stolen", folder);
    return verdict(enter(LANDLOCK_REPLACE) && try_open(temporary, O_WRONLY | O_CREAT) == 0 &&
                   rename(temporary, inside) == 0 && rename(inside, up) != 0 &&
                   try_open(outside, O_WRONLY) == EACCES && mkdir(temporary, 0700) != 0);
}

static int connect_out(void)
{
    return verdict(enter(LANDLOCK_READ) && try_connect(open_port) == 0 &&
                   try_connect(other_port) == EACCES);
}

/* What the next test would not notice: that verify says yes to everything. */
static int verify_without(void)
{
    return verdict(!landlock_verify());
}

static void expect_held(int (*attempt)(void), int least_abi)
{
    if (landlock_abi() < least_abi) {
        cr_skip("this kernel's Landlock is version %d, and %d is needed", landlock_abi(),
                least_abi);
    }
    cr_expect_eq(confined(attempt), CONFINED_YES);
}

Test(landlock, only_files_of_the_folder_are_read)
{
    expect_held(read_only, 3);
}

Test(landlock, files_are_exchanged_within_the_folder_only)
{
    expect_held(replace, 1);
}

Test(landlock, only_the_port_is_connected_to)
{
    expect_held(connect_out, LANDLOCK_ABI_TCP);
}

Test(landlock, its_absence_is_noticed)
{
    cr_expect_eq(confined(verify_without), CONFINED_YES);
}
