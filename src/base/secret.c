#include "moat/base/secret.h"

#include <stdlib.h>

#include <openssl/crypto.h>
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
static void hmac_part(SHA256_CTX *context, struct slice part)
{
    uint8_t size[8];
    for (size_t i = 0; i < sizeof size; i++) {
        size[i] = (uint8_t)((uint64_t)part.size >> (8 * i));
    }
    SHA256_Update(context, size, sizeof size);
    SHA256_Update(context, part.data, part.size);
}

/* A hash that begins with the key, each byte of it changed by `pad` (RFC 2104). */
static void hmac_begin(SHA256_CTX *context, struct slice key, uint8_t pad)
{
    uint8_t block[SHA256_CBLOCK] = {0};

    if (key.size > sizeof block) {
        SHA256(key.data, key.size, block);
    } else if (key.size > 0) {
        memcpy(block, key.data, key.size);
    }
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] ^= pad;
    }
    SHA256_Init(context);
    SHA256_Update(context, block, sizeof block);
    secret_wipe(block, sizeof block);
}

/* Built from SHA-256 itself, because BoringSSL's HMAC takes memory, and whoever connects while
 * there is none would end the process. */
void secret_hmac(struct slice key, const struct slice *parts, size_t part_count,
                 uint8_t out_digest[SECRET_DIGEST_SIZE])
{
    SHA256_CTX context;

    hmac_begin(&context, key, 0x36);
    for (size_t i = 0; i < part_count; i++) {
        hmac_part(&context, parts[i]);
    }
    SHA256_Final(out_digest, &context);
    hmac_begin(&context, key, 0x5C);
    SHA256_Update(&context, out_digest, SECRET_DIGEST_SIZE);
    SHA256_Final(out_digest, &context);
    secret_wipe(&context, sizeof context);
}

uint64_t secret_siphash(const uint64_t key[2], struct slice bytes)
{
    return SIPHASH_24(key, bytes.data, bytes.size);
}
