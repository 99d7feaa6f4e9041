/*
 * What is foreseeable about the authorities that clients are trusted through. Nothing here refuses:
 * verification does that, when a client comes. A warning comes in time for somebody to act.
 */
#include "context_internal.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "moat/base/clock.h"

#define ANCHORS_WARN_DAYS    30
#define ANCHORS_RSA_BITS_MIN 2048

/* Why clients of this authority are refused, or NULL; *out_days is written when that will come
 * about within ANCHORS_WARN_DAYS. */
static const char *find_trouble(X509 *certificate, int *out_days)
{
    int64_t now = clock_wall_seconds();
    int days = 0;
    int seconds = 0;

    if (X509_cmp_time_posix(X509_get0_notAfter(certificate), now) < 0) {
        return "has expired, so that its clients are refused; put a renewed one in its place";
    }
    if (clock_is_set(now) && X509_cmp_time_posix(X509_get0_notBefore(certificate), now) > 0) {
        return "is not valid yet, so that its clients are refused; check this machine's clock";
    }
    if (X509_check_ca(certificate) == 0) {
        return "is not the certificate of an authority, so that no client is let in by it; put "
               "that of its issuer in its place";
    }
    if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) &&
        days < ANCHORS_WARN_DAYS) {
        *out_days = days;
    }
    return NULL;
}

static bool has_weak_key(X509 *certificate)
{
    EVP_PKEY *key = X509_get_pubkey(certificate);
    bool is_weak = key != NULL && EVP_PKEY_id(key) == EVP_PKEY_RSA &&
                   EVP_PKEY_bits(key) < ANCHORS_RSA_BITS_MIN;

    EVP_PKEY_free(key);
    return is_weak;
}

/* An authority that renewed its certificate may stand in the file twice. */
static bool is_same_authority(X509 *a, X509 *b)
{
    EVP_PKEY *key = X509_get_pubkey(a);
    EVP_PKEY *other = X509_get_pubkey(b);
    bool is_same = key != NULL && other != NULL && EVP_PKEY_cmp(key, other) == 1 &&
                   X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)) == 0;

    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    return is_same;
}

static bool has_successor(const STACK_OF(X509) * all, X509 *certificate)
{
    for (size_t i = 0; i < sk_X509_num(all); i++) {
        X509 *other = sk_X509_value(all, i);
        int days = -1;
        if (is_same_authority(certificate, other) && find_trouble(other, &days) == NULL &&
            days < 0) {
            return true;
        }
    }
    return false;
}

/* --- whether a chain can end there --- */

static bool is_root(X509 *certificate)
{
    return X509_check_issued(certificate, certificate) == X509_V_OK;
}

/* The certificate that issued this one, a root before others; NULL when it is not there. */
static X509 *find_issuer(const STACK_OF(X509) * all, X509 *certificate)
{
    X509 *found = NULL;

    for (size_t i = 0; i < sk_X509_num(all); i++) {
        X509 *other = sk_X509_value(all, i);
        if (X509_check_issued(other, certificate) != X509_V_OK) {
            continue;
        }
        if (is_root(other)) {
            return other;
        }
        found = other;
    }
    return found;
}

/* The last certificate on the way up from this one. Verification asks for a root there: a chain
 * that ends at an intermediate one is refused. */
static X509 *find_top(const STACK_OF(X509) * all, X509 *certificate)
{
    X509 *top = certificate;

    for (size_t steps = sk_X509_num(all); steps > 0 && !is_root(top); steps--) {
        X509 *issuer = find_issuer(all, top);
        if (issuer == NULL) {
            break;
        }
        top = issuer;
    }
    return top;
}

static void warn_of_missing_root(const STACK_OF(X509) * all, X509 *certificate, const char *name,
                                 struct fault_sink *sink)
{
    X509 *top = find_top(all, certificate);

    if (is_root(top) || X509_check_ca(certificate) == 0) {
        return;
    }
    char *issuer = identity_name_text(X509_get_issuer_name(top));
    const char *missing = issuer != NULL ? issuer : "its issuer";
    fault_add(sink, TLS_SETTING_CLIENT_CA, 0, true,
              "%.100s is an intermediate authority and the root above it, %.100s, is not in the "
              "file, so that its clients are refused; add the certificate of %.100s",
              name, missing, missing);
    free(issuer);
}

/* --- all of it --- */

static void warn_of(const STACK_OF(X509) * all, X509 *certificate, const char *name,
                    struct fault_sink *sink)
{
    int days = -1;
    const char *trouble = find_trouble(certificate, &days);

    if (has_weak_key(certificate)) {
        fault_add(sink, TLS_SETTING_CLIENT_CA, 0, true,
                  "%.100s has a key that can be broken, by which anybody becomes its client; "
                  "replace it by one with an ECDSA P-256 key",
                  name);
    }
    warn_of_missing_root(all, certificate, name, sink);
    if ((trouble == NULL && days < 0) || has_successor(all, certificate)) {
        return;
    }
    if (trouble != NULL) {
        fault_add(sink, TLS_SETTING_CLIENT_CA, 0, true, "%.100s %s", name, trouble);
    } else {
        fault_add(sink, TLS_SETTING_CLIENT_CA, 0, true,
                  "%.100s expires in %d days, and from then on its clients are refused; renew it "
                  "in time",
                  name, days);
    }
}

static STACK_OF(X509) * read_all(struct slice pem)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    BIO *bio = pem.size <= INT32_MAX ? BIO_new_mem_buf(pem.data, (ossl_ssize_t)pem.size) : NULL;
    X509 *certificate = NULL;

    while (all != NULL && bio != NULL &&
           (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (!sk_X509_push(all, certificate)) {
            X509_free(certificate);
            break;
        }
    }
    BIO_free(bio);
    ERR_clear_error();
    return all;
}

void anchors_check(struct slice pem, struct fault_sink *sink)
{
    STACK_OF(X509) *all = read_all(pem);

    for (size_t i = 0; all != NULL && i < sk_X509_num(all); i++) {
        char *name = identity_name_text(X509_get_subject_name(sk_X509_value(all, i)));
        warn_of(all, sk_X509_value(all, i), name != NULL ? name : "an authority", sink);
        free(name);
    }
    sk_X509_pop_free(all, X509_free);
}
