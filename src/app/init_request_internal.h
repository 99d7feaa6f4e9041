/* What the user asked `moat init` for. */
#ifndef MOAT_APP_INIT_REQUEST_INTERNAL_H
#define MOAT_APP_INIT_REQUEST_INTERNAL_H

#include "moat/tls/pki.h"

struct init_request {
    const char *folder; /* NULL: only the help was asked for, and has been given */
    const char *listen; /* safe between double quotes, as is `upstream` */
    const char *upstream;
    const char *user;
    struct pki_names names;
};

/* Reads the arguments and this host's names. Returns a sysexits code; what is wrong has been
 * said on standard error then. Texts borrow from argv. */
int init_request_read(int argc, char **argv, struct init_request *out_request) MOAT_MUST_CHECK;

/* Says "moat init: WHAT: FAULT" on standard error (FAULT may be empty) and returns `code`. */
int init_refuse(int code, const char *what, const char *fault);

#endif
