/* From settings to an SSL_CTX: which versions, which suites, which certificate, who may come. */
#include "context_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/nid.h>

#include "moat/base/clock.h"
#include "moat/base/secret.h"

#define CONTEXT_WARN_DAYS       30
#define CONTEXT_RSA_BITS_MIN    2048
#define CONTEXT_CERT_LIST_MAX   (32 * 1024)   /* bytes of a client's chain */
#define CONTEXT_TICKET_LIFETIME (2 * 60 * 60) /* seconds */

/* Forward secrecy and authenticated encryption only. The client's order decides within a
 * group, since it knows whether it has AES in hardware. TLS 1.3 brings its own three. */
static const char cipher_list[] = "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]:"
                                  "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]:"
                                  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

static const int groups[] = {NID_X25519, NID_X9_62_prime256v1, NID_secp384r1};

static const uint16_t signature_algorithms[] = {
    SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_ED25519,
    SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA256,
    SSL_SIGN_RSA_PSS_RSAE_SHA384,    SSL_SIGN_RSA_PSS_RSAE_SHA512,
    SSL_SIGN_RSA_PKCS1_SHA256,       SSL_SIGN_RSA_PKCS1_SHA384,
    SSL_SIGN_RSA_PKCS1_SHA512,
};

/* Faults as they are found; the caller's array never overflows. */
struct fault_sink {
    struct tls_context_fault *list;
    size_t *count;
    bool has_error;
};

static void add_fault(struct fault_sink *sink, enum tls_setting setting, bool is_warning,
                      const char *format, ...) MOAT_PRINTF(4, 5);

static void add_fault(struct fault_sink *sink, enum tls_setting setting, bool is_warning,
                      const char *format, ...)
{
    va_list arguments;

    sink->has_error = sink->has_error || !is_warning;
    if (*sink->count == TLS_CONTEXT_FAULTS) {
        return;
    }
    struct tls_context_fault *fault = &sink->list[(*sink->count)++];
    fault->setting = setting;
    fault->is_warning = is_warning;
    va_start(arguments, format);
    vsnprintf(fault->what, sizeof fault->what, format, arguments);
    va_end(arguments);
}

/* ALPN: "mqtt" or nothing. A client that asks for something else (a browser lured to
 * this port, say) is refused before it can say a word. */
static int on_alpn(SSL *ssl, const uint8_t **out_protocol, uint8_t *out_size,
                   const uint8_t *offered, unsigned offered_size, void *argument)
{
    static const uint8_t mqtt[] = {4, 'm', 'q', 't', 't'};
    (void)ssl;
    (void)argument;

    for (unsigned at = 0; at < offered_size; at += 1u + offered[at]) {
        if (offered_size - at >= sizeof mqtt && memcmp(offered + at, mqtt, sizeof mqtt) == 0) {
            *out_protocol = mqtt + 1;
            *out_size = sizeof mqtt - 1;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* The highest version of ClientHello, kept for the log: the library's own error does not say. */
static enum ssl_select_cert_result_t on_client_hello(const SSL_CLIENT_HELLO *hello)
{
    struct tls_conn *conn = SSL_get_app_data(hello->ssl);
    const uint8_t *versions = NULL;
    size_t size = 0;

    conn->offered_version = hello->version;
    if (SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_supported_versions, &versions,
                                             &size)) {
        for (size_t at = 1; at + 1 < size; at += 2) {
            uint16_t version = (uint16_t)(versions[at] << 8 | versions[at + 1]);
            bool is_grease = (version & 0x0f0f) == 0x0a0a;
            if (!is_grease && version > conn->offered_version) {
                conn->offered_version = version;
            }
        }
    }
    return ssl_select_cert_success;
}

static enum ssl_verify_result_t on_verify(SSL *ssl, uint8_t *out_alert)
{
    struct tls_conn *conn = SSL_get_app_data(ssl);

    conn->fault = verify_client_chain(conn->context, SSL_get0_peer_certificates(ssl), out_alert);
    return conn->fault == NULL ? ssl_verify_ok : ssl_verify_invalid;
}

static void check_dates(X509 *leaf, struct fault_sink *sink)
{
    int days = 0;
    int seconds = 0;

    if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0) {
        add_fault(sink, TLS_SETTING_CHAIN, false,
                  "the certificate is not valid yet; check this machine's clock, or wait");
    } else if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0) {
        add_fault(sink, TLS_SETTING_CHAIN, false,
                  "the certificate has expired; put a renewed one in its place");
    } else if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(leaf)) &&
               days < CONTEXT_WARN_DAYS) {
        add_fault(sink, TLS_SETTING_CHAIN, true,
                  "the certificate expires in %d days; renew it in time", days);
    }
}

