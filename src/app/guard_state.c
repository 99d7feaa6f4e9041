#include "guard_state_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "moat/app/write_file.h"
#include "moat/base/clock.h"
#include "moat/base/log.h"
#include "state_file_internal.h"

#define READ_SIZE 65536u /* bytes at a time */
#define FILE_MAX  (OWNERSHIP_STATE_MAX + LEDGER_STATE_MAX + 4096u)

#define ALL_OF_IT "who owned which client identifier and who is banned"

/* --- reading ---------------------------------------------------------------------------- */

/* Why a file that was opened is not to be trusted; NULL when nothing speaks against it. */
static const char *find_fault(const struct stat *status)
{
    if (!S_ISREG(status->st_mode)) {
        return "it is not a regular file";
    }
    if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return "others may write to it";
    }
    if (status->st_size > (off_t)FILE_MAX) {
        return "it is too large";
    }
    return NULL;
}

static const char *read_all(int file, struct buffer *bytes)
{
    uint8_t *chunk = malloc(READ_SIZE);
    const char *fault = chunk == NULL ? "there is not enough memory for it" : NULL;
    ssize_t size = 1;

    while (fault == NULL && size != 0) {
        size = read(file, chunk, READ_SIZE);
        if (size < 0 && errno != EINTR) {
            fault = "it cannot be read";
        } else if (size > 0 && !buffer_append(bytes, slice_of(chunk, (size_t)size))) {
            fault = "it is too large";
        }
    }
    free(chunk);
    return fault;
}

/* What is wrong with a file, and what is forgotten for it. */
struct damage {
    const char *fault; /* NULL: nothing */
    const char *lost;
};

static struct damage restore_sections(struct guard_state *state, struct slice file)
{
    uint64_t now = clock_monotonic_ms();
    struct slice owners = slice_of(NULL, 0);
    struct slice bans = slice_of(NULL, 0);
    const char *fault = state_file_find(file, STATE_FILE_OWNERS, &owners);

    if (fault == NULL) {
        fault = state_file_find(file, STATE_FILE_BANS, &bans);
    }
    if (fault != NULL) {
        return (struct damage){fault, ALL_OF_IT};
    }
    /* One section may be broken and the other whole. */
    const char *fault_of_owners =
        owners.size > 0 ? ownership_restore(state->ownership, owners, now) : NULL;
    const char *fault_of_bans = bans.size > 0 ? ledger_restore(state->ledger, bans, now) : NULL;
    if (fault_of_owners != NULL && fault_of_bans != NULL) {
        return (struct damage){fault_of_owners, ALL_OF_IT};
    }
    if (fault_of_owners != NULL) {
        return (struct damage){fault_of_owners, "who owned which client identifier"};
    }
    return (struct damage){fault_of_bans, "who is banned"};
}

static struct damage restore(struct guard_state *state, int file)
{
    struct stat status;
    struct buffer bytes;

    if (fstat(file, &status) != 0) {
        return (struct damage){"it cannot be read", ALL_OF_IT};
    }
    struct damage damage = {find_fault(&status), ALL_OF_IT};
    if (damage.fault != NULL) {
        return damage;
    }
    buffer_init(&bytes, FILE_MAX);
    damage.fault = read_all(file, &bytes);
    if (damage.fault == NULL) {
        damage = restore_sections(state, buffer_slice(&bytes));
    }
    buffer_deinit(&bytes);
    return damage;
}

/* What cannot be trusted is not thrown away either: somebody may want to know what happened. */
static void set_aside(const char *path, const struct damage *damage)
{
    char *aside = NULL;

    if (asprintf(&aside, "%s.broken", path) < 0) {
        aside = NULL;
    }
    bool is_moved = aside != NULL && rename(path, aside) == 0;
    log_message(LOG_ERROR, "state_broken", "%s: %s; %s is forgotten%s%s", path, damage->fault,
                damage->lost, is_moved ? "; the file is now " : "", is_moved ? aside : "");
    free(aside);
}

