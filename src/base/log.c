#include "moat/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "moat/base/clock.h"

/* The log sink: the one piece of state that is shared by everything. */
static atomic_int sink_level = LOG_INFO;
static atomic_int sink_descriptor = STDERR_FILENO;

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
static void put_escaped(struct log_line *line, struct slice value)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.data[i];
        if (byte == '"' || byte == '\\') {
            char escaped[2] = {'\\', (char)byte};
            put(line, escaped, sizeof escaped);
        } else if (byte < ' ' || byte > '~') {
            char escaped[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
            put(line, escaped, sizeof escaped);
        } else {
            char plain = (char)byte;
            put(line, &plain, 1);
        }
    }
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
        put_escaped(line, value);
        put_text(line, is_cut ? "...\"" : "\"");
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

void log_end(struct log_line *line)
{
    if (!log_is_on(line->level)) {
        return;
    }
    line->text[line->used++] = '\n';
    int descriptor = atomic_load_explicit(&sink_descriptor, memory_order_relaxed);
    ssize_t written = 0;
    /* A log that cannot be written must not stop the gate: the result is not looked at further. */
    do {
        written = write(descriptor, line->text, line->used);
    } while (written < 0 && errno == EINTR);
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
    put_escaped(&line, slice_from_text(text));
    put_text(&line, "\"");
    log_end(&line);
}
