/* The client of a connection that stands already, judged by another context of its listener. */
#include "context_internal.h"

#include "moat/base/clock.h"

/* What a listener that asks for no certificate knows of the client. */
static int peer_without_certificate(const struct tls_conn *conn, struct tls_peer *out_peer)
{
    struct tls_peer peer;

    if (tls_conn_peer(conn, &peer) != 0) {
        return -1;
    }
    struct tls_peer bare = {
        .version = peer.version, .cipher = peer.cipher, .is_resumed = peer.is_resumed};
    bare.sni = peer.sni;
    peer.sni = NULL;
    tls_peer_deinit(&peer);
    *out_peer = bare;
    return 0;
}

const char *tls_conn_judge_again(struct tls_conn *conn, const struct tls_context *context,
                                 struct tls_peer *out_peer)
{
    static const char no_memory[] = "there was not enough memory to judge the client again";
    const STACK_OF(CRYPTO_BUFFER) *chain = SSL_get0_peer_certificates(conn->ssl);
    bool has_chain = chain != NULL && sk_CRYPTO_BUFFER_num(chain) > 0;
    uint8_t alert = 0;

    if (context->client_certificate == TLS_CLIENT_CERTIFICATE_NONE) {
        if (peer_without_certificate(conn, out_peer) != 0) {
            return no_memory;
        }
        conn->context = context;
        return NULL;
    }
    if (has_chain || context->client_certificate == TLS_CLIENT_CERTIFICATE_REQUIRED) {
        struct tls_proof proof = {.is_pinned = false};
        const char *what =
            verify_client_chain(context, chain, clock_wall_seconds(), &proof, &alert);
        if (what != NULL) {
            return what;
        }
        conn->proof = proof;
    }
    /* From here on the old context may go: the identity is read as the new one says. */
    conn->context = context;
    return tls_conn_peer(conn, out_peer) == 0 ? NULL : no_memory;
}
