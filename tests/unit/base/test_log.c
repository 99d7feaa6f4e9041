#include "moat/base/log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];
static char text[1u << 18];

static void set_up(void)
{
    cr_assert_eq(pipe(ends), 0);
    log_set_descriptor(ends[1]);
    log_set_level(LOG_INFO);
}

/* All that was written so far, as a text. */
static const char *written(void)
{
    size_t used = 0;
    ssize_t count = 0;
    close(ends[1]);
    while ((count = read(ends[0], text + used, sizeof text - 1 - used)) > 0) {
        used += (size_t)count;
    }
    text[used] = '\0';
    return text;
}

TestSuite(log, .init = set_up);

static size_t count_of(const char *where, char what)
{
    size_t count = 0;
    for (; *where != '\0'; where++) {
        count += *where == what;
    }
    return count;
}

Test(log, a_line_has_time_level_event_and_fields)
{
    struct log_line line;
    log_begin(&line, LOG_WARNING, "refused");
    log_text(&line, "client_id", "pump-7");
    log_slice(&line, "name", slice_of("ab\0", 2));
    log_number(&line, "bytes", UINT64_MAX);
    log_end(&line);
    const char *out = written();
    cr_expect_eq(strncmp(out, "time=20", 7), 0, "%s", out);
    cr_expect_not_null(strstr(out, "Z level=warning event=refused client_id=pump-7 name=ab "
                                   "bytes=18446744073709551615\n"),
                       "%s", out);
}

Test(log, what_is_not_plain_is_quoted)
{
    static const struct {
        const char *value;
        const char *shown;
    } rows[] = {
        {"", "k=\"\"\n"},
        {"a b", "k=\"a b\"\n"},
        {"a=b", "k=\"a=b\"\n"},
        {"say \"x\"", "k=\"say \\\"x\\\"\"\n"},
        {"back\\slash", "k=\"back\\\\slash\"\n"},
        {"~!#$", "k=~!#$\n"},
        {"x\ny", "k=\"x\\x0ay\"\n"},
        {"\x1b[2J\r\t", "k=\"\\x1b[2J\\x0d\\x09\"\n"},
        {"\x7f", "k=\"\\x7f\"\n"},
        {"caf\xc3\xa9", "k=\"caf\\xc3\\xa9\"\n"},
        {"\xe2\x80\xae", "k=\"\\xe2\\x80\\xae\"\n"}, /* right-to-left override */
    };
    enum { COUNT = sizeof rows / sizeof rows[0] };
    for (size_t i = 0; i < COUNT; i++) {
        struct log_line line;
        log_begin(&line, LOG_INFO, "e");
        log_text(&line, "k", rows[i].value);
        log_end(&line);
    }
    const char *out = written();
    cr_expect_eq(count_of(out, '\n'), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        out = strstr(out, rows[i].shown);
        cr_assert_not_null(out, "%s", rows[i].shown);
    }
}

Test(log, every_byte_stays_in_its_line)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t value[3] = {'a', (uint8_t)byte, 'z'};
        struct log_line line;
        log_begin(&line, LOG_INFO, "e");
        log_slice(&line, "k", slice_of(value, sizeof value));
        log_end(&line);
    }
    const char *out = written();
    cr_expect_eq(count_of(out, '\n'), 256);
    for (; *out != '\0'; out++) {
        cr_assert(*out == '\n' || (*out >= ' ' && *out <= '~'));
    }
}

Test(log, a_value_of_256_bytes_but_not_of_257)
{
    char value[300];
    struct log_line line;

    memset(value, 'v', sizeof value);
    log_begin(&line, LOG_INFO, "e");
    log_slice(&line, "whole", slice_of(value, LOG_VALUE_MAX));
    log_slice(&line, "cut", slice_of(value, LOG_VALUE_MAX + 1));
    log_end(&line);
    const char *out = written();
    const char *whole = strstr(out, " whole=v");
    const char *cut = strstr(out, " cut=\"v");
    cr_assert(whole != NULL && cut != NULL, "%s", out);
    cr_expect_eq(cut - whole, (ptrdiff_t)strlen(" whole=") + LOG_VALUE_MAX);
    cr_expect_str_eq(cut + strlen(" cut=\"") + LOG_VALUE_MAX, "...\"\n");
}

Test(log, a_value_that_escapes_to_512_bytes_but_not_to_more)
{
    struct log_line line;
    char value[LOG_SHOWN_MAX / 4 + 1];
    memset(value, 0xFF, sizeof value);
    log_begin(&line, LOG_INFO, "test");
    log_slice(&line, "whole", slice_of(value, sizeof value - 1));
    log_slice(&line, "cut", slice_of(value, sizeof value));
    log_end(&line);
    const char *out = written();
    const char *whole = strstr(out, " whole=\"\\xff");
    const char *cut = strstr(out, " cut=\"\\xff");
    cr_assert(whole != NULL && cut != NULL, "%s", out);
    cr_expect_eq(cut - whole, (ptrdiff_t)strlen(" whole=\"\"") + LOG_SHOWN_MAX);
    cr_expect_str_eq(cut + strlen(" cut=\"") + LOG_SHOWN_MAX, "...\"\n", "no half escape");
}

Test(log, a_full_line_keeps_its_newline)
{
    char value[LOG_VALUE_MAX];
    struct log_line line;

    memset(value, '\x01', sizeof value);
    for (size_t fields = 1; fields < 9; fields++) {
        log_begin(&line, LOG_INFO, "e");
        for (size_t i = 0; i < fields; i++) {
            log_slice(&line, "key", slice_of(value, sizeof value - fields));
        }
        cr_expect_lt(line.used, sizeof line.text);
        log_end(&line);
    }
    const char *out = written();
    cr_expect_eq(count_of(out, '\n'), 8);
    for (const char *end = strchr(out, '\n'); end != NULL; end = strchr(out, '\n')) {
        cr_expect_leq(end - out + 1, LOG_LINE_MAX);
        cr_expect_eq(strncmp(out, "time=", 5), 0);
        out = end + 1;
    }
}

