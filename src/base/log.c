#include "moat/base/log.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "moat/base/clock.h"

/* The log sink: the one piece of state that is shared by everything. */
static atomic_int sink_level = LOG_INFO;
static atomic_int sink_descriptor = STDERR_FILENO;
static pthread_mutex_t sink_lock =
    PTHREAD_MUTEX_INITIALIZER; /* over a write, and the number below */
static uint64_t sink_lost;     /* lines, since the last that went out */

/* Kept free at the end of a line for the newline. */
#define LOG_RESERVE 1u

void log_set_level(enum log_level level)
{
    atomic_store(&sink_level, (int)level);
}

void log_set_descriptor(int descriptor)
{
    atomic_store(&sink_descriptor, descriptor);
}

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&sink_level, memory_order_relaxed);
}

static const char *level_text(enum log_level level)
{
    switch (level) {
    case LOG_ERROR:
        return "error";
    case LOG_WARNING:
        return "warning";
    case LOG_INFO:
        return "info";
    case LOG_DEBUG:
        return "debug";
    }
    return "error";
}

/* A line that is full loses its last fields, never its newline. */
static void put(struct log_line *line, const char *text, size_t size)
{
    size_t room = sizeof line->text - LOG_RESERVE - line->used;
    if (size > room) {
        size = room;
    }
    memcpy(line->text + line->used, text, size);
    line->used += size;
}

static void put_text(struct log_line *line, const char *text)
{
    put(line, text, strlen(text));
}

static bool is_plain(struct slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.data[i];
        if (byte <= ' ' || byte > '~' || byte == '"' || byte == '\\' || byte == '=') {
            return false;
        }
    }
    return value.size > 0;
}

/* Everything outside printable ASCII leaves as \xNN: no terminal sequence, line
 * break or direction mark of a peer survives. */
static size_t escape(uint8_t byte, char out_text[4])
{
    static const char digits[] = "0123456789abcdef";

    if (byte == '"' || byte == '\\') {
        memcpy(out_text, (const char[]){'\\', (char)byte}, 2);
        return 2;
    }
    if (byte < ' ' || byte > '~') {
        memcpy(out_text, (const char[]){'\\', 'x', digits[byte >> 4], digits[byte & 15]}, 4);
        return 4;
    }
    out_text[0] = (char)byte;
    return 1;
}

/* Ends before an escape that would lead past `most` bytes. True when all is shown. */
static bool put_escaped(struct log_line *line, struct slice value, size_t most)
{
    char text[4];

    for (size_t i = 0; i < value.size; i++) {
        size_t size = escape(value.data[i], text);
        if (size > most) {
            return false;
        }
        put(line, text, size);
        most -= size;
    }
    return true;
}

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
    char now[CLOCK_TEXT_SIZE];

    clock_format_now(now);
    line->level = level;
    line->used = 0;
    put_text(line, "time=");
    put_text(line, now);
    log_text(line, "level", level_text(level));
    log_text(line, "event", event);
}

void log_slice(struct log_line *line, const char *key, struct slice value)
{
    bool is_cut = value.size > LOG_VALUE_MAX;
    if (is_cut) {
        value.size = LOG_VALUE_MAX;
    }
    put_text(line, " ");
    put_text(line, key);
    put_text(line, "=");
    if (is_plain(value) && !is_cut) {
        put(line, (const char *)value.data, value.size);
    } else {
        put_text(line, "\"");
        bool is_whole = put_escaped(line, value, LOG_SHOWN_MAX) && !is_cut;
        put_text(line, is_whole ? "\"" : "...\"");
    }
}

void log_text(struct log_line *line, const char *key, const char *value)
{
    log_slice(line, key, slice_from_text(value));
}

void log_number(struct log_line *line, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    log_text(line, key, text);
}

/* --- the sink --- */

static_assert(LOG_LINE_MAX <= 4096, "a pipe that is ready takes PIPE_BUF bytes without waiting");

/* Whether all went out. Never waits for whoever reads the log: a gate that stands still because
 * nobody reads would be a way to stop it. */
static bool put_out(int descriptor, const struct log_line *line)
{
    struct pollfd ready = {.fd = descriptor, .events = POLLOUT};
    ssize_t written = send(descriptor, line->text, line->used, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (written < 0 && errno == ENOTSOCK && poll(&ready, 1, 0) == 1 &&
        (ready.revents & POLLOUT) != 0) {
        do {
            written = write(descriptor, line->text, line->used);
        } while (written < 0 && errno == EINTR);
    }
    return written == (ssize_t)line->used;
}

static void finish(struct log_line *line)
{
    line->text[line->used++] = '\n';
}

static bool put_out_lost(int descriptor)
{
    struct log_line line;

    log_begin(&line, LOG_ERROR, "log_lost");
    log_number(&line, "lines", sink_lost);
    log_text(&line, "msg", "whoever reads the log did not take them in time");
    finish(&line);
    return put_out(descriptor, &line);
}

void log_end(struct log_line *line)
{
    if (!log_is_on(line->level)) {
        return;
    }
    int descriptor = atomic_load_explicit(&sink_descriptor, memory_order_relaxed);

    finish(line);
    (void)pthread_mutex_lock(&sink_lock);
    if (sink_lost > 0 && put_out_lost(descriptor)) {
        sink_lost = 0;
    }
    if (sink_lost > 0 || !put_out(descriptor, line)) {
        sink_lost++;
    }
    (void)pthread_mutex_unlock(&sink_lock);
}

void log_message(enum log_level level, const char *event, const char *format, ...)
{
    struct log_line line;
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_begin(&line, level, event);
    put_text(&line, " msg=\"");
    (void)put_escaped(&line, slice_from_text(text), SIZE_MAX); /* our own words */
    put_text(&line, "\"");
    log_end(&line);
}
