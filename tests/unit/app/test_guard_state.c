#include <criterion/criterion.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/guard_state_internal.h"
#include "moat/app/write_file.h"
#include "moat/base/clock.h"
#include "moat/base/log.h"

static char folder[] = "/tmp/moat-guard-state-XXXXXX";
static int log_file = -1;

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    umask(022);
    log_file = open("log", O_RDWR | O_CREAT | O_APPEND, 0600);
    cr_assert_geq(log_file, 0);
    log_set_descriptor(log_file);
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
    log_set_descriptor(STDERR_FILENO);
    close(log_file);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

TestSuite(guard_state, .init = set_up, .fini = tear_down);

/* Whether a text was logged since the last call. */
static bool has_logged(const char *text)
{
    char bytes[4096] = {0};
    ssize_t size = pread(log_file, bytes, sizeof bytes - 1, 0);
    cr_assert_geq(size, 0);
    cr_assert_eq(ftruncate(log_file, 0), 0);
    return strstr(bytes, text) != NULL;
}

static struct guard_state start_with(const char *path, enum config_profile profile)
{
    char name[64];
    snprintf(name, sizeof name, "%s", path != NULL ? path : "");
    const struct config config = {.profile = profile,
                                  .guard_identifiers = 100,
                                  .addresses = 1000,
                                  .guard_remember_ms = 3600000,
                                  .guard_state_file = path != NULL ? name : NULL};
    struct guard_state state;
    cr_assert_eq(guard_state_init(&state, &config), 0);
    name[0] = '\0'; /* a reload frees the configuration */
    return state;
}

static struct guard_state start(const char *path)
{
    return start_with(path, CONFIG_PROFILE_FULL);
}

static bool visit(struct guard_state *state, const char *id, const char *username)
{
    struct guard_identity identity = {.proof = GUARD_PROOF_USERNAME,
                                      .name = slice_from_text(username)};
    struct ownership_grant grant = {.claim = NULL};
    bool is_granted = ownership_claim(state->ownership, slice_from_text(id), &identity,
                                      clock_monotonic_ms(), &grant) == OWNERSHIP_GRANTED;
    if (is_granted) {
        ownership_release(state->ownership, grant.claim, true, clock_monotonic_ms());
    }
    return is_granted;
}

static struct stat status_of(const char *path)
{
    struct stat status;
    cr_assert_eq(stat(path, &status), 0, "%s", path);
    return status;
}

/* --- there and back ---------------------------------------------------------------------- */

Test(guard_state, what_was_remembered_is_remembered_after_a_restart)
{
    struct guard_state state = start("state");
    cr_expect_eq(status_of("state").st_mode & 07777, 0600);
    cr_assert(visit(&state, "pump", "alice"));
    guard_state_deinit(&state);
    cr_expect_eq(status_of("state").st_mode & 07777, 0600);

    state = start("state");
    cr_expect(has_logged("event=state_restored"));
    cr_expect_not(visit(&state, "pump", "bob"));
    cr_expect(visit(&state, "pump", "alice"));
    guard_state_deinit(&state);
}

Test(guard_state, without_a_file_nothing_is_kept)
{
    struct guard_state state = start(NULL);
    cr_assert(visit(&state, "pump", "alice"));
    guard_state_deinit(&state);
    state = start(NULL);
    cr_expect(visit(&state, "pump", "bob"));
    guard_state_deinit(&state);
}

Test(guard_state, a_file_that_was_readable_by_others_is_not_for_long)
{
    struct guard_state state = start("state");
    cr_assert(visit(&state, "pump", "alice"));
    guard_state_deinit(&state);
    cr_assert_eq(chmod("state", 0644), 0);
    state = start("state");
    cr_expect_not(visit(&state, "pump", "bob"));
    cr_expect_eq(status_of("state").st_mode & 07777, 0600);
    guard_state_deinit(&state);
}

/* --- the timer ----------------------------------------------------------------------------- */

static void stop(uv_timer_t *timer)
{
    struct guard_state *state = timer->data;
    uv_close((uv_handle_t *)&state->timer, NULL);
    uv_close((uv_handle_t *)timer, NULL);
}

