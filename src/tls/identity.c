/*
 * From a certificate to the one name it gives.
 *
 * A name is proof only if it can be read in one way: exactly one value of the configured kind,
 * of a string type whose bytes have one meaning, without characters that other programs stop at
 * or do not see. Kinds are never mixed: an address that stands where a DNS name could stand is
 * not taken for one.
 */
#include "context_internal.h"

#include <stdlib.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/mem.h>
#include <openssl/x509v3.h>

#include "moat/base/utf8.h"

#define IDENTITY_SIZE_MAX 256 /* bytes; the default limit of a user name */

/* Why a name of a kind is none, in words. */
struct name_words {
    const char *none;
    const char *several;
    const char *empty;
    const char *too_long;
    const char *characters;
    const char *unreadable;
};

#define WORDS(noun, plural)                                                                        \
    {                                                                                              \
        "the certificate has no " noun, "the certificate has several " plural,                     \
            "the certificate's " noun " is empty",                                                 \
            "the certificate's " noun " is longer than 256 bytes",                                 \
            "the certificate's " noun " has a NUL, control or ill-formed characters",              \
            "the certificate's " noun " cannot be read"                                            \
    }

static const struct name_words common_name_words = WORDS("common name", "common names");
static const struct name_words subject_words = WORDS("subject", "subjects");
static const struct name_words dns_words = WORDS("DNS name", "DNS names");
static const struct name_words uri_words = WORDS("URI", "URIs");
static const struct name_words email_words = WORDS("e-mail address", "e-mail addresses");

static const char *check_name(struct slice name, const struct name_words *words)
{
    if (name.size == 0) {
        return words->empty;
    }
    if (name.size > IDENTITY_SIZE_MAX) {
        return words->too_long;
    }
    return utf8_check(name) != UTF8_OK ? words->characters : NULL;
}

static char *take_name(struct slice name, const struct name_words *words, const char **out_fault)
{
    *out_fault = check_name(name, words);
    return *out_fault == NULL ? slice_to_text(name) : NULL;
}

/* --- the subject --- */

/* Types that say in one way what their bytes mean. BMPString and the like have fooled programs
 * that took their bytes for characters. */
static bool is_plain_string(const ASN1_STRING *value)
{
    int type = ASN1_STRING_type(value);
    return type == V_ASN1_UTF8STRING || type == V_ASN1_PRINTABLESTRING || type == V_ASN1_IA5STRING;
}

static struct slice string_slice(const ASN1_STRING *value)
{
    return slice_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
}

char *identity_common_name(const X509 *certificate, const char **out_fault)
{
    const struct name_words *words = &common_name_words;
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    *out_fault = words->none;
    if (first < 0) {
        return NULL;
    }
    *out_fault = words->several;
    if (X509_NAME_get_index_by_NID(subject, NID_commonName, first) >= 0) {
        return NULL;
    }
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first));
    *out_fault = words->unreadable;
    return is_plain_string(value) ? take_name(string_slice(value), words, out_fault) : NULL;
}

char *identity_name_text(const X509_NAME *name)
{
    const uint8_t *bytes = NULL;
    size_t size = 0;
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0 &&
        BIO_mem_contents(bio, &bytes, &size)) {
        text = slice_to_text(slice_of(bytes, size));
    }
    BIO_free(bio);
    return text;
}

static char *subject(const X509 *certificate, const char **out_fault)
{
    const struct name_words *words = &subject_words;
    const X509_NAME *name = X509_get_subject_name(certificate);
    int count = X509_NAME_entry_count(name);

    *out_fault = count == 0 ? words->none : NULL;
    for (int i = 0; i < count && *out_fault == NULL; i++) {
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i));
        *out_fault =
            is_plain_string(value) ? check_name(string_slice(value), words) : words->unreadable;
    }
    if (*out_fault != NULL) {
        return NULL;
    }
    char *text = identity_name_text(name);
    if (text != NULL && strlen(text) > IDENTITY_SIZE_MAX) {
        *out_fault = words->too_long;
        free(text);
        text = NULL;
    }
    return text;
}

/* --- subject alternative names --- */

