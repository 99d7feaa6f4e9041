/* Asking for a new password: twice and without echo at a terminal, one line from anything else. */
#ifndef MOAT_APP_PROMPT_INTERNAL_H
#define MOAT_APP_PROMPT_INTERNAL_H

#include "moat/policy/credentials.h"

/* A password in memory of fixed size, to be wiped by whoever has it. */
struct password {
    size_t size;
    uint8_t data[CREDENTIALS_PASSWORD_MAX];
};

/* Reads one line from `input` without its newline, asking on `output` if `input` is a terminal.
 * Never reads past the newline of a pipe or a file. NULL, or what is wrong as a static
 * sentence; *out_password holds nothing then. A signal that comes while a terminal is quiet
 * finds it as it was before. */
const char *prompt_password(int input, int output, struct password *out_password) MOAT_MUST_CHECK;

void password_wipe(struct password *password);

#endif
