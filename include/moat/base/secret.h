/*
 * Secrets: wiping, constant-time comparison, randomness and the two digests
 * that other layers need without knowing the cryptographic library.
 */
#ifndef MOAT_BASE_SECRET_H
#define MOAT_BASE_SECRET_H

#include "moat/base/bytes.h"

#define SECRET_DIGEST_SIZE 32 /* bytes of SHA-256 and HMAC-SHA-256 */

/* Overwrites memory in a way the compiler cannot remove. */
void secret_wipe(void *data, size_t size);

/* Wipes and frees a NUL-terminated string; NULL is allowed. */
void secret_free_text(char *text);

/* Equality in time that depends on the sizes only. */
bool secret_equal(struct slice a, struct slice b) MOAT_MUST_CHECK;

/* Fills `data` from the system's generator; ends the process if there is none. */
void secret_random(void *data, size_t size);

void secret_sha256(struct slice bytes, uint8_t out_digest[SECRET_DIGEST_SIZE]);

/* HMAC-SHA-256 over several parts, each preceded by its length, so that
 * ("ab", "c") and ("a", "bc") differ. */
void secret_hmac(struct slice key, const struct slice *parts, size_t part_count,
                 uint8_t out_digest[SECRET_DIGEST_SIZE]);

/* SipHash-2-4: a keyed hash for tables whose keys a peer chooses. */
uint64_t secret_siphash(const uint64_t key[2], struct slice bytes);

#endif
