/* The functions of libuv that net/ and session/ call. */
#include <arpa/inet.h>

#include "fuzz.h"
#include "loop_internal.h"

#define WINDOW (SIZE_MAX / 2) /* bytes that the kernel takes, unless the test says otherwise */

static struct handle *find_open(const void *uv)
{
    struct handle *handle = loop_find(uv);

    FUZZ_CHECK(handle != NULL && !handle->is_closing);
    return handle;
}

static int add(void *uv, uv_loop_t *owner, uv_handle_type type)
{
    uv_handle_t *generic = uv;
    struct handle *handle = loop_find(NULL);

    FUZZ_CHECK(loop_find(uv) == NULL && handle != NULL);
    *handle = (struct handle){.uv = generic};
    handle->end = (struct pipe_end){.stream = uv, .window = WINDOW};
    buffer_init(&handle->end.incoming, SIZE_MAX);
    buffer_init(&handle->end.outgoing, SIZE_MAX);
    generic->loop = owner;
    generic->type = type;
    return 0;
}

/* --- handles --- */

int uv_timer_init(uv_loop_t *owner, uv_timer_t *timer)
{
    return add(timer, owner, UV_TIMER);
}

int uv_timer_start(uv_timer_t *timer, uv_timer_cb on_timer, uint64_t timeout, uint64_t repeat)
{
    struct handle *handle = loop_find(timer);

    FUZZ_CHECK(handle != NULL);
    if (handle->is_closing) {
        return UV_EINVAL;
    }
    handle->is_running = true;
    handle->on_timer = on_timer;
    handle->due_ms = loop.now_ms + timeout;
    handle->repeat_ms = repeat;
    return 0;
}

int uv_timer_stop(uv_timer_t *timer)
{
    struct handle *handle = loop_find(timer);

    FUZZ_CHECK(handle != NULL);
    handle->is_running = false;
    return 0;
}

uint64_t uv_timer_get_due_in(const uv_timer_t *timer)
{
    const struct handle *handle = find_open(timer);

    return handle->is_running && handle->due_ms > loop.now_ms ? handle->due_ms - loop.now_ms : 0;
}

uint64_t uv_now(const uv_loop_t *owner)
{
    (void)owner;
    return loop.now_ms;
}

int uv_idle_init(uv_loop_t *owner, uv_idle_t *idle)
{
    return add(idle, owner, UV_IDLE);
}

int uv_idle_start(uv_idle_t *idle, uv_idle_cb on_idle)
{
    struct handle *handle = find_open(idle);

    handle->on_idle = on_idle;
    handle->is_running = true;
    return 0;
}

int uv_idle_stop(uv_idle_t *idle)
{
    find_open(idle)->is_running = false;
    return 0;
}

void uv_close(uv_handle_t *uv, uv_close_cb on_close)
{
    struct handle *handle = find_open(uv);

    handle->is_closing = true;
    handle->is_running = false;
    handle->on_read = NULL;
    handle->on_close = on_close;
    handle->end.stream = NULL;
    for (size_t i = 0; i < WRITES_MAX; i++) {
        if (loop.writes[i].request != NULL && loop.writes[i].handle == handle) {
            loop.writes[i].status = UV_ECANCELED;
        }
    }
}

int uv_is_closing(const uv_handle_t *uv)
{
    const struct handle *handle = loop_find(uv);

    return handle == NULL || handle->is_closing ? 1 : 0;
}

int uv_is_active(const uv_handle_t *uv)
{
    const struct handle *handle = loop_find(uv);

    return handle != NULL && (handle->is_running || handle->on_read != NULL) ? 1 : 0;
}

/* Any descriptor will do: it is only copied, to see whether there are more. */
int uv_backend_fd(const uv_loop_t *owner)
{
    (void)owner;
    return 2;
}

int uv_fileno(const uv_handle_t *uv, uv_os_fd_t *out_descriptor)
{
    (void)uv;
    (void)out_descriptor;
    return UV_EBADF;
}

/* --- streams --- */

int uv_tcp_init(uv_loop_t *owner, uv_tcp_t *tcp)
{
    return add(tcp, owner, UV_TCP);
}

int uv_pipe_init(uv_loop_t *owner, uv_pipe_t *pipe, int ipc)
{
    (void)ipc;
    return add(pipe, owner, UV_NAMED_PIPE);
}

int uv_tcp_open(uv_tcp_t *tcp, uv_os_sock_t descriptor)
{
    (void)descriptor;
    find_open(tcp)->end.is_connected = true;
    return 0;
}

int uv_tcp_nodelay(uv_tcp_t *tcp, int is_on)
{
    (void)tcp;
    (void)is_on;
    return 0;
}

int uv_tcp_keepalive(uv_tcp_t *tcp, int is_on, unsigned delay)
{
    (void)tcp;
    (void)is_on;
    (void)delay;
    return 0;
}

int uv_tcp_getpeername(const uv_tcp_t *tcp, struct sockaddr *out_address, int *size)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xC0000201)};

    (void)tcp;
    FUZZ_CHECK(*size >= (int)sizeof in);
    memcpy(out_address, &in, sizeof in);
    *size = (int)sizeof in;
    return 0;
}

static int start_connect(uv_connect_t *request, void *stream, uv_connect_cb on_connected)
{
    struct handle *handle = find_open(stream);

    FUZZ_CHECK(handle->connect == NULL);
    request->handle = stream;
    request->cb = on_connected;
    handle->connect = request;
    handle->is_answered = false;
    return 0;
}

