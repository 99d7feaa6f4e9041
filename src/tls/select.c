/*
 * Which certificate to show: one whose name the client asked for and whose kind it can verify.
 *
 * BoringSSL calls this before any work with keys. What a client can verify is read from the same
 * lists that BoringSSL goes by afterwards: the signature algorithms it names and, in TLS 1.2, its
 * cipher suites and curves.
 */
#include "context_internal.h"

#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/nid.h>

#define LIST_MAX 6

/* What a client must name to be able to verify a kind of key. Lists end with 0. */
struct kind {
    int type;       /* EVP_PKEY_... */
    int curve;      /* NID, of ECDSA keys */
    uint16_t group; /* of that curve in TLS; 0 for other keys */
    uint16_t signatures_1_3[LIST_MAX + 1];
    uint16_t signatures_1_2[LIST_MAX + 1];
    uint16_t suites_1_2[LIST_MAX + 1];
};

#define ECDSA_SUITES                                                                               \
    {                                                                                              \
        0xc02b, 0xcca9, 0xc02c                                                                     \
    }
#define RSA_SUITES                                                                                 \
    {                                                                                              \
        0xc02f, 0xcca8, 0xc030                                                                     \
    }
#define PSS   SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA512
#define PKCS1 SSL_SIGN_RSA_PKCS1_SHA256, SSL_SIGN_RSA_PKCS1_SHA384, SSL_SIGN_RSA_PKCS1_SHA512
#define ECDSA SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_ECDSA_SECP384R1_SHA384

static const struct kind kinds[] = {
    {EVP_PKEY_EC,
     NID_X9_62_prime256v1,
     SSL_CURVE_SECP256R1,
     {SSL_SIGN_ECDSA_SECP256R1_SHA256},
     {ECDSA},
     ECDSA_SUITES},
    {EVP_PKEY_EC,
     NID_secp384r1,
     SSL_CURVE_SECP384R1,
     {SSL_SIGN_ECDSA_SECP384R1_SHA384},
     {ECDSA},
     ECDSA_SUITES},
    {EVP_PKEY_ED25519, NID_undef, 0, {SSL_SIGN_ED25519}, {SSL_SIGN_ED25519}, ECDSA_SUITES},
    {EVP_PKEY_RSA, NID_undef, 0, {PSS}, {PSS, PKCS1}, RSA_SUITES},
};

static const struct kind *kind_of(const EVP_PKEY *key)
{
    int type = EVP_PKEY_id(key);
    int curve = NID_undef;

    if (type == EVP_PKEY_EC) {
        curve = EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)));
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].type == type && kinds[i].curve == curve) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* True when one of the wanted numbers stands in a list of 16-bit numbers. */
static bool has_one(CBS list, const uint16_t *wanted)
{
    uint16_t number = 0;

    while (CBS_get_u16(&list, &number)) {
        for (const uint16_t *at = wanted; *at != 0; at++) {
            if (*at == number) {
                return true;
            }
        }
    }
    return false;
}

/* The list in an extension that is nothing else; false when the client did not send it. */
static bool find_list(const SSL_CLIENT_HELLO *hello, uint16_t extension, CBS *out_list)
{
    const uint8_t *bytes = NULL;
    size_t size = 0;
    CBS whole;

    if (!SSL_early_callback_ctx_extension_get(hello, extension, &bytes, &size)) {
        return false;
    }
    CBS_init(&whole, bytes, size);
    return CBS_get_u16_length_prefixed(&whole, out_list);
}

static bool can_verify(const SSL_CLIENT_HELLO *hello, const EVP_PKEY *key)
{
    const struct tls_conn *conn = SSL_get_app_data(hello->ssl);
    const struct kind *kind = kind_of(key);
    CBS signatures;
    CBS groups;
    CBS suites;

    if (kind == NULL || !find_list(hello, TLSEXT_TYPE_signature_algorithms, &signatures)) {
        return false;
    }
    if (conn->offered_version >= TLS1_3_VERSION) {
        return has_one(signatures, kind->signatures_1_3);
    }
    const uint16_t wanted_groups[] = {kind->group, 0};
    if (kind->group != 0 && find_list(hello, TLSEXT_TYPE_supported_groups, &groups) &&
        !has_one(groups, wanted_groups)) {
        return false;
    }
    CBS_init(&suites, hello->cipher_suites, hello->cipher_suites_len);
    return has_one(suites, kind->suites_1_2) && has_one(signatures, kind->signatures_1_2);
}

/* --- names ----------------------------------------------------------------------------- */

/* `pattern` is in lower case; names of clients come as they are. */
static bool is_same(const char *pattern, const char *name)
{
    for (; *pattern != '\0' && *name != '\0'; pattern++, name++) {
        char lower = *name >= 'A' && *name <= 'Z' ? (char)(*name | 0x20) : *name;
        if (*pattern != lower) {
            return false;
        }
    }
    return *pattern == *name;
}

/* RFC 6125, 6.4.3: a star stands for one whole label, the first. */
enum select_match select_match_name(const char *pattern, const char *name)
{
    if (strncmp(pattern, "*.", 2) != 0) {
        return is_same(pattern, name) ? SELECT_EXACT : SELECT_NONE;
    }
    const char *dot = strchr(name, '.');
    bool has_label = dot != NULL && dot != name;
    return has_label && is_same(pattern + 1, dot) ? SELECT_WILDCARD : SELECT_NONE;
}

static enum select_match match_names(const struct server_certificate *certificate, const char *name)
{
    enum select_match best = SELECT_NONE;

    for (char **own = certificate->names; name != NULL && *own != NULL; own++) {
        enum select_match match = select_match_name(*own, name);
        best = match > best ? match : best;
    }
    return best;
}

/* The first in the file that the client can verify, among those that fit the name best; a client
 * that asks for no name, or for one nobody has, can take any. */
const struct server_certificate *select_certificate(const struct tls_context *context,
                                                    const SSL_CLIENT_HELLO *hello)
{
    const char *name = SSL_get_servername(hello->ssl, TLSEXT_NAMETYPE_host_name);
    const struct server_certificate *best = NULL;
    enum select_match best_match = SELECT_NONE;

    for (size_t i = 0; i < context->certificate_count; i++) {
        const struct server_certificate *certificate = &context->certificates[i];
        enum select_match match = match_names(certificate, name);
        if ((best == NULL || match > best_match) && can_verify(hello, certificate->key)) {
            best = certificate;
            best_match = match;
        }
    }
    return best != NULL ? best : &context->certificates[0];
}
