#include "workshop.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/base64.h>

#define DAY ((int64_t)WORKSHOP_DAY)

static EVP_PKEY *key;
static char hex[2 * SECRET_DIGEST_SIZE + 1];
static char base64[64];

static void set_up(void)
{
    uint8_t id[SECRET_DIGEST_SIZE];
    key = workshop_key();
    const struct workshop_spec spec = {.key = key};
    X509 *certificate = workshop_certificate(&spec);
    cr_assert(identity_key_id(certificate, id));
    X509_free(certificate);
    char *text = identity_hex(slice_of(id, sizeof id));
    snprintf(hex, sizeof hex, "%s", text);
    free(text);
    cr_assert_eq(EVP_EncodeBlock((uint8_t *)base64, id, sizeof id), 44);
}

static void tear_down(void)
{
    EVP_PKEY_free(key);
}

TestSuite(pins, .init = set_up, .fini = tear_down);

static struct tls_settings pinning(const char *const *pins, size_t count)
{
    struct tls_settings settings = workshop_settings();
    settings.client_certificate = TLS_CLIENT_CERTIFICATE_REQUIRED;
    settings.pins = pins;
    settings.pin_count = count;
    return settings;
}

static struct visit visit(const struct tls_settings *settings, const struct workshop_spec *spec)
{
    struct tls_context *context = workshop_context(settings);
    const struct visitor visitor = {
        .certificate = workshop_certificate(spec), .key = spec->key, .version = TLS1_2_VERSION};
    struct visit seen = workshop_visit(context, &visitor);
    X509_free(visitor.certificate);
    tls_context_free(context);
    return seen;
}

static void expect_refused(const struct tls_settings *settings, const struct workshop_spec *spec,
                           const char *words)
{
    struct visit seen = visit(settings, spec);
    cr_expect_eq(seen.status, TLS_FAILED);
    cr_expect_not_null(strstr(seen.fault, words), "%s", seen.fault);
    workshop_visit_free(&seen);
}

Test(pins, in_either_form)
{
    const char *const forms[] = {hex, base64};
    for (size_t i = 0; i < 2; i++) {
        const char *const pins[] = {
            "0000000000000000000000000000000000000000000000000000000000000000", forms[i],
            "HqOt4ZHtd1eTnpm0EYdzs8LgtmEvX9O5VU0cqyJ1C6k="};
        struct tls_settings settings = pinning(pins, 3);
        const struct workshop_spec spec = {.key = key, .cn = "sensor-1"};
        struct visit seen = visit(&settings, &spec);
        cr_assert_eq(seen.status, TLS_OK, "%s", seen.fault);
        cr_expect(seen.peer.proof.is_pinned);
        workshop_visit_free(&seen);
    }
}

/* Whoever holds the key can write any name into a certificate, so none in it is believed. */
Test(pins, only_the_key_is_proven)
{
    const char *const pins[] = {hex};
    struct tls_settings settings = pinning(pins, 1);
    const struct workshop_spec spec = {.key = key, .cn = "admin", .san = "DNS:admin.example"};
    uint8_t first[SECRET_DIGEST_SIZE];
    uint8_t second[SECRET_DIGEST_SIZE];

    for (int kind = TLS_IDENTITY_CN; kind <= TLS_IDENTITY_SPKI; kind++) {
        settings.identity = (enum tls_identity)kind;
        struct visit seen = visit(&settings, &spec);
        cr_assert_eq(seen.status, TLS_OK, "%s", seen.fault);
        cr_expect_str_eq(seen.peer.identity, hex);
        cr_expect_eq(seen.peer.kind, TLS_IDENTITY_SPKI);
        cr_expect_null(seen.peer.common_name);
        cr_expect_null(seen.peer.issuer);
        cr_assert(tls_peer_identity_key(&seen.peer, kind == TLS_IDENTITY_CN ? first : second));
        workshop_visit_free(&seen);
    }
    cr_expect_arr_eq(first, second, sizeof first);
}

Test(pins, another_key)
{
    const char *const pins[] = {hex};
    struct tls_settings settings = pinning(pins, 1);
    struct workshop_spec spec = {.key = workshop_key(), .cn = "sensor-1"};
    expect_refused(&settings, &spec, "none of those in spki_pins");
    EVP_PKEY_free(spec.key);
}

