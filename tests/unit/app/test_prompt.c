#include <criterion/criterion.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "app/prompt_internal.h"

/* --- a pipe ------------------------------------------------------------------------------ */

/* Puts the bytes into a pipe and asks it; the end to read on from goes to *out_rest. */
static const char *ask_pipe(const void *bytes, size_t size, struct password *password,
                            int *out_rest)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], bytes, size), (ssize_t)size);
    close(ends[1]);
    memset(password, 0xA5, sizeof *password);
    const char *fault = prompt_password(ends[0], -1, password);
    if (out_rest != NULL) {
        *out_rest = ends[0];
    } else {
        close(ends[0]);
    }
    return fault;
}

static bool holds(const struct password *password, const char *text, size_t size)
{
    return slice_equal(slice_of(password->data, password->size), slice_of(text, size));
}

Test(prompt, one_line_of_a_pipe)
{
    struct password password;
    cr_expect_null(ask_pipe("pass word\n", 10, &password, NULL));
    cr_expect(holds(&password, "pass word", 9));
    cr_expect_null(ask_pipe("no newline", 10, &password, NULL));
    cr_expect(holds(&password, "no newline", 10));
    cr_expect_null(ask_pipe("a\0b\n", 4, &password, NULL));
    cr_expect(holds(&password, "a\0b", 3));
    cr_expect_null(ask_pipe(" a\t\r\n", 5, &password, NULL));
    cr_expect(holds(&password, " a\t\r", 4), "nothing but the newline is taken off");
}

Test(prompt, the_next_line_is_left_to_others)
{
    struct password password;
    int rest;
    cr_expect_null(ask_pipe("one\ntwo\n", 8, &password, &rest));
    cr_expect(holds(&password, "one", 3));
    char next[8] = "";
    cr_expect_eq(read(rest, next, sizeof next), 4);
    cr_expect_eq(memcmp(next, "two\n", 4), 0);
    close(rest);
}

static void expect_wiped(const struct password *password)
{
    static const struct password wiped = {0};
    cr_expect_eq(memcmp(password, &wiped, sizeof wiped), 0);
}

Test(prompt, no_password)
{
    struct password password;
    const char *fault = ask_pipe("", 0, &password, NULL);
    cr_assert_not_null(fault);
    cr_expect_not_null(strstr(fault, "empty"));
    expect_wiped(&password);
    fault = ask_pipe("\nsecond", 7, &password, NULL);
    cr_assert_not_null(fault);
    cr_expect_not_null(strstr(fault, "empty"));
    fault = prompt_password(999, -1, &password); /* not open */
    cr_assert_not_null(fault);
    expect_wiped(&password);
    int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fault = prompt_password(folder, -1, &password);
    cr_assert_not_null(fault);
    cr_expect_not_null(strstr(fault, "cannot be read"));
    close(folder);
}

Test(prompt, size_at_its_limit_and_one_past)
{
    char line[CREDENTIALS_PASSWORD_MAX + 2];
    memset(line, 'x', sizeof line);
    line[CREDENTIALS_PASSWORD_MAX] = '\n';
    struct password password;
    cr_expect_null(ask_pipe(line, CREDENTIALS_PASSWORD_MAX + 1, &password, NULL));
    cr_expect_eq(password.size, CREDENTIALS_PASSWORD_MAX);
    line[CREDENTIALS_PASSWORD_MAX] = 'x';
    line[CREDENTIALS_PASSWORD_MAX + 1] = '\n';
    const char *fault = ask_pipe(line, sizeof line, &password, NULL);
    cr_assert_not_null(fault);
    cr_expect_not_null(strstr(fault, "1024"));
    expect_wiped(&password);
}

/* --- a terminal -------------------------------------------------------------------------- */

struct terminal {
    int outside; /* where the person sits */
    int inside;  /* what the program sees */
};

static struct terminal terminal_open(void)
{
    struct terminal terminal;
    terminal.outside = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert_geq(terminal.outside, 0);
    cr_assert_eq(grantpt(terminal.outside), 0);
    cr_assert_eq(unlockpt(terminal.outside), 0);
    terminal.inside = open(ptsname(terminal.outside), O_RDWR | O_NOCTTY);
    cr_assert_geq(terminal.inside, 0);
    return terminal;
}

static void terminal_close(struct terminal *terminal)
{
    close(terminal->inside);
    close(terminal->outside);
}