static void check_strength(EVP_PKEY *key, struct fault_sink *sink)
{
    if (EVP_PKEY_id(key) == EVP_PKEY_RSA && EVP_PKEY_bits(key) < CONTEXT_RSA_BITS_MIN) {
        add_fault(sink, TLS_SETTING_KEY, false,
                  "the RSA key has %d bits; use one of at least %d, or an ECDSA P-256 key",
                  EVP_PKEY_bits(key), CONTEXT_RSA_BITS_MIN);
    } else if (EVP_PKEY_id(key) == EVP_PKEY_EC) {
        int curve = EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)));
        /* Any other would load, and then no handshake would find a signature algorithm. */
        if (curve != NID_X9_62_prime256v1 && curve != NID_secp384r1) {
            add_fault(sink, TLS_SETTING_KEY, false,
                      "the key is on an elliptic curve that is not used here; use P-256 or P-384");
        }
    }
}

static void use_chain_and_key(SSL_CTX *ssl_ctx, const struct tls_chain *chain, EVP_PKEY *key,
                              struct fault_sink *sink)
{
    size_t count = sk_CRYPTO_BUFFER_num(chain->certificates);
    CRYPTO_BUFFER **list = calloc(count, sizeof *list);

    for (size_t i = 0; list != NULL && i < count; i++) {
        list[i] = sk_CRYPTO_BUFFER_value(chain->certificates, i);
    }
    if (list == NULL || !SSL_CTX_set_chain_and_key(ssl_ctx, list, count, key, NULL)) {
        add_fault(sink, TLS_SETTING_CHAIN, false,
                  "the certificate and its key are of a kind that cannot be used here; use an "
                  "ECDSA P-256 or RSA pair");
    }
    free(list);
}

static void load_server(SSL_CTX *ssl_ctx, const struct tls_settings *settings,
                        struct fault_sink *sink)
{
    struct tls_chain chain = {.leaf = NULL};
    const char *what = NULL;
    bool has_chain = material_chain(settings->chain, &chain, &what);
    if (!has_chain) {
        add_fault(sink, TLS_SETTING_CHAIN, false, "%s", what);
    } else {
        check_dates(chain.leaf, sink);
    }
    EVP_PKEY *key = material_key(settings->key, &what);
    if (key == NULL) {
        add_fault(sink, TLS_SETTING_KEY, false, "%s", what);
    } else {
        check_strength(key, sink);
    }
    if (has_chain && key != NULL) {
        if (X509_check_private_key(chain.leaf, key)) {
            use_chain_and_key(ssl_ctx, &chain, key, sink);
        } else {
            add_fault(sink, TLS_SETTING_KEY, false,
                      "this private key is not the certificate's; give the key that the "
                      "certificate was made with");
        }
    }
    EVP_PKEY_free(key);
    material_chain_deinit(&chain);
}

static void load_clients(struct tls_context *context, const struct tls_settings *settings,
                         struct fault_sink *sink)
{
    STACK_OF(CRYPTO_BUFFER) *names = NULL;
    const char *what = NULL;