static void run_for(struct guard_state *state, uint64_t interval_ms, uint64_t time_ms)
{
    uv_loop_t loop;
    uv_timer_t end;
    cr_assert_eq(uv_loop_init(&loop), 0);
    guard_state_start(state, &loop, interval_ms);
    uv_timer_init(&loop, &end);
    end.data = state;
    uv_timer_start(&end, stop, time_ms, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0);
}

/* On a router each time wears the flash. */
Test(guard_state, small_saves_at_the_end_alone)
{
    struct guard_state state = start_with("state", CONFIG_PROFILE_SMALL);
    cr_assert(visit(&state, "pump", "alice"));
    run_for(&state, 5, 60);
    cr_expect_neq(access("state", F_OK), 0);
    guard_state_deinit(&state);
    ino_t first = status_of("state").st_ino;

    state = start_with("state", CONFIG_PROFILE_SMALL);
    cr_expect(has_logged("event=state_restored"));
    guard_state_deinit(&state);
    cr_expect_eq(status_of("state").st_ino, first, "nothing had changed");

    state = start_with("state", CONFIG_PROFILE_SMALL);
    cr_expect_not(visit(&state, "pump", "bob"));
    cr_assert(visit(&state, "valve", "alice"));
    guard_state_deinit(&state);
    cr_expect_neq(status_of("state").st_ino, first);
}

Test(guard_state, saved_in_time_and_only_if_something_changed)
{
    struct guard_state state = start("state");
    ino_t first = status_of("state").st_ino;
    run_for(&state, 5, 60);
    cr_expect_eq(status_of("state").st_ino, first);

    cr_assert(visit(&state, "pump", "alice"));
    run_for(&state, 5, 60);
    ino_t second = status_of("state").st_ino;
    cr_expect_neq(second, first);
    guard_state_deinit(&state); /* nothing changed since */
    cr_expect_eq(status_of("state").st_ino, second);
}

/* --- bans --------------------------------------------------------------------------------------
 */

static const struct address stranger = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 1}};

static void ban(struct guard_state *state)
{
    const struct ledger_limits limits = {
        .failures = 1, .window_ms = 1000, .ban_ms = 600000, .ban_max_ms = 600000};
    cr_assert_gt(ledger_blame(state->ledger, &stranger, &limits, clock_monotonic_ms()).ban_ms, 0);
}

static bool is_banned(struct guard_state *state)
{
    return ledger_is_banned(state->ledger, &stranger, clock_monotonic_ms());
}

Test(guard_state, a_ban_outlives_a_restart)
{
    struct guard_state state = start("state");
    cr_assert(visit(&state, "pump", "alice"));
    ban(&state);
    guard_state_deinit(&state);

    state = start("state");
    cr_expect(has_logged("the owners of 1 client identifiers, 1 bans"));
    cr_expect(is_banned(&state));
    cr_expect_not(visit(&state, "pump", "bob"));
    guard_state_deinit(&state);
}

/* Only a ban has changed since the file was written. */
Test(guard_state, a_ban_alone_is_a_change)
{
    struct guard_state state = start("state");
    ino_t first = status_of("state").st_ino;
    ban(&state);
    run_for(&state, 5, 60);
    cr_expect_neq(status_of("state").st_ino, first);
    guard_state_deinit(&state);
}

/* What the version before wrote: the owners' state and nothing around it. */
Test(guard_state, a_file_of_version_1)
{
    struct guard_state state = start(NULL);
    struct buffer bytes;
    uint64_t changes = 0;
    cr_assert(visit(&state, "pump", "alice"));
    buffer_init(&bytes, OWNERSHIP_STATE_MAX);
    cr_assert(ownership_encode(state.ownership, clock_monotonic_ms(), &bytes, &changes));
    cr_assert_eq(write_file_put("state", buffer_slice(&bytes)), 0);
    buffer_deinit(&bytes);
    guard_state_deinit(&state);

    state = start("state");
    cr_expect(has_logged("the owners of 1 client identifiers, 0 bans"));
    cr_expect_not(visit(&state, "pump", "bob"));
    ban(&state);
    guard_state_deinit(&state);
    state = start("state"); /* of version 2 now */
    cr_expect_not(visit(&state, "pump", "bob"));
    cr_expect(is_banned(&state));
    guard_state_deinit(&state);
}

