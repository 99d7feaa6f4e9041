#include "confined.h"
#include "emulated.h"

#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "app/privileges_internal.h"

#define NOBODY 65534

static const struct identity other = {.name = "other", .user = NOBODY, .group = NOBODY};

Test(privileges, a_user_is_found_by_name)
{
    struct identity identity;
    char what[PRIVILEGES_FAULT_SIZE];
    const struct passwd *root = getpwuid(0);

    cr_assert_not_null(root);
    cr_assert(privileges_find(root->pw_name, &identity, what));
    cr_expect_eq(identity.user, 0u);
    cr_expect_str_eq(identity.name, root->pw_name);
    cr_expect(!privileges_find("no-such-user-here", &identity, what));
    cr_expect_not_null(strstr(what, "no-such-user-here"));
    cr_expect_not_null(strstr(what, "useradd"));
}

Test(privileges, without_a_name_it_is_the_first_default_that_exists)
{
    struct identity identity;
    char what[PRIVILEGES_FAULT_SIZE];
    bool has_moat = getpwnam(PRIVILEGES_USER) != NULL;

    if (!has_moat && getpwnam(PRIVILEGES_USER_SPARE) == NULL) {
        cr_expect(!privileges_find(NULL, &identity, what));
        return;
    }
    cr_assert(privileges_find(NULL, &identity, what));
    cr_expect_str_eq(identity.name, has_moat ? PRIVILEGES_USER : PRIVILEGES_USER_SPARE);
    cr_expect_neq(identity.user, 0u);
}

static int become_other(void)
{
    const gid_t group = 4;
    if (setgroups(1, &group) != 0) {
        return CONFINED_NO;
    }
    privileges_drop_bounding();
    return verdict(privileges_become(&other) == 0 && privileges_drop_capabilities() == 0 &&
                   privileges_verify(&other) && prctl(PR_CAPBSET_READ, 0, 0, 0, 0) == 0 &&
                   getgroups(0, NULL) == 0 && setuid(0) != 0 && geteuid() == NOBODY);
}

static int become_without_right(void)
{
    return verdict(privileges_become(&other) == -EPERM);
}

Test(privileges, root_becomes_another_for_good)
{
    cr_expect_eq(confined(geteuid() == 0 ? become_other : become_without_right), CONFINED_YES);
}

/* Root without a right: the owner of its files still, no more. */
static int keep_the_user(void)
{
    struct identity self;
    privileges_self(&self);
    bool had_any = !privileges_verify(&self);
    return verdict(privileges_drop_capabilities() == 0 && privileges_verify(&self) &&
                   (geteuid() != 0 || (had_any && setgroups(0, NULL) != 0)));
}

Test(privileges, capabilities_go_without_the_user)
{
    cr_expect_eq(confined(keep_the_user), CONFINED_YES);
}

/* As SystemCallFilter=~@privileged of systemd. */
static bool forbid_capset(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_capset, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = 4, .filter = filter};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

static int drop_nothing_within_a_filter(void)
{
    return verdict(privileges_drop_capabilities() == 0 && forbid_capset() &&
                   privileges_drop_capabilities() == 0);
}

static int drop_all_within_a_filter(void)
{
    return verdict(forbid_capset() &&
                   privileges_drop_capabilities() == (geteuid() == 0 ? -EPERM : 0));
}

Test(privileges, a_filter_may_refuse_only_who_has_nothing_to_give_up)
{
    if (is_emulated()) {
        cr_skip("the emulator has no filters of system calls");
    }
    cr_expect_eq(confined(drop_nothing_within_a_filter), CONFINED_YES);
    cr_expect_eq(confined(drop_all_within_a_filter), CONFINED_YES);
}

static int verify_another(void)
{
    struct identity self;
    privileges_self(&self);
    self.group++;
    bool is_seen = privileges_drop_capabilities() == 0 && !privileges_verify(&self);
    self.group--;
    self.user++;
    return verdict(is_seen && !privileges_verify(&self));
}

Test(privileges, another_identity_is_not_verified)
{
    cr_expect_eq(confined(verify_another), CONFINED_YES);
}

Test(privileges, what_another_user_could_read)
{
    char path[] = "/tmp/moat-privileges-XXXXXX";
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    if (geteuid() == 0) {
        cr_expect(!privileges_could_read(&other, path), "mode 0600 is its owner's alone");
    }
    cr_expect_eq(fchmod(file, 0644), 0);
    cr_expect(privileges_could_read(&other, path));
    close(file);
    unlink(path);
    cr_expect(privileges_could_read(&other, path), "nothing is said of a file that is not there");
}
