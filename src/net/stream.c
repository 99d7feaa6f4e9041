#include "moat/net/stream.h"

#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A client that vanished without a word is noticed after 60 + 4 x 15 seconds. */
#define STREAM_KEEPALIVE_IDLE     60
#define STREAM_KEEPALIVE_INTERVAL 15
#define STREAM_KEEPALIVE_COUNT    4
/* The same when there was something for it, which the kernel otherwise repeats for a quarter of an
 * hour. Not less than the three above together: this would cut them short. */
#define STREAM_UNACKNOWLEDGED_MS 120000u

/* Bytes the kernel refused, with their write request. */
struct queued_write {
    uv_write_t request;
    size_t size;
    uint8_t bytes[];
};

static struct net_stream *stream_of(const uv_handle_t *handle)
{
    return handle->data;
}

int net_stream_init(struct net_stream *stream, uv_loop_t *loop, bool is_unix,
                    const struct net_stream_events *events, void *owner,
                    const struct net_scratch *scratch)
{
    *stream = (struct net_stream){
        .events = events, .owner = owner, .scratch = scratch, .read_limit = scratch->size};
    int status =
        is_unix ? uv_pipe_init(loop, &stream->uv.pipe, 0) : uv_tcp_init(loop, &stream->uv.tcp);
    if (status == 0) {
        stream->uv.handle.data = stream;
        stream->is_open = true;
    }
    return status;
}

int net_stream_open(struct net_stream *stream, int descriptor)
{
    return uv_tcp_open(&stream->uv.tcp, descriptor);
}

void net_stream_tune(struct net_stream *stream)
{
    static const int interval = STREAM_KEEPALIVE_INTERVAL;
    static const int count = STREAM_KEEPALIVE_COUNT;
    static const unsigned unacknowledged = STREAM_UNACKNOWLEDGED_MS;
    uv_os_fd_t descriptor = -1;

    if (stream->uv.handle.type != UV_TCP || uv_fileno(&stream->uv.handle, &descriptor) != 0) {
        return;
    }
    /* None of these is needed for correctness, so a refusal is not an error. */
    uv_tcp_nodelay(&stream->uv.tcp, 1);
    uv_tcp_keepalive(&stream->uv.tcp, 1, STREAM_KEEPALIVE_IDLE);
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged, sizeof unacknowledged);
}

void net_stream_wait_at_least(struct net_stream *stream, uint64_t ms)
{
    const unsigned wait = ms < UINT_MAX / 2 ? (unsigned)ms : UINT_MAX / 2;
    uv_os_fd_t descriptor = -1;

    if (wait > STREAM_UNACKNOWLEDGED_MS && stream->uv.handle.type == UV_TCP &&
        uv_fileno(&stream->uv.handle, &descriptor) == 0) {
        setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &wait, sizeof wait);
    }
}

uint64_t net_stream_taken(const struct net_stream *stream)
{
    uv_os_fd_t descriptor = -1;
    int in_kernel = 0;

    if (!stream->is_open || uv_fileno(&stream->uv.handle, &descriptor) != 0 ||
        ioctl(descriptor, SIOCOUTQ, &in_kernel) != 0) {
        in_kernel = 0;
    }
    /* A unix socket counts what its buffers take up, which may be more than was written. */
    return stream->written - uv_stream_get_write_queue_size(&stream->uv.stream) -
           (uint64_t)in_kernel;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out_buffer)
{
    const struct net_stream *stream = stream_of(handle);
    size_t size = stream->read_limit;

    (void)suggested;
    if (size > stream->scratch->size) {
        size = stream->scratch->size;
    }
    *out_buffer = uv_buf_init((char *)stream->scratch->data, (unsigned)size);
}

static void on_read(uv_stream_t *handle, ssize_t count, const uv_buf_t *buffer)
{
    struct net_stream *stream = stream_of((const uv_handle_t *)handle);

    if (!stream->is_open || count == 0) {
        return;
    }
    if (count > 0) {
        stream->events->on_data(stream, slice_of(buffer->base, (size_t)count));
        return;
    }
    net_stream_stop(stream);
    stream->events->on_end(stream, count == UV_EOF ? 0 : (int)count);
}

int net_stream_start(struct net_stream *stream)
{
    if (!stream->is_open || stream->is_reading) {
        return 0;
    }
    int status = uv_read_start(&stream->uv.stream, on_alloc, on_read);
    stream->is_reading = status == 0;
    return status;
}

void net_stream_stop(struct net_stream *stream)
{
    if (stream->is_open && stream->is_reading) {
        uv_read_stop(&stream->uv.stream);
        stream->is_reading = false;
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct queued_write *write = request->data;
    struct net_stream *stream = stream_of((const uv_handle_t *)request->handle);

    stream->queued -= write->size;
    free(write);
    if (!stream->is_open) {
        return;
    }
    if (status != 0) {
        if (!stream->has_failed) {
            stream->has_failed = true;
            stream->events->on_write_failed(stream, status);
        }
    } else if (stream->queued == 0) {
        stream->events->on_drained(stream);
    }
}

static int queue_write(struct net_stream *stream, struct slice bytes)
{
    struct queued_write *write = malloc(sizeof *write + bytes.size);
    if (write == NULL) {
        return UV_ENOMEM;
    }
    write->request.data = write;
    write->size = bytes.size;
    memcpy(write->bytes, bytes.data, bytes.size);
    uv_buf_t buffer = uv_buf_init((char *)write->bytes, (unsigned)bytes.size);
    int status = uv_write(&write->request, &stream->uv.stream, &buffer, 1, on_written);
    if (status != 0) {
        free(write);
        return status;
    }
    stream->queued += bytes.size;
    return 0;
}

int net_stream_write(struct net_stream *stream, struct slice bytes)
{
    if (!stream->is_open || stream->has_failed || stream->is_shut) {
        return UV_EPIPE;
    }
    stream->written += bytes.size;
    if (stream->queued == 0 && bytes.size > 0) {
        uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.size);
        int written = uv_try_write(&stream->uv.stream, &buffer, 1);
        if (written < 0 && written != UV_EAGAIN) {
            stream->has_failed = true;
            return written;
        }
        bytes = slice_after(bytes, written > 0 ? (size_t)written : 0);
    }
    return bytes.size > 0 ? queue_write(stream, bytes) : 0;
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    /* The end was sent or the connection is gone; the reading side tells which. */
    (void)request;
    (void)status;
}

void net_stream_shutdown(struct net_stream *stream)
{
    if (!stream->is_open || stream->is_shut) {
        return;
    }
    stream->is_shut = true;
    if (uv_shutdown(&stream->shutdown, &stream->uv.stream, on_shutdown) != 0) {
        stream->has_failed = true; /* not connected any more */
    }
}

static void on_close(uv_handle_t *handle)
{
    struct net_stream *stream = stream_of(handle);
    stream->events->on_closed(stream);
}

void net_stream_close(struct net_stream *stream)
{
    if (stream->is_open) {
        net_stream_stop(stream);
        stream->is_open = false;
        uv_close(&stream->uv.handle, on_close);
    }
}
