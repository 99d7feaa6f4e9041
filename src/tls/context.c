/* From settings to an SSL_CTX: which versions, which suites, which certificate, who may come. */
#include "context_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/nid.h>
#include <openssl/pool.h>

#include "moat/base/clock.h"
#include "tickets_internal.h"

#define CONTEXT_CERT_LIST_MAX   (32 * 1024)   /* bytes of a client's chain */
#define CONTEXT_TICKET_LIFETIME (2 * 60 * 60) /* seconds */

/* Forward secrecy and authenticated encryption only, in our order: a client's own list may put the
 * costly first. Its order decides within a group, since it knows whether it has AES in hardware.
 * TLS 1.3 brings its own three. */
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

void fault_add(struct fault_sink *sink, enum tls_setting setting, size_t index, bool is_warning,
               const char *format, ...)
{
    va_list arguments;

    sink->has_error = sink->has_error || !is_warning;
    if (*sink->count == TLS_CONTEXT_FAULTS) {
        return;
    }
    struct tls_context_fault *fault = &sink->list[(*sink->count)++];
    fault->setting = setting;
    fault->index = index;
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

/* The highest version of ClientHello: the library's own error does not say. */
static uint16_t offered_version(const SSL_CLIENT_HELLO *hello)
{
    const uint8_t *versions = NULL;
    size_t size = 0;
    uint16_t highest = hello->version;

    if (SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_supported_versions, &versions,
                                             &size)) {
        for (size_t at = 1; at + 1 < size; at += 2) {
            uint16_t version = (uint16_t)(versions[at] << 8 | versions[at + 1]);
            bool is_grease = (version & 0x0f0f) == 0x0a0a;
            highest = !is_grease && version > highest ? version : highest;
        }
    }
    return highest;
}

static enum ssl_select_cert_result_t on_client_hello(const SSL_CLIENT_HELLO *hello)
{
    struct tls_conn *conn = SSL_get_app_data(hello->ssl);
    const struct tls_context *context = conn->context;

    conn->offered_version = offered_version(hello);
    const struct server_certificate *chosen = select_certificate(context, hello);
    bool is_set =
        chosen == &context->certificates[0] || /* the one that SSL_CTX has */
        SSL_set_chain_and_key(hello->ssl, chosen->chain, chosen->chain_size, chosen->key, NULL);
    return is_set ? ssl_select_cert_success : ssl_select_cert_error;
}

static enum ssl_verify_result_t on_verify(SSL *ssl, uint8_t *out_alert)
{
    struct tls_conn *conn = SSL_get_app_data(ssl);

    conn->fault = verify_client_chain(conn->context, SSL_get0_peer_certificates(ssl),
                                      clock_wall_seconds(), &conn->proof, out_alert);
    conn->proof_alert = conn->fault != NULL ? *out_alert : 0;
    return conn->fault == NULL ? ssl_verify_ok : ssl_verify_invalid;
}

static void load_server(struct tls_context *context, const struct tls_settings *settings,
                        struct fault_sink *sink)
{
    if (settings->certificate_count == 0) {
        return;
    }
    context->certificates = calloc(settings->certificate_count, sizeof *context->certificates);
    if (context->certificates == NULL) {
        fault_add(sink, TLS_SETTING_OTHER, 0, false, "there is not enough memory");
        return;
    }
    context->certificate_count = settings->certificate_count;
    /* Each is set, since only that tells whether it can be; the first of them last, since what
     * was set last is the default. */
    for (size_t i = context->certificate_count; i-- > 0;) {
        struct server_certificate *certificate = &context->certificates[i];
        if (certificate_load(certificate, &settings->certificates[i], i, sink) &&
            !SSL_CTX_set_chain_and_key(context->ssl_ctx, certificate->chain,
                                       certificate->chain_size, certificate->key, NULL)) {
            fault_add(sink, TLS_SETTING_CHAIN, i, false,
                      "the certificate and its key are of a kind that cannot be used here; use "
                      "an ECDSA P-256 or RSA pair");
        }
    }
}

static void load_crls(struct tls_context *context, const struct tls_settings *settings,
                      struct fault_sink *sink)
{
    if (settings->client_crl.data != NULL && context->client_roots != NULL) {
        context->crls = crls_new(settings->client_crl, context->client_roots,
                                 settings->crl_expired == TLS_CRL_EXPIRED_WARN, sink);
    }
}

static void load_roots(struct tls_context *context, const struct tls_settings *settings,
                       struct fault_sink *sink)
{
    STACK_OF(CRYPTO_BUFFER) *names = NULL;
    const char *what = NULL;

    if (settings->client_ca.data == NULL && settings->pin_count > 0) {
        return;
    }
    context->client_roots = material_roots(settings->client_ca, &names, &what);
    if (context->client_roots == NULL) {
        fault_add(sink, TLS_SETTING_CLIENT_CA, 0, false, "%s", what);
        return;
    }
    X509_STORE_set_get_issuer(context->client_roots, issuer_find);
    anchors_check(settings->client_ca, sink);
    if (settings->pin_count > 0) {
        /* A client that is told names keeps a certificate of its own making to itself. */
        sk_CRYPTO_BUFFER_pop_free(names, CRYPTO_BUFFER_free);
    } else {
        SSL_CTX_set0_client_CAs(context->ssl_ctx, names);
    }
}

/* A small machine knows no time until the network has told it. What is done then is never to let
 * anybody in unjudged: see verify_client_chain(). */