Test(pins, dates_and_usage_still_count)
{
    const char *const pins[] = {hex};
    struct tls_settings settings = pinning(pins, 1);
    struct workshop_spec spec = {.key = key, .cn = "a", .from = -2 * DAY, .until = -DAY};
    expect_refused(&settings, &spec, "has expired");
    spec = (struct workshop_spec){.key = key, .cn = "a", .from = DAY, .until = 2 * DAY};
    expect_refused(&settings, &spec, "not valid yet");
    spec = (struct workshop_spec){.key = key, .cn = "a", .extended = "serverAuth"};
    expect_refused(&settings, &spec, "not made for client authentication");
    spec = (struct workshop_spec){.key = key, .cn = "a", .extended = "clientAuth"};
    struct visit seen = visit(&settings, &spec);
    cr_expect_eq(seen.status, TLS_OK, "%s", seen.fault);
    workshop_visit_free(&seen);
}

/* --- beside a CA --- */

Test(pins, beside_an_authority)
{
    struct workshop_ca ca = workshop_ca("CA", NULL);
    const char *const pins[] = {hex};
    struct tls_settings settings = pinning(pins, 1);
    settings.client_ca = slice_from_text(ca.pem);
    struct workshop_spec spec = {
        .key = key, .issuer = ca.certificate, .signer = ca.key, .cn = "sensor-1"};

    struct visit seen = visit(&settings, &spec);
    cr_assert_eq(seen.status, TLS_OK, "%s", seen.fault);
    cr_expect_not(seen.peer.proof.is_pinned, "the authority's word comes first");
    cr_expect_str_eq(seen.peer.identity, "sensor-1");
    workshop_visit_free(&seen);

    spec.issuer = NULL;
    spec.signer = NULL;
    seen = visit(&settings, &spec);
    cr_assert_eq(seen.status, TLS_OK, "%s", seen.fault);
    cr_expect(seen.peer.proof.is_pinned);
    cr_expect_str_eq(seen.peer.identity, hex);
    workshop_visit_free(&seen);

    spec.key = workshop_key();
    expect_refused(&settings, &spec, "not from a CA that this listener trusts");
    EVP_PKEY_free(spec.key);
    workshop_ca_free(&ca);
}

Test(pins, what_an_authority_revoked_no_pin_brings_back)
{
    struct workshop_ca ca = workshop_ca("CA", NULL);
    const char *const pins[] = {hex};
    const uint64_t serial = 7;
    char *crl = workshop_crl(&ca, &serial, 1, -DAY, DAY, NULL);
    struct tls_settings settings = pinning(pins, 1);
    settings.client_ca = slice_from_text(ca.pem);
    settings.client_crl = slice_from_text(crl);
    const struct workshop_spec spec = {
        .key = key, .issuer = ca.certificate, .signer = ca.key, .cn = "sensor-1", .serial = serial};
    expect_refused(&settings, &spec, "has been revoked");
    free(crl);
    workshop_ca_free(&ca);
}

/* --- texts --- */

Test(pins, texts)
{
    static const char *const good[] = {
        "1EA3ade191ed7757939e99b4118773b3c2e0b6612f5fd3b9554d1cab22750ba9",
        "HqOt4ZHtd1eTnpm0EYdzs8LgtmEvX9O5VU0cqyJ1C6k=",
    };
    static const char *const bad[] = {
        "",
        "0",
        "1EA3ade191ed7757939e99b4118773b3c2e0b6612f5fd3b9554d1cab22750ba",
        "1EA3ade191ed7757939e99b4118773b3c2e0b6612f5fd3b9554d1cab22750ba90",
        "1EA3ade191ed7757939e99b4118773b3c2e0b6612f5fd3b9554d1cab22750bag",
        "HqOt4ZHtd1eTnpm0EYdzs8LgtmEvX9O5VU0cqyJ1C6k",
        "HqOt4ZHtd1eTnpm0EYdzs8LgtmEvX9O5VU0cqyJ1C6==",
        "HqOt4ZHtd1eTnpm0EYdzs8LgtmEvX9O5VU0cqyJ1C6kA",
        "sha256//HqOt4ZHtd1eTnpm0EYdzs8LgtmEvX9O5VU0cqyJ1C6k=",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_expect_null(tls_check_pin(slice_from_text(good[i])), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_not_null(tls_check_pin(slice_from_text(bad[i])), "%s", bad[i]);
    }
}
