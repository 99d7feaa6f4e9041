#include "files.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include "config/files_internal.h"

static struct file_bytes bytes;
static char what[FILE_FAULT_SIZE];

static void tear_down(void)
{
    file_bytes_deinit(&bytes);
    leave_test_folder();
}

TestSuite(files, .init = enter_test_folder, .fini = tear_down);

/* Another user than root, where root runs the tests; the group changes as well. */
static void become_somebody(void)
{
    if (geteuid() == 0) {
        cr_assert_eq(chmod(".", 0777), 0);
        cr_assert_eq(setegid(65534), 0);
        cr_assert_eq(seteuid(65534), 0);
    }
}

static void become_root_again(void)
{
    if (getuid() == 0) {
        cr_assert_eq(seteuid(0), 0);
        cr_assert_eq(setegid(0), 0);
    }
}

/* Somebody with CAP_DAC_READ_SEARCH, who can open what its mode does not let him. */
static void become_somebody_who_reads_all(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    become_somebody();
    cr_assert_eq(syscall(SYS_capget, &header, data), 0);
    data[0].effective |= 1u << CAP_DAC_READ_SEARCH;
    cr_assert_eq(syscall(SYS_capset, &header, data), 0);
}

static bool read_as(const char *path, enum file_secrecy secrecy)
{
    file_bytes_deinit(&bytes);
    what[0] = '\0';
    return file_read(path, secrecy, &bytes, what);
}

static void expect_refused(const char *path, enum file_secrecy secrecy, const char *words)
{
    cr_expect_not(read_as(path, secrecy), "%s", path);
    cr_expect_not_null(strstr(what, words), "%s", what);
    cr_expect_null(bytes.data);
}

Test(files, are_read_whole)
{
    write_bytes("f", "a\0b\n", 4, 0644);
    cr_assert(read_as("f", FILE_PUBLIC));
    cr_expect(slice_equal(file_slice(&bytes), slice_of("a\0b\n", 4)));
    cr_expect_eq(bytes.data[4], '\0');
}

Test(files, links_are_followed)
{
    write_text("f", "x", 0644);
    cr_assert_eq(symlink("f", "link"), 0);
    cr_expect(read_as("link", FILE_PUBLIC));
    cr_expect_eq(bytes.size, 1);
}

Test(files, only_regular_files)
{
    cr_assert_eq(mkfifo("pipe", 0600), 0);
    expect_refused("pipe", FILE_PUBLIC, "pipe is not a regular file");
    expect_refused(".", FILE_PUBLIC, "not a regular file");
    expect_refused("/dev/zero", FILE_PUBLIC, "not a regular file");
    expect_refused("absent", FILE_PUBLIC,
                   "cannot open absent: No such file or directory; create it");
    cr_assert_eq(symlink("loop", "loop"), 0);
    expect_refused("loop", FILE_PUBLIC, strerror(ELOOP));
}

Test(files, neither_empty_nor_large)
{
    char *large = calloc(1, FILE_SIZE_MAX + 1);
    cr_assert_not_null(large);
    write_text("f", "", 0644);
    expect_refused("f", FILE_PUBLIC, "f is empty");
    write_bytes("f", large, FILE_SIZE_MAX, 0644);
    cr_expect(read_as("f", FILE_PUBLIC));
    cr_expect_eq(bytes.size, FILE_SIZE_MAX);
    write_bytes("f", large, FILE_SIZE_MAX + 1, 0644);
    expect_refused("f", FILE_PUBLIC, "larger than 1 MiB");
    free(large);
}

Test(files, secret_ones_are_their_owners)
{
    static const mode_t good[] = {0600, 0400, 0700};
    static const mode_t bad[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0666};
    become_somebody();
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        write_text("f", "x", good[i]);
        cr_expect(read_as("f", FILE_SECRET), "%o", good[i]);
        cr_assert_eq(unlink("f"), 0); /* who is not root may not write 0400 again */
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_text("f", "x", bad[i]);
        expect_refused("f", FILE_SECRET, "run chmod 600 f");
        cr_expect(read_as("f", FILE_PUBLIC), "%o", bad[i]);
    }
    write_text("f", "x", 0640);
    expect_refused("f", FILE_SECRET, "(mode 0640, owner ");
    become_root_again();
}

/* An orchestrator's mounted secret, or a key of the distribution's: root:group 0440 or 0640. */
Test(files, root_may_let_a_group_of_ours_read_a_secret)
{
    static const mode_t bad[] = {0660, 0650, 0670, 0644, 0642, 0641, 0620};
    const gid_t ours = 4711;
    if (geteuid() != 0) {
        cr_skip("only root can give files away");
    }
    cr_assert_eq(setgroups(1, &ours), 0);
    write_text("f", "x", 0640);
    cr_assert_eq(chown("f", 0, ours), 0);
    become_somebody();
    cr_expect(read_as("f", FILE_SECRET), "a supplementary group");
    become_root_again();
    cr_assert_eq(chmod("f", 0440), 0);
    cr_assert_eq(chown("f", 0, 65534), 0);
    become_somebody();
    cr_expect(read_as("f", FILE_SECRET), "the group itself");
    become_root_again();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(chmod("f", bad[i]), 0);
        expect_refused("f", FILE_SECRET, "with a group of moat's that may only read it");
    }
}

Test(files, nobody_else_may_let_a_group_read_a_secret)
{
    if (geteuid() != 0) {
        cr_skip("only root can give files away");
    }
    write_text("f", "x", 0640);
    cr_assert_eq(chown("f", 65534, 65534), 0);
    expect_refused("f", FILE_SECRET, "owner 65534, group 65534");
    become_somebody();
    expect_refused("f", FILE_SECRET, "run chmod 600 f");
    become_root_again();
}

/* A group that is not ours and yet lets us read: by a right beyond the mode, as an ACL gives. */
Test(files, the_group_must_be_ours)
{
    if (geteuid() != 0) {
        cr_skip("only root can give files away");
    }
    write_text("f", "x", 0440);
    cr_assert_eq(chown("f", 0, 4712), 0);
    cr_expect(read_as("f", FILE_SECRET), "root reads for another");
    cr_assert_eq(setgroups(0, NULL), 0);
    become_somebody_who_reads_all();
    expect_refused("f", FILE_SECRET, "owner 0, group 4712");
    become_root_again();
}

/* What the link points to is judged, not the link, whose own mode is always 0777. */
Test(files, secret_ones_may_be_links)
{
    write_text("f", "x", 0600);
    cr_assert_eq(symlink("f", "link"), 0);
    cr_expect(read_as("link", FILE_SECRET));
    cr_assert_eq(chmod("f", 0644), 0);
    expect_refused("link", FILE_SECRET, "chmod 600 link");
}

Test(files, confidential_ones_tell_who_may_read_them)
{
    write_text("f", "x", 0640);
    cr_assert(read_as("f", FILE_CONFIDENTIAL));
    cr_expect_not(bytes.exposed);
    write_text("f", "x", 0644);
    cr_assert(read_as("f", FILE_CONFIDENTIAL));
    cr_expect(bytes.exposed);
}

Test(files, the_users_rights_count)
{
    write_text("f", "x", 0000);
    if (geteuid() == 0) {
        cr_assert_eq(chmod(".", 0755), 0);
        cr_assert_eq(seteuid(65534), 0);
    }
    cr_expect_not(read_as("f", FILE_PUBLIC));
    cr_expect_not_null(
        strstr(what, "cannot open f: Permission denied; let the user that runs moat"), "%s", what);
    if (getuid() == 0) {
        cr_assert_eq(seteuid(0), 0);
    }
}
