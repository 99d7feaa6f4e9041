/* What the two halves of the stand-in share: loop.c turns, loop_calls.c is what libuv's callers
 * see. */
#ifndef MOAT_TESTS_FUZZ_LOOP_INTERNAL_H
#define MOAT_TESTS_FUZZ_LOOP_INTERNAL_H

#include "loop.h"

#define HANDLES_MAX 64
#define WRITES_MAX  256
#define JOBS_MAX    16

struct handle {
    uv_handle_t *uv; /* NULL for a free place */
    bool is_closing;
    uv_close_cb on_close;
    /* of a timer or an idle handle */
    bool is_running;
    uint64_t due_ms;
    uint64_t repeat_ms;
    uv_timer_cb on_timer;
    uv_idle_cb on_idle;
    /* of a stream */
    struct pipe_end end;
    uv_alloc_cb on_alloc;
    uv_read_cb on_read; /* NULL while it does not read */
    uv_connect_t *connect;
    bool is_answered;
    int connect_status;
    uv_shutdown_t *shutdown;
    bool is_stalled; /* since then nothing that is queued was taken */
    uint64_t stalled_ms;
};

struct queued {
    uv_write_t *request; /* NULL for a free place */
    struct handle *handle;
    struct slice bytes;
    int status; /* UV_ECANCELED when its handle was closed */
};

struct job {
    uv_work_t *work; /* NULL for a free place */
    uv_work_cb run;
    uv_after_work_cb after;
    bool is_done;
    int status;
};

struct loop {
    struct handle handles[HANDLES_MAX];
    struct queued writes[WRITES_MAX]; /* in the order they were made */
    struct job jobs[JOBS_MAX];
    uint64_t now_ms;
};

extern struct loop loop;

struct handle *loop_find(const void *uv);
bool loop_has_writes(const struct handle *handle);

#endif
