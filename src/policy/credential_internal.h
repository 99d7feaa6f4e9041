/*
 * One password hash of a password file: what stands behind "user:".
 *
 * Each kind is a pair of functions in a file of its own. A parse function takes what
 * follows the kind's mark and returns NULL, or what is wrong as a static sentence that
 * never repeats the text: it may be a password that somebody put there by mistake.
 */
#ifndef MOAT_POLICY_CREDENTIAL_INTERNAL_H
#define MOAT_POLICY_CREDENTIAL_INTERNAL_H

#include "moat/base/bytes.h"
#include "moat/policy/credentials.h"

#define CREDENTIAL_SALT_MIN  8  /* bytes */
#define CREDENTIAL_SALT_MAX  64 /* bytes; Mosquitto writes 12 (1.x, 2.0) or 64 (2.1) */
#define CREDENTIAL_HASH_SIZE 64 /* bytes of SHA-512 */

/* Argon2: what one check may cost. Mosquitto 2.1 writes m=47104,t=1,p=1. */
#define CREDENTIAL_ARGON2_MEMORY_MAX 65536u /* KiB */
#define CREDENTIAL_ARGON2_PASSES_MAX 16u
#define CREDENTIAL_ARGON2_LANES_MAX  8u
#define CREDENTIAL_ARGON2_HASH_MIN   16 /* bytes */

enum credential_kind {
    CREDENTIAL_PBKDF2,
    CREDENTIAL_SHA512,
    CREDENTIAL_ARGON2,
};

struct credential {
    enum credential_kind kind;
    uint32_t rounds; /* PBKDF2 iterations or Argon2 passes */
    uint32_t memory; /* Argon2: KiB */
    uint32_t lanes;  /* Argon2 */
    size_t salt_size;
    size_t hash_size;
    uint8_t salt[CREDENTIAL_SALT_MAX];
    uint8_t hash[CREDENTIAL_HASH_SIZE];
};

/* Reads "$7$...", "$6$..." or "$argon2id$...". */
const char *credential_parse(struct slice text, struct credential *out_credential) MOAT_MUST_CHECK;

/* True when the password gives this hash. Without memory to find out it is false, and so is
 * *out_is_checked. */
bool credential_verify(const struct credential *credential, struct slice password,
                       bool *out_is_checked) MOAT_MUST_CHECK;

/* Mosquitto's $7$: PBKDF2 with HMAC-SHA-512, "iterations$salt$hash". */
const char *credential_pbkdf2_parse(struct slice text,
                                    struct credential *out_credential) MOAT_MUST_CHECK;
bool credential_pbkdf2_derive(const struct credential *credential, struct slice password,
                              uint8_t out_hash[CREDENTIAL_HASH_SIZE]) MOAT_MUST_CHECK;

/* Mosquitto's $6$: SHA-512 of the password and then the salt, "salt$hash". Not crypt(3). */
const char *credential_sha512_parse(struct slice text,
                                    struct credential *out_credential) MOAT_MUST_CHECK;
bool credential_sha512_derive(const struct credential *credential, struct slice password,
                              uint8_t out_hash[CREDENTIAL_HASH_SIZE]) MOAT_MUST_CHECK;

/* The reference implementation's string: "v=19$m=KiB,t=passes,p=lanes$salt$hash". */
const char *credential_argon2_parse(struct slice text,
                                    struct credential *out_credential) MOAT_MUST_CHECK;
bool credential_argon2_derive(const struct credential *credential, struct slice password,
                              uint8_t out_hash[CREDENTIAL_HASH_SIZE]) MOAT_MUST_CHECK;

/* --- the small grammar they share (credential_text.c) ------------------------------------ */

enum base64_padding {
    BASE64_PADDED,
    BASE64_UNPADDED,
};

/* Characters of `size` bytes in padded base64, and the NUL. */
#define BASE64_TEXT_SIZE(size) (((size) + 2) / 3 * 4 + 1)

/* Decodes the whole text, strictly: no other characters, padding exactly as said, unused
 * bits 0, so that one value has one spelling. At most `capacity` bytes. */
bool base64_decode(struct slice text, enum base64_padding padding, uint8_t *out_bytes,
                   size_t capacity, size_t *out_size) MOAT_MUST_CHECK;

/* With padding and NUL: out_text has BASE64_TEXT_SIZE(bytes.size) characters. */
void base64_encode(struct slice bytes, char *out_text);

/* Moves what stands before `mark` from *rest into *out_field, and drops the mark;
 * without a mark all is left as it is. */
bool credential_take_field(struct slice *rest, char mark, struct slice *out_field) MOAT_MUST_CHECK;

/* A decimal number from 1 to `limit`, without sign or leading zeros. */
bool credential_number(struct slice text, uint32_t limit, uint32_t *out_number) MOAT_MUST_CHECK;

#endif
