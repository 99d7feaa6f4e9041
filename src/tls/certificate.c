/* A server certificate and its key: read, checked, and ready to be shown. */
#include "context_internal.h"

#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/x509v3.h>

#include "moat/base/clock.h"

#define CERTIFICATE_WARN_DAYS    30
#define CERTIFICATE_RSA_BITS_MIN 2048

static void check_dates(const X509 *leaf, size_t index, struct fault_sink *sink)
{
    int64_t now = clock_wall_seconds();
    int days = 0;
    int seconds = 0;

    /* Clients judge it by their own clocks, so a gate that started before its clock was set
     * serves them all the same. */
    if (!clock_is_set(now)) {
        fault_add(sink, TLS_SETTING_CHAIN, index, true,
                  "this machine's clock is not set, so whether the certificate is valid is not "
                  "known; set the clock");
    } else if (X509_cmp_time_posix(X509_get0_notBefore(leaf), now) > 0) {
        fault_add(sink, TLS_SETTING_CHAIN, index, false,
                  "the certificate is not valid yet; check this machine's clock, or wait");
    } else if (X509_cmp_time_posix(X509_get0_notAfter(leaf), now) < 0) {
        fault_add(sink, TLS_SETTING_CHAIN, index, false,
                  "the certificate has expired; put a renewed one in its place");
    } else if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(leaf)) &&
               days < CERTIFICATE_WARN_DAYS) {
        fault_add(sink, TLS_SETTING_CHAIN, index, true,
                  "the certificate expires in %d days; renew it in time", days);
    }
}

static void check_strength(const EVP_PKEY *key, size_t index, struct fault_sink *sink)
{
    if (EVP_PKEY_id(key) == EVP_PKEY_RSA && EVP_PKEY_bits(key) < CERTIFICATE_RSA_BITS_MIN) {
        fault_add(sink, TLS_SETTING_KEY, index, false,
                  "the RSA key has %d bits; use one of at least %d, or an ECDSA P-256 key",
                  EVP_PKEY_bits(key), CERTIFICATE_RSA_BITS_MIN);
    } else if (EVP_PKEY_id(key) == EVP_PKEY_EC) {
        int curve = EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)));
        /* Any other would load, and then no handshake would find a signature algorithm. */
        if (curve != NID_X9_62_prime256v1 && curve != NID_secp384r1) {
            fault_add(sink, TLS_SETTING_KEY, index, false,
                      "the key is on an elliptic curve that is not used here; use P-256 or P-384");
        }
    }
}

/* In lower case; NULL for what is no name that a client could ask for, or without memory. */
static char *dns_text(const GENERAL_NAME *name)
{
    if (name->type != GEN_DNS) {
        return NULL;
    }
    struct slice bytes = slice_of(ASN1_STRING_get0_data(name->d.dNSName),
                                  (size_t)ASN1_STRING_length(name->d.dNSName));
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] <= 0x20 || bytes.data[i] >= 0x7f) {
            return NULL;
        }
    }
    char *text = slice_to_text(bytes);
    for (char *at = text; at != NULL && *at != '\0'; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20) : *at;
    }
    return text;
}

/* A certificate without such names can still be the default. */
static bool take_names(struct server_certificate *certificate, const X509 *leaf)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    size_t count = names != NULL ? sk_GENERAL_NAME_num(names) : 0;
    size_t taken = 0;

    certificate->names = calloc(count + 1, sizeof *certificate->names);
    for (size_t i = 0; certificate->names != NULL && i < count; i++) {
        char *text = dns_text(sk_GENERAL_NAME_value(names, i));
        if (text != NULL) {
            certificate->names[taken++] = text;
        }
    }
    GENERAL_NAMES_free(names);
    return certificate->names != NULL;
}

static bool take_chain(struct server_certificate *certificate, const struct tls_chain *chain)
{
    size_t count = sk_CRYPTO_BUFFER_num(chain->certificates);

    certificate->chain = calloc(count, sizeof *certificate->chain);
    if (certificate->chain == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        certificate->chain[i] = sk_CRYPTO_BUFFER_value(chain->certificates, i);
        CRYPTO_BUFFER_up_ref(certificate->chain[i]);
    }
    certificate->chain_size = count;
    return true;
}

/* Both files are looked at, so that the faults of both are told. */
static EVP_PKEY *load_key(struct slice pem, size_t index, struct fault_sink *sink)
{
    const char *what = NULL;
    EVP_PKEY *key = material_key(pem, &what);

    if (key == NULL) {
        fault_add(sink, TLS_SETTING_KEY, index, false, "%s", what);
    } else {
        check_strength(key, index, sink);
    }
    return key;
}

bool certificate_load(struct server_certificate *certificate, const struct tls_pair *pair,
                      size_t index, struct fault_sink *sink)
{
    struct tls_chain chain = {.leaf = NULL};
    const char *what = NULL;
    bool is_loaded = material_chain(pair->chain, &chain, &what);

    if (!is_loaded) {
        fault_add(sink, TLS_SETTING_CHAIN, index, false, "%s", what);
    } else {
        check_dates(chain.leaf, index, sink);
    }
    certificate->key = load_key(pair->key, index, sink);
    is_loaded = is_loaded && certificate->key != NULL;
    if (is_loaded && !X509_check_private_key(chain.leaf, certificate->key)) {
        fault_add(sink, TLS_SETTING_KEY, index, false,
                  "this private key is not the certificate's; give the key that the "
                  "certificate was made with");
        is_loaded = false;
    }
    if (is_loaded && (!take_chain(certificate, &chain) || !take_names(certificate, chain.leaf))) {
        fault_add(sink, TLS_SETTING_OTHER, 0, false, "there is not enough memory");
        is_loaded = false;
    }
    material_chain_deinit(&chain);
    return is_loaded;
}

void certificate_deinit(struct server_certificate *certificate)
{
    for (size_t i = 0; i < certificate->chain_size; i++) {
        CRYPTO_BUFFER_free(certificate->chain[i]);
    }
    for (char **name = certificate->names; name != NULL && *name != NULL; name++) {
        free(*name);
    }
    free(certificate->chain);
    free(certificate->names);
    EVP_PKEY_free(certificate->key);
    *certificate = (struct server_certificate){.chain = NULL};
}
