/* Who the client is, as plain text, once the handshake is over. */
#include "context_internal.h"

#include <stdlib.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/pool.h>

#include "moat/base/secret.h"
#include "moat/base/utf8.h"

#define PEER_NAME_MAX 256 /* bytes of an identity; the limit of a user name */

/* Distinguished names as RFC 4514 writes them, everything unprintable escaped. */
static char *name_text(const X509_NAME *name)
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

/* A name is proof only if it can be read in one way. */
static const char *check_name(struct slice name)
{
    if (name.size == 0) {
        return "the certificate's common name is empty";
    }
    if (name.size > PEER_NAME_MAX) {
        return "the certificate's common name is longer than 256 bytes";
    }
    if (utf8_check(name) != UTF8_OK) {
        return "the certificate's common name has a NUL, control or ill-formed characters";
    }
    return NULL;
}

/* The certificate's one common name; NULL and why in *out_fault when it gives none. */
static char *common_name(const X509 *certificate, const char **out_fault)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    uint8_t *utf8 = NULL;
    char *text = NULL;

    if (first < 0) {
        *out_fault = "the certificate has no common name";
        return NULL;
    }
    if (X509_NAME_get_index_by_NID(subject, NID_commonName, first) >= 0) {
        *out_fault = "the certificate has several common names";
        return NULL;
    }
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first));
    int size = ASN1_STRING_to_UTF8(&utf8, value);
    if (size < 0) {
        *out_fault = "the certificate's common name cannot be read";
        return NULL;
    }
    struct slice name = slice_of(utf8, (size_t)size);
    *out_fault = check_name(name);
    if (*out_fault == NULL) {
        text = slice_to_text(name);
    }
    OPENSSL_free(utf8);
    return text;
}

static char *fingerprint_text(const CRYPTO_BUFFER *certificate)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[SECRET_DIGEST_SIZE];
    char *text = malloc(2 * sizeof digest + 1);

    if (text == NULL) {
        return NULL;
    }
    secret_sha256(slice_of(CRYPTO_BUFFER_data(certificate), CRYPTO_BUFFER_len(certificate)),
                  digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[2 * sizeof digest] = '\0';
    return text;
}

int peer_read_certificate(const struct tls_context *context, CRYPTO_BUFFER *bytes,
                          struct tls_peer *peer)
{
    X509 *certificate = X509_parse_from_buffer(bytes);
    if (certificate == NULL) {
        ERR_clear_error();
        return -1;
    }
    peer->has_certificate = true;
    switch (context->identity) {
    case TLS_IDENTITY_CN:
        peer->identity = common_name(certificate, &peer->identity_fault);
        break;
    }
    peer->issuer = name_text(X509_get_issuer_name(certificate));
    peer->fingerprint = fingerprint_text(bytes);
    X509_free(certificate);
    ERR_clear_error();
    bool is_out_of_memory = peer->identity == NULL && peer->identity_fault == NULL;
    return is_out_of_memory || peer->issuer == NULL || peer->fingerprint == NULL ? -1 : 0;
}

int tls_conn_peer(const struct tls_conn *conn, struct tls_peer *out_peer)
{
    struct tls_peer peer = {
        .version = SSL_version(conn->ssl) == TLS1_3_VERSION ? "1.3" : "1.2",
        .cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(conn->ssl)),
        .is_resumed = SSL_session_reused(conn->ssl) != 0,
    };
    const char *sni = SSL_get_servername(conn->ssl, TLSEXT_NAMETYPE_host_name);
    const STACK_OF(CRYPTO_BUFFER) *chain = SSL_get0_peer_certificates(conn->ssl);
    bool is_ok = true;

    if (sni != NULL) {
        peer.sni = slice_to_text(slice_from_text(sni));
        is_ok = peer.sni != NULL;
    }
    if (is_ok && chain != NULL && sk_CRYPTO_BUFFER_num(chain) > 0) {
        is_ok = peer_read_certificate(conn->context, sk_CRYPTO_BUFFER_value(chain, 0), &peer) == 0;
    }
    if (!is_ok) {
        tls_peer_deinit(&peer);
        return -1;
    }
    *out_peer = peer;
    return 0;
}

void tls_peer_deinit(struct tls_peer *peer)
{
    free(peer->sni);
    free(peer->identity);
    free(peer->issuer);
    free(peer->fingerprint);
    *peer = (struct tls_peer){.version = NULL};
}
