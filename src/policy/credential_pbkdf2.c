#include "credential_internal.h"

#include <openssl/evp.h>

/* Names CREDENTIALS_ITERATIONS_MAX. */
static const char bad_iterations[] = "the iterations of a $7$ hash are a number from 1 to 10000000";

const char *credential_pbkdf2_parse(struct slice text, struct credential *out_credential)
{
    struct credential credential = {.kind = CREDENTIAL_PBKDF2};
    struct slice iterations;
    struct slice salt;
    if (!credential_take_field(&text, '$', &iterations) ||
        !credential_take_field(&text, '$', &salt)) {
        return "cut short; the form is user:$7$iterations$salt$hash";
    }
    if (!credential_number(iterations, CREDENTIALS_ITERATIONS_MAX, &credential.rounds)) {
        return bad_iterations;
    }
    if (!base64_decode(salt, BASE64_PADDED, credential.salt, sizeof credential.salt,
                       &credential.salt_size) ||
        credential.salt_size < CREDENTIAL_SALT_MIN) {
        return "the salt of a $7$ hash is not base64 of 8 to 64 bytes";
    }
    if (!base64_decode(text, BASE64_PADDED, credential.hash, sizeof credential.hash,
                       &credential.hash_size) ||
        credential.hash_size != CREDENTIAL_HASH_SIZE) {
        return "a $7$ hash is not base64 of 64 bytes";
    }
    *out_credential = credential;
    return NULL;
}

bool credential_pbkdf2_derive(const struct credential *credential, struct slice password,
                              uint8_t out_hash[CREDENTIAL_HASH_SIZE])
{
    return PKCS5_PBKDF2_HMAC((const char *)password.data, password.size, credential->salt,
                             credential->salt_size, credential->rounds, EVP_sha512(),
                             CREDENTIAL_HASH_SIZE, out_hash) == 1;
}
