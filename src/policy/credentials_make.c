#include "credential_internal.h"

#include "moat/base/secret.h"
#include "moat/base/utf8.h"

#include <stdio.h>
#include <stdlib.h>

#define MADE_SALT_SIZE 12 /* bytes; what every Mosquitto that knows $7$ can read */

const char *credentials_check_username(struct slice username)
{
    if (username.size == 0 || username.size > CREDENTIALS_USERNAME_MAX) {
        return "a user name has 1 to 256 bytes";
    }
    if (utf8_check(username) != UTF8_OK) {
        return "the user name is not UTF-8, or has control characters in it";
    }
    /* ':' ends the name in the file, a leading '#' makes the line a comment, and the
     * policy refuses '+' and '#' from every client. */
    if (memchr(username.data, ':', username.size) != NULL ||
        memchr(username.data, '+', username.size) != NULL ||
        memchr(username.data, '#', username.size) != NULL) {
        return "a user name has no ':', '+' or '#' in it";
    }
    return NULL;
}

static const char *check(struct slice username, struct slice password, unsigned iterations)
{
    const char *fault = credentials_check_username(username);
    if (fault != NULL) {
        return fault;
    }
    if (password.size == 0 || password.size > CREDENTIALS_PASSWORD_MAX) {
        return "a password has 1 to 1024 bytes";
    }
    if (iterations == 0 || iterations > CREDENTIALS_ITERATIONS_MAX) {
        return "the iterations are a number from 1 to 10000000";
    }
    return NULL;
}

static char *make_line(struct slice username, struct slice password, unsigned iterations)
{
    struct credential credential = {
        .kind = CREDENTIAL_PBKDF2, .rounds = iterations, .salt_size = MADE_SALT_SIZE};
    secret_random(credential.salt, credential.salt_size);
    char *line = NULL;
    if (credential_pbkdf2_derive(&credential, password, credential.hash)) {
        char salt[BASE64_TEXT_SIZE(MADE_SALT_SIZE)];
        char hash[BASE64_TEXT_SIZE(CREDENTIAL_HASH_SIZE)];
        base64_encode(slice_of(credential.salt, credential.salt_size), salt);
        base64_encode(slice_of(credential.hash, sizeof credential.hash), hash);
        if (asprintf(&line, "%.*s:$7$%u$%s$%s", (int)username.size, (const char *)username.data,
                     iterations, salt, hash) < 0) {
            line = NULL;
        }
        secret_wipe(hash, sizeof hash);
    }
    secret_wipe(&credential, sizeof credential);
    return line;
}

char *credentials_make_line(struct slice username, struct slice password, unsigned iterations,
                            struct credentials_fault *out_fault)
{
    const char *fault = check(username, password, iterations);
    char *line = fault == NULL ? make_line(username, password, iterations) : NULL;
    if (line == NULL) {
        out_fault->line = 0;
        (void)snprintf(out_fault->what, sizeof out_fault->what, "%s",
                       fault != NULL ? fault : "out of memory");
    }
    return line;
}
