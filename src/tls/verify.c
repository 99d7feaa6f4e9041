/*
 * Is this chain good for client authentication, now?
 *
 * One function serves full handshakes and resumed ones. BoringSSL does not look at a
 * client's certificate again when a session is resumed, so we do.
 */
#include "context_internal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>
#include <openssl/x509v3.h>

#include "moat/base/clock.h"

/* Certificates above a client's own: at most three intermediates, then a CA of ours. */
#define VERIFY_DEPTH_MAX 4
#define VERIFY_CHAIN_MAX 8 /* certificates a client may send */

static const char no_memory[] = "there was not enough memory to verify a certificate";
static const char unreadable[] = "a certificate in the client's chain cannot be read";

static const struct {
    int error;
    uint8_t alert;
    const char *what;
} verify_faults[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, SSL_AD_CERTIFICATE_EXPIRED,
     "the client's certificate, or one of its issuers, has expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, SSL_AD_CERTIFICATE_EXPIRED, /* RFC 8446, 6.2: or not yet */
     "the client's certificate is not valid yet; check the clocks"},
    {X509_V_ERR_INVALID_PURPOSE, SSL_AD_UNSUPPORTED_CERTIFICATE,
     "the client's certificate is not made for client authentication"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, SSL_AD_BAD_CERTIFICATE,
     "a signature in the client's certificate chain is wrong"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, SSL_AD_BAD_CERTIFICATE,
     "the client's certificate chain is too long"},
    {X509_V_ERR_INVALID_CA, SSL_AD_UNKNOWN_CA,
     "a certificate in the client's chain is not a CA's but has signed another"},
};

static const char *fault_of(int error, uint8_t *out_alert)
{
    for (size_t i = 0; i < sizeof verify_faults / sizeof verify_faults[0]; i++) {
        if (verify_faults[i].error == error) {
            *out_alert = verify_faults[i].alert;
            return verify_faults[i].what;
        }
    }
    *out_alert = SSL_AD_UNKNOWN_CA;
    return "the client's certificate is not from a CA that this listener trusts";
}

/* Parses what the client sent; the stack owns the certificates. What is too much or too weak ends
 * here, before any signature is verified. */
static STACK_OF(X509) * parse_chain(const STACK_OF(CRYPTO_BUFFER) * chain, const char **out_what)
{
    size_t count = sk_CRYPTO_BUFFER_num(chain);
    if (count > VERIFY_CHAIN_MAX) {
        *out_what = "the client's certificate chain is too long";
        return NULL;
    }
    STACK_OF(X509) *parsed = sk_X509_new_null();
    *out_what = unreadable;
    for (size_t i = 0; parsed != NULL && i < count; i++) {
        X509 *certificate = X509_parse_from_buffer(sk_CRYPTO_BUFFER_value(chain, i));
        const char *what = certificate != NULL ? strength_check_key(certificate) : *out_what;
        if (what == NULL) {
            what = strength_check_signature(certificate);
        }
        if (what == NULL && sk_X509_push(parsed, certificate)) {
            continue;
        }
        *out_what = what != NULL ? what : *out_what;
        X509_free(certificate);
        sk_X509_pop_free(parsed, X509_free);
        return NULL;
    }
    return parsed;
}

/* The earliest end of validity in a chain; false for a time that cannot be read. */
static bool find_end(const STACK_OF(X509) * chain, int64_t *out_end)
{
    int64_t earliest = INT64_MAX;

    for (size_t i = 0; i < sk_X509_num(chain); i++) {
        int64_t end = 0;
        if (!ASN1_TIME_to_posix(X509_get0_notAfter(sk_X509_value(chain, i)), &end)) {
            return false;
        }
        earliest = end < earliest ? end : earliest;
    }
    *out_end = earliest;
    return true;
}

/* The leaf's issuer is the next of the chain, or the leaf itself where it is trusted as it is. */
static const char *prove(const STACK_OF(X509) * chain, struct tls_proof *out_proof)
{
    struct tls_proof proof = {.is_pinned = false};
    const X509 *issuer = sk_X509_value(chain, sk_X509_num(chain) > 1 ? 1 : 0);

    if (!identity_key_id(issuer, proof.issuer_id) || !find_end(chain, &proof.not_after)) {
        return no_memory;
    }
    *out_proof = proof;
    return NULL;
}

/* What a chain came to: whether a CA of ours vouches for it, and why not. */
struct outcome {
    const char *fault; /* NULL: it is good */
    uint8_t alert;
    bool is_vouched_for; /* the chain itself holds, revoked or not */
};

