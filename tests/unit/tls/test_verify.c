#include "base/whole_test.h"
#include "pki_fixture.h"
#include "tls/context_internal.h"

#include <stdlib.h>

#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>

static struct fixture fixture;
static struct tls_context context;

static void set_up(void)
{
    STACK_OF(CRYPTO_BUFFER) *names = NULL;
    const char *what = NULL;

    fixture_init(&fixture);
    context.client_certificate = TLS_CLIENT_CERTIFICATE_REQUIRED;
    context.client_roots = material_roots(slice_from_text(fixture.ca_pem), &names, &what);
    cr_assert_not_null(context.client_roots);
    sk_CRYPTO_BUFFER_pop_free(names, CRYPTO_BUFFER_free);
}

static void tear_down(void)
{
    X509_STORE_free(context.client_roots);
    fixture_deinit(&fixture);
    cr_expect_eq(ERR_peek_error(), 0, "an error was left for the next caller");
}

#define TEST(name) WHOLE_TEST(verify, name, set_up, tear_down)

static const char *judge_bytes(CRYPTO_BUFFER **list, size_t count, uint8_t *out_alert)
{
    STACK_OF(CRYPTO_BUFFER) *chain = sk_CRYPTO_BUFFER_new_null();
    for (size_t i = 0; i < count; i++) {
        cr_assert(sk_CRYPTO_BUFFER_push(chain, list[i]));
    }
    struct tls_proof proof = {.is_pinned = false};
    const char *what = verify_client_chain(&context, chain, &proof, out_alert);
    sk_CRYPTO_BUFFER_pop_free(chain, CRYPTO_BUFFER_free);
    return what;
}

/* Frees the certificates. */
static const char *judge(X509 **list, size_t count, uint8_t *out_alert)
{
    CRYPTO_BUFFER *bytes[16];
    cr_assert_leq(count, 16);
    for (size_t i = 0; i < count; i++) {
        bytes[i] = fixture_bytes(list[i]);
        X509_free(list[i]);
    }
    return judge_bytes(bytes, count, out_alert);
}

static void expect_good(const struct fixture_spec *spec)
{
    uint8_t alert = 0;
    X509 *list[] = {fixture_certificate(spec)};
    const char *what = judge(list, 1, &alert);
    cr_expect_null(what, "%s", what);
}

static void expect_verdict(const char *what, uint8_t alert, const char *part, uint8_t wanted)
{
    cr_assert_not_null(what, "taken, instead of: %s", part);
    cr_expect_not_null(strstr(what, part), "%s", what);
    cr_expect_eq(alert, wanted, "alert %u", (unsigned)alert);
}

static void expect_bad(const struct fixture_spec *spec, const char *part, uint8_t wanted)
{
    uint8_t alert = 0;
    X509 *list[] = {fixture_certificate(spec)};
    const char *what = judge(list, 1, &alert);
    expect_verdict(what, alert, part, wanted);
}

TEST(a_certificate_of_our_ca)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    expect_good(&spec);
    spec.extended = NULL;
    expect_good(&spec);
    spec.extended = "serverAuth,clientAuth";
    expect_good(&spec);
    spec.usage = "critical,digitalSignature";
    expect_good(&spec);
}

TEST(no_certificate)
{
    uint8_t alert = 0;
    STACK_OF(CRYPTO_BUFFER) *empty = sk_CRYPTO_BUFFER_new_null();
    struct tls_proof proof = {.is_pinned = false};
    const char *what = verify_client_chain(&context, NULL, &proof, &alert);
    expect_verdict(what, alert, "presents no certificate", SSL_AD_CERTIFICATE_REQUIRED);
    what = verify_client_chain(&context, empty, &proof, &alert);
    expect_verdict(what, alert, "presents no certificate", SSL_AD_CERTIFICATE_REQUIRED);
    sk_CRYPTO_BUFFER_free(empty);
}

TEST(another_ca_of_the_same_name)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    uint8_t alert = 0;
    spec.signer = fixture.other_ca_key;
    X509 *list[] = {fixture_certificate(&spec)};
    const char *what = judge(list, 1, &alert);
    cr_expect_not_null(what);
    cr_expect(alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_BAD_CERTIFICATE);
}

TEST(another_ca_that_is_sent_along)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    uint8_t alert = 0;
    X509 *ca = fixture_certificate(
        &(struct fixture_spec){.key = fixture.other_ca_key, .cn = "Evil CA", .is_ca = true});
    spec.issuer = ca;
    spec.signer = fixture.other_ca_key;
    X509 *list[] = {fixture_certificate(&spec), ca};
    const char *what = judge(list, 2, &alert);
    expect_verdict(what, alert, "not from a CA that this listener trusts", SSL_AD_UNKNOWN_CA);
}

