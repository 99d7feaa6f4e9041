#include "moat/base/secret.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void expect_hex(const uint8_t *bytes, size_t size, const char *hex)
{
    char text[2 * SECRET_DIGEST_SIZE + 1] = "";
    for (size_t i = 0; i < size; i++) {
        snprintf(text + 2 * i, sizeof text - 2 * i, "%02x", bytes[i]);
    }
    cr_expect_str_eq(text, hex);
}

Test(secret, wipe_leaves_only_zeroes)
{
    uint8_t bytes[33];
    memset(bytes, 0xA5, sizeof bytes);
    secret_wipe(bytes, sizeof bytes - 1);
    for (size_t i = 0; i + 1 < sizeof bytes; i++) {
        cr_assert_eq(bytes[i], 0);
    }
    cr_expect_eq(bytes[32], 0xA5, "and nothing past the size");
    secret_wipe(NULL, 0);
}

Test(secret, free_text_takes_null)
{
    secret_free_text(NULL);
    secret_free_text(strdup("password"));
}

Test(secret, equal_looks_at_every_byte_and_at_the_size)
{
    uint8_t a[40] = {0};
    uint8_t b[40] = {0};
    cr_expect(secret_equal(slice_of(a, sizeof a), slice_of(b, sizeof b)));
    for (size_t i = 0; i < sizeof b; i++) {
        b[i] = 0x80;
        cr_expect_not(secret_equal(slice_of(a, sizeof a), slice_of(b, sizeof b)), "byte %zu", i);
        b[i] = 0;
    }
    cr_expect_not(secret_equal(slice_of(a, 39), slice_of(b, 40)));
    cr_expect(secret_equal(slice_of(NULL, 0), slice_of(NULL, 0)));
    cr_expect_not(secret_equal(slice_of(NULL, 0), slice_of(a, 1)));
}

Test(secret, random_fills_all_of_it_and_differs)
{
    uint8_t seen[64] = {0};
    uint8_t bytes[64];
    uint8_t first[64];

    secret_random(first, sizeof first);
    /* A byte that stays zero in 16 drafts was not filled (chance 2^-122 for all 64). */
    for (int draft = 0; draft < 16; draft++) {
        secret_random(bytes, sizeof bytes);
        for (size_t i = 0; i < sizeof bytes; i++) {
            seen[i] |= bytes[i];
        }
    }
    for (size_t i = 0; i < sizeof seen; i++) {
        cr_expect_neq(seen[i], 0, "byte %zu", i);
    }
    cr_expect_neq(memcmp(first, bytes, sizeof bytes), 0);
}

/* FIPS 180-4's examples. */
Test(secret, sha256_of_known_texts)
{
    uint8_t digest[SECRET_DIGEST_SIZE];
    secret_sha256(slice_from_text("abc"), digest);
    expect_hex(digest, sizeof digest,
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    secret_sha256(slice_of(NULL, 0), digest);
    expect_hex(digest, sizeof digest,
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* Computed with Python's hmac over the 8 little-endian bytes of each length and the part. */
Test(secret, hmac_of_known_parts)
{
    const struct slice parts[] = {slice_from_text("user"), slice_from_text("password")};
    uint8_t digest[SECRET_DIGEST_SIZE];
    secret_hmac(slice_from_text("key"), parts, 2, digest);
    expect_hex(digest, sizeof digest,
               "0f839cf620c4452570a9aebf6612960308455ead17ecec090a63964269246eae");
    secret_hmac(slice_of(NULL, 0), NULL, 0, digest);
    expect_hex(digest, sizeof digest,
               "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* A key of exactly a block is used as it is, a longer one hashed first. By Python's hmac too. */
Test(secret, hmac_of_long_keys)
{
    const struct slice part = slice_from_text("part");
    uint8_t digest[SECRET_DIGEST_SIZE];
    char key[65];

    memset(key, 'k', sizeof key);
    secret_hmac(slice_of(key, 64), &part, 1, digest);
    expect_hex(digest, sizeof digest,
               "d4843969e3ca5463b5fdc95b0c47024aac7a93b8fd3635271239cc5f993ae1ee");
    secret_hmac(slice_of(key, 65), &part, 1, digest);
    expect_hex(digest, sizeof digest,
               "4fd41d2deceebcc342370a691ccea0eb5f1115087df336ce86c5ce98f46cb934");
}

Test(secret, hmac_parts_cannot_run_into_each_other)
{
    const struct slice first[] = {slice_from_text("ab"), slice_from_text("c")};
    const struct slice second[] = {slice_from_text("a"), slice_from_text("bc")};
    const struct slice third[] = {slice_from_text("abc"), slice_of(NULL, 0)};
    const struct slice fourth[] = {slice_of(NULL, 0), slice_from_text("abc")};
    const struct slice *lists[] = {first, second, third, fourth};
    uint8_t digests[4][SECRET_DIGEST_SIZE];

    for (size_t i = 0; i < 4; i++) {
        secret_hmac(slice_from_text("key"), lists[i], 2, digests[i]);
        for (size_t j = 0; j < i; j++) {
            cr_expect_neq(memcmp(digests[i], digests[j], SECRET_DIGEST_SIZE), 0, "%zu, %zu", i, j);
        }
    }
}

/* The vectors of SipHash's authors: key 00 to 0f, input 00, 01, 02 and so on. */
Test(secret, siphash_of_the_authors_vectors)
{
    static const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    uint8_t input[15];
    for (size_t i = 0; i < sizeof input; i++) {
        input[i] = (uint8_t)i;
    }
    cr_expect_eq(secret_siphash(key, slice_of(input, 15)), 0xa129ca6149be45e5u);
    cr_expect_eq(secret_siphash(key, slice_of(NULL, 0)), 0x726fdb47dd0e0e31u);
    cr_expect_eq(secret_siphash(key, slice_of(input, 1)), 0x74f839c593dc67fdu);
}
