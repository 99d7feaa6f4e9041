#include "pki_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/cipher.h>
#include <openssl/digest.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static EVP_PKEY *key_on_curve(int nid)
{
    EC_KEY *ec = EC_KEY_new_by_curve_name(nid);
    EVP_PKEY *key = EVP_PKEY_new();
    cr_assert(EC_KEY_generate_key(ec) && EVP_PKEY_assign_EC_KEY(key, ec));
    return key;
}

static EVP_PKEY *key_on_25519(int id)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(id, NULL);
    EVP_PKEY *key = NULL;
    cr_assert(EVP_PKEY_keygen_init(context) && EVP_PKEY_keygen(context, &key));
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *key_rsa(unsigned bits)
{
    BIGNUM *exponent = BN_new();
    RSA *rsa = RSA_new();
    EVP_PKEY *key = EVP_PKEY_new();
    cr_assert(BN_set_word(exponent, RSA_F4) &&
              RSA_generate_key_ex(rsa, (int)bits, exponent, NULL) && EVP_PKEY_assign_RSA(key, rsa));
    BN_free(exponent);
    return key;
}

EVP_PKEY *fixture_key(enum fixture_kind kind, unsigned bits)
{
    switch (kind) {
    case FIXTURE_P224:
        return key_on_curve(NID_secp224r1);
    case FIXTURE_P256:
        return key_on_curve(NID_X9_62_prime256v1);
    case FIXTURE_P384:
        return key_on_curve(NID_secp384r1);
    case FIXTURE_P521:
        return key_on_curve(NID_secp521r1);
    case FIXTURE_ED25519:
        return key_on_25519(EVP_PKEY_ED25519);
    case FIXTURE_X25519:
        return key_on_25519(EVP_PKEY_X25519);
    case FIXTURE_RSA:
        return key_rsa(bits);
    }
    return NULL;
}

EVP_PKEY *fixture_public_rsa(unsigned bits)
{
    BIGNUM *modulus = BN_new();
    BIGNUM *exponent = BN_new();
    EVP_PKEY *key = EVP_PKEY_new();

    cr_assert(BN_rand(modulus, (int)bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) &&
              BN_set_word(exponent, RSA_F4));
    RSA *rsa = RSA_new();
    cr_assert(RSA_set0_key(rsa, modulus, exponent, NULL) && EVP_PKEY_assign_RSA(key, rsa));
    return key;
}

static void add_name(X509_NAME *name, int type, const char *text, size_t size)
{
    cr_assert(X509_NAME_add_entry_by_NID(name, NID_commonName, type != 0 ? type : V_ASN1_UTF8STRING,
                                         (const uint8_t *)text, size != 0 ? (ossl_ssize_t)size : -1,
                                         -1, 0));
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, NULL, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    cr_assert(extension != NULL && X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

static void add_extensions(X509 *certificate, const struct fixture_spec *spec)
{
    if (spec->is_ca) {
        add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    }
    if (spec->usage != NULL) {
        add_extension(certificate, NID_key_usage, spec->usage);
    }
    if (spec->extended != NULL) {
        add_extension(certificate, NID_ext_key_usage, spec->extended);
    }
}

/* Ed25519 brings its own digest. */
static const EVP_MD *digest_for(const EVP_PKEY *signer, const EVP_MD *wanted)
{
    if (EVP_PKEY_id(signer) == EVP_PKEY_ED25519) {
        return NULL;
    }
    return wanted != NULL ? wanted : EVP_sha256();
}

X509 *fixture_certificate(const struct fixture_spec *spec)
{
    static uint64_t serial = 1000;
    int64_t now = time(NULL);
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    EVP_PKEY *signer = spec->signer != NULL ? spec->signer : spec->key;

    cr_assert(X509_set_version(certificate, X509_VERSION_3));
    cr_assert(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), ++serial));
    cr_assert_not_null(ASN1_TIME_set_posix(X509_getm_notBefore(certificate),
                                           now + (spec->until != 0 ? spec->from : -3600)));
    cr_assert_not_null(ASN1_TIME_set_posix(X509_getm_notAfter(certificate),
                                           now + (spec->until != 0 ? spec->until : FIXTURE_DAY)));
    if (spec->cn != NULL) {
        add_name(subject, spec->cn_type, spec->cn, spec->cn_size);
    }
    if (spec->cn2 != NULL) {
        add_name(subject, 0, spec->cn2, 0);
    }
    cr_assert(X509_set_issuer_name(
        certificate, spec->issuer != NULL ? X509_get_subject_name(spec->issuer) : subject));
    cr_assert(X509_set_pubkey(certificate, spec->key));
    add_extensions(certificate, spec);
    cr_assert(X509_sign(certificate, signer, digest_for(signer, spec->digest)));
    return certificate;
}

CRYPTO_BUFFER *fixture_bytes(X509 *certificate)
{
    uint8_t *der = NULL;
    int size = i2d_X509(certificate, &der);
    cr_assert_gt(size, 0);
    CRYPTO_BUFFER *bytes = CRYPTO_BUFFER_new(der, (size_t)size, NULL);
    OPENSSL_free(der);
    cr_assert_not_null(bytes);
    return bytes;
}