static void load(struct guard_state *state)
{
    /* O_NONBLOCK: a pipe or a device under this name must not stop the program. */
    int file = open(state->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) {
        if (errno != ENOENT) {
            log_message(LOG_ERROR, "state_unreadable", "%s: %s; " ALL_OF_IT " is forgotten",
                        state->path, strerror(errno));
        }
        return;
    }
    struct damage damage = restore(state, file);
    close(file);
    if (damage.fault != NULL) {
        set_aside(state->path, &damage);
        return;
    }
    log_message(LOG_INFO, "state_restored", "%s: the owners of %zu client identifiers, %zu bans",
                state->path, ownership_count(state->ownership).remembered,
                ledger_bans(state->ledger, clock_monotonic_ms()));
}

/* --- writing ---------------------------------------------------------------------------- */

static bool encode(struct guard_state *state, struct buffer *bytes, uint64_t *out_owners,
                   uint64_t *out_bans)
{
    uint64_t now = clock_monotonic_ms();
    size_t start = 0;

    if (!state_file_begin(bytes, 2) || !state_file_open_section(bytes, &start) ||
        !ownership_encode(state->ownership, now, bytes, out_owners)) {
        return false;
    }
    state_file_close_section(bytes, start);
    if (!state_file_open_section(bytes, &start) ||
        !ledger_encode(state->ledger, now, bytes, out_bans)) {
        return false;
    }
    state_file_close_section(bytes, start);
    return true;
}

static void save(struct guard_state *state)
{
    struct buffer bytes;
    uint64_t owners = 0;
    uint64_t bans = 0;
    int status = -ENOMEM;

    buffer_init(&bytes, FILE_MAX);
    if (encode(state, &bytes, &owners, &bans)) {
        status = write_file_put(state->path, buffer_slice(&bytes));
    }
    buffer_deinit(&bytes);
    if (status == 0) {
        state->saved_owners = owners;
        state->saved_bans = bans;
    } else {
        log_message(LOG_ERROR, "state_unwritable",
                    "%s: %s; a restart would forget who owns which client identifier and who is "
                    "banned",
                    state->path, strerror(-status));
    }
}

static void save_if_changed(struct guard_state *state)
{
    if (state->path != NULL && (ownership_changes(state->ownership) != state->saved_owners ||
                                ledger_changes(state->ledger) != state->saved_bans)) {
        save(state);
    }
}

static void on_timer(uv_timer_t *timer)
{
    save_if_changed(timer->data);
}

static void start_saving(struct guard_state *state)
{
    if (state->is_written_at_end_only) {
        /* What was just read need not be written when nothing is added to it. */
        state->saved_owners = ownership_changes(state->ownership);
        state->saved_bans = ledger_changes(state->ledger);
        return;
    }
    save(state); /* now, so that a folder that cannot be written to is known from the start */
}

/* --- life ------------------------------------------------------------------------------- */

int guard_state_init(struct guard_state *state, const struct config *config)
{
    *state = (struct guard_state){
        .ownership = ownership_new(config->guard_identifiers, config->guard_remember_ms),
        .ledger = ledger_new(config->addresses),
        .is_written_at_end_only = config->profile == CONFIG_PROFILE_SMALL,
        /* The configuration that names it may be gone before the file is. */
        .path = config->guard_state_file != NULL ? strdup(config->guard_state_file) : NULL,
    };
    if (state->ownership == NULL || state->ledger == NULL ||
        (config->guard_state_file != NULL && state->path == NULL)) {
        ownership_free(state->ownership);
        ledger_free(state->ledger);
        free(state->path);
        *state = (struct guard_state){.path = NULL};
        return -1;
    }
    if (state->path != NULL) {
        load(state);
        start_saving(state);
    }
    return 0;
}

void guard_state_start(struct guard_state *state, uv_loop_t *loop, uint64_t interval_ms)
{
    uv_timer_init(loop, &state->timer);
    state->timer.data = state;
    if (state->path != NULL && !state->is_written_at_end_only) {
        uv_timer_start(&state->timer, on_timer, interval_ms, interval_ms);
    }
}

void guard_state_deinit(struct guard_state *state)
{
    save_if_changed(state);
    ownership_free(state->ownership);
    ledger_free(state->ledger);
    free(state->path);
}