Test(log, levels_above_the_set_one_are_left_out)
{
    log_message(LOG_DEBUG, "hidden", "x");
    log_set_level(LOG_DEBUG);
    log_message(LOG_DEBUG, "shown", "x");
    log_set_level(LOG_ERROR);
    log_message(LOG_WARNING, "hidden", "x");
    log_message(LOG_ERROR, "shown", "x");
    cr_expect(log_is_on(LOG_ERROR));
    cr_expect_not(log_is_on(LOG_WARNING));
    const char *out = written();
    cr_expect_null(strstr(out, "hidden"));
    cr_expect_eq(count_of(out, '\n'), 2);
}

Test(log, a_message_is_escaped_and_bounded)
{
    char much[3000];
    memset(much, 'm', sizeof much - 1);
    much[sizeof much - 1] = '\0';
    log_message(LOG_INFO, "e", "user \"%s\"\nlevel=error", "x");
    log_message(LOG_INFO, "e", "%s", much);
    const char *out = written();
    cr_expect_not_null(strstr(out, " msg=\"user \\\"x\\\"\\x0alevel=error\"\n"), "%s", out);
    cr_expect_eq(count_of(out, '\n'), 2);
}

static void *talk(void *argument)
{
    const char *word = argument;
    for (int i = 0; i < 200; i++) {
        struct log_line line;
        log_begin(&line, LOG_INFO, word);
        for (int j = 0; j < 3; j++) {
            log_text(&line, "word", word);
        }
        log_end(&line);
    }
    return NULL;
}

static void *listen_in(void *argument)
{
    (void)argument;
    size_t used = 0;
    ssize_t count = 0;
    while ((count = read(ends[0], text + used, sizeof text - 1 - used)) > 0) {
        used += (size_t)count;
    }
    text[used] = '\0';
    return NULL;
}

Test(log, lines_of_several_threads_never_mix)
{
    static char words[4][8] = {"alpha", "beta", "gamma", "delta"};
    pthread_t talkers[4];
    pthread_t listener;
    size_t lines = 0;

    /* Room for all: the log waits for no reader. */
    cr_assert_geq(fcntl(ends[1], F_SETPIPE_SZ, (int)sizeof text), (int)sizeof text);
    pthread_create(&listener, NULL, listen_in, NULL);
    for (size_t i = 0; i < 4; i++) {
        pthread_create(&talkers[i], NULL, talk, words[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(talkers[i], NULL);
    }
    close(ends[1]);
    pthread_join(listener, NULL);
    for (char *at = text, *end = NULL; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        char event[8] = "";
        char fields[3][8];
        *end = '\0';
        cr_assert_eq(sscanf(at, "time=%*s level=info event=%7s word=%7s word=%7s word=%7s", event,
                            fields[0], fields[1], fields[2]),
                     4, "%s", at);
        cr_assert(strcmp(event, fields[0]) == 0 && strcmp(event, fields[1]) == 0 &&
                  strcmp(event, fields[2]) == 0);
        lines++;
    }
    cr_expect_eq(lines, 800);
}

Test(log, a_descriptor_that_is_closed_harms_nobody)
{
    log_set_descriptor(-1);
    log_message(LOG_INFO, "e", "lost");
    cr_expect_str_eq(written(), "");
}

/* --- a reader that does not read ------------------------------------------------------------- */

/* Writes until nothing more is taken; how many lines went into it. */
static size_t fill(size_t lines)
{
    for (size_t i = 0; i < lines; i++) {
        log_message(LOG_INFO, "filling", "%200zu", i);
    }
    return lines;
}

static void expect_counted(size_t lines)
{
    static const char lost[] = "level=error event=log_lost lines=";
    const char *out = written();
    const char *told = strstr(out, lost);

    cr_assert_not_null(told);
    size_t missing = strtoul(told + sizeof lost - 1, NULL, 10);
    cr_expect_gt(missing, 0);
    cr_expect_eq(count_of(out, '\n'), lines - missing + 2, "what came, the number, and the last");
    cr_expect_not_null(strstr(told, "event=after"));
    cr_expect_null(strstr(told + 1, lost));
}

static void *read_some(void *argument)
{
    size_t *used = argument;
    ssize_t count = read(ends[0], text, sizeof text / 2);
    *used = count > 0 ? (size_t)count : 0;
    return NULL;
}

Test(log, a_full_pipe_is_not_waited_for)
{
    size_t lines = fill(1000); /* more than a pipe holds */
    pthread_t reader;
    size_t used = 0;
    cr_assert_eq(pthread_create(&reader, NULL, read_some, &used), 0);
    cr_assert_eq(pthread_join(reader, NULL), 0);
    cr_assert_gt(used, 0);
    size_t before = 0;
    for (size_t i = 0; i < used; i++) {
        before += text[i] == '\n';
    }
    log_message(LOG_INFO, "after", "it reads again");
    expect_counted(lines - before);
}

Test(log, a_full_socket_is_not_waited_for)
{
    int sockets[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    log_set_descriptor(sockets[0]);
    size_t lines = fill(20000);
    cr_expect_eq(lines, 20000, "it came back");
    log_set_descriptor(ends[1]);
    log_message(LOG_INFO, "after", "another sink");
    cr_expect_not_null(strstr(written(), "event=log_lost lines="));
}