/* The names of a certificate; NULL when it has none, or (*out_fault set) none that can be read. */
static GENERAL_NAMES *read_alternative_names(const X509 *certificate,
                                             const struct name_words *words, const char **out_fault)
{
    int critical = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);

    *out_fault = NULL;
    if (names == NULL) {
        /* -1: there is no such extension; else it is broken or stands there twice. */
        *out_fault = critical == -1 ? words->none : words->unreadable;
    }
    return names;
}

/* RFC 5280, 4.2.1.6: the three types are IA5String, which is ASCII. */
static const char *check_alternative(struct slice name, int type, const struct name_words *words)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= 0x20 || name.data[i] >= 0x7f) {
            return words->characters;
        }
    }
    bool is_wildcard =
        type == GEN_DNS && name.size > 0 && memchr(name.data, '*', name.size) != NULL;
    return is_wildcard ? "the certificate's DNS name is a wildcard, which is nobody's name" : NULL;
}

static char *alternative_name(const X509 *certificate, int type, const struct name_words *words,
                              const char **out_fault)
{
    GENERAL_NAMES *names = read_alternative_names(certificate, words, out_fault);
    const ASN1_STRING *found = NULL;
    size_t count = 0;
    char *text = NULL;

    for (size_t i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == type) {
            found = name->d.ia5;
            count++;
        }
    }
    if (count == 1) {
        *out_fault = check_alternative(string_slice(found), type, words);
        text = *out_fault == NULL ? take_name(string_slice(found), words, out_fault) : NULL;
    } else if (names != NULL) {
        *out_fault = count == 0 ? words->none : words->several;
    }
    GENERAL_NAMES_free(names);
    return text;
}

/* --- digits --- */

char *identity_hex(struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * bytes.size + 1);

    for (size_t i = 0; text != NULL && i < bytes.size; i++) {
        text[2 * i] = digits[bytes.data[i] >> 4];
        text[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    if (text != NULL) {
        text[2 * bytes.size] = '\0';
    }
    return text;
}

static char *serial(const X509 *certificate, const char **out_fault)
{
    const ASN1_INTEGER *number = X509_get0_serialNumber(certificate);

    /* Negative numbers would be written like positive ones; RFC 5280 allows neither them nor
     * more than 20 octets. */
    *out_fault = NULL;
    if (ASN1_STRING_type(number) != V_ASN1_INTEGER || ASN1_STRING_length(number) == 0 ||
        ASN1_STRING_length(number) > 20) {
        *out_fault = "the certificate's serial number is not positive, or longer than 20 bytes";
        return NULL;
    }
    return identity_hex(string_slice(number));
}

bool identity_key_id(const X509 *certificate, uint8_t out_id[SECRET_DIGEST_SIZE])
{
    uint8_t *der = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);

    if (size <= 0) {
        return false;
    }
    secret_sha256(slice_of(der, (size_t)size), out_id);
    OPENSSL_free(der);
    return true;
}

static char *key_text(const X509 *certificate)
{
    uint8_t id[SECRET_DIGEST_SIZE];
    return identity_key_id(certificate, id) ? identity_hex(slice_of(id, sizeof id)) : NULL;
}

char *identity_of(const X509 *certificate, enum tls_identity kind, const char *fingerprint,
                  const char **out_fault)
{
    *out_fault = NULL;
    switch (kind) {
    case TLS_IDENTITY_CN:
        return identity_common_name(certificate, out_fault);
    case TLS_IDENTITY_SUBJECT:
        return subject(certificate, out_fault);
    case TLS_IDENTITY_SAN_DNS:
        return alternative_name(certificate, GEN_DNS, &dns_words, out_fault);
    case TLS_IDENTITY_SAN_URI:
        return alternative_name(certificate, GEN_URI, &uri_words, out_fault);
    case TLS_IDENTITY_SAN_EMAIL:
        return alternative_name(certificate, GEN_EMAIL, &email_words, out_fault);
    case TLS_IDENTITY_SERIAL:
        return serial(certificate, out_fault);
    case TLS_IDENTITY_SHA256:
        return slice_to_text(slice_from_text(fingerprint));
    case TLS_IDENTITY_SPKI:
        return key_text(certificate);
    }
    return NULL;
}