static bool echoes(const struct terminal *terminal)
{
    struct termios settings;
    cr_assert_eq(tcgetattr(terminal->inside, &settings), 0);
    return (settings.c_lflag & ECHO) != 0;
}

/* What the person sees until `text` stands there. */
static void wait_to_see(const struct terminal *terminal, const char *text, char *screen,
                        size_t size)
{
    size_t used = strlen(screen);
    while (strstr(screen, text) == NULL) {
        struct pollfd polled = {.fd = terminal->outside, .events = POLLIN};
        cr_assert_eq(poll(&polled, 1, 5000), 1, "not seen: %s; only %s", text, screen);
        ssize_t count = read(terminal->outside, screen + used, size - 1 - used);
        cr_assert_gt(count, 0);
        used += (size_t)count;
        screen[used] = '\0';
    }
}

static void type(const struct terminal *terminal, const char *text)
{
    cr_assert_eq(write(terminal->outside, text, strlen(text)), (ssize_t)strlen(text));
}

struct asking {
    struct terminal terminal;
    struct password password;
    const char *fault;
};

static void *ask(void *argument)
{
    struct asking *asking = argument;
    asking->fault =
        prompt_password(asking->terminal.inside, asking->terminal.inside, &asking->password);
    return NULL;
}

/* Answers both questions; what was on the screen goes to `screen`. */
static void converse(struct asking *asking, const char *first, const char *second, char *screen,
                     size_t size)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, ask, asking), 0);
    wait_to_see(&asking->terminal, "Password: ", screen, size);
    cr_expect_not(echoes(&asking->terminal));
    type(&asking->terminal, first);
    if (second != NULL) {
        wait_to_see(&asking->terminal, "Again: ", screen, size);
        cr_expect_not(echoes(&asking->terminal));
        type(&asking->terminal, second);
    }
    cr_assert_eq(pthread_join(thread, NULL), 0);
}

static void expect_conversation(const char *first, const char *second, const char *fault)
{
    struct asking asking = {.terminal = terminal_open()};
    char screen[4096] = "";
    converse(&asking, first, second, screen, sizeof screen);
    if (fault == NULL) {
        cr_expect_null(asking.fault, "%s", asking.fault);
        cr_expect(holds(&asking.password, first, strlen(first) - 1));
    } else {
        cr_assert_not_null(asking.fault);
        cr_expect_not_null(strstr(asking.fault, fault), "%s", asking.fault);
        expect_wiped(&asking.password);
    }
    cr_expect(echoes(&asking.terminal), "the terminal stayed quiet");
    cr_expect_null(strstr(screen, "hunter"), "%s", screen);
    terminal_close(&asking.terminal);
}

Test(prompt, a_terminal_is_asked_twice_without_echo)
{
    expect_conversation("hunter two\n", "hunter two\n", NULL);
}

Test(prompt, two_answers_that_differ)
{
    expect_conversation("hunter2\n", "hunter3\n", "differ");
    expect_conversation("hunter2\n", "hunter2 \n", "differ");
    expect_conversation("hunter2\n", "hunter\n", "differ");
}

Test(prompt, no_answer)
{
    expect_conversation("\n", NULL, "empty");
    expect_conversation("\x04", NULL, "empty"); /* Ctrl-D */
    expect_conversation("hunter2\n", "\n", "empty");
}

/* A signal finds the terminal restored, and then ends the program as it always does. */
static void expect_signal(int number)
{
    struct terminal terminal = terminal_open();
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        (void)signal(number, SIG_DFL);
        struct password password;
        const char *fault = prompt_password(terminal.inside, terminal.inside, &password);
        _exit(fault != NULL ? 1 : 0);
    }
    char screen[256] = "";
    wait_to_see(&terminal, "Password: ", screen, sizeof screen);
    cr_expect_not(echoes(&terminal));
    type(&terminal, "hunt"); /* half an answer */
    cr_assert_eq(kill(child, number), 0);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == number, "status %x", (unsigned)status);
    cr_expect(echoes(&terminal), "signal %d left the terminal quiet", number);
    terminal_close(&terminal);
}

Test(prompt, signals_restore_the_terminal)
{
    expect_signal(SIGINT);
    expect_signal(SIGTERM);
    expect_signal(SIGHUP);
    expect_signal(SIGQUIT);
}
