/* What the user asked `moat passwd` for. */
#ifndef MOAT_APP_PASSWD_REQUEST_INTERNAL_H
#define MOAT_APP_PASSWD_REQUEST_INTERNAL_H

#include "moat/base/bytes.h"

struct passwd_request {
    const char *path; /* NULL: only the help was asked for, and has been given */
    const char *user;
    bool is_delete;
    bool is_generate;
    unsigned iterations;
};

/* Reads the arguments. Returns a sysexits code; what is wrong has been said on standard
 * error then. Texts borrow from argv. */
int passwd_request_read(int argc, char **argv, struct passwd_request *out_request) MOAT_MUST_CHECK;

/* Says "moat passwd: WHAT: FAULT" on standard error and returns `code`. */
int passwd_refuse(int code, const char *what, const char *fault);

#endif
