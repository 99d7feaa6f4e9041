#include "loop_internal.h"

#include "fuzz.h"

/* Reading on behind the end gives the end once more; a program that goes on doing so spins. */
#define ENDS_READ_MAX 4
#define STALL_MS      60000u

struct loop loop;

struct handle *loop_find(const void *uv)
{
    for (size_t i = 0; i < HANDLES_MAX; i++) {
        if (loop.handles[i].uv == uv) {
            return &loop.handles[i];
        }
    }
    return NULL;
}

bool loop_has_writes(const struct handle *handle)
{
    for (size_t i = 0; i < WRITES_MAX; i++) {
        if (loop.writes[i].request != NULL && loop.writes[i].handle == handle) {
            return true;
        }
    }
    return false;
}

static struct handle *find_open(const void *uv)
{
    struct handle *handle = loop_find(uv);

    FUZZ_CHECK(handle != NULL && !handle->is_closing);
    return handle;
}

/* --- the test's side --- */

void loop_reset(uint64_t start_ms)
{
    FUZZ_CHECK(loop_live() == 0);
    loop.now_ms = start_ms;
}

void loop_advance(uint64_t milliseconds)
{
    loop.now_ms += milliseconds;
}

struct pipe_end *loop_end_of(const void *handle)
{
    struct handle *found = loop_find(handle);

    return found != NULL ? &found->end : NULL;
}

bool loop_answer_connect(struct pipe_end *end, int status)
{
    struct handle *handle = find_open(end->stream);

    if (handle->connect == NULL || handle->is_answered) {
        return false;
    }
    handle->is_answered = true;
    handle->connect_status = status;
    return true;
}

size_t loop_live(void)
{
    size_t count = 0;

    for (size_t i = 0; i < HANDLES_MAX; i++) {
        count += loop.handles[i].uv != NULL ? 1 : 0;
    }
    for (size_t i = 0; i < WRITES_MAX; i++) {
        count += loop.writes[i].request != NULL ? 1 : 0;
    }
    for (size_t i = 0; i < JOBS_MAX; i++) {
        count += loop.jobs[i].work != NULL ? 1 : 0;
    }
    return count;
}

void loop_run_job(void)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (loop.jobs[i].work != NULL && !loop.jobs[i].is_done) {
            loop.jobs[i].run(loop.jobs[i].work);
            loop.jobs[i].is_done = true;
            return;
        }
    }
}

/* --- once around --- */

static void run_timers(void)
{
    for (size_t i = 0; i < HANDLES_MAX; i++) {
        struct handle *handle = &loop.handles[i];
        if (handle->uv != NULL && !handle->is_closing && handle->is_running &&
            handle->on_timer != NULL && handle->due_ms <= loop.now_ms) {
            handle->is_running = handle->repeat_ms > 0;
            handle->due_ms = loop.now_ms + handle->repeat_ms;
            handle->on_timer((uv_timer_t *)handle->uv);
        } else if (handle->uv != NULL && !handle->is_closing && handle->is_running &&
                   handle->on_idle != NULL) {
            handle->on_idle((uv_idle_t *)handle->uv);
        }
    }
}

static void run_jobs(void)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (loop.jobs[i].work != NULL && loop.jobs[i].is_done) {
            struct job job = loop.jobs[i];
            loop.jobs[i].work = NULL;
            job.after(job.work, job.status);
        }
    }
}

static void run_connect(struct handle *handle)
{
    uv_connect_t *request = handle->connect;

    if (request != NULL && (handle->is_answered || handle->is_closing)) {
        int status = handle->is_closing ? UV_ECANCELED : handle->connect_status;
        handle->connect = NULL;
        handle->end.is_connected = status == 0;
        request->cb(request, status);
    }
}

/* What TCP_USER_TIMEOUT does, which net/stream.c sets: a peer that takes nothing is cut off.
 * Without it two sides that both take nothing would hold their session for ever. */
static void note_stall(struct handle *handle, size_t taken)
{
    struct pipe_end *end = &handle->end;

    if (!handle->is_stalled || taken > 0) {
        handle->is_stalled = true;
        handle->stalled_ms = loop.now_ms;
    } else if (loop.now_ms - handle->stalled_ms >= STALL_MS) {
        end->write_fault = UV_ETIMEDOUT;
        end->has_incoming_end = true;
        end->incoming_end = UV_ETIMEDOUT;
    }
}

