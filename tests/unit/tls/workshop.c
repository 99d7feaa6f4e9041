#include "workshop.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "moat/base/clock.h"

/* --- keys --- */

static EVP_PKEY *curve_key(int curve)
{
    EC_KEY *ec = EC_KEY_new_by_curve_name(curve);
    EVP_PKEY *key = EVP_PKEY_new();
    cr_assert(EC_KEY_generate_key(ec));
    cr_assert(EVP_PKEY_assign_EC_KEY(key, ec));
    return key;
}

EVP_PKEY *workshop_key(void)
{
    return curve_key(NID_X9_62_prime256v1);
}

EVP_PKEY *workshop_p384_key(void)
{
    return curve_key(NID_secp384r1);
}

EVP_PKEY *workshop_rsa_key(void)
{
    EVP_PKEY *key = EVP_PKEY_new();
    RSA *rsa = RSA_new();
    BIGNUM *exponent = BN_new();
    cr_assert(BN_set_word(exponent, RSA_F4));
    cr_assert(RSA_generate_key_ex(rsa, 2048, exponent, NULL));
    cr_assert(EVP_PKEY_assign_RSA(key, rsa));
    BN_free(exponent);
    return key;
}

/* --- certificates --- */

static void add_name(X509 *certificate, const char *name, size_t size, int type)
{
    cr_assert(X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, type,
                                         (const uint8_t *)name, (ossl_ssize_t)size, -1, 0));
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    cr_assert_not_null(extension, "%s", value);
    cr_assert(X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

static void set_times(X509 *certificate, const struct workshop_spec *spec)
{
    bool is_default = spec->from == 0 && spec->until == 0;
    int64_t now = clock_wall_seconds();
    int64_t from = is_default ? -3600 : spec->from;
    int64_t until = is_default ? 40 * WORKSHOP_DAY : spec->until;
    cr_assert(ASN1_TIME_set_posix(X509_getm_notBefore(certificate), now + from));
    cr_assert(ASN1_TIME_set_posix(X509_getm_notAfter(certificate), now + until));
}

X509 *workshop_certificate(const struct workshop_spec *spec)
{
    static uint64_t last_serial = UINT64_C(1) << 40;
    X509 *certificate = X509_new();
    uint64_t serial = spec->serial != 0 ? spec->serial : ++last_serial;
    int type = spec->cn_type != 0 ? spec->cn_type : V_ASN1_UTF8STRING;

    cr_assert(X509_set_version(certificate, X509_VERSION_3));
    cr_assert(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial));
    set_times(certificate, spec);
    cr_assert(X509_set_pubkey(certificate, spec->key));
    if (spec->cn != NULL) {
        add_name(certificate, spec->cn, spec->cn_size != 0 ? spec->cn_size : strlen(spec->cn),
                 type);
    }
    if (spec->cn2 != NULL) {
        add_name(certificate, spec->cn2, strlen(spec->cn2), type);
    }
    const X509 *issuer = spec->issuer != NULL ? spec->issuer : certificate;
    cr_assert(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)));
    add_extension(certificate, NID_basic_constraints,
                  spec->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (spec->san != NULL) {
        add_extension(certificate, NID_subject_alt_name, spec->san);
    }
    if (spec->usage != NULL) {
        add_extension(certificate, NID_key_usage, spec->usage);
    }
    if (spec->extended != NULL) {
        add_extension(certificate, NID_ext_key_usage, spec->extended);
    }
    EVP_PKEY *signer = spec->signer != NULL ? spec->signer : spec->key;
    cr_assert(X509_sign(certificate, signer, EVP_sha256()));
    return certificate;
}

struct workshop_ca workshop_ca(const char *name, const struct workshop_ca *parent)
{
    struct workshop_ca ca = {.key = workshop_key()};
    struct workshop_spec spec = {.key = ca.key,
                                 .cn = name,
                                 .is_ca = true,
                                 .from = -3600,
                                 .until = 60 * (int64_t)WORKSHOP_DAY};
    if (parent != NULL) {
        spec.issuer = parent->certificate;
        spec.signer = parent->key;
    }
    ca.certificate = workshop_certificate(&spec);
    ca.pem = workshop_pem(ca.certificate);
    return ca;
}

