/* Profiles and records; and docs/tls.md, which must list what the code does. */
#include "workshop.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/nid.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool lets_in(const struct tls_settings *settings, uint16_t version)
{
    struct tls_context *context = workshop_context(settings);
    const struct visitor visitor = {.version = version};
    struct visit seen = workshop_visit(context, &visitor);
    bool is_in = seen.status == TLS_OK;
    workshop_visit_free(&seen);
    tls_context_free(context);
    return is_in;
}

Test(profile, versions)
{
    static const struct {
        enum tls_profile profile;
        enum tls_version minimum;
        bool takes_1_2;
    } cases[] = {
        {TLS_PROFILE_IOT, TLS_VERSION_OF_PROFILE, true},
        {TLS_PROFILE_IOT, TLS_1_2, true},
        {TLS_PROFILE_IOT, TLS_1_3, false},
        {TLS_PROFILE_MODERN, TLS_VERSION_OF_PROFILE, false},
        {TLS_PROFILE_MODERN, TLS_1_3, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_settings settings = workshop_settings();
        settings.profile = cases[i].profile;
        settings.minimum_version = cases[i].minimum;
        cr_expect_eq(lets_in(&settings, TLS1_2_VERSION), cases[i].takes_1_2, "%zu", i);
        cr_expect(lets_in(&settings, TLS1_3_VERSION), "%zu", i);
    }
}

/* Of what a client offers, which suite is taken. */
static void expect_suite(const char *offered, const char *taken)
{
    struct tls_settings settings = workshop_settings();
    struct tls_context *context = workshop_context(&settings);
    const struct visitor visitor = {.version = TLS1_2_VERSION, .ciphers = offered};
    struct visit seen = workshop_visit(context, &visitor);
    cr_assert_eq(seen.status, TLS_OK, "%s", seen.fault);
    cr_expect_str_eq(seen.peer.cipher, taken, "of %s", offered);
    workshop_visit_free(&seen);
    tls_context_free(context);
}

/* Ours is the order of the page; only where two are equal there is it the client's. */
Test(profile, the_order_of_suites)
{
    expect_suite("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256",
                 "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    expect_suite("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305",
                 "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
    expect_suite("ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256",
                 "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
    expect_suite("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305",
                 "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
}

/* Bytes of the longest record that carries `size` bytes of plaintext under a limit. */
static size_t longest_record(size_t limit, uint16_t version)
{
    struct tls_settings settings = workshop_settings();
    settings.max_record = limit;
    struct tls_context *context = workshop_context(&settings);
    struct tls_output output = {.data = malloc(1u << 17), .capacity = 1u << 17};
    struct tls_conn conn;
    size_t longest = 0;
    uint8_t *plain = calloc(1, 65536);

    cr_assert_eq(workshop_connect(context, version, &conn, &output), 0);
    cr_assert_eq(tls_conn_write(&conn, slice_of(plain, 65536)), 0);
    for (size_t at = 0; at + 5 <= output.size;) {
        size_t size = (size_t)output.data[at + 3] << 8 | output.data[at + 4];
        longest = size > longest ? size : longest;
        at += 5 + size;
    }
    size_t records = (65536 + limit - 1) / limit;
    cr_expect_leq(output.size, 65536 + records * TLS_RECORD_OVERHEAD);
    tls_conn_deinit(&conn);
    free(output.data);
    free(plain);
    tls_context_free(context);
    return longest;
}

Test(profile, records_have_a_limit)
{
    static const size_t limits[] = {512, 1000, 4096, 16384};
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        /* The nonce of AES-GCM is sent along; a processor without AES prefers ChaCha20. */
        size_t longest = longest_record(limits[i], TLS1_2_VERSION);
        cr_expect(longest == limits[i] + 8 + 16 || longest == limits[i] + 16, "%zu", longest);
        cr_expect_eq(longest_record(limits[i], TLS1_3_VERSION), limits[i] + 1 + 16);
    }
}

/* --- the page --- */

static char *read_page(void)
{
    FILE *file = fopen(TEST_SOURCE_ROOT "/docs/tls.md", "r");
    cr_assert_not_null(file);
    char *text = calloc(1, 65536);
    cr_assert_gt(fread(text, 1, 65535, file), 0);
    fclose(file);
    return text;
}

/* How many lines of the page's tables have `name` as their first cell, in code marks. */
static size_t rows_of(const char *page, const char *name)
{
    char row[128];
    size_t count = 0;
    snprintf(row, sizeof row, "\n| `%s` |", name);
    for (const char *at = strstr(page, row); at != NULL; at = strstr(at + 1, row)) {
        count++;
    }
    return count;
}

static size_t all_rows(const char *page, const char *prefix)
{
    char row[64];
    size_t count = 0;
    snprintf(row, sizeof row, "\n| `%s", prefix);
    for (const char *at = strstr(page, row); at != NULL; at = strstr(at + 1, row)) {
        count++;
    }
    return count;
}

Test(profile, the_page_lists_the_suites)
{
    struct tls_settings settings = workshop_settings();
    struct tls_context *context = workshop_context(&settings);
    const STACK_OF(SSL_CIPHER) *suites = SSL_CTX_get_ciphers(context->ssl_ctx);
    char *page = read_page();

    for (size_t i = 0; i < sk_SSL_CIPHER_num(suites); i++) {
        const char *name = SSL_CIPHER_standard_name(sk_SSL_CIPHER_value(suites, i));
        cr_expect_eq(rows_of(page, name), 1, "%s", name);
    }
    cr_expect_eq(all_rows(page, "TLS_ECDHE"), sk_SSL_CIPHER_num(suites));
    /* The library has these three for TLS 1.3, and nobody can choose. */
    cr_expect_eq(rows_of(page, "TLS_AES_128_GCM_SHA256"), 1);
    cr_expect_eq(rows_of(page, "TLS_AES_256_GCM_SHA384"), 1);
    cr_expect_eq(rows_of(page, "TLS_CHACHA20_POLY1305_SHA256"), 1);
    cr_expect_eq(all_rows(page, "TLS_"), 3 + sk_SSL_CIPHER_num(suites));
    free(page);
    tls_context_free(context);
}

/* Each group of the page is one that a client which has no other gets in with, and no other is. */
Test(profile, the_page_lists_the_groups)
{
    static const struct {
        const char *name;
        int id;
    } known[] = {
        {"x25519", NID_X25519},       {"secp256r1", NID_X9_62_prime256v1},
        {"secp384r1", NID_secp384r1}, {"secp521r1", NID_secp521r1},
        {"secp224r1", NID_secp224r1},
    };
    char *page = read_page();
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        struct tls_settings settings = workshop_settings();
        struct tls_context *context = workshop_context(&settings);
        const struct visitor visitor = {.version = TLS1_3_VERSION, .group = known[i].id};
        struct visit seen = workshop_visit(context, &visitor);
        cr_expect_eq(rows_of(page, known[i].name), seen.status == TLS_OK ? 1 : 0, "%s",
                     known[i].name);
        workshop_visit_free(&seen);
        tls_context_free(context);
    }
    free(page);
}