static struct outcome verify_by_ca(const struct tls_context *context, STACK_OF(X509) * parsed,
                                   int64_t now, struct tls_proof *out_proof)
{
    struct outcome outcome = {.fault = no_memory, .alert = SSL_AD_INTERNAL_ERROR};
    X509_STORE_CTX *store = X509_STORE_CTX_new();

    if (store != NULL &&
        X509_STORE_CTX_init(store, context->client_roots, sk_X509_value(parsed, 0), parsed) &&
        issuer_set_time(store, &now)) {
        X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(store);
        X509_VERIFY_PARAM_set_depth(parameters, VERIFY_DEPTH_MAX);
        X509_VERIFY_PARAM_set_time_posix(parameters, now);
        /* The purpose brings the check of (extended) key usage. */
        if (!X509_STORE_CTX_set_default(store, "ssl_client")) {
            outcome.fault = no_memory;
        } else if (X509_verify_cert(store) == 1) {
            const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
            outcome.is_vouched_for = true;
            outcome.fault = prove(chain, out_proof);
            if (outcome.fault == NULL && context->crls != NULL) {
                outcome.fault = crls_check(context->crls, chain, now, out_proof, &outcome.alert);
            }
        } else {
            outcome.fault = fault_of(X509_STORE_CTX_get_error(store), &outcome.alert);
        }
    }
    X509_STORE_CTX_free(store);
    return outcome;
}

/* The key is known to be good. Of the rest only what limits the certificate's use counts, since
 * nobody vouches for it. */
static struct outcome verify_by_pin(X509 *leaf, const uint8_t key_id[SECRET_DIGEST_SIZE],
                                    int64_t now, struct tls_proof *out_proof)
{
    struct tls_proof proof = {.is_pinned = true};
    int error = X509_V_OK;
    uint8_t alert = SSL_AD_BAD_CERTIFICATE;

    if ((X509_get_extension_flags(leaf) & (EXFLAG_INVALID | EXFLAG_CRITICAL)) != 0 ||
        !ASN1_TIME_to_posix(X509_get0_notAfter(leaf), &proof.not_after)) {
        return (struct outcome){.fault = unreadable, .alert = alert};
    }
    if (X509_cmp_time_posix(X509_get0_notBefore(leaf), now) > 0) {
        error = X509_V_ERR_CERT_NOT_YET_VALID;
    } else if (proof.not_after <= now) {
        error = X509_V_ERR_CERT_HAS_EXPIRED;
    } else if (X509_check_purpose(leaf, X509_PURPOSE_SSL_CLIENT, 0) != 1) {
        error = X509_V_ERR_INVALID_PURPOSE;
    }
    if (error != X509_V_OK) {
        const char *what = fault_of(error, &alert);
        return (struct outcome){.fault = what, .alert = alert};
    }
    memcpy(proof.issuer_id, key_id, sizeof proof.issuer_id);
    *out_proof = proof;
    return (struct outcome){.fault = NULL};
}

/* A CA's word comes first, also that a certificate was revoked: a pin helps only a certificate
 * that no CA of ours vouches for. */
static struct outcome verify_parsed(const struct tls_context *context, STACK_OF(X509) * parsed,
                                    int64_t now, struct tls_proof *out_proof)
{
    struct outcome outcome = {
        .fault = "the public key of the client's certificate is none of those in spki_pins",
        .alert = SSL_AD_UNKNOWN_CA,
    };
    uint8_t key_id[SECRET_DIGEST_SIZE];
    X509 *leaf = sk_X509_value(parsed, 0);

    if (context->client_roots != NULL) {
        outcome = verify_by_ca(context, parsed, now, out_proof);
    }
    if (outcome.fault != NULL && !outcome.is_vouched_for && identity_key_id(leaf, key_id) &&
        pins_has(context->pins, key_id)) {
        outcome = verify_by_pin(leaf, key_id, now, out_proof);
    }
    return outcome;
}

const char *verify_client_chain(const struct tls_context *context,
                                const STACK_OF(CRYPTO_BUFFER) * chain, int64_t now,
                                struct tls_proof *out_proof, uint8_t *out_alert)
{
    const char *what = NULL;

    *out_alert = SSL_AD_CERTIFICATE_REQUIRED;
    if (chain == NULL || sk_CRYPTO_BUFFER_num(chain) == 0) {
        return "the client presents no certificate";
    }
    /* In 1970 every certificate that has expired since is still good, and nothing is revoked yet.
     * The fault is ours, so the alert does not blame the client's certificate. */
    if (!clock_is_set(now)) {
        *out_alert = SSL_AD_INTERNAL_ERROR;
        return "this machine's clock is not set, so that no client certificate can be judged; set "
               "the clock";
    }
    *out_alert = SSL_AD_BAD_CERTIFICATE;
    STACK_OF(X509) *parsed = parse_chain(chain, &what);
    if (parsed != NULL) {
        struct outcome outcome = verify_parsed(context, parsed, now, out_proof);
        what = outcome.fault;
        *out_alert = outcome.alert;
        sk_X509_pop_free(parsed, X509_free);
    }
    ERR_clear_error();
    return what;
}