TEST(signed_by_itself)
{
    struct fixture_spec spec = {.key = fixture.client_key, .cn = "pump-7"};
    expect_bad(&spec, "not from a CA that this listener trusts", SSL_AD_UNKNOWN_CA);
    spec.cn = "Test CA"; /* as if it were the CA itself */
    spec.is_ca = true;
    uint8_t alert = 0;
    X509 *list[] = {fixture_certificate(&spec)};
    cr_expect_not_null(judge(list, 1, &alert));
}

TEST(validity_at_its_edges)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    spec.from = -2 * FIXTURE_DAY;
    spec.until = 60;
    expect_good(&spec);
    spec.until = -1;
    expect_bad(&spec, "has expired", SSL_AD_CERTIFICATE_EXPIRED);
    spec.from = -60;
    spec.until = FIXTURE_DAY;
    expect_good(&spec);
    spec.from = 60;
    expect_bad(&spec, "not valid yet", SSL_AD_CERTIFICATE_EXPIRED);
}

TEST(made_for_something_else)
{
    static const char *const extended[] = {"serverAuth",   "codeSigning", "emailProtection",
                                           "timeStamping", "OCSPSigning", "1.2.3.4"};
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    for (size_t i = 0; i < sizeof extended / sizeof extended[0]; i++) {
        spec.extended = extended[i];
        expect_bad(&spec, "not made for client authentication", SSL_AD_UNSUPPORTED_CERTIFICATE);
    }
    spec.extended = "clientAuth";
    spec.usage = "critical,keyCertSign";
    expect_bad(&spec, "not made for client authentication", SSL_AD_UNSUPPORTED_CERTIFICATE);
}

TEST(signed_with_a_broken_digest)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    spec.digest = EVP_sha1();
    expect_bad(&spec, "SHA-1 or MD5", SSL_AD_BAD_CERTIFICATE);
    EVP_PKEY *rsa = fixture_key(FIXTURE_RSA, 2048);
    spec.signer = rsa;
    expect_bad(&spec, "SHA-1 or MD5", SSL_AD_BAD_CERTIFICATE);
    EVP_PKEY_free(rsa);
}

static void expect_rsa(unsigned bits, bool is_good)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    EVP_PKEY *key = fixture_public_rsa(bits);
    spec.key = key;
    if (is_good) {
        expect_good(&spec);
    } else {
        expect_bad(&spec, "2048 to 4096 bits", SSL_AD_BAD_CERTIFICATE);
    }
    EVP_PKEY_free(key);
}

TEST(rsa_keys_at_their_limits)
{
    expect_rsa(1024, false);
    expect_rsa(2047, false);
    expect_rsa(2048, true);
    expect_rsa(4096, true);
    expect_rsa(4097, false);
    expect_rsa(8192, false);
    expect_rsa(16384, false);
}

TEST(other_kinds_of_keys)
{
    static const enum fixture_kind kinds[] = {FIXTURE_P256, FIXTURE_P384, FIXTURE_ED25519};
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        spec.key = fixture_key(kinds[i], 0);
        expect_good(&spec);
        EVP_PKEY_free(spec.key);
    }
}

/* --- chains --- */

#define CHAIN_MAX 10

struct chain {
    EVP_PKEY *keys[CHAIN_MAX];
    X509 *list[CHAIN_MAX]; /* leaf first; [count] would be the CA's */
    size_t count;
};

/* A leaf and `count - 1` intermediates, all in order. */
static void chain_init(struct chain *chain, size_t count)
{
    X509 *issuer = fixture.ca;
    EVP_PKEY *signer = fixture.ca_key;

    chain->count = count;
    for (size_t i = count; i-- > 0;) {
        char name[32];
        snprintf(name, sizeof name, "level %zu", i);
        chain->keys[i] = fixture_key(FIXTURE_P256, 0);
        chain->list[i] = fixture_certificate(&(struct fixture_spec){
            .key = chain->keys[i], .issuer = issuer, .signer = signer, .cn = name, .is_ca = i > 0});
        issuer = chain->list[i];
        signer = chain->keys[i];
    }
}

static void chain_replace(struct chain *chain, size_t at, const struct fixture_spec *changes)
{
    struct fixture_spec spec = *changes;
    X509_free(chain->list[at]);
    chain->list[at] = fixture_certificate(&spec);
}

/* Frees the chain. */
static const char *chain_judge(struct chain *chain, uint8_t *out_alert)
{
    for (size_t i = 0; i < chain->count; i++) {
        EVP_PKEY_free(chain->keys[i]);
    }
    return judge(chain->list, chain->count, out_alert);
}

/* The CA is the fourth above the client's own. */
TEST(three_intermediates_but_not_four)
{
    struct chain chain;
    uint8_t alert = 0;
    for (size_t intermediates = 0; intermediates <= 3; intermediates++) {
        chain_init(&chain, intermediates + 1);
        const char *what = chain_judge(&chain, &alert);
        cr_expect_null(what, "%zu: %s", intermediates, what);
    }
    chain_init(&chain, 5);
    cr_expect_not_null(chain_judge(&chain, &alert));
}

