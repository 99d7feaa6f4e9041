/* Takes the place of credential_argon2.c in a build without libargon2. */
#include "credential_internal.h"

const char *credential_argon2_parse(struct slice text, struct credential *out_credential)
{
    (void)text;
    (void)out_credential;
    return "this build cannot read $argon2id$ hashes (it has no libargon2); make the line anew "
           "with: moat passwd FILE USER";
}

bool credential_argon2_derive(const struct credential *credential, struct slice password,
                              uint8_t out_hash[CREDENTIAL_HASH_SIZE])
{
    (void)credential;
    (void)password;
    (void)out_hash;
    return false;
}
