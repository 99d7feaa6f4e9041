/*
 * The log: one event a line, in logfmt, on one descriptor.
 *
 * A line is built on the caller's stack and leaves in one write(2), so lines of
 * several threads never mix. Text of a peer is escaped (\xNN outside printable
 * ASCII) and cut at LOG_VALUE_MAX bytes, or where that makes more than LOG_SHOWN_MAX:
 * one event can never become two lines, and long names never hide what follows them.
 *
 * Nobody waits for the log: what its reader does not take is lost, and told once it takes again.
 */
#ifndef MOAT_BASE_LOG_H
#define MOAT_BASE_LOG_H

#include "moat/base/bytes.h"

enum log_level {
    LOG_ERROR = 0,
    LOG_WARNING,
    LOG_INFO,
    LOG_DEBUG,
};

#define LOG_VALUE_MAX 256 /* bytes of one value that are shown; "..." follows where more came */
#define LOG_SHOWN_MAX                                                                              \
    512 /* and what they may become by escaping: all names of a client leave room */
#define LOG_LINE_MAX 4096 /* bytes of a line */

struct log_line {
    enum log_level level;
    size_t used;
    char text[LOG_LINE_MAX];
};

/* Events above this level are not written. Called before threads start and on reload. */
void log_set_level(enum log_level level);

/* Where lines go; standard error unless told. The descriptor is borrowed. */
void log_set_descriptor(int descriptor);

bool log_is_on(enum log_level level);

/* Starts a line: time=... level=... event=NAME. */
void log_begin(struct log_line *line, enum log_level level, const char *event);
void log_text(struct log_line *line, const char *key, const char *value);
void log_slice(struct log_line *line, const char *key, struct slice value);
void log_number(struct log_line *line, const char *key, uint64_t value);
/* Writes the line and ends it with a newline. */
void log_end(struct log_line *line);

/* A whole line with one field, msg="...", for events that have no other. */
void log_message(enum log_level level, const char *event, const char *format, ...)
    MOAT_PRINTF(3, 4);

#endif