    if (settings->client_certificate == TLS_CLIENT_CERTIFICATE_NONE) {
        return;
    }
    context->client_roots = material_roots(settings->client_ca, &names, &what);
    if (context->client_roots == NULL) {
        add_fault(sink, TLS_SETTING_CLIENT_CA, false, "%s", what);
        return;
    }
    SSL_CTX_set0_client_CAs(context->ssl_ctx, names);
    int mode = SSL_VERIFY_PEER;
    if (settings->client_certificate == TLS_CLIENT_CERTIFICATE_REQUIRED) {
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    SSL_CTX_set_custom_verify(context->ssl_ctx, mode, on_verify);
}

/* Tickets of one listener are worthless on another, and worthless after its CA changed:
 * each context has its own random ticket keys, and this binds what it checks on top. */
static bool bind_sessions(SSL_CTX *ssl_ctx, const struct tls_settings *settings)
{
    uint8_t mode = (uint8_t)settings->client_certificate;
    const struct slice parts[] = {settings->scope, slice_of(&mode, 1), settings->client_ca};
    uint8_t digest[SECRET_DIGEST_SIZE];

    secret_hmac(slice_from_text("moat session scope"), parts, sizeof parts / sizeof parts[0],
                digest);
    return SSL_CTX_set_session_id_context(ssl_ctx, digest, sizeof digest) == 1;
}

static bool set_protocol(SSL_CTX *ssl_ctx, const struct tls_settings *settings)
{
    uint16_t minimum = settings->minimum_version == TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;

    SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ssl_ctx, CONTEXT_TICKET_LIFETIME);
    SSL_CTX_set_session_psk_dhe_timeout(ssl_ctx, CONTEXT_TICKET_LIFETIME);
    SSL_CTX_set_early_data_enabled(ssl_ctx, 0); /* a CONNECT must not be replayable */
    SSL_CTX_set_max_cert_list(ssl_ctx, CONTEXT_CERT_LIST_MAX);
    SSL_CTX_set_alpn_select_cb(ssl_ctx, on_alpn, NULL);
    SSL_CTX_set_select_certificate_cb(ssl_ctx, on_client_hello);
    if (!settings->tickets) {
        SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_TICKET);
    }
    return SSL_CTX_set_min_proto_version(ssl_ctx, minimum) &&
           SSL_CTX_set_max_proto_version(ssl_ctx, TLS1_3_VERSION) &&
           SSL_CTX_set_strict_cipher_list(ssl_ctx, cipher_list) &&
           SSL_CTX_set1_curves(ssl_ctx, groups, sizeof groups / sizeof groups[0]) &&
           SSL_CTX_set_signing_algorithm_prefs(ssl_ctx, signature_algorithms,
                                               sizeof signature_algorithms /
                                                   sizeof signature_algorithms[0]) &&
           SSL_CTX_set_verify_algorithm_prefs(ssl_ctx, signature_algorithms,
                                              sizeof signature_algorithms /
                                                  sizeof signature_algorithms[0]) &&
           SSL_CTX_set_num_tickets(ssl_ctx, settings->tickets ? 1 : 0) &&
           bind_sessions(ssl_ctx, settings);
}

struct tls_context *tls_context_new(const struct tls_settings *settings,
                                    struct tls_context_fault out_faults[TLS_CONTEXT_FAULTS],
                                    size_t *out_fault_count)
{
    struct tls_context *context = calloc(1, sizeof *context);
    struct fault_sink sink = {.list = out_faults, .count = out_fault_count};

    *out_fault_count = 0;
    if (context != NULL) {
        /* Without X.509 objects in the session: the chain stays bytes, shared and small. */
        context->ssl_ctx = SSL_CTX_new(TLS_with_buffers_method());
    }
    if (context == NULL || context->ssl_ctx == NULL || !set_protocol(context->ssl_ctx, settings)) {
        add_fault(&sink, TLS_SETTING_OTHER, false, "the TLS library could not be set up");
    } else {
        context->client_certificate = settings->client_certificate;
        context->identity = settings->identity;
        load_server(context->ssl_ctx, settings, &sink);
        load_clients(context, settings, &sink);
    }
    ERR_clear_error();
    if (sink.has_error) {
        tls_context_free(context);
        return NULL;
    }
    return context;
}

void tls_context_free(struct tls_context *context)
{
    if (context != NULL) {
        SSL_CTX_free(context->ssl_ctx);
        X509_STORE_free(context->client_roots);
        free(context);
    }
}