/* Turns one byte round, `before_end` bytes before the end of the file. */
static void damage(const char *path, long before_end)
{
    FILE *file = fopen(path, "r+");
    cr_assert_not_null(file);
    cr_assert_eq(fseek(file, -before_end, SEEK_END), 0);
    int byte = fgetc(file);
    cr_assert_eq(fseek(file, -before_end, SEEK_END), 0);
    fputc(byte ^ 1, file);
    cr_assert_eq(fclose(file), 0);
}

Test(guard_state, broken_bans_do_not_cost_the_owners)
{
    struct guard_state state = start("state");
    cr_assert(visit(&state, "pump", "alice"));
    ban(&state);
    guard_state_deinit(&state);
    damage("state", 1);
    state = start("state");
    cr_expect(has_logged("state: its checksum is wrong; who is banned is forgotten; the file is"));
    cr_expect_not(visit(&state, "pump", "bob"));
    cr_expect_not(is_banned(&state));
    guard_state_deinit(&state);
}

Test(guard_state, broken_owners_do_not_lift_bans)
{
    struct guard_state state = start("state");
    cr_assert(visit(&state, "pump", "alice"));
    ban(&state);
    guard_state_deinit(&state);
    damage("state", 48 + 32 + 32 + 8 + 1);
    state = start("state");
    cr_expect(has_logged("state: its checksum is wrong; who owned which client identifier is "
                         "forgotten; the file is"));
    cr_expect(visit(&state, "pump", "bob"));
    cr_expect(is_banned(&state));
    guard_state_deinit(&state);
}

/* --- files that are none -------------------------------------------------------------------- */

static void write_text(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, mode), 0);
}

/* The gate starts all the same, and the next start finds a good file. */
static void expect_broken(const char *fault)
{
    struct guard_state state = start("state");
    cr_expect(has_logged(fault), "%s", fault);
    cr_expect_eq(access("state.broken", F_OK), 0);
    cr_expect(visit(&state, "pump", "bob"));
    guard_state_deinit(&state);

    state = start("state");
    cr_expect_not(has_logged("event=state_broken"));
    cr_expect_not(visit(&state, "pump", "alice"));
    guard_state_deinit(&state);
}

Test(guard_state, a_file_of_something_else)
{
    write_text("state", "listeners: []", 0600);
    expect_broken("state: it is too short; who owned which client identifier and who is banned is "
                  "forgotten; "
                  "the file is now state.broken");
}

Test(guard_state, an_empty_file)
{
    write_text("state", "", 0600);
    expect_broken("state: it is too short");
}

Test(guard_state, a_file_that_was_cut)
{
    struct guard_state state = start("state");
    cr_assert(visit(&state, "pump", "alice"));
    guard_state_deinit(&state);
    cr_assert_eq(truncate("state", status_of("state").st_size - 1), 0);
    expect_broken("state: its size is not what its header says");
}

/* Whoever could write to it may have given himself every identifier. */
Test(guard_state, a_file_that_others_may_write_to)
{
    struct guard_state state = start("state");
    cr_assert(visit(&state, "pump", "alice"));
    guard_state_deinit(&state);
    cr_assert_eq(chmod("state", 0620), 0);
    expect_broken("state: others may write to it");
}

Test(guard_state, a_file_of_no_end)
{
    write_text("state", "moat-own", 0600);
    cr_assert_eq(truncate("state", (off_t)(OWNERSHIP_STATE_MAX + LEDGER_STATE_MAX + 4096) + 1), 0);
    expect_broken("state: it is too large");
}

Test(guard_state, a_pipe)
{
    cr_assert_eq(mkfifo("state", 0600), 0);
    expect_broken("state: it is not a regular file");
}

Test(guard_state, a_folder_that_is_not_there)
{
    struct guard_state state = start("missing/state");
    cr_expect(has_logged("event=state_unwritable msg=\"missing/state: No such file or directory"));
    cr_expect(visit(&state, "pump", "alice"));
    guard_state_deinit(&state);
    cr_expect(has_logged("event=state_unwritable"));
}

Test(guard_state, a_path_through_a_file)
{
    write_text("file", "", 0600);
    struct guard_state state = start("file/state");
    cr_expect(has_logged("event=state_unreadable"));
    guard_state_deinit(&state);
}
