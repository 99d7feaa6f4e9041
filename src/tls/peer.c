/* Who the client is, as plain text, once the handshake is over. */
#include "context_internal.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pool.h>

/* What a CA vouches for. A certificate that is admitted by its key alone may say anything of
 * itself, and its holder can write another at any time, so its key is all it is known by. */
static bool read_names(X509 *certificate, enum tls_identity kind, struct tls_peer *peer)
{
    const char *unused = NULL;
    bool is_pinned = peer->proof.is_pinned;

    peer->kind = is_pinned ? TLS_IDENTITY_SPKI : kind;
    peer->identity = identity_of(certificate, peer->kind, peer->fingerprint, &peer->identity_fault);
    if (peer->identity == NULL && peer->identity_fault == NULL) {
        return false;
    }
    if (is_pinned) {
        return true;
    }
    peer->common_name = identity_common_name(certificate, &unused);
    peer->issuer = identity_name_text(X509_get_issuer_name(certificate));
    return peer->issuer != NULL && (peer->common_name != NULL || unused != NULL);
}

int peer_read_certificate(const struct tls_context *context, CRYPTO_BUFFER *bytes,
                          const struct tls_proof *proof, struct tls_peer *peer)
{
    uint8_t digest[SECRET_DIGEST_SIZE];
    X509 *certificate = X509_parse_from_buffer(bytes);
    if (certificate == NULL) {
        ERR_clear_error();
        return -1;
    }
    peer->has_certificate = true;
    peer->proof = *proof;
    secret_sha256(slice_of(CRYPTO_BUFFER_data(bytes), CRYPTO_BUFFER_len(bytes)), digest);
    peer->fingerprint = identity_hex(slice_of(digest, sizeof digest));
    bool is_read = peer->fingerprint != NULL && read_names(certificate, context->identity, peer);
    X509_free(certificate);
    ERR_clear_error();
    return is_read ? 0 : -1;
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
        is_ok = peer_read_certificate(conn->context, sk_CRYPTO_BUFFER_value(chain, 0), &conn->proof,
                                      &peer) == 0;
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
    free(peer->common_name);
    free(peer->issuer);
    free(peer->fingerprint);
    *peer = (struct tls_peer){.version = NULL};
}

/* Part of what is kept in files, so never to be changed. */
static const char *kind_text(enum tls_identity kind)
{
    switch (kind) {
    case TLS_IDENTITY_CN:
        return "cn";
    case TLS_IDENTITY_SUBJECT:
        return "subject";
    case TLS_IDENTITY_SAN_DNS:
        return "san_dns";
    case TLS_IDENTITY_SAN_URI:
        return "san_uri";
    case TLS_IDENTITY_SAN_EMAIL:
        return "san_email";
    case TLS_IDENTITY_SERIAL:
        return "serial";
    case TLS_IDENTITY_SHA256:
        return "sha256";
    case TLS_IDENTITY_SPKI:
        return "spki";
    }
    return "";
}

bool tls_peer_identity_key(const struct tls_peer *peer, uint8_t out_key[SECRET_DIGEST_SIZE])
{
    if (peer->identity == NULL) {
        return false;
    }
    const struct slice parts[] = {
        slice_from_text(kind_text(peer->kind)),
        slice_from_text(peer->identity),
        slice_of(peer->proof.issuer_id, sizeof peer->proof.issuer_id),
    };
    secret_hmac(slice_from_text("moat certificate identity"), parts, sizeof parts / sizeof parts[0],
                out_key);
    return true;
}