static void warn_of_clock(const struct tls_settings *settings, struct fault_sink *sink)
{
    char now[CLOCK_TEXT_SIZE];

    if (!clock_is_set(clock_wall_seconds())) {
        clock_format_now(now);
        fault_add(sink,
                  settings->client_ca.data != NULL ? TLS_SETTING_CLIENT_CA : TLS_SETTING_OTHER, 0,
                  true,
                  "this machine's clock is not set: it says %.4s. Client certificates cannot be "
                  "judged and are refused until it is set; no restart is needed then",
                  now);
    }
}

static void load_clients(struct tls_context *context, const struct tls_settings *settings,
                         struct fault_sink *sink)
{
    if (settings->client_certificate == TLS_CLIENT_CERTIFICATE_NONE) {
        return;
    }
    context->pins = pins_new(settings->pins, settings->pin_count);
    if (context->pins == NULL) {
        fault_add(sink, TLS_SETTING_OTHER, 0, false, "there is not enough memory");
        return;
    }
    warn_of_clock(settings, sink);
    load_roots(context, settings, sink);
    load_crls(context, settings, sink);
    int mode = SSL_VERIFY_PEER;
    if (settings->client_certificate == TLS_CLIENT_CERTIFICATE_REQUIRED) {
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    SSL_CTX_set_custom_verify(context->ssl_ctx, mode, on_verify);
}

/* Tickets of one listener are worthless on another, and worthless after its trust changed, even
 * where both seal with the keys of one file. What may change without that (revocation lists,
 * dates, rules) is judged again for every resumed session. */
static void load_tickets(struct tls_context *context, const struct tls_settings *settings,
                         struct fault_sink *sink)
{
    uint8_t mode = (uint8_t)settings->client_certificate;
    const struct slice parts[] = {settings->scope, slice_of(&mode, 1), settings->client_ca,
                                  pins_bytes(context->pins)};
    uint8_t scope[SECRET_DIGEST_SIZE];
    const char *what = NULL;

    secret_hmac(slice_from_text("moat session scope"), parts, sizeof parts / sizeof parts[0],
                scope);
    if (!SSL_CTX_set_session_id_context(context->ssl_ctx, scope, sizeof scope)) {
        fault_add(sink, TLS_SETTING_OTHER, 0, false, "the TLS library could not be set up");
    }
    if (!settings->tickets) {
        SSL_CTX_set_options(context->ssl_ctx, SSL_OP_NO_TICKET);
        return;
    }
    context->tickets = tickets_new(settings->ticket_keys, scope, clock_monotonic_ms(), &what);
    if (context->tickets == NULL) {
        fault_add(sink, TLS_SETTING_TICKET_KEYS, 0, false, "%s", what);
    }
    tickets_install(context->ssl_ctx);
}

static bool set_protocol(SSL_CTX *ssl_ctx, const struct tls_settings *settings)
{
    bool is_modern =
        settings->profile == TLS_PROFILE_MODERN || settings->minimum_version == TLS_1_3;
    size_t max_record = settings->max_record != 0 ? settings->max_record : TLS_RECORD_MAX;

    SSL_CTX_set_options(ssl_ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ssl_ctx, CONTEXT_TICKET_LIFETIME);
    SSL_CTX_set_session_psk_dhe_timeout(ssl_ctx, CONTEXT_TICKET_LIFETIME);
    SSL_CTX_set_early_data_enabled(ssl_ctx, 0); /* a CONNECT must not be replayable */
    SSL_CTX_set_max_cert_list(ssl_ctx, CONTEXT_CERT_LIST_MAX);
    SSL_CTX_set_alpn_select_cb(ssl_ctx, on_alpn, NULL);
    SSL_CTX_set_select_certificate_cb(ssl_ctx, on_client_hello);
    conn_count_key_updates(ssl_ctx);
    return SSL_CTX_set_min_proto_version(ssl_ctx, is_modern ? TLS1_3_VERSION : TLS1_2_VERSION) &&
           SSL_CTX_set_max_proto_version(ssl_ctx, TLS1_3_VERSION) &&
           SSL_CTX_set_max_send_fragment(ssl_ctx, max_record) &&
           SSL_CTX_set_strict_cipher_list(ssl_ctx, cipher_list) &&
           SSL_CTX_set1_curves(ssl_ctx, groups, sizeof groups / sizeof groups[0]) &&
           SSL_CTX_set_signing_algorithm_prefs(ssl_ctx, signature_algorithms,
                                               sizeof signature_algorithms /
                                                   sizeof signature_algorithms[0]) &&
           SSL_CTX_set_verify_algorithm_prefs(ssl_ctx, signature_algorithms,
                                              sizeof signature_algorithms /
                                                  sizeof signature_algorithms[0]) &&
           SSL_CTX_set_num_tickets(ssl_ctx, settings->tickets ? 1 : 0);
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
        fault_add(&sink, TLS_SETTING_OTHER, 0, false, "the TLS library could not be set up");
    } else {
        context->client_certificate = settings->client_certificate;
        context->identity = settings->identity;
        load_server(context, settings, &sink);
        load_clients(context, settings, &sink);
        load_tickets(context, settings, &sink);
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
    if (context == NULL) {
        return;
    }
    SSL_CTX_free(context->ssl_ctx);
    for (size_t i = 0; i < context->certificate_count; i++) {
        certificate_deinit(&context->certificates[i]);
    }
    free(context->certificates);
    crls_free(context->crls);
    X509_STORE_free(context->client_roots);
    pins_free(context->pins);
    tickets_free(context->tickets);
    free(context);
}
