#include "app/prompt_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "moat/base/secret.h"

static const char cannot_read[] = "the password cannot be read";

/* --- one line ---------------------------------------------------------------------------- */

/* Waits for `input`; false when a signal came first. `signals` may be -1. */
static bool wait_for(int input, int signals)
{
    struct pollfd polled[] = {
        {.fd = input, .events = POLLIN},
        {.fd = signals, .events = POLLIN}, /* poll() passes over -1 */
    };
    while (poll(polled, 2, -1) < 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    return polled[1].revents == 0;
}

/* Byte by byte: what follows the line belongs to whoever reads on from the same pipe. */
static const char *read_line(int input, int signals, struct password *password)
{
    password->size = 0;
    for (;;) {
        uint8_t byte;
        if (!wait_for(input, signals)) {
            return cannot_read;
        }
        ssize_t count = read(input, &byte, 1);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (count < 0) {
            return cannot_read;
        }
        if (count == 0 || byte == '\n') {
            return password->size > 0 ? NULL : "the password is empty";
        }
        if (password->size == sizeof password->data) {
            return "the password is over 1024 bytes";
        }
        password->data[password->size++] = byte;
    }
}

/* --- a terminal without echo ------------------------------------------------------------- */

struct quiet {
    int terminal;
    int signals; /* readable when one of the signals that end us is waiting */
    struct termios settings;
    sigset_t mask;
};

/*
 * A signal that ended the process now would leave the person's terminal without echo. So
 * these wait until it is as it was; quiet_end() then lets them take their usual effect.
 */
static bool quiet_begin(struct quiet *quiet, int terminal)
{
    quiet->terminal = terminal;
    if (tcgetattr(terminal, &quiet->settings) != 0) {
        return false;
    }
    sigset_t deadly;
    (void)sigemptyset(&deadly);
    (void)sigaddset(&deadly, SIGHUP);
    (void)sigaddset(&deadly, SIGINT);
    (void)sigaddset(&deadly, SIGQUIT);
    (void)sigaddset(&deadly, SIGTERM);
    quiet->signals = signalfd(-1, &deadly, SFD_CLOEXEC);
    if (quiet->signals < 0) {
        return false;
    }
    (void)sigprocmask(SIG_BLOCK, &deadly, &quiet->mask);
    struct termios settings = quiet->settings;
    settings.c_lflag &= ~(tcflag_t)ECHO;
    settings.c_lflag |= ECHONL;
    settings.c_cc[VSUSP] = _POSIX_VDISABLE; /* stopped half-way it would stay quiet, too */
    (void)tcsetattr(terminal, TCSAFLUSH, &settings);
    return true;
}

static void quiet_end(struct quiet *quiet)
{
    (void)tcsetattr(quiet->terminal, TCSAFLUSH, &quiet->settings);
    (void)close(quiet->signals);
    (void)sigprocmask(SIG_SETMASK, &quiet->mask, NULL);
}

static const char *ask(const struct quiet *quiet, int output, const char *question,
                       struct password *password)
{
    /* Without the words the question is still there: the terminal waits. */
    (void)!write(output, question, strlen(question));
    return read_line(quiet->terminal, quiet->signals, password);
}

static const char *ask_twice(const struct quiet *quiet, int output, struct password *password)
{
    struct password again = {0};
    const char *fault = ask(quiet, output, "Password: ", password);
    if (fault == NULL) {
        fault = ask(quiet, output, "Again: ", &again);
    }
    if (fault == NULL &&
        !secret_equal(slice_of(password->data, password->size), slice_of(again.data, again.size))) {
        fault = "the two passwords differ";
    }
    password_wipe(&again);
    return fault;
}

const char *prompt_password(int input, int output, struct password *out_password)
{
    const char *fault = cannot_read;
    struct quiet quiet;
    if (!isatty(input)) {
        fault = read_line(input, -1, out_password);
    } else if (quiet_begin(&quiet, input)) {
        fault = ask_twice(&quiet, output, out_password);
        quiet_end(&quiet);
    }
    if (fault != NULL) {
        password_wipe(out_password);
    }
    return fault;
}

void password_wipe(struct password *password)
{
    secret_wipe(password, sizeof *password);
}
