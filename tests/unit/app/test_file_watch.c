#include <criterion/criterion.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/file_watch_internal.h"

static char folder[] = "/tmp/moat-watch-XXXXXX";
static uv_loop_t loop;
static struct file_watch watch;
static struct config config = {.path = (char[]){"moat.yaml"},
                               .password_file = (char[]){"mount/passwords"},
                               .watch_ms = 3600000};
static unsigned changes;

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
}

static void on_change(void *owner)
{
    cr_assert_eq(owner, &changes);
    changes++;
}

/* A folder in which moat.yaml is a file and mount/ is as Kubernetes mounts a secret. */
static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(mkdir("mount", 0700) | mkdir("mount/first", 0700) | mkdir("mount/second", 0700),
                 0);
    put("moat.yaml", "a");
    put("mount/first/passwords", "a");
    put("mount/second/passwords", "a");
    cr_assert_eq(symlink("first", "mount/data") | symlink("data/passwords", "mount/passwords"), 0);
    cr_assert_eq(uv_loop_init(&loop), 0);
    file_watch_start(&watch, &loop, &config, on_change, &changes);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static void tear_down(void)
{
    uv_close((uv_handle_t *)&watch.timer, NULL);
    cr_expect_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    cr_expect_eq(uv_loop_close(&loop), 0);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

TestSuite(file_watch, .init = set_up, .fini = tear_down);

/* The changes that were told at the next so many looks. */
static unsigned look(unsigned times)
{
    unsigned before = changes;

    for (unsigned i = 0; i < times; i++) {
        file_watch_look(&watch);
    }
    return changes - before;
}

static void take(void)
{
    file_watch_before_reload(&watch);
    file_watch_after_reload(&watch, &config);
}

Test(file_watch, files_that_stay_are_no_news)
{
    cr_expect_eq(look(5), 0);
}

Test(file_watch, a_change_is_told_once_it_has_settled)
{
    put("moat.yaml", "bb");
    cr_expect_eq(look(1), 0, "it may be half written");
    put("moat.yaml", "bbb");
    cr_expect_eq(look(1), 0, "it still changes");
    cr_expect_eq(look(1), 1);
    take();
    cr_expect_eq(look(3), 0, "it was taken");
}

Test(file_watch, a_link_on_the_way_is_swapped)
{
    cr_assert_eq(symlink("second", "mount/new"), 0);
    cr_assert_eq(rename("mount/new", "mount/data"), 0);
    cr_expect_eq(look(2), 1);
}

Test(file_watch, a_file_goes_and_comes_back)
{
    cr_assert_eq(rename("moat.yaml", "away"), 0);
    cr_expect_eq(look(2), 1);
    take();
    cr_assert_eq(rename("away", "moat.yaml"), 0);
    cr_expect_eq(look(2), 1);
}

Test(file_watch, a_right_is_taken_and_given)
{
    cr_assert_eq(chmod("moat.yaml", 0), 0);
    cr_expect_eq(look(2), 1);
}

Test(file_watch, what_was_refused_is_told_again_when_it_changes)
{
    put("moat.yaml", "wrong");
    cr_expect_eq(look(2), 1);
    file_watch_before_reload(&watch);
    cr_expect_eq(look(3), 0, "it would be refused again");
    put("moat.yaml", "mended");
    cr_expect_eq(look(2), 1);
}

Test(file_watch, a_change_while_the_files_are_read_is_not_lost)
{
    file_watch_before_reload(&watch);
    put("mount/first/passwords", "late");
    file_watch_after_reload(&watch, &config);
    cr_expect_eq(look(2), 1);
    take();
    cr_expect_eq(look(3), 0);
}

Test(file_watch, another_configuration_names_other_files)
{
    const struct config other = {
        .path = (char[]){"moat.yaml"}, .password_file = (char[]){"others"}, .watch_ms = 3600000};

    put("others", "a");
    file_watch_before_reload(&watch);
    file_watch_after_reload(&watch, &other);
    cr_expect_eq(look(3), 0);
    put("mount/first/passwords", "nobody reads it now");
    cr_expect_eq(look(2), 0);
    put("others", "bb");
    cr_expect_eq(look(2), 1);
    file_watch_after_reload(&watch, &config);
}

Test(file_watch, looks_by_itself_while_it_is_asked_to)
{
    const struct config off = {.path = (char[]){"moat.yaml"}, .watch_ms = 0};
    const struct config often = {.path = (char[]){"moat.yaml"}, .watch_ms = 1};

    cr_expect(uv_is_active((uv_handle_t *)&watch.timer));
    file_watch_before_reload(&watch);
    file_watch_after_reload(&watch, &off);
    cr_expect_not(uv_is_active((uv_handle_t *)&watch.timer));
    file_watch_before_reload(&watch);
    file_watch_after_reload(&watch, &often);
    put("moat.yaml", "bb");
    while (changes == 0) {
        cr_assert_neq(uv_run(&loop, UV_RUN_ONCE), 0, "nothing will look again");
    }
    file_watch_after_reload(&watch, &config);
}