void workshop_ca_free(struct workshop_ca *ca)
{
    EVP_PKEY_free(ca->key);
    X509_free(ca->certificate);
    free(ca->pem);
}

X509 *workshop_client(const struct workshop_ca *ca, EVP_PKEY *key, const char *cn, uint64_t serial)
{
    const struct workshop_spec spec = {.key = key,
                                       .issuer = ca->certificate,
                                       .signer = ca->key,
                                       .cn = cn,
                                       .extended = "clientAuth",
                                       .serial = serial};
    return workshop_certificate(&spec);
}

/* --- texts --- */

static char *text_of(BIO *bio)
{
    const uint8_t *data = NULL;
    size_t size = 0;
    cr_assert(BIO_mem_contents(bio, &data, &size));
    char *text = slice_to_text(slice_of(data, size));
    BIO_free(bio);
    return text;
}

char *workshop_pem(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    cr_assert(PEM_write_bio_X509(bio, certificate));
    return text_of(bio);
}

char *workshop_key_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    cr_assert(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
    return text_of(bio);
}

char *workshop_join(const char *a, const char *b)
{
    char *text = NULL;
    cr_assert(asprintf(&text, "%s%s", a, b) >= 0);
    return text;
}

char *workshop_crl(const struct workshop_ca *ca, const uint64_t *serials, size_t count,
                   int64_t from, int64_t until, void (*extra)(X509_CRL *list))
{
    X509_CRL *list = X509_CRL_new();
    int64_t now = clock_wall_seconds();
    ASN1_TIME *time = ASN1_TIME_set_posix(NULL, now + from);

    cr_assert(X509_CRL_set_version(list, X509_CRL_VERSION_2));
    cr_assert(X509_CRL_set_issuer_name(list, X509_get_subject_name(ca->certificate)));
    cr_assert(X509_CRL_set1_lastUpdate(list, time));
    for (size_t i = 0; i < count; i++) {
        X509_REVOKED *entry = X509_REVOKED_new();
        ASN1_INTEGER *serial = ASN1_INTEGER_new();
        cr_assert(ASN1_INTEGER_set_uint64(serial, serials[i]));
        cr_assert(X509_REVOKED_set_serialNumber(entry, serial));
        cr_assert(X509_REVOKED_set_revocationDate(entry, time));
        cr_assert(X509_CRL_add0_revoked(list, entry));
        ASN1_INTEGER_free(serial);
    }
    cr_assert(ASN1_TIME_set_posix(time, now + until));
    cr_assert(X509_CRL_set1_nextUpdate(list, time));
    ASN1_TIME_free(time);
    if (extra != NULL) {
        extra(list);
    }
    cr_assert(X509_CRL_sign(list, ca->key, EVP_sha256()));
    BIO *bio = BIO_new(BIO_s_mem());
    cr_assert(PEM_write_bio_X509_CRL(bio, list));
    X509_CRL_free(list);
    return text_of(bio);
}

struct tls_settings workshop_settings(void)
{
    static char *chain;
    static char *key_text;
    if (chain == NULL) {
        EVP_PKEY *key = workshop_key();
        const struct workshop_spec spec = {
            .key = key, .cn = "gate", .san = "DNS:gate.example,DNS:*.wild.example"};
        X509 *certificate = workshop_certificate(&spec);
        chain = workshop_pem(certificate);
        key_text = workshop_key_pem(key);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    return (struct tls_settings){
        .certificates = {{slice_from_text(chain), slice_from_text(key_text)}},
        .certificate_count = 1,
        .tickets = true,
        .scope = slice_from_text("mqtts"),
    };
}

struct tls_context *workshop_context(const struct tls_settings *settings)
{
    struct tls_context_fault faults[TLS_CONTEXT_FAULTS];
    size_t count = 0;
    struct tls_context *context = tls_context_new(settings, faults, &count);
    cr_assert_not_null(context, "%s", count > 0 ? faults[0].what : "no fault");
    cr_assert_eq(count, 0, "%s", faults[0].what);
    return context;
}