static void sign_anew(const CBS *tbs, const CBS *algorithm, EVP_PKEY *signer, CBB *out)
{
    uint8_t signature[600];
    size_t size = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CBB outer;
    CBB bits;

    cr_assert(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, signer));
    cr_assert(EVP_DigestSign(context, signature, &size, CBS_data(tbs), CBS_len(tbs)));
    EVP_MD_CTX_free(context);
    cr_assert(CBB_add_asn1(out, &outer, CBS_ASN1_SEQUENCE) &&
              CBB_add_bytes(&outer, CBS_data(tbs), CBS_len(tbs)) &&
              CBB_add_bytes(&outer, CBS_data(algorithm), CBS_len(algorithm)) &&
              CBB_add_asn1(&outer, &bits, CBS_ASN1_BITSTRING) && CBB_add_u8(&bits, 0) &&
              CBB_add_bytes(&bits, signature, size) && CBB_flush(out));
}

CRYPTO_BUFFER *fixture_forge(X509 *certificate, EVP_PKEY *signer, struct slice from,
                             struct slice to)
{
    uint8_t *der = NULL;
    uint8_t *forged = NULL;
    size_t forged_size = 0;
    int size = i2d_X509(certificate, &der);
    CBS cbs;
    CBS outer;
    CBS tbs;
    CBS algorithm;
    CBB out;

    cr_assert_gt(size, 0);
    cr_assert_eq(from.size, to.size);
    uint8_t *at = memmem(der, (size_t)size, from.data, from.size);
    cr_assert_not_null(at);
    memcpy(at, to.data, to.size);
    CBS_init(&cbs, der, (size_t)size);
    cr_assert(CBS_get_asn1(&cbs, &outer, CBS_ASN1_SEQUENCE) &&
              CBS_get_asn1_element(&outer, &tbs, CBS_ASN1_SEQUENCE) &&
              CBS_get_asn1_element(&outer, &algorithm, CBS_ASN1_SEQUENCE));
    cr_assert(CBB_init(&out, (size_t)size));
    sign_anew(&tbs, &algorithm, signer, &out);
    cr_assert(CBB_finish(&out, &forged, &forged_size));
    CRYPTO_BUFFER *bytes = CRYPTO_BUFFER_new(forged, forged_size, NULL);
    OPENSSL_free(forged);
    OPENSSL_free(der);
    return bytes;
}

static char *text_of(BIO *bio)
{
    const uint8_t *data = NULL;
    size_t size = 0;
    cr_assert(BIO_mem_contents(bio, &data, &size));
    char *text = slice_to_text(slice_of(data, size));
    BIO_free(bio);
    cr_assert_not_null(text);
    return text;
}

char *fixture_pem(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    cr_assert(PEM_write_bio_X509(bio, certificate));
    return text_of(bio);
}

char *fixture_key_pem(EVP_PKEY *key, const char *passphrase)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char copy[32] = "";
    const EVP_CIPHER *cipher = passphrase != NULL ? EVP_aes_128_cbc() : NULL;

    snprintf(copy, sizeof copy, "%s", passphrase != NULL ? passphrase : "");
    cr_assert(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, passphrase != NULL ? copy : NULL,
                                            (int)strlen(copy), NULL, NULL));
    return text_of(bio);
}

char *fixture_joined(const char *a, const char *b)
{
    size_t size = strlen(a) + strlen(b) + 1;
    char *text = malloc(size);
    cr_assert_not_null(text);
    snprintf(text, size, "%s%s", a, b);
    return text;
}

void fixture_init(struct fixture *fixture)
{
    fixture->ca_key = fixture_key(FIXTURE_P256, 0);
    fixture->other_ca_key = fixture_key(FIXTURE_P256, 0);
    fixture->client_key = fixture_key(FIXTURE_P256, 0);
    fixture->server_key = fixture_key(FIXTURE_P256, 0);
    fixture->ca = fixture_certificate(
        &(struct fixture_spec){.key = fixture->ca_key, .cn = "Test CA", .is_ca = true});
    fixture->other_ca = fixture_certificate(
        &(struct fixture_spec){.key = fixture->other_ca_key, .cn = "Test CA", .is_ca = true});
    fixture->server = fixture_certificate(&(struct fixture_spec){.key = fixture->server_key,
                                                                 .cn = "gate.example",
                                                                 .from = -3600,
                                                                 .until = 90 * FIXTURE_DAY});
    fixture->ca_pem = fixture_pem(fixture->ca);
    fixture->server_pem = fixture_pem(fixture->server);
    fixture->server_key_pem = fixture_key_pem(fixture->server_key, NULL);
}

void fixture_deinit(struct fixture *fixture)
{
    X509_free(fixture->ca);
    X509_free(fixture->other_ca);
    X509_free(fixture->server);
    EVP_PKEY_free(fixture->ca_key);
    EVP_PKEY_free(fixture->other_ca_key);
    EVP_PKEY_free(fixture->client_key);
    EVP_PKEY_free(fixture->server_key);
    free(fixture->ca_pem);
    free(fixture->server_pem);
    free(fixture->server_key_pem);
}

struct fixture_spec fixture_client(const struct fixture *fixture, const char *cn)
{
    return (struct fixture_spec){.key = fixture->client_key,
                                 .issuer = fixture->ca,
                                 .signer = fixture->ca_key,
                                 .cn = cn,
                                 .extended = "clientAuth"};
}
