#include <criterion/criterion.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/sandbox_internal.h"

static char folder[] = "/tmp/moat-plan-XXXXXX";

static void put(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    cr_assert_geq(file, 0);
    close(file);
}

/* conf/moat.yaml, keys/ as Kubernetes mounts them, state/ and elsewhere/ */
static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(mkdir("conf", 0700) | mkdir("mount", 0700) | mkdir("mount/first", 0700) |
                     mkdir("mount/second", 0700) | mkdir("state", 0700) | mkdir("elsewhere", 0700) |
                     mkdir("confused", 0700),
                 0);
    put("conf/moat.yaml");
    put("mount/first/key");
    put("mount/second/key");
    put("elsewhere/chain");
    put("confused/file");
    cr_assert_eq(symlink("first", "mount/data") | symlink("data/key", "mount/key") |
                     symlink("../elsewhere/chain", "conf/chain"),
                 0);
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
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

TestSuite(sandbox_plan, .init = set_up, .fini = tear_down);

static struct sandbox_plan make(const char *upstream)
{
    struct config_certificate pair = {.chain = (char[]){"conf/chain"},
                                      .key = (char[]){"mount/key"}};
    struct config_listener listener = {.certificates = &pair, .certificate_count = 1};
    struct config config = {.path = (char[]){"conf/moat.yaml"},
                            .listeners = &listener,
                            .listener_count = 1,
                            .guard_state_file = (char[]){"state/guard.state"}};
    struct sandbox_plan plan;
    cr_assert_null(endpoint_parse(slice_from_text(upstream), &config.upstream));
    cr_assert_eq(sandbox_plan_make(&config, &plan), 0);
    return plan;
}

static bool grants(const struct sandbox_plan *plan, const char *name, enum landlock_grant grant)
{
    char path[256];
    snprintf(path, sizeof path, "%s%s%s", name[0] == '/' ? "" : folder, name[0] == '/' ? "" : "/",
             name);
    for (size_t i = 0; i < plan->path_count; i++) {
        if (plan->paths[i].grant == grant && strcmp(plan->paths[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

Test(sandbox_plan, the_folders_of_every_file_and_of_what_links_lead_to)
{
    struct sandbox_plan plan = make("127.0.0.1:1883");
    cr_expect(grants(&plan, "conf", LANDLOCK_READ));
    cr_expect(grants(&plan, "elsewhere", LANDLOCK_READ));
    cr_expect(grants(&plan, "mount", LANDLOCK_READ));
    cr_expect(grants(&plan, "state", LANDLOCK_REPLACE));
    cr_expect(!grants(&plan, "conf", LANDLOCK_REPLACE));
    cr_expect(!grants(&plan, "/etc/hosts", LANDLOCK_READ));
    cr_expect_eq(plan.port_count, 1u);
    cr_expect_eq(plan.ports[0], 1883);
    sandbox_plan_release(&plan);
}

Test(sandbox_plan, covers_what_a_link_leads_to_later)
{
    struct sandbox_plan plan = make("127.0.0.1:1883");
    cr_expect(sandbox_plan_covers(&plan, "mount/key"));
    cr_assert_eq(unlink("mount/data"), 0);
    cr_assert_eq(symlink("second", "mount/data"), 0);
    cr_expect(sandbox_plan_covers(&plan, "mount/key"));
    cr_expect(sandbox_plan_covers(&plan, "conf/moat.yaml"));
    cr_expect(!sandbox_plan_covers(&plan, "confused/file"), "begins like a folder of the plan");
    cr_expect(!sandbox_plan_covers(&plan, "/etc/passwd"));
    cr_expect(sandbox_plan_covers(&plan, "missing"), "whoever opens it says what is wrong");
    sandbox_plan_release(&plan);
}

Test(sandbox_plan, names_need_the_resolver)
{
    struct sandbox_plan plan = make("localhost:1883");
    cr_expect(plan.needs_resolver);
    cr_expect(grants(&plan, "/etc/hosts", LANDLOCK_READ));
    cr_expect(!grants(&plan, "/etc", LANDLOCK_READ));
    cr_expect_eq(plan.port_count, 1u);
    sandbox_plan_release(&plan);
    plan = make("broker.example:1883");
    cr_expect(plan.needs_resolver);
    cr_expect_eq(plan.port_count, 2u);
    cr_expect_eq(plan.ports[0] + plan.ports[1], 1883 + 53);
    sandbox_plan_release(&plan);
}

Test(sandbox_plan, a_unix_socket_needs_no_port)
{
    struct sandbox_plan plan = make("unix:/run/broker");
    cr_expect_eq(plan.port_count, 0u);
    cr_expect(!plan.needs_resolver);
    sandbox_plan_release(&plan);
}

Test(sandbox_plan, never_the_whole_machine)
{
    struct config config = {.path = (char[]){"/moat.yaml"}};
    struct sandbox_plan plan;
    cr_assert_eq(sandbox_plan_make(&config, &plan), 0);
    cr_expect(!grants(&plan, "/", LANDLOCK_READ));
    sandbox_plan_release(&plan);
}
