#include "moat/tls/pki.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "moat/base/secret.h"

#define SECONDS_PER_DAY ((int64_t)24 * 60 * 60)
#define COMMON_NAME_MAX 64 /* ub-common-name of RFC 5280 */

/* An extension in the text form of X509V3_EXT_nconf_nid. Only texts fixed here are given
 * to that parser; names of the machine or the user go another way. */
struct extension {
    int nid;
    const char *value;
};

static const struct extension ca_extensions[] = {
    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_subject_key_identifier, "hash"},
};

static const struct extension server_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},
};

static EVP_PKEY *generate_key(void)
{
    EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    EVP_PKEY *key = EVP_PKEY_new();

    if (ec == NULL || key == NULL || !EC_KEY_generate_key(ec) || !EVP_PKEY_assign_EC_KEY(key, ec)) {
        EC_KEY_free(ec);
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

/* RFC 5280, 4.1.2.2: positive and at most 20 octets. 126 random bits make it unique. */
static bool set_serial(X509 *certificate)
{
    uint8_t bytes[16];

    secret_random(bytes, sizeof bytes);
    bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool is_set =
        number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return is_set;
}

static bool set_validity(X509 *certificate, int64_t now, int64_t days)
{
    int64_t start = now - PKI_BACKDATE;

    /* The last second is part of the period (RFC 5280, 4.1.2.5). */
    return ASN1_TIME_set_posix(X509_getm_notBefore(certificate), start) != NULL &&
           ASN1_TIME_set_posix(X509_getm_notAfter(certificate),
                               start + days * SECONDS_PER_DAY - 1) != NULL;
}

static bool set_common_name(X509 *certificate, const char *name)
{
    return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                      MBSTRING_UTF8, (const uint8_t *)name, -1, -1, 0) == 1;
}

/* A certificate that lacks its names, its extensions and its signature. */
static X509 *start_certificate(EVP_PKEY *key, int64_t now, int64_t days)
{
    X509 *certificate = X509_new();

    if (certificate != NULL &&
        (!X509_set_version(certificate, X509_VERSION_3) || !set_serial(certificate) ||
         !set_validity(certificate, now, days) || !X509_set_pubkey(certificate, key))) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static bool add_extensions(X509 *certificate, X509 *issuer, const struct extension *list,
                           size_t count)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_nconf_nid(NULL, &context, list[i].nid, list[i].value);
        bool is_added = extension != NULL && X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
        if (!is_added) {
            return false;
        }
    }
    return true;
}

/* Takes ownership of `value`, a DNS name or the 4 or 16 bytes of an address. */
static bool push_name(GENERAL_NAMES *list, int type, ASN1_STRING *value, struct slice bytes)
{
    GENERAL_NAME *name = GENERAL_NAME_new();

    if (name == NULL || value == NULL ||
        !ASN1_STRING_set(value, bytes.data, (ossl_ssize_t)bytes.size)) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (!sk_GENERAL_NAME_push(list, name)) {
        GENERAL_NAME_free(name);
        return false;
    }
    return true;
}

static bool add_alternative_names(X509 *certificate, const struct pki_names *names)
{
    GENERAL_NAMES *list = GENERAL_NAMES_new();
    bool is_added = list != NULL;

    for (size_t i = 0; is_added && i < names->dns_count; i++) {
        is_added = push_name(list, GEN_DNS, ASN1_IA5STRING_new(), slice_from_text(names->dns[i]));
    }
    for (size_t i = 0; is_added && i < names->address_count; i++) {
        const struct address *address = &names->addresses[i];
        size_t size = address->family == ADDRESS_IPV4 ? 4 : 16;
        is_added =
            push_name(list, GEN_IPADD, ASN1_OCTET_STRING_new(), slice_of(address->bytes, size));
    }
    is_added = is_added && X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0,
                                             X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(list);
    return is_added;
}

static char *text_of(const BIO *bio)
{
    const uint8_t *data = NULL;
    size_t size = 0;

    return BIO_mem_contents(bio, &data, &size) ? slice_to_text(slice_of(data, size)) : NULL;
}

/* BoringSSL wipes whatever its own allocator releases, so the BIO that held the key
 * leaves no copy of it behind. */
static bool write_pair(X509 *certificate, EVP_PKEY *key, struct pki_pair *out_pair)
{
    BIO *certificate_bio = BIO_new(BIO_s_mem());
    BIO *key_bio = BIO_new(BIO_s_mem());
    struct pki_pair pair = {0};

    if (certificate_bio != NULL && key_bio != NULL &&
        PEM_write_bio_X509(certificate_bio, certificate) &&
        PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL)) {
        pair = (struct pki_pair){.certificate = text_of(certificate_bio), .key = text_of(key_bio)};
    }
    BIO_free(certificate_bio);
    BIO_free(key_bio);
    if (pair.certificate == NULL || pair.key == NULL) {
        pki_pair_deinit(&pair);
        return false;
    }
    *out_pair = pair;
    return true;
}

static X509 *read_certificate(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return certificate;
}

static EVP_PKEY *read_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return key;
}

void pki_pair_deinit(struct pki_pair *pair)
{
    secret_free_text(pair->certificate);
    secret_free_text(pair->key);
    *pair = (struct pki_pair){0};
}

bool pki_make_ca(int64_t now, struct pki_pair *out_ca)
{
    uint32_t number = 0;
    char name[sizeof "Moat CA 01234567"];
    EVP_PKEY *key = generate_key();
    X509 *certificate = key != NULL ? start_certificate(key, now, PKI_CA_DAYS) : NULL;

    secret_random(&number, sizeof number);
    (void)snprintf(name, sizeof name, "Moat CA %08x", (unsigned)number);
    bool is_made = certificate != NULL && set_common_name(certificate, name) &&
                   X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) &&
                   add_extensions(certificate, certificate, ca_extensions,
                                  sizeof ca_extensions / sizeof ca_extensions[0]) &&
                   X509_sign(certificate, key, EVP_sha256()) &&
                   write_pair(certificate, key, out_ca);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return is_made;
}

/* Clients go by the alternative names; the subject is for people who look at it. */
static const char *server_subject(const struct pki_names *names)
{
    bool fits = names->dns_count > 0 && strlen(names->dns[0]) <= COMMON_NAME_MAX;
    return fits ? names->dns[0] : "Moat server";
}

bool pki_issue_server(const struct pki_pair *ca, const struct pki_names *names, int64_t now,
                      struct pki_pair *out_server)
{
    X509 *ca_certificate = read_certificate(ca->certificate);
    EVP_PKEY *ca_key = read_key(ca->key);
    EVP_PKEY *key = generate_key();
    X509 *certificate = key != NULL ? start_certificate(key, now, PKI_SERVER_DAYS) : NULL;

    bool is_issued = ca_certificate != NULL && ca_key != NULL && certificate != NULL &&
                     X509_check_private_key(ca_certificate, ca_key) &&
                     set_common_name(certificate, server_subject(names)) &&
                     X509_set_issuer_name(certificate, X509_get_subject_name(ca_certificate)) &&
                     add_extensions(certificate, ca_certificate, server_extensions,
                                    sizeof server_extensions / sizeof server_extensions[0]) &&
                     add_alternative_names(certificate, names) &&
                     X509_sign(certificate, ca_key, EVP_sha256()) &&
                     write_pair(certificate, key, out_server);
    X509_free(certificate);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    X509_free(ca_certificate);
    return is_issued;
}
