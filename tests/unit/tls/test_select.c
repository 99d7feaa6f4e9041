#include "workshop.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include <openssl/pool.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum {
    PAIR_ECDSA, /* gate.example, *.wild.example */
    PAIR_RSA,   /* the same */
    PAIR_OTHER, /* other.example, deep.wild.example; ECDSA on P-384 */
    PAIRS,
};

static EVP_PKEY *keys[PAIRS];
static X509 *certificates[PAIRS];
static char *chains[PAIRS];
static char *key_texts[PAIRS];
static struct tls_settings settings;
static struct tls_context *context;

static void set_up(void)
{
    static const char *const names[PAIRS] = {"DNS:gate.example,DNS:*.wild.example",
                                             "DNS:gate.example,DNS:*.wild.example",
                                             "DNS:Other.Example,DNS:deep.wild.example"};
    keys[PAIR_ECDSA] = workshop_key();
    keys[PAIR_RSA] = workshop_rsa_key();
    keys[PAIR_OTHER] = workshop_p384_key();
    settings = workshop_settings();
    for (size_t i = 0; i < PAIRS; i++) {
        const struct workshop_spec spec = {.key = keys[i], .cn = "gate", .san = names[i]};
        certificates[i] = workshop_certificate(&spec);
        chains[i] = workshop_pem(certificates[i]);
        key_texts[i] = workshop_key_pem(keys[i]);
        settings.certificates[i] =
            (struct tls_pair){slice_from_text(chains[i]), slice_from_text(key_texts[i])};
    }
    settings.certificate_count = PAIRS;
    context = workshop_context(&settings);
}

static void tear_down(void)
{
    tls_context_free(context);
    for (size_t i = 0; i < PAIRS; i++) {
        EVP_PKEY_free(keys[i]);
        X509_free(certificates[i]);
        free(chains[i]);
        free(key_texts[i]);
    }
}

TestSuite(select, .init = set_up, .fini = tear_down);

static bool is_shown(const struct visit *seen, size_t pair)
{
    uint8_t *der = NULL;
    int size = i2d_X509(certificates[pair], &der);
    bool is_same = seen->shown != NULL && CRYPTO_BUFFER_len(seen->shown) == (size_t)size &&
                   memcmp(CRYPTO_BUFFER_data(seen->shown), der, (size_t)size) == 0;
    OPENSSL_free(der);
    return is_same;
}

static void expect_shown(const struct visitor *visitor, size_t pair)
{
    struct visit seen = workshop_visit(context, visitor);
    cr_expect_eq(seen.status, TLS_OK, "%s: %s", visitor->sni, seen.fault);
    cr_expect(is_shown(&seen, pair), "%s", visitor->sni);
    workshop_visit_free(&seen);
}

static const uint16_t rsa_only[] = {SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PKCS1_SHA256};
static const uint16_t p256_only[] = {SSL_SIGN_ECDSA_SECP256R1_SHA256};
static const uint16_t versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

Test(select, by_name)
{
    static const struct {
        const char *sni;
        size_t pair;
    } cases[] = {
        {NULL, PAIR_ECDSA},
        {"gate.example", PAIR_ECDSA},
        {"GATE.example", PAIR_ECDSA},
        {"other.example", PAIR_OTHER},
        {"OTHER.EXAMPLE", PAIR_OTHER},
        {"a.wild.example", PAIR_ECDSA},
        {"deep.wild.example", PAIR_OTHER}, /* exact before wildcard, although it stands later */
        {"nobody.example", PAIR_ECDSA},
        {"a.b.wild.example", PAIR_ECDSA}, /* nobody's */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t j = 0; j < COUNT_OF(versions); j++) {
            const struct visitor visitor = {.sni = cases[i].sni, .version = versions[j]};
            expect_shown(&visitor, cases[i].pair);
        }
    }
}

