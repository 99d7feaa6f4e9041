#include "workshop.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define DAY ((int64_t)WORKSHOP_DAY)

static EVP_PKEY *key;

static void set_up(void)
{
    key = workshop_key();
}

static void tear_down(void)
{
    EVP_PKEY_free(key);
}

TestSuite(anchors, .init = set_up, .fini = tear_down);

/* Makes a context that trusts this certificate; `words` NULL: nothing is warned of. */
static void expect_warning(X509 *certificate, const char *words)
{
    struct tls_context_fault faults[TLS_CONTEXT_FAULTS];
    size_t count = 0;
    char *pem = workshop_pem(certificate);
    struct tls_settings settings = workshop_settings();
    settings.client_certificate = TLS_CLIENT_CERTIFICATE_OPTIONAL;
    settings.client_ca = slice_from_text(pem);
    struct tls_context *context = tls_context_new(&settings, faults, &count);
    cr_expect_not_null(context, "a warning stops nothing");
    cr_expect_eq(count, words != NULL ? 1 : 0, "%zu: %s", count, count > 0 ? faults[0].what : "");
    if (words != NULL && count > 0) {
        cr_expect(faults[0].is_warning);
        cr_expect_eq(faults[0].setting, TLS_SETTING_CLIENT_CA);
        cr_expect_not_null(strstr(faults[0].what, words), "%s", faults[0].what);
    }
    tls_context_free(context);
    X509_free(certificate);
    free(pem);
}

static X509 *authority(int64_t from, int64_t until)
{
    const struct workshop_spec spec = {
        .key = key, .cn = "Device CA", .is_ca = true, .from = from, .until = until};
    return workshop_certificate(&spec);
}

Test(anchors, dates)
{
    expect_warning(authority(-DAY, 31 * DAY), NULL);
    expect_warning(authority(-DAY, 30 * DAY - 60), "CN=Device CA expires in 29 days");
    expect_warning(authority(-DAY, 3600), "CN=Device CA expires in 0 days");
    expect_warning(authority(-2 * DAY, -DAY), "CN=Device CA has expired");
    expect_warning(authority(DAY, 60 * DAY), "CN=Device CA is not valid yet");
}

Test(anchors, a_certificate_that_cannot_issue)
{
    const struct workshop_spec spec = {
        .key = key, .cn = "sensor-1", .from = -DAY, .until = 60 * DAY};
    expect_warning(workshop_certificate(&spec),
                   "CN=sensor-1 is not the certificate of an authority");
}

static EVP_PKEY *rsa_key(int bits)
{
    RSA *rsa = RSA_new();
    BIGNUM *exponent = BN_new();
    EVP_PKEY *made = EVP_PKEY_new();
    cr_assert(rsa != NULL && exponent != NULL && made != NULL && BN_set_word(exponent, RSA_F4) &&
              RSA_generate_key_ex(rsa, bits, exponent, NULL) && EVP_PKEY_assign_RSA(made, rsa));
    BN_free(exponent);
    return made;
}

Test(anchors, keys)
{
    EVP_PKEY *weak = rsa_key(1024);
    struct workshop_spec spec = {
        .key = weak, .cn = "Old CA", .is_ca = true, .from = -DAY, .until = 60 * DAY};
    expect_warning(workshop_certificate(&spec), "CN=Old CA has a key that can be broken");
    spec.key = workshop_rsa_key();
    expect_warning(workshop_certificate(&spec), NULL);
    EVP_PKEY_free(spec.key);
    EVP_PKEY_free(weak);
}

/* In a file of several; the text is freed. */
static size_t count_warnings_in(char *pem)
{
    struct tls_context_fault faults[TLS_CONTEXT_FAULTS];
    size_t count = 0;
    struct tls_settings settings = workshop_settings();
    settings.client_certificate = TLS_CLIENT_CERTIFICATE_REQUIRED;
    settings.client_ca = slice_from_text(pem);
    struct tls_context *context = tls_context_new(&settings, faults, &count);
    cr_expect_not_null(context);
    tls_context_free(context);
    free(pem);
    return count;
}

static size_t count_warnings(X509 *first, X509 *second)
{
    char *one = workshop_pem(first);
    char *other = workshop_pem(second);
    size_t count = count_warnings_in(workshop_join(one, other));
    X509_free(first);
    X509_free(second);
    free(one);
    free(other);
    return count;
}

/* Of an authority that renewed its certificate only the newest counts. */
Test(anchors, several)
{
    EVP_PKEY *mine = key;
    cr_expect_eq(count_warnings(authority(-2 * DAY, -DAY), authority(-DAY, 60 * DAY)), 0);
    cr_expect_eq(count_warnings(authority(-DAY, 60 * DAY), authority(-DAY, 10 * DAY)), 0);
    cr_expect_eq(count_warnings(authority(-2 * DAY, -DAY), authority(-DAY, 10 * DAY)), 2);
    X509 *good = authority(-DAY, 60 * DAY);
    key = workshop_key();
    cr_expect_eq(count_warnings(authority(-2 * DAY, -DAY), good), 1, "of one name, not of one key");
    EVP_PKEY_free(key);
    key = mine;
}

static size_t count_warnings_of(const struct workshop_ca *first, const struct workshop_ca *second)
{
    return count_warnings_in(workshop_join(first->pem, second->pem));
}

/* Who trusts an intermediate authority alone lets in nobody, and nothing else would say why. */
Test(anchors, a_chain_ends_at_a_root)
{
    struct workshop_ca root = workshop_ca("Root CA", NULL);
    struct workshop_ca middle = workshop_ca("Middle CA", &root);
    struct workshop_ca low = workshop_ca("Low CA", &middle);
    cr_assert(X509_up_ref(middle.certificate));
    expect_warning(middle.certificate, "CN=Middle CA is an intermediate authority and the root "
                                       "above it, CN=Root CA, is not in the file, so that its "
                                       "clients are refused; add the certificate of CN=Root CA");
    cr_expect_eq(count_warnings_of(&middle, &root), 0);
    cr_expect_eq(count_warnings_of(&low, &middle), 2, "either leads to the root that is missing");
    cr_expect_eq(count_warnings_of(&low, &root), 1, "a way with a gap leads nowhere");
    char *upper = workshop_join(middle.pem, root.pem);
    cr_expect_eq(count_warnings_in(workshop_join(low.pem, upper)), 0, "two steps up is a root");
    free(upper);
    workshop_ca_free(&low);
    workshop_ca_free(&middle);
    workshop_ca_free(&root);
}

/* Two that issued each other are no root, and looking for one comes to an end. */
Test(anchors, a_ring_has_no_root)
{
    struct workshop_ca one = workshop_ca("One CA", NULL);
    struct workshop_ca other = workshop_ca("Other CA", &one);
    const struct workshop_spec spec = {.key = one.key,
                                       .issuer = other.certificate,
                                       .signer = other.key,
                                       .cn = "One CA",
                                       .is_ca = true,
                                       .from = -DAY,
                                       .until = 60 * DAY};
    cr_assert(X509_up_ref(other.certificate));
    cr_expect_geq(count_warnings(workshop_certificate(&spec), other.certificate), 2);
    workshop_ca_free(&other);
    workshop_ca_free(&one);
}