int uv_tcp_connect(uv_connect_t *request, uv_tcp_t *tcp, const struct sockaddr *address,
                   uv_connect_cb on_connected)
{
    (void)address;
    return start_connect(request, tcp, on_connected);
}

void uv_pipe_connect(uv_connect_t *request, uv_pipe_t *pipe, const char *name,
                     uv_connect_cb on_connected)
{
    (void)name;
    (void)start_connect(request, pipe, on_connected);
}

int uv_read_start(uv_stream_t *stream, uv_alloc_cb on_alloc, uv_read_cb on_read)
{
    struct handle *handle = find_open(stream);

    FUZZ_CHECK(handle->end.is_connected && handle->on_read == NULL);
    handle->on_alloc = on_alloc;
    handle->on_read = on_read;
    return 0;
}

int uv_read_stop(uv_stream_t *stream)
{
    find_open(stream)->on_read = NULL;
    return 0;
}

int uv_try_write(uv_stream_t *stream, const uv_buf_t buffers[], unsigned count)
{
    struct handle *handle = find_open(stream);
    struct pipe_end *end = &handle->end;

    FUZZ_CHECK(count == 1 && end->is_connected && handle->shutdown == NULL);
    FUZZ_CHECK(!end->has_outgoing_end);
    if (end->write_fault != 0) {
        return end->write_fault;
    }
    size_t size = end->window < buffers[0].len ? end->window : buffers[0].len;
    if (loop_has_writes(handle) || size == 0) {
        return UV_EAGAIN;
    }
    FUZZ_CHECK(buffer_append(&end->outgoing, slice_of(buffers[0].base, size)));
    end->window -= size;
    end->outgoing_total += size;
    return (int)size;
}

size_t uv_stream_get_write_queue_size(const uv_stream_t *stream)
{
    const struct handle *handle = loop_find(stream);
    size_t size = 0;

    for (size_t i = 0; i < WRITES_MAX; i++) {
        size += loop.writes[i].request != NULL && loop.writes[i].handle == handle
                    ? loop.writes[i].bytes.size
                    : 0;
    }
    return size;
}

int uv_write(uv_write_t *request, uv_stream_t *stream, const uv_buf_t buffers[], unsigned count,
             uv_write_cb on_written)
{
    struct handle *handle = find_open(stream);
    size_t last = 0;

    FUZZ_CHECK(count == 1 && handle->end.is_connected && handle->shutdown == NULL);
    for (size_t i = 0; i < WRITES_MAX; i++) {
        last = loop.writes[i].request != NULL ? i + 1 : last;
    }
    FUZZ_CHECK(last < WRITES_MAX); /* a queue without bounds */
    request->handle = stream;
    request->cb = on_written;
    loop.writes[last] = (struct queued){
        .request = request, .handle = handle, .bytes = slice_of(buffers[0].base, buffers[0].len)};
    return 0;
}

int uv_shutdown(uv_shutdown_t *request, uv_stream_t *stream, uv_shutdown_cb on_shutdown)
{
    struct handle *handle = find_open(stream);

    if (!handle->end.is_connected) {
        return UV_ENOTCONN;
    }
    FUZZ_CHECK(handle->shutdown == NULL && !handle->end.has_outgoing_end);
    request->handle = stream;
    request->cb = on_shutdown;
    handle->shutdown = request;
    return 0;
}

/* --- the pool --- */

int uv_queue_work(uv_loop_t *owner, uv_work_t *work, uv_work_cb run, uv_after_work_cb after)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (loop.jobs[i].work == NULL) {
            work->loop = owner;
            loop.jobs[i] = (struct job){.work = work, .run = run, .after = after};
            return 0;
        }
    }
    return UV_ENOMEM;
}

int uv_cancel(uv_req_t *request)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (loop.jobs[i].work == (const void *)request && !loop.jobs[i].is_done) {
            loop.jobs[i].is_done = true;
            loop.jobs[i].status = UV_ECANCELED;
            return 0;
        }
    }
    return UV_EBUSY;
}

/* --- names and addresses: the sessions here dial an address --- */

int uv_getaddrinfo(uv_loop_t *owner, uv_getaddrinfo_t *request, uv_getaddrinfo_cb on_resolved,
                   const char *node, const char *service, const struct addrinfo *hints)
{
    (void)owner;
    (void)request;
    (void)on_resolved;
    (void)node;
    (void)service;
    (void)hints;
    return UV_EAI_FAIL;
}

void uv_freeaddrinfo(struct addrinfo *addresses)
{
    FUZZ_CHECK(addresses == NULL);
}

int uv_ip4_addr(const char *text, int port, struct sockaddr_in *out_address)
{
    *out_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, text, &out_address->sin_addr) == 1 ? 0 : UV_EINVAL;
}

int uv_ip6_addr(const char *text, int port, struct sockaddr_in6 *out_address)
{
    *out_address =
        (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    return inet_pton(AF_INET6, text, &out_address->sin6_addr) == 1 ? 0 : UV_EINVAL;
}

uv_buf_t uv_buf_init(char *base, unsigned size)
{
    return (uv_buf_t){.base = base, .len = size};
}

const char *uv_strerror(int code)
{
    return code == 0 ? "no error" : "an error";
}