/* What of a queue the kernel takes now. */
static void run_writes(void)
{
    bool is_blocked[HANDLES_MAX] = {false};

    for (size_t i = 0; i < WRITES_MAX; i++) {
        struct queued *write = &loop.writes[i];
        struct handle *handle = write->handle;
        if (write->request == NULL || is_blocked[handle - loop.handles]) {
            continue;
        }
        struct pipe_end *end = &handle->end;
        int status = write->status != 0 ? write->status : end->write_fault;
        if (status == 0) {
            size_t size = end->window < write->bytes.size ? end->window : write->bytes.size;
            FUZZ_CHECK(size == 0 ||
                       buffer_append(&end->outgoing, slice_of(write->bytes.data, size)));
            end->window -= size;
            end->outgoing_total += size;
            write->bytes = slice_after(write->bytes, size);
            is_blocked[handle - loop.handles] = write->bytes.size > 0;
            note_stall(handle, size);
        }
        if (!is_blocked[handle - loop.handles]) {
            uv_write_t *request = write->request;
            write->request = NULL;
            handle->is_stalled = false;
            request->cb(request, status);
        }
    }
}

static void run_shutdown(struct handle *handle)
{
    uv_shutdown_t *request = handle->shutdown;

    if (request != NULL && !loop_has_writes(handle)) {
        handle->shutdown = NULL;
        handle->end.has_outgoing_end = !handle->is_closing;
        request->cb(request, handle->is_closing ? UV_ECANCELED : 0);
    }
}

/* One read for each turn, as large as the program asks for. */
static void run_read(struct handle *handle)
{
    struct pipe_end *end = &handle->end;
    uv_buf_t buffer;

    if (handle->on_read == NULL || (end->incoming.size == 0 && !end->has_incoming_end)) {
        return;
    }
    handle->on_alloc(handle->uv, 65536, &buffer);
    FUZZ_CHECK(buffer.len > 0);
    if (end->incoming.size == 0) {
        int status = end->incoming_end == 0 ? UV_EOF : end->incoming_end;
        handle->on_read(end->stream, status, &buffer);
        FUZZ_CHECK(++end->ends_read <= ENDS_READ_MAX);
        return;
    }
    size_t size = end->incoming.size < buffer.len ? end->incoming.size : buffer.len;
    memcpy(buffer.base, end->incoming.data, size);
    end->incoming.size -= size;
    memmove(end->incoming.data, end->incoming.data + size, end->incoming.size);
    handle->on_read(end->stream, (ssize_t)size, &buffer);
}

static void run_close(struct handle *handle)
{
    uv_handle_t *uv = handle->uv;
    uv_close_cb on_close = handle->on_close;

    FUZZ_CHECK(!loop_has_writes(handle) && handle->connect == NULL && handle->shutdown == NULL);
    buffer_deinit(&handle->end.incoming);
    buffer_deinit(&handle->end.outgoing);
    *handle = (struct handle){.uv = NULL};
    if (on_close != NULL) {
        on_close(uv);
    }
}

/* What was closed in one turn is gone in the next, so that the test sees what was written last. */
static void run_closes(void)
{
    for (size_t i = 0; i < HANDLES_MAX; i++) {
        if (loop.handles[i].uv != NULL && loop.handles[i].is_closing &&
            !loop_has_writes(&loop.handles[i]) && loop.handles[i].connect == NULL &&
            loop.handles[i].shutdown == NULL) {
            run_close(&loop.handles[i]);
        }
    }
}

void loop_turn(void)
{
    run_closes();
    run_timers();
    run_jobs();
    run_writes();
    for (size_t i = 0; i < HANDLES_MAX; i++) {
        if (loop.handles[i].uv != NULL) {
            run_connect(&loop.handles[i]);
        }
        if (loop.handles[i].uv != NULL) {
            run_shutdown(&loop.handles[i]);
        }
        if (loop.handles[i].uv != NULL && !loop.handles[i].is_closing) {
            run_read(&loop.handles[i]);
        }
    }
}
