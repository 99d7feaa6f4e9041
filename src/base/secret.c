#include "moat/base/secret.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/siphash.h>

void secret_wipe(void *data, size_t size)
{
    OPENSSL_cleanse(data, size);
}

void secret_free_text(char *text)
{
    if (text != NULL) {
        secret_wipe(text, strlen(text));
        free(text);
    }
}

bool secret_equal(struct slice a, struct slice b)
{
    return a.size == b.size && CRYPTO_memcmp(a.data, b.data, a.size) == 0;
}

void secret_random(void *data, size_t size)
{
    /* BoringSSL aborts by itself without an entropy source; the result is always 1. */
    if (RAND_bytes(data, size) != 1) {
        abort();
    }
}

void secret_sha256(struct slice bytes, uint8_t out_digest[SECRET_DIGEST_SIZE])
{
    SHA256(bytes.data, bytes.size, out_digest);
}

/* The length of a part as 8 bytes, so that parts cannot run into each other. */
static void hmac_part(HMAC_CTX *context, struct slice part)
{
    uint8_t size[8];
    for (size_t i = 0; i < sizeof size; i++) {
        size[i] = (uint8_t)((uint64_t)part.size >> (8 * i));
    }
    HMAC_Update(context, size, sizeof size);
    HMAC_Update(context, part.data, part.size);
}

void secret_hmac(struct slice key, const struct slice *parts, size_t part_count,
                 uint8_t out_digest[SECRET_DIGEST_SIZE])
{
    HMAC_CTX context;
    unsigned size = 0;

    HMAC_CTX_init(&context);
    /* Fails only without memory; a digest of nothing would be a wrong answer. */
    if (!HMAC_Init_ex(&context, key.data, key.size, EVP_sha256(), NULL)) {
        abort();
    }
    for (size_t i = 0; i < part_count; i++) {
        hmac_part(&context, parts[i]);
    }
    HMAC_Final(&context, out_digest, &size);
    HMAC_CTX_cleanup(&context);
}

uint64_t secret_siphash(const uint64_t key[2], struct slice bytes)
{
    return SIPHASH_24(key, bytes.data, bytes.size);
}
