/*
 * Certificate revocation lists: from a file of several to the answer whether a chain stands.
 *
 * A list counts only for the key that signed it, not for the name it bears. Lists that tell less
 * than everything (deltas, lists for some certificates only) are refused when the file is read,
 * so that at a handshake "not listed" always means "not revoked".
 */
#include "context_internal.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "moat/base/clock.h"

#define CRL_COUNT_MAX 1000u

struct crl {
    X509_CRL *list;
    int64_t from; /* thisUpdate and nextUpdate, seconds since 1970 */
    int64_t until;
    bool is_signer_known; /* its issuer stands in client_ca */
    uint8_t signer[SECRET_DIGEST_SIZE];
};

struct tls_crls {
    bool is_expired_allowed;
    size_t count;
    struct crl *list;
};

/* --- reading --------------------------------------------------------------------------- */

static const char *check_extensions(const X509_CRL *list)
{
    if (X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) >= 0) {
        return "is a delta, which tells only what has changed; put the complete CRL in its place";
    }
    if (X509_CRL_get_ext_by_NID(list, NID_issuing_distribution_point, -1) >= 0) {
        return "covers only some certificates (issuing distribution point); have the CA write a "
               "complete one";
    }
    if (X509_CRL_get_ext_by_critical(list, 1, -1) >= 0) {
        return "has a critical extension that is not known here";
    }
    return NULL;
}

/* An entry's critical extension may say that the entry is about another CA's certificate. */
static const char *check_entries(X509_CRL *list)
{
    const STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(list);

    for (size_t i = 0; entries != NULL && i < sk_X509_REVOKED_num(entries); i++) {
        if (X509_REVOKED_get_ext_by_critical(sk_X509_REVOKED_value(entries, i), 1, -1) >= 0) {
            return "has an entry with a critical extension that is not known here";
        }
    }
    return NULL;
}

static const char *read_times(const X509_CRL *list, struct crl *crl)
{
    const ASN1_TIME *until = X509_CRL_get0_nextUpdate(list);

    crl->until = INT64_MAX; /* a list without an end is good until it is replaced */
    if (!ASN1_TIME_to_posix(X509_CRL_get0_lastUpdate(list), &crl->from) ||
        (until != NULL && !ASN1_TIME_to_posix(until, &crl->until))) {
        return "has a time that cannot be read";
    }
    return NULL;
}

static bool is_named(const X509_CRL *list, const X509 *issuer)
{
    return X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(issuer)) == 0;
}

static bool is_signed_by(X509_CRL *list, X509 *issuer)
{
    EVP_PKEY *key = X509_get_pubkey(issuer);
    bool is_signer = key != NULL && (X509_get_key_usage(issuer) & KU_CRL_SIGN) != 0 &&
                     X509_CRL_verify(list, key) == 1;
    ERR_clear_error();
    EVP_PKEY_free(key);
    return is_signer;
}

/* Looks for the signer among the CAs we trust, so that no handshake has to verify the list. A
 * list of an intermediate CA is verified when that CA's certificate comes. False: there are CAs
 * of that name, and none of them has signed. */
static bool find_signer(struct crl *crl, X509_STORE *roots)
{
    const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(roots);
    bool is_name_known = false;

    for (size_t i = 0; i < sk_X509_OBJECT_num(objects) && !crl->is_signer_known; i++) {
        X509 *issuer = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (issuer != NULL && is_named(crl->list, issuer)) {
            is_name_known = true;
            crl->is_signer_known =
                is_signed_by(crl->list, issuer) && identity_key_id(issuer, crl->signer);
        }
    }
    return crl->is_signer_known || !is_name_known;
}

static void warn(const struct tls_crls *crls, const struct crl *crl, bool is_signer_there,
                 struct fault_sink *sink)
{
    char *name = identity_name_text(X509_CRL_get_issuer(crl->list));
    const char *text = name != NULL ? name : "a CA";
    int64_t now = clock_wall_seconds();

    if (!is_signer_there) {
        fault_add(sink, TLS_SETTING_CLIENT_CRL, 0, true,
                  "the CRL of %.80s is not signed by the CA of that name in client_ca, so it does "
                  "not count; get the right one",
                  text);
    }
    if (crl->until <= now) {
        fault_add(sink, TLS_SETTING_CLIENT_CRL, 0, true,
                  "the CRL of %.80s has expired%s; put a new one in its place", text,
                  crls->is_expired_allowed ? "" : ", so clients of this CA are refused");
    }
    if (crl->from > now && clock_is_set(now)) {
        fault_add(sink, TLS_SETTING_CLIENT_CRL, 0, true,
                  "the CRL of %.80s is not valid yet, so clients of this CA are refused; check "
                  "this machine's clock",
                  text);
    }
    free(name);
}

