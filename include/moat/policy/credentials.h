/*
 * Users and their password hashes, read from Mosquitto's own password files.
 *
 * Immutable once parsed; safe to ask from several threads. Verifying is slow by
 * design (a key derivation) and belongs on the thread pool.
 */
#ifndef MOAT_POLICY_CREDENTIALS_H
#define MOAT_POLICY_CREDENTIALS_H

#include "moat/base/bytes.h"

/* What a line made here may hold, in bytes; also what CONNECT may carry by default. */
#define CREDENTIALS_USERNAME_MAX 256u
#define CREDENTIALS_PASSWORD_MAX 1024u

/* PBKDF2 iterations: of lines made here, and the most a line may ask for (about ten
 * seconds of one processor for each login). */
#define CREDENTIALS_ITERATIONS     50000u
#define CREDENTIALS_ITERATIONS_MAX 10000000u

/* Below this many a line is called weak; Mosquitto 2.0 wrote 101. */
#define CREDENTIALS_ITERATIONS_LOW 1000u

struct credentials;

/* Where and why a password file was rejected. */
struct credentials_fault {
    unsigned line;  /* from 1; 0 when the fault is of the whole file */
    char what[160]; /* a sentence with the remedy, without a full stop */
};

/* Parses the text of a password file. NULL and *out_fault when a line is broken,
 * a user stands twice, a password is in plain text, or there is no user at all. */
struct credentials *credentials_parse(struct slice text,
                                      struct credentials_fault *out_fault) MOAT_MUST_CHECK;
void credentials_free(struct credentials *credentials);

size_t credentials_count(const struct credentials *credentials);

/* True when the password is this user's. An unknown user costs the time of one
 * that is known. An empty password is never right. Comparison is constant-time.
 * *out_is_checked (may be NULL) is false when there was no memory to find out: who gave the
 * password is not to blame for that. */
bool credentials_verify(const struct credentials *credentials, struct slice username,
                        struct slice password, bool *out_is_checked) MOAT_MUST_CHECK;

/* Whether there is such a user, and the users by index. For checks and explanations only: unlike
 * credentials_verify(), the time these take tells who exists. */
bool credentials_has(const struct credentials *credentials, struct slice username) MOAT_MUST_CHECK;
const char *credentials_name(const struct credentials *credentials, size_t index);

/* True when whoever got hold of the file could try passwords of this user very fast: the hash is
 * made in a single step, or in fewer than CREDENTIALS_ITERATIONS_LOW. */
bool credentials_is_weak(const struct credentials *credentials, size_t index) MOAT_MUST_CHECK;

/* True when one check of this user's password takes tens of MiB: an Argon2 hash. */
bool credentials_is_costly(const struct credentials *credentials, size_t index) MOAT_MUST_CHECK;

/* Why this user name cannot be written in a password file, as a static sentence, or NULL. */
const char *credentials_check_username(struct slice username) MOAT_MUST_CHECK;

/* True when the user stands in both with the same hash: neither removed nor given another
 * password. NULL has no users. */
bool credentials_same(const struct credentials *a, const struct credentials *b,
                      struct slice username) MOAT_MUST_CHECK;

/* Makes a password-file line "user:$7$..." without newline, to be released with
 * secret_free_text(); NULL and *out_fault (line 0) when the user name cannot be written
 * in such a file (empty, over 256 bytes, ':' or control characters, '+', '#') or the
 * password is empty or over 1024 bytes. */
char *credentials_make_line(struct slice username, struct slice password, unsigned iterations,
                            struct credentials_fault *out_fault) MOAT_MUST_CHECK;

#endif
