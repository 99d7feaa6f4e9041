/*
 * Which of the CAs we trust has issued a certificate.
 *
 * BoringSSL goes by names and takes the first that fits. Two CAs may bear one name and have
 * different keys, and a CA may have an old and a renewed certificate, so where several fit the
 * signature decides, and among certificates of one key the one that is valid now.
 */
#include "context_internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

static bool has_signed(X509 *issuer, X509 *certificate)
{
    EVP_PKEY *key = X509_get_pubkey(issuer);
    bool is_signer = key != NULL && X509_verify(certificate, key) == 1;
    ERR_clear_error();
    EVP_PKEY_free(key);
    return is_signer;
}

static bool is_valid_now(const X509 *certificate, int64_t now)
{
    return X509_cmp_time_posix(X509_get0_notBefore(certificate), now) < 0 &&
           X509_cmp_time_posix(X509_get0_notAfter(certificate), now) > 0;
}

static X509 *choose(const STACK_OF(X509) * named, X509 *certificate, int64_t now)
{
    bool is_only_one = sk_X509_num(named) == 1;
    X509 *chosen = NULL;

    for (size_t i = 0; i < sk_X509_num(named); i++) {
        X509 *candidate = sk_X509_value(named, i);
        if (X509_check_issued(candidate, certificate) != X509_V_OK ||
            (!is_only_one && !has_signed(candidate, certificate))) {
            continue;
        }
        if (is_valid_now(candidate, now)) {
            return candidate;
        }
        chosen = chosen != NULL ? chosen : candidate;
    }
    return chosen;
}

bool issuer_set_time(X509_STORE_CTX *store, int64_t *now)
{
    return X509_STORE_CTX_set_app_data(store, now) == 1;
}

int issuer_find(X509 **out_issuer, X509_STORE_CTX *store, X509 *certificate)
{
    STACK_OF(X509) *named = X509_STORE_get1_certs(store, X509_get_issuer_name(certificate));
    const int64_t *now = X509_STORE_CTX_get_app_data(store);
    if (named == NULL) {
        return 0;
    }
    X509 *issuer = choose(named, certificate, *now);
    if (issuer != NULL) {
        X509_up_ref(issuer);
        *out_issuer = issuer;
    }
    sk_X509_pop_free(named, X509_free);
    return issuer != NULL;
}
