#include "app/passwd_request_internal.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "moat/policy/credentials.h"

static const char usage[] =
    "Usage: moat passwd FILE USER [OPTION]...\n"
    "\n"
    "Adds USER to the password file FILE, or gives the user there a new password. The\n"
    "password is asked for twice at a terminal, else it is one line of standard input.\n"
    "A file that does not exist is made; all other lines of one that does are kept.\n"
    "Mosquitto reads such a file, too. A running moat reads it again on SIGHUP.\n"
    "\n"
    "  --generate      make a strong password and print it, once, on standard output\n"
    "  --iterations N  PBKDF2 iterations, 1 to 10000000 (default: 50000)\n"
    "  --delete        delete USER\n"
    "  --help          this text\n"
    "\n"
    "Exit codes: 0 done, 64 wrong usage, 65 the file, the user or the password is not in\n"
    "order, 66 the file cannot be read, 73 it cannot be written, 74 a disk or pipe failed.\n"
    "In all but the last case FILE is as it was.\n";

int passwd_refuse(int code, const char *what, const char *fault)
{
    fprintf(stderr, "moat passwd: %s: %s\n", what, fault);
    return code;
}

static bool read_iterations(const char *text, unsigned *out_iterations)
{
    size_t size = strlen(text);
    if (size == 0 || size > 8 || strspn(text, "0123456789") != size) {
        return false;
    }
    unsigned long value = strtoul(text, NULL, 10); /* eight digits fit */
    if (value == 0 || value > CREDENTIALS_ITERATIONS_MAX) {
        return false;
    }
    *out_iterations = (unsigned)value;
    return true;
}

static int read_options(int argc, char **argv, struct passwd_request *request)
{
    static const struct option options[] = {
        {"delete", no_argument, NULL, 'd'},
        {"generate", no_argument, NULL, 'g'},
        {"iterations", required_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool has_iterations = false;
    int option;
    opterr = 0;
    optind = 0; /* start anew, whoever used getopt before */
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == 'd') {
            request->is_delete = true;
        } else if (option == 'g') {
            request->is_generate = true;
        } else if (option == 'h') {
            request->path = NULL;
            return fputs(usage, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR : EX_OK;
        } else if (option == 'i') {
            has_iterations = true;
            if (!read_iterations(optarg, &request->iterations)) {
                return passwd_refuse(EX_USAGE, "--iterations", "a number from 1 to 10000000");
            }
        } else {
            /* Never repeated: it may be --password=... of somebody in a hurry. */
            return passwd_refuse(EX_USAGE, "usage",
                                 option == ':' ? "--iterations needs a number"
                                               : "no such option; see moat passwd --help");
        }
    }
    if (argc - optind != 2) {
        /* The third is likely a password, and by now in the shell's history. */
        return passwd_refuse(EX_USAGE, "usage",
                             argc - optind > 2
                                 ? "name FILE and USER only; a password is never an argument"
                                 : "name FILE and USER; see moat passwd --help");
    }
    if (request->is_delete && (request->is_generate || has_iterations)) {
        return passwd_refuse(EX_USAGE, "--delete", "goes with no other option");
    }
    request->path = argv[optind];
    request->user = argv[optind + 1];
    return EX_OK;
}

int passwd_request_read(int argc, char **argv, struct passwd_request *out_request)
{
    struct passwd_request request = {.iterations = CREDENTIALS_ITERATIONS};
    int code = read_options(argc, argv, &request);
    if (code == EX_OK) {
        *out_request = request;
    }
    return code;
}
