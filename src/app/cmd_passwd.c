#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/passwd_request_internal.h"
#include "app/password_edit_internal.h"
#include "app/password_file_internal.h"
#include "app/prompt_internal.h"
#include "moat/app/commands.h"
#include "moat/app/generate.h"
#include "moat/base/secret.h"

/* --- the file ---------------------------------------------------------------------------- */

/*
 * A file that could not be loaded is never written: a running gate would keep the old one
 * in force, and whoever was deleted would still come in. `if_empty` is what to say when
 * there would be no user at all.
 */
static int check_text(const char *path, const struct buffer *text, const char *if_empty)
{
    struct credentials_fault fault;
    struct credentials *credentials = credentials_parse(buffer_slice(text), &fault);
    if (credentials != NULL) {
        credentials_free(credentials);
        return EX_OK;
    }
    if (fault.line == 0) {
        return passwd_refuse(EX_DATAERR, path, if_empty);
    }
    fprintf(
        stderr,
        "moat passwd: %s:%u: %s\n"
        "moat passwd: nothing was written; mend that line, or put a # before it, and try again\n",
        path, fault.line, fault.what);
    return EX_DATAERR;
}

static int write_text(const struct password_file *file, const struct buffer *text)
{
    char fault[PASSWORD_FILE_FAULT];
    int code = password_file_write(file, buffer_slice(text), fault);
    return code == EX_OK ? EX_OK : passwd_refuse(code, file->path, fault);
}

static int set_line(const struct password_file *file, const char *user, const char *line)
{
    struct buffer text;
    bool found = false;
    int code;
    buffer_init(&text, PASSWORD_FILE_SIZE_MAX);
    if (!password_edit_set(buffer_slice(&file->text), slice_from_text(user), slice_from_text(line),
                           &text, &found)) {
        code = passwd_refuse(EX_DATAERR, file->path, "too large for a password file");
    } else {
        code = check_text(file->path, &text, "no memory to check the file");
    }
    if (code == EX_OK) {
        code = write_text(file, &text);
    }
    if (code == EX_OK) {
        fprintf(stderr, "moat passwd: %s: %s\n", file->path,
                found ? "the user has a new password" : "the user was added");
    }
    buffer_deinit(&text);
    return code;
}

static int delete_from(const struct password_file *file, const char *user)
{
    struct slice old = buffer_slice(&file->text);
    struct slice name = slice_from_text(user);
    struct buffer numbered; /* with the line numbers of the file as it is, for faults */
    struct buffer text;
    bool found = false;
    int code;
    buffer_init(&numbered, PASSWORD_FILE_SIZE_MAX);
    buffer_init(&text, PASSWORD_FILE_SIZE_MAX);
    if (!password_edit_delete(old, name, PASSWORD_GAP_BLANK, &numbered, &found) ||
        !password_edit_delete(old, name, PASSWORD_GAP_NONE, &text, &found)) {
        code = passwd_refuse(EX_OSERR, file->path, "out of memory");
    } else if (!found) {
        code = passwd_refuse(EX_DATAERR, file->path, "no such user");
    } else {
        code = check_text(file->path, &numbered,
                          "this is the last user, and a file without users is not loaded; add "
                          "another one first, or change this one's password with --generate");
    }
    if (code == EX_OK) {
        code = write_text(file, &text);
    }
    if (code == EX_OK) {
        fprintf(stderr, "moat passwd: %s: the user was deleted\n", file->path);
    }
    buffer_deinit(&numbered);
    buffer_deinit(&text);
    return code;
}

/* --- the command ------------------------------------------------------------------------- */

static int delete_user(const struct passwd_request *request)
{
    struct password_file file;
    char fault[PASSWORD_FILE_FAULT];
    int code = password_file_open(&file, request->path, true, fault);
    if (code != EX_OK) {
        return passwd_refuse(code, request->path, fault);
    }
    code = delete_from(&file, request->user);
    password_file_close(&file);
    return code;
}

static int store(const struct passwd_request *request, const struct password *password)
{
    struct credentials_fault line_fault;
    char *line = credentials_make_line(slice_from_text(request->user),
                                       slice_of(password->data, password->size),
                                       request->iterations, &line_fault);
    if (line == NULL) {
        return passwd_refuse(EX_DATAERR, "password", line_fault.what);
    }
    struct password_file file;
    char fault[PASSWORD_FILE_FAULT];
    int code = password_file_open(&file, request->path, false, fault);
    if (code != EX_OK) {
        code = passwd_refuse(code, request->path, fault);
    } else {
        code = set_line(&file, request->user, line);
        password_file_close(&file);
    }
    secret_free_text(line);
    return code;
}

/* By write(2): a buffer of stdio would keep the password. */
static int print_password(struct password *password)
{
    /* A reader that has gone must be told as a failure, not end us without a word. */
    (void)signal(SIGPIPE, SIG_IGN);
    password->data[password->size] = '\n';
    struct slice rest = slice_of(password->data, password->size + 1);
    while (rest.size > 0) {
        ssize_t written = write(STDOUT_FILENO, rest.data, rest.size);
        if (written < 0 && errno != EINTR) {
            return passwd_refuse(EX_IOERR,
                                 "the password was set but cannot be printed; run this again",
                                 strerror(errno));
        }
        rest = slice_after(rest, written > 0 ? (size_t)written : 0);
    }
    return EX_OK;
}

static void generate(struct password *out_password)
{
    char text[GENERATE_PASSWORD_SIZE];
    generate_password(text);
    out_password->size = strlen(text);
    memcpy(out_password->data, text, out_password->size);
    secret_wipe(text, sizeof text);
}

static int set_user(const struct passwd_request *request)
{
    const char *fault = credentials_check_username(slice_from_text(request->user));
    if (fault != NULL) {
        return passwd_refuse(EX_DATAERR, "user", fault);
    }
    struct password password = {0};
    if (request->is_generate) {
        generate(&password);
    } else {
        fault = prompt_password(STDIN_FILENO, STDERR_FILENO, &password);
        if (fault != NULL) {
            return passwd_refuse(EX_DATAERR, "password", fault);
        }
    }
    int code = store(request, &password);
    if (code == EX_OK && request->is_generate) {
        code = print_password(&password);
    }
    password_wipe(&password);
    return code;
}

int command_passwd(int argc, char **argv)
{
    struct passwd_request request;
    int code = passwd_request_read(argc, argv, &request);
    if (code != EX_OK || request.path == NULL) {
        return code;
    }
    return request.is_delete ? delete_user(&request) : set_user(&request);
}
