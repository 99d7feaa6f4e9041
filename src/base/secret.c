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
static void hash_part(SHA256_CTX *context, struct slice part)
{
    uint8_t size[8];
    for (size_t i = 0; i < sizeof size; i++) {
        size[i] = (uint8_t)((uint64_t)part.size >> (8 * i));
    }
    SHA256_Update(context, size, sizeof size);
    SHA256_Update(context, part.data, part.size);
}

/* Begins a hash with the key's block, each byte of which is combined with `pad`. */
static void hash_key(SHA256_CTX *context, const uint8_t key[SHA256_CBLOCK], uint8_t pad)
{
    uint8_t block[SHA256_CBLOCK];
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] = key[i] ^ pad;
    }
    SHA256_Init(context);
    SHA256_Update(context, block, sizeof block);
    secret_wipe(block, sizeof block);
}

/* RFC 2104 over the hash itself. BoringSSL's own HMAC allocates, and could then only end the
 * process: a digest of nothing would be a wrong answer. */
void secret_hmac(struct slice key, const struct slice *parts, size_t part_count,
                 uint8_t out_digest[SECRET_DIGEST_SIZE])
{
    uint8_t block[SHA256_CBLOCK] = {0};
    SHA256_CTX context;

    if (key.size > sizeof block) {
        secret_sha256(key, block);
    } else if (key.size > 0) {
        memcpy(block, key.data, key.size);
    }
    hash_key(&context, block, 0x36);
    for (size_t i = 0; i < part_count; i++) {
        hash_part(&context, parts[i]);
    }
    SHA256_Final(out_digest, &context);
    hash_key(&context, block, 0x5c);
    SHA256_Update(&context, out_digest, SECRET_DIGEST_SIZE);
    SHA256_Final(out_digest, &context);
    secret_wipe(block, sizeof block);
    secret_wipe(&context, sizeof context);
}

uint64_t secret_siphash(const uint64_t key[2], struct slice bytes)
{
    return SIPHASH_24(key, bytes.data, bytes.size);
}