TEST(eight_certificates_but_not_nine)
{
    for (size_t count = 8; count <= 9; count++) {
        uint8_t alert = 0;
        struct fixture_spec spec = fixture_client(&fixture, "pump-7");
        X509 *list[9] = {fixture_certificate(&spec)};
        for (size_t i = 1; i < count; i++) {
            list[i] = fixture_certificate(&spec); /* nobody's issuer, but sent */
        }
        const char *what = judge(list, count, &alert);
        if (count == 8) {
            cr_expect_null(what, "%s", what);
        } else {
            expect_verdict(what, alert, "too long", SSL_AD_BAD_CERTIFICATE);
        }
    }
}

TEST(an_intermediate_that_was_not_sent)
{
    struct chain chain;
    uint8_t alert = 0;
    chain_init(&chain, 2);
    X509_free(chain.list[1]);
    EVP_PKEY_free(chain.keys[1]);
    chain.count = 1;
    const char *what = chain_judge(&chain, &alert);
    expect_verdict(what, alert, "not from a CA that this listener trusts", SSL_AD_UNKNOWN_CA);
}

TEST(a_client_that_plays_ca)
{
    struct chain chain;
    uint8_t alert = 0;
    chain_init(&chain, 2);
    struct fixture_spec spec = fixture_client(&fixture, "level 1");
    spec.key = chain.keys[1];
    chain_replace(&chain, 1, &spec); /* no longer a CA */
    const char *what = chain_judge(&chain, &alert);
    expect_verdict(what, alert, "is not a CA's but has signed another", SSL_AD_UNKNOWN_CA);
}

TEST(an_intermediate_that_has_expired)
{
    struct chain chain;
    uint8_t alert = 0;
    chain_init(&chain, 2);
    chain_replace(&chain, 1,
                  &(struct fixture_spec){.key = chain.keys[1],
                                         .issuer = fixture.ca,
                                         .signer = fixture.ca_key,
                                         .cn = "level 1",
                                         .from = -FIXTURE_DAY,
                                         .until = -1,
                                         .is_ca = true});
    const char *what = chain_judge(&chain, &alert);
    expect_verdict(what, alert, "has expired", SSL_AD_CERTIFICATE_EXPIRED);
}

TEST(an_intermediate_with_a_weak_key)
{
    struct chain chain;
    uint8_t alert = 0;
    chain_init(&chain, 2);
    EVP_PKEY *weak = fixture_key(FIXTURE_RSA, 1024);
    chain_replace(&chain, 1,
                  &(struct fixture_spec){.key = weak,
                                         .issuer = fixture.ca,
                                         .signer = fixture.ca_key,
                                         .cn = "level 1",
                                         .is_ca = true});
    struct fixture_spec leaf = fixture_client(&fixture, "pump-7");
    leaf.issuer = chain.list[1];
    leaf.signer = weak;
    chain_replace(&chain, 0, &leaf);
    const char *what = chain_judge(&chain, &alert);
    expect_verdict(what, alert, "2048 to 4096 bits", SSL_AD_BAD_CERTIFICATE);
    EVP_PKEY_free(weak);
}

/* --- bytes that are no certificate, or not the one that was signed --- */

TEST(every_byte_of_a_certificate_counts)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    X509 *certificate = fixture_certificate(&spec);
    CRYPTO_BUFFER *whole = fixture_bytes(certificate);
    size_t size = CRYPTO_BUFFER_len(whole);

    for (size_t i = 0; i < size; i++) {
        uint8_t *copy = NULL;
        uint8_t alert = 0;
        CRYPTO_BUFFER *bytes = CRYPTO_BUFFER_alloc(&copy, size);
        memcpy(copy, CRYPTO_BUFFER_data(whole), size);
        copy[i] ^= 1;
        cr_expect_not_null(judge_bytes(&bytes, 1, &alert), "byte %zu changed", i);
        cr_expect_neq(alert, 0);

        bytes = CRYPTO_BUFFER_new(CRYPTO_BUFFER_data(whole), i, NULL);
        const char *what = judge_bytes(&bytes, 1, &alert);
        expect_verdict(what, alert, "cannot be read", SSL_AD_BAD_CERTIFICATE);
    }
    CRYPTO_BUFFER_free(whole);
    X509_free(certificate);
}

TEST(garbage_behind_a_good_certificate)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    X509 *certificate = fixture_certificate(&spec);
    CRYPTO_BUFFER *list[] = {fixture_bytes(certificate),
                             CRYPTO_BUFFER_new((const uint8_t *)"garbage", 7, NULL)};
    uint8_t alert = 0;
    const char *what = judge_bytes(list, 2, &alert);
    expect_verdict(what, alert, "cannot be read", SSL_AD_BAD_CERTIFICATE);
    X509_free(certificate);
}
