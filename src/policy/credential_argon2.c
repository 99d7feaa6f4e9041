/* Argon2id by libargon2; credential_argon2_absent.c takes this file's place without it. */
#include "credential_internal.h"

#include <argon2.h>

/* "t=3" with the letter given, up to `limit`. */
static bool parse_parameter(struct slice text, const char *letter, uint32_t limit,
                            uint32_t *out_number)
{
    return slice_starts_with(text, letter) &&
           credential_number(slice_after(text, strlen(letter)), limit, out_number);
}

/* "m=47104,t=1,p=1". What a line may cost is bounded here: the file is trusted to say who
 * comes in, not to take the machine's memory at every login. */
static const char *parse_cost(struct slice text, struct credential *credential)
{
    struct slice memory;
    struct slice passes;
    if (!credential_take_field(&text, ',', &memory) ||
        !credential_take_field(&text, ',', &passes)) {
        return "the parameters of an $argon2id$ hash are m=KiB,t=passes,p=lanes";
    }
    if (!parse_parameter(memory, "m=", CREDENTIAL_ARGON2_MEMORY_MAX, &credential->memory)) {
        return "the memory (m=) of an $argon2id$ hash is a number of KiB up to 65536";
    }
    if (!parse_parameter(passes, "t=", CREDENTIAL_ARGON2_PASSES_MAX, &credential->rounds)) {
        return "the passes (t=) of an $argon2id$ hash are a number from 1 to 16";
    }
    if (!parse_parameter(text, "p=", CREDENTIAL_ARGON2_LANES_MAX, &credential->lanes)) {
        return "the lanes (p=) of an $argon2id$ hash are a number from 1 to 8";
    }
    if (credential->memory < 8 * credential->lanes) {
        return "an $argon2id$ hash needs at least 8 KiB of memory (m=) for each lane (p=)";
    }
    return NULL;
}

const char *credential_argon2_parse(struct slice text, struct credential *out_credential)
{
    struct credential credential = {.kind = CREDENTIAL_ARGON2};
    struct slice version;
    struct slice cost;
    struct slice salt;
    if (!credential_take_field(&text, '$', &version) || !credential_take_field(&text, '$', &cost) ||
        !credential_take_field(&text, '$', &salt)) {
        return "cut short; the form is user:$argon2id$v=19$m=KiB,t=passes,p=lanes$salt$hash";
    }
    if (!slice_is(version, "v=19")) {
        return "an $argon2id$ hash must be of version 1.3, written v=19";
    }
    const char *fault = parse_cost(cost, &credential);
    if (fault != NULL) {
        return fault;
    }
    if (!base64_decode(salt, BASE64_UNPADDED, credential.salt, sizeof credential.salt,
                       &credential.salt_size) ||
        credential.salt_size < CREDENTIAL_SALT_MIN) {
        return "the salt of an $argon2id$ hash is not base64 (without =) of 8 to 64 bytes";
    }
    if (!base64_decode(text, BASE64_UNPADDED, credential.hash, sizeof credential.hash,
                       &credential.hash_size) ||
        credential.hash_size < CREDENTIAL_ARGON2_HASH_MIN) {
        return "an $argon2id$ hash is not base64 (without =) of 16 to 64 bytes";
    }
    *out_credential = credential;
    return NULL;
}

bool credential_argon2_derive(const struct credential *credential, struct slice password,
                              uint8_t out_hash[CREDENTIAL_HASH_SIZE])
{
    /* libargon2 takes pointers to bytes it could wipe, and by these flags never writes to. */
    uint8_t salt[CREDENTIAL_SALT_MAX];
    memcpy(salt, credential->salt, sizeof salt);
    argon2_context context = {
        .out = out_hash,
        .outlen = (uint32_t)credential->hash_size,
        .pwd = (uint8_t *)(uintptr_t)password.data,
        .pwdlen = (uint32_t)password.size,
        .salt = salt,
        .saltlen = (uint32_t)credential->salt_size,
        .t_cost = credential->rounds,
        .m_cost = credential->memory,
        .lanes = credential->lanes,
        .threads = 1, /* the result is the same, and a login never starts threads of its own */
        .version = ARGON2_VERSION_13,
        .flags = ARGON2_DEFAULT_FLAGS,
    };
    return password.size <= UINT32_MAX && argon2_ctx(&context, Argon2_id) == ARGON2_OK;
}
