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

#define READ_SIZE 65536u /* bytes at a time */

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
    if (status->st_size > (off_t)OWNERSHIP_STATE_MAX) {
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

static const char *restore(struct guard_state *state, int file)
{
    struct stat status;
    struct buffer bytes;

    if (fstat(file, &status) != 0) {
        return "it cannot be read";
    }
    const char *fault = find_fault(&status);
    if (fault != NULL) {
        return fault;
    }
    buffer_init(&bytes, OWNERSHIP_STATE_MAX);
    fault = read_all(file, &bytes);
    if (fault == NULL) {
        fault = ownership_restore(state->ownership, buffer_slice(&bytes), clock_monotonic_ms());
    }
    buffer_deinit(&bytes);
    return fault;
}

/* What cannot be trusted is not thrown away either: somebody may want to know what happened. */
static void set_aside(const char *path, const char *fault)
{
    char *aside = NULL;

    if (asprintf(&aside, "%s.broken", path) < 0) {
        aside = NULL;
    }
    bool is_moved = aside != NULL && rename(path, aside) == 0;
    log_message(LOG_ERROR, "state_broken",
                "%s: %s; who owned which client identifier is forgotten%s%s", path, fault,
                is_moved ? "; the file is now " : "", is_moved ? aside : "");
    free(aside);
}

static void load(struct guard_state *state)
{
    /* O_NONBLOCK: a pipe or a device under this name must not stop the program. */
    int file = open(state->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) {
        if (errno != ENOENT) {
            log_message(LOG_ERROR, "state_unreadable",
                        "%s: %s; who owned which client identifier is forgotten", state->path,
                        strerror(errno));
        }
        return;
    }
    const char *fault = restore(state, file);
    close(file);
    if (fault != NULL) {
        set_aside(state->path, fault);
        return;
    }
    log_message(LOG_INFO, "state_restored", "%s: the owners of %zu client identifiers", state->path,
                ownership_count(state->ownership).remembered);
}

/* --- writing ---------------------------------------------------------------------------- */

static void save(struct guard_state *state)
{
    struct buffer bytes;
    uint64_t changes = 0;
    int status = -ENOMEM;

    buffer_init(&bytes, OWNERSHIP_STATE_MAX);
    if (ownership_encode(state->ownership, clock_monotonic_ms(), &bytes, &changes)) {
        status = write_file_put(state->path, buffer_slice(&bytes));
    }
    buffer_deinit(&bytes);
    if (status == 0) {
        state->saved = changes;
    } else {
        log_message(LOG_ERROR, "state_unwritable",
                    "%s: %s; a restart would forget who owns which client identifier", state->path,
                    strerror(-status));
    }
}

static void save_if_changed(struct guard_state *state)
{
    if (state->path != NULL && ownership_changes(state->ownership) != state->saved) {
        save(state);
    }
}

static void on_timer(uv_timer_t *timer)
{
    save_if_changed(timer->data);
}

/* --- life ------------------------------------------------------------------------------- */

int guard_state_init(struct guard_state *state, const struct config *config)
{
    *state = (struct guard_state){
        .ownership = ownership_new(config->guard_identifiers, config->guard_remember_ms),
        /* The configuration that names it may be gone before the file is. */
        .path = config->guard_state_file != NULL ? strdup(config->guard_state_file) : NULL,
    };
    if (state->ownership == NULL || (config->guard_state_file != NULL && state->path == NULL)) {
        ownership_free(state->ownership);
        free(state->path);
        *state = (struct guard_state){.path = NULL};
        return -1;
    }
    if (state->path != NULL) {
        load(state);
        save(state); /* now, so that a folder that cannot be written to is known from the start */
    }
    return 0;
}

void guard_state_start(struct guard_state *state, uv_loop_t *loop, uint64_t interval_ms)
{
    uv_timer_init(loop, &state->timer);
    state->timer.data = state;
    if (state->path != NULL) {
        uv_timer_start(&state->timer, on_timer, interval_ms, interval_ms);
    }
}

void guard_state_deinit(struct guard_state *state)
{
    save_if_changed(state);
    ownership_free(state->ownership);
    free(state->path);
}
