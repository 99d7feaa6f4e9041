#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/password_file_internal.h"

static char folder[] = "/tmp/moat-password-file-XXXXXX";

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    umask(022);
}

static void tear_down(void)
{
    (void)unlink("file");
    (void)rmdir("file");
    cr_assert_eq(chdir("/"), 0);
    cr_expect_eq(rmdir(folder), 0, "something was left behind");
}

TestSuite(password_file, .init = set_up, .fini = tear_down);

static void put(const char *text)
{
    FILE *file = fopen("file", "w");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
}

static void expect_refused(const char *path, bool must_exist, int expected, const char *part)
{
    struct password_file file;
    char fault[PASSWORD_FILE_FAULT] = "";
    int code = password_file_open(&file, path, must_exist, fault);
    cr_expect_eq(code, expected, "%s: %d: %s", path, code, fault);
    cr_expect_not_null(strstr(fault, part), "%s", fault);
}

static void change(const char *expected, const char *text)
{
    struct password_file file;
    char fault[PASSWORD_FILE_FAULT] = "";
    cr_assert_eq(password_file_open(&file, "file", false, fault), EX_OK, "%s", fault);
    cr_expect_eq(file.exists, expected != NULL);
    cr_expect(slice_is(buffer_slice(&file.text), expected != NULL ? expected : ""));
    cr_expect_eq(password_file_write(&file, slice_from_text(text), fault), EX_OK, "%s", fault);
    password_file_close(&file);
}

Test(password_file, made_changed_and_read_again)
{
    change(NULL, "one\n");
    struct stat status;
    cr_assert_eq(stat("file", &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0600, "%o", status.st_mode);
    cr_assert_eq(chmod("file", 0640), 0);
    change("one\n", "two\n");
    cr_assert_eq(stat("file", &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0640, "%o", status.st_mode);
    change("two\n", "");
    change("", "three");
}

Test(password_file, what_is_not_there)
{
    expect_refused("file", true, EX_NOINPUT, "No such file");
    expect_refused("none/file", false, EX_CANTCREAT, "folder");
    expect_refused("none/file", true, EX_NOINPUT, "folder");
    char path[8192];
    memset(path, 'x', sizeof path);
    path[sizeof path - 2] = '/';
    path[sizeof path - 1] = '\0';
    expect_refused(path, false, EX_CANTCREAT, "folder");
}

Test(password_file, what_is_no_file)
{
    expect_refused("/dev/zero", false, EX_NOINPUT, "not a regular file");
    expect_refused("/", false, EX_NOINPUT, "not a regular file");
    cr_assert_eq(mkdir("file", 0700), 0);
    expect_refused("file", false, EX_NOINPUT, "not a regular file");
    cr_assert_eq(rmdir("file"), 0);
    cr_assert_eq(mkfifo("file", 0600), 0);
    expect_refused("file", false, EX_NOINPUT, "not a regular file");
}

Test(password_file, size_at_its_limit_and_one_past)
{
    put("");
    cr_assert_eq(truncate("file", (off_t)PASSWORD_FILE_SIZE_MAX), 0);
    struct password_file file;
    char fault[PASSWORD_FILE_FAULT];
    cr_assert_eq(password_file_open(&file, "file", false, fault), EX_OK);
    cr_expect_eq(file.text.size, PASSWORD_FILE_SIZE_MAX);
    password_file_close(&file);
    cr_assert_eq(truncate("file", (off_t)PASSWORD_FILE_SIZE_MAX + 1), 0);
    expect_refused("file", false, EX_DATAERR, "too large");
}

/* Between reading and writing nobody else may come in, and afterwards everybody may. */
Test(password_file, locked_while_open)
{
    int other = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(other, 0);
    struct password_file file;
    char fault[PASSWORD_FILE_FAULT];
    cr_assert_eq(password_file_open(&file, "file", false, fault), EX_OK);
    cr_expect_eq(flock(other, LOCK_EX | LOCK_NB), -1);
    cr_expect_eq(errno, EWOULDBLOCK);
    password_file_close(&file);
    cr_expect_eq(flock(other, LOCK_EX | LOCK_NB), 0);
    cr_expect_eq(flock(other, LOCK_UN), 0);
    expect_refused("file", true, EX_NOINPUT, "");
    cr_expect_eq(flock(other, LOCK_EX | LOCK_NB), 0, "a refusal must give the lock back");
    close(other);
}

/* Eight processes add a byte twenty times each. */
Test(password_file, no_change_is_lost)
{
    put("");
    pid_t children[8];
    for (size_t index = 0; index < 8; index++) {
        children[index] = fork();
        cr_assert_geq(children[index], 0);
        if (children[index] == 0) {
            for (int round = 0; round < 20; round++) {
                struct password_file file;
                char fault[PASSWORD_FILE_FAULT];
                if (password_file_open(&file, "file", true, fault) != EX_OK ||
                    !buffer_append(&file.text, slice_from_text("x")) ||
                    password_file_write(&file, buffer_slice(&file.text), fault) != EX_OK) {
                    _exit(1);
                }
                password_file_close(&file);
            }
            _exit(0);
        }
    }
    for (size_t index = 0; index < 8; index++) {
        int status = 1;
        cr_assert_eq(waitpid(children[index], &status, 0), children[index]);
        cr_expect_eq(status, 0);
    }
    struct stat status;
    cr_assert_eq(stat("file", &status), 0);
    cr_expect_eq(status.st_size, 160);
}

Test(password_file, one_that_came_meanwhile_is_not_overwritten)
{
    struct password_file file;
    char fault[PASSWORD_FILE_FAULT];
    cr_assert_eq(password_file_open(&file, "file", false, fault), EX_OK);
    put("somebody else's\n");
    cr_expect_eq(password_file_write(&file, slice_from_text("ours\n"), fault), EX_CANTCREAT);
    cr_expect_not_null(strstr(fault, "exists"), "%s", fault);
    password_file_close(&file);
    change("somebody else's\n", "");
}

Test(password_file, one_that_went_meanwhile_is_told)
{
    put("one\n");
    struct password_file file;
    char fault[PASSWORD_FILE_FAULT];
    cr_assert_eq(password_file_open(&file, "file", false, fault), EX_OK);
    cr_assert_eq(unlink("file"), 0);
    cr_expect_eq(password_file_write(&file, slice_from_text("two\n"), fault), EX_CANTCREAT);
    password_file_close(&file);
    cr_expect_eq(access("file", F_OK), -1);
}