/* Takes ownership of the list. */
static bool add(struct tls_crls *crls, X509_CRL *list, X509_STORE *roots, struct fault_sink *sink)
{
    struct crl crl = {.list = list};
    struct crl *grown = NULL;
    const char *what = check_extensions(list);

    if (what == NULL) {
        what = check_entries(list);
    }
    if (what == NULL) {
        what = read_times(list, &crl);
    }
    if (what == NULL) {
        grown = crls->count < CRL_COUNT_MAX
                    ? reallocarray(crls->list, crls->count + 1, sizeof *crls->list)
                    : NULL;
        what = grown == NULL ? "is one too many" : NULL;
    }
    if (what != NULL) {
        fault_add(sink, TLS_SETTING_CLIENT_CRL, 0, false, "CRL number %zu in the file %s",
                  crls->count + 1, what);
        X509_CRL_free(list);
        return false;
    }
    bool is_signer_there = find_signer(&crl, roots);
    crls->list = grown;
    crls->list[crls->count++] = crl;
    warn(crls, &crl, is_signer_there, sink);
    return true;
}

/* The next list; NULL at the end (*out_ok stays true) or at a broken one. */
static X509_CRL *next_list(BIO *bio, bool *out_ok)
{
    X509_CRL *list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
    if (list == NULL) {
        uint32_t error = ERR_peek_last_error();
        *out_ok = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    }
    ERR_clear_error();
    return list;
}

struct tls_crls *crls_new(struct slice pem, X509_STORE *roots, bool is_expired_allowed,
                          struct fault_sink *sink)
{
    struct tls_crls *crls = calloc(1, sizeof *crls);
    BIO *bio = pem.size <= INT32_MAX ? BIO_new_mem_buf(pem.data, (ossl_ssize_t)pem.size) : NULL;
    bool is_pem = crls != NULL && bio != NULL;
    bool is_ok = is_pem;
    X509_CRL *list = NULL;

    if (is_ok) {
        crls->is_expired_allowed = is_expired_allowed;
    }
    while (is_ok && (list = next_list(bio, &is_pem)) != NULL) {
        is_ok = add(crls, list, roots, sink);
    }
    BIO_free(bio);
    /* An empty file must never come to mean that nothing is revoked. */
    if (is_ok && (!is_pem || crls->count == 0)) {
        fault_add(sink, TLS_SETTING_CLIENT_CRL, 0, false,
                  "there is %s in it; it must hold the PEM CRLs of the CAs that sign clients",
                  is_pem ? "no CRL" : "a broken CRL");
        is_ok = false;
    }
    if (!is_ok) {
        crls_free(crls);
        return NULL;
    }
    return crls;
}

void crls_free(struct tls_crls *crls)
{
    for (size_t i = 0; crls != NULL && i < crls->count; i++) {
        X509_CRL_free(crls->list[i].list);
    }
    if (crls != NULL) {
        free(crls->list);
    }
    free(crls);
}

/* --- asking ---------------------------------------------------------------------------- */

static bool is_list_of(const struct crl *crl, X509 *issuer,
                       const uint8_t issuer_id[SECRET_DIGEST_SIZE])
{
    if (!is_named(crl->list, issuer)) {
        return false;
    }
    return crl->is_signer_known ? memcmp(crl->signer, issuer_id, SECRET_DIGEST_SIZE) == 0
                                : is_signed_by(crl->list, issuer);
}

/* The newest list of a CA that has come into force; NULL when there is none. */
static const struct crl *find(const struct tls_crls *crls, X509 *issuer, int64_t now)
{
    uint8_t issuer_id[SECRET_DIGEST_SIZE];
    const struct crl *newest = NULL;

    if (!identity_key_id(issuer, issuer_id)) {
        return NULL;
    }
    for (size_t i = 0; i < crls->count; i++) {
        const struct crl *crl = &crls->list[i];
        bool is_newer = newest == NULL || crl->from > newest->from;
        if (crl->from <= now && is_newer && is_list_of(crl, issuer, issuer_id)) {
            newest = crl;
        }
    }
    return newest;
}

const char *crls_check(const struct tls_crls *crls, const STACK_OF(X509) * chain, int64_t now,
                       struct tls_proof *proof, uint8_t *out_alert)
{
    /* The last of the chain is a CA of ours: it stands as long as it is in client_ca. */
    for (size_t i = 0; i + 1 < sk_X509_num(chain); i++) {
        const struct crl *crl = find(crls, sk_X509_value(chain, i + 1), now);
        X509_REVOKED *entry = NULL;
        *out_alert = SSL_AD_CERTIFICATE_UNKNOWN;
        if (crl == NULL) {
            return "client_crl has no CRL of the CA that issued the client's certificate";
        }
        if (X509_CRL_get0_by_serial(crl->list, &entry,
                                    X509_get_serialNumber(sk_X509_value(chain, i))) != 0) {
            *out_alert = SSL_AD_CERTIFICATE_REVOKED;
            return i == 0 ? "the client's certificate has been revoked"
                          : "an issuer of the client's certificate has been revoked";
        }
        if (crl->until <= now && !crls->is_expired_allowed) {
            return "the CRL of the CA that issued the client's certificate has expired";
        }
        proof->is_crl_expired = proof->is_crl_expired || crl->until <= now;
    }
    return NULL;
}