Test(select, by_what_the_client_can_verify)
{
    for (size_t j = 0; j < COUNT_OF(versions); j++) {
        struct visitor visitor = {.sni = "gate.example",
                                  .version = versions[j],
                                  .signatures = rsa_only,
                                  .signature_count = COUNT_OF(rsa_only)};
        expect_shown(&visitor, PAIR_RSA);
        visitor.sni = NULL;
        expect_shown(&visitor, PAIR_RSA);
        visitor.sni = "other.example"; /* better a certificate of another name than none */
        expect_shown(&visitor, PAIR_RSA);
    }
}

/* In TLS 1.2 a client may name every signature and only suites of one kind. */
Test(select, by_suites_of_1_2)
{
    struct visitor visitor = {
        .sni = "gate.example", .version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"};
    expect_shown(&visitor, PAIR_RSA);
    visitor.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
    expect_shown(&visitor, PAIR_ECDSA);
}

/* TLS 1.3 ties the curve to the signature, TLS 1.2 does not. */
Test(select, by_curve)
{
    struct visitor visitor = {.sni = "other.example",
                              .version = TLS1_3_VERSION,
                              .signatures = p256_only,
                              .signature_count = 1};
    expect_shown(&visitor, PAIR_ECDSA);
    visitor.version = TLS1_2_VERSION;
    expect_shown(&visitor, PAIR_OTHER);
}

Test(select, a_client_that_can_verify_nothing_of_ours)
{
    static const uint16_t signatures[] = {SSL_SIGN_ED25519};
    for (size_t j = 0; j < COUNT_OF(versions); j++) {
        const struct visitor visitor = {
            .version = versions[j], .signatures = signatures, .signature_count = 1};
        struct visit seen = workshop_visit(context, &visitor);
        cr_expect_eq(seen.status, TLS_FAILED);
        cr_expect_str_eq(seen.fault, "the client cannot verify our kind of certificate");
        workshop_visit_free(&seen);
    }
}

Test(select, faults_say_which_certificate)
{
    struct tls_context_fault faults[TLS_CONTEXT_FAULTS];
    size_t count = 0;
    settings.certificates[1].key = settings.certificates[2].key;
    settings.certificates[2].chain = slice_from_text("nothing");
    cr_expect_null(tls_context_new(&settings, faults, &count));
    cr_assert_eq(count, 2);
    cr_expect_eq(faults[0].setting, TLS_SETTING_CHAIN);
    cr_expect_eq(faults[0].index, 2);
    cr_expect_eq(faults[1].setting, TLS_SETTING_KEY);
    cr_expect_eq(faults[1].index, 1);
}

/* --- names alone --- */

Test(names, matching)
{
    static const struct {
        const char *pattern;
        const char *name;
        enum select_match match;
    } cases[] = {
        {"a.example", "a.example", SELECT_EXACT},
        {"a.example", "A.EXAMPLE", SELECT_EXACT},
        {"a.example", "a.exampl", SELECT_NONE},
        {"a.example", "a.example.", SELECT_NONE},
        {"a.example", "b.a.example", SELECT_NONE},
        {"a.example", "", SELECT_NONE},
        {"*.example", "a.example", SELECT_WILDCARD},
        {"*.example", "A.Example", SELECT_WILDCARD},
        {"*.example", "example", SELECT_NONE},
        {"*.example", ".example", SELECT_NONE},
        {"*.example", "a.b.example", SELECT_NONE},
        {"*.example", "*.example", SELECT_WILDCARD},
        {"*.b.example", "a.b.example", SELECT_WILDCARD},
        {"*", "a", SELECT_NONE},
        {"a*.example", "ab.example", SELECT_NONE},
        {"*a.example", "ba.example", SELECT_NONE},
        {"a.*.example", "a.b.example", SELECT_NONE},
        {"*.", "a.", SELECT_WILDCARD},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_expect_eq(select_match_name(cases[i].pattern, cases[i].name), cases[i].match, "%s %s",
                     cases[i].pattern, cases[i].name);
    }
}
