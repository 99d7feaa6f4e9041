#include "credential_internal.h"

#include "moat/base/secret.h"

static const char pbkdf2_mark[] = "$7$";
static const char sha512_mark[] = "$6$";
static const char argon2_mark[] = "$argon2id$";

const char *credential_parse(struct slice text, struct credential *out_credential)
{
    if (slice_starts_with(text, pbkdf2_mark)) {
        return credential_pbkdf2_parse(slice_after(text, strlen(pbkdf2_mark)), out_credential);
    }
    if (slice_starts_with(text, sha512_mark)) {
        return credential_sha512_parse(slice_after(text, strlen(sha512_mark)), out_credential);
    }
    if (slice_starts_with(text, argon2_mark)) {
        return credential_argon2_parse(slice_after(text, strlen(argon2_mark)), out_credential);
    }
    /* A line cut after the name once made a user that needs no password (CVE-2018-12551). */
    if (text.size == 0) {
        return "no password hash behind the user name; make one with: moat passwd FILE USER";
    }
    if (text.data[0] == '$') {
        return "unknown kind of password hash; known are $7$, $6$ and $argon2id$";
    }
    return "the password is not hashed; make a hashed line with: moat passwd FILE USER";
}

static bool derive(const struct credential *credential, struct slice password,
                   uint8_t out_hash[CREDENTIAL_HASH_SIZE])
{
    switch (credential->kind) {
    case CREDENTIAL_PBKDF2:
        return credential_pbkdf2_derive(credential, password, out_hash);
    case CREDENTIAL_SHA512:
        return credential_sha512_derive(credential, password, out_hash);
    case CREDENTIAL_ARGON2:
        return credential_argon2_derive(credential, password, out_hash);
    }
    return false;
}

bool credential_verify(const struct credential *credential, struct slice password,
                       bool *out_is_checked)
{
    uint8_t hash[CREDENTIAL_HASH_SIZE] = {0};
    *out_is_checked = derive(credential, password, hash);
    bool right = *out_is_checked && secret_equal(slice_of(hash, credential->hash_size),
                                                 slice_of(credential->hash, credential->hash_size));
    secret_wipe(hash, sizeof hash);
    return right;
}
