#include "credential_internal.h"

#include "moat/base/secret.h"

#include <openssl/sha.h>

const char *credential_sha512_parse(struct slice text, struct credential *out_credential)
{
    struct credential credential = {.kind = CREDENTIAL_SHA512};
    struct slice salt;
    if (!credential_take_field(&text, '$', &salt)) {
        return "cut short; the form is user:$6$salt$hash";
    }
    if (!base64_decode(salt, BASE64_PADDED, credential.salt, sizeof credential.salt,
                       &credential.salt_size) ||
        credential.salt_size < CREDENTIAL_SALT_MIN) {
        return "the salt of a $6$ hash is not base64 of 8 to 64 bytes";
    }
    if (!base64_decode(text, BASE64_PADDED, credential.hash, sizeof credential.hash,
                       &credential.hash_size) ||
        credential.hash_size != CREDENTIAL_HASH_SIZE) {
        return "a $6$ hash is not base64 of 64 bytes";
    }
    *out_credential = credential;
    return NULL;
}

bool credential_sha512_derive(const struct credential *credential, struct slice password,
                              uint8_t out_hash[CREDENTIAL_HASH_SIZE])
{
    SHA512_CTX context;
    bool ok = SHA512_Init(&context) == 1 &&
              SHA512_Update(&context, password.data, password.size) == 1 &&
              SHA512_Update(&context, credential->salt, credential->salt_size) == 1 &&
              SHA512_Final(out_hash, &context) == 1;
    secret_wipe(&context, sizeof context); /* holds the end of the password */
    return ok;
}
