#include "judging.h"

#define TEST(name) WHOLE_TEST(verify, name, set_up, tear_down)

static void expect_good(const struct fixture_spec *spec)
{
    uint8_t alert = 0;
    X509 *list[] = {fixture_certificate(spec)};
    const char *what = judge(list, 1, &alert);
    cr_expect_null(what, "%s", what);
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
    const char *what = verify_client_chain(&context, NULL, now, &proof, &alert);
    expect_verdict(what, alert, "presents no certificate", SSL_AD_CERTIFICATE_REQUIRED);
    what = verify_client_chain(&context, empty, now, &proof, &alert);
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

TEST(kinds_of_keys_that_nobody_should_use)
{
    static const enum fixture_kind curves[] = {FIXTURE_P224, FIXTURE_P521};
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        spec.key = fixture_key(curves[i], 0);
        expect_bad(&spec, "elliptic curve other than P-256 and P-384", SSL_AD_BAD_CERTIFICATE);
        EVP_PKEY_free(spec.key);
    }
    spec.key = fixture_key(FIXTURE_X25519, 0);
    expect_bad(&spec, "neither RSA, ECDSA nor Ed25519", SSL_AD_BAD_CERTIFICATE);
    EVP_PKEY_free(spec.key);
}

/* The digest is good, but no digest that a signature of ours would have. */
TEST(signed_with_a_short_digest)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    spec.digest = EVP_sha224();
    expect_bad(&spec, "in a way that we do not accept", SSL_AD_BAD_CERTIFICATE);
    spec.digest = EVP_sha384();
    expect_good(&spec);
    spec.digest = EVP_sha512();
    expect_good(&spec);
}
