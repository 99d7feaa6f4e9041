#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "moat/app/write_file.h"

static char folder[] = "/tmp/moat-write-file-XXXXXX";

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    umask(022);
}

static void tear_down(void)
{
    static const char *const made[] = {"file", "link", "other", "sub/file"};

    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        (void)unlink(made[i]);
    }
    (void)rmdir("sub");
    cr_assert_eq(chdir("/"), 0);
    (void)rmdir(folder);
}

TestSuite(write_file, .init = set_up, .fini = tear_down);

static int create(const char *path, mode_t mode, const char *text)
{
    return write_file_new(path, mode, slice_from_text(text));
}

static int replace(const char *path, const char *text)
{
    return write_file_replace(path, slice_from_text(text));
}

static void assert_content(const char *path, const char *text)
{
    char bytes[64] = {0};
    FILE *file = fopen(path, "r");

    cr_assert_not_null(file);
    cr_assert_eq(fread(bytes, 1, sizeof bytes - 1, file), strlen(text));
    fclose(file);
    cr_assert_str_eq(bytes, text);
}

static mode_t mode_of(const char *path)
{
    struct stat status;

    cr_assert_eq(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

static size_t entries(void)
{
    DIR *stream = opendir(".");
    size_t count = 0;

    cr_assert_not_null(stream);
    while (readdir(stream) != NULL) {
        count++;
    }
    closedir(stream);
    return count - 2; /* "." and ".." */
}

/* Files may grow to `bytes` from here on; a write past that fails with EFBIG. */
static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(write_file, new_file_has_content_and_mode)
{
    cr_assert_eq(create("file", 0600, "secret\n"), 0);
    assert_content("file", "secret\n");
    cr_assert_eq(mode_of("file"), 0600);
}

Test(write_file, new_file_obeys_the_umask)
{
    umask(077);
    cr_assert_eq(create("file", 0644, "x"), 0);
    cr_assert_eq(mode_of("file"), 0600);
}

Test(write_file, new_file_may_be_empty_and_named_from_the_root)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/file", folder);
    cr_assert_eq(create(path, 0600, ""), 0);
    assert_content("file", "");
}

Test(write_file, new_file_never_overwrites)
{
    cr_assert_eq(create("file", 0600, "first"), 0);
    cr_assert_eq(create("file", 0600, "second"), -EEXIST);
    assert_content("file", "first");
}

Test(write_file, new_file_is_not_made_through_a_link)
{
    cr_assert_eq(symlink("other", "link"), 0);
    cr_assert_eq(create("link", 0600, "x"), -EEXIST);
    cr_assert_neq(access("other", F_OK), 0);
}

Test(write_file, new_file_needs_its_folder)
{
    cr_assert_eq(create("sub/file", 0600, "x"), -ENOENT);
    cr_assert_eq(mkdir("sub", 0700), 0);
    cr_assert_eq(create("sub/file", 0600, "x"), 0);
}

Test(write_file, new_file_that_cannot_be_filled_is_removed)
{
    limit_file_size(3);
    cr_assert_eq(create("file", 0600, "four"), -EFBIG);
    cr_assert_neq(access("file", F_OK), 0);
    cr_assert_eq(create("file", 0600, "thr"), 0);
}

Test(write_file, replaced_file_keeps_its_mode)
{
    cr_assert_eq(create("file", 0640, "old"), 0);
    cr_assert_eq(replace("file", "new and longer"), 0);
    assert_content("file", "new and longer");
    cr_assert_eq(mode_of("file"), 0640);
}

Test(write_file, replaced_file_keeps_its_owner)
{
    struct stat status;
    /* Only root may give files away; for others this shows at least that nothing is refused. */
    uid_t user = geteuid() == 0 ? 1234 : getuid();
    gid_t group = geteuid() == 0 ? 4321 : getgid();

    cr_assert_eq(create("file", 0600, "old"), 0);
    cr_assert_eq(chown("file", user, group), 0);
    cr_assert_eq(replace("file", "new"), 0);
    cr_assert_eq(stat("file", &status), 0);
    cr_assert_eq(status.st_uid, user);
    cr_assert_eq(status.st_gid, group);
}

Test(write_file, replace_exchanges_the_file_rather_than_its_content)
{
    struct stat before;
    struct stat after;

    cr_assert_eq(create("file", 0600, "old"), 0);
    cr_assert_eq(stat("file", &before), 0);
    cr_assert_eq(replace("file", "new"), 0);
    cr_assert_eq(stat("file", &after), 0);
    cr_assert_neq(before.st_ino, after.st_ino);
}

Test(write_file, replace_follows_a_link)
{
    struct stat status;

    cr_assert_eq(create("other", 0600, "old"), 0);
    cr_assert_eq(symlink("other", "link"), 0);
    cr_assert_eq(replace("link", "new"), 0);
    assert_content("other", "new");
    cr_assert_eq(lstat("link", &status), 0);
    cr_assert(S_ISLNK(status.st_mode));
}

Test(write_file, replace_needs_a_regular_file)
{
    cr_assert_eq(replace("file", "x"), -ENOENT);
    cr_assert_eq(mkdir("sub", 0700), 0);
    cr_assert_eq(replace("sub", "x"), -EINVAL);
}

Test(write_file, replace_that_fails_leaves_the_old_file)
{
    cr_assert_eq(create("file", 0600, "old"), 0);
    limit_file_size(3);
    cr_assert_eq(replace("file", "four"), -EFBIG);
    assert_content("file", "old");
    cr_assert_eq(entries(), 1);
}

/* --- put ---------------------------------------------------------------------------------- */

static int put(const char *path, const char *text)
{
    return write_file_put(path, slice_from_text(text));
}

Test(write_file, put_creates_and_replaces_for_its_owner_alone)
{
    cr_assert_eq(put("file", "one"), 0);
    assert_content("file", "one");
    cr_expect_eq(mode_of("file"), 0600);
    cr_assert_eq(chmod("file", 0666), 0);
    cr_assert_eq(put("file", "two"), 0);
    assert_content("file", "two");
    cr_expect_eq(mode_of("file"), 0600);
    cr_expect_eq(entries(), 1);
}

Test(write_file, put_replaces_a_link_and_not_what_it_points_at)
{
    cr_assert_eq(create("other", 0644, "kept"), 0);
    cr_assert_eq(symlink("other", "link"), 0);
    cr_assert_eq(put("link", "new"), 0);
    assert_content("link", "new");
    assert_content("other", "kept");
    cr_expect_eq(mode_of("link"), 0600);
}

Test(write_file, put_that_fails_leaves_all_as_it_was)
{
    cr_assert_eq(put("missing/file", "x"), -ENOENT);
    cr_assert_eq(mkdir("sub", 0755), 0);
    cr_assert_eq(put("sub", "x"), -EISDIR);
    cr_expect_eq(entries(), 1);
}
