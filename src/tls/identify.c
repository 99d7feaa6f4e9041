#include "moat/tls/identify.h"

#include "context_internal.h"

#include "moat/base/clock.h"

static enum tls_identify_status identify_chain(const struct tls_context *context,
                                               const struct tls_chain *chain,
                                               struct tls_peer *out_peer, const char **out_fault)
{
    struct tls_peer peer = {.version = NULL};
    struct tls_proof proof;
    uint8_t alert = 0;

    *out_fault =
        verify_client_chain(context, chain->certificates, clock_wall_seconds(), &proof, &alert);
    if (*out_fault != NULL) {
        return TLS_IDENTIFY_REFUSED;
    }
    if (peer_read_certificate(context, sk_CRYPTO_BUFFER_value(chain->certificates, 0), &proof,
                              &peer) != 0) {
        tls_peer_deinit(&peer);
        *out_fault = "there is not enough memory to read the certificate";
        return TLS_IDENTIFY_UNREADABLE;
    }
    *out_peer = peer;
    return TLS_IDENTIFY_OK;
}

enum tls_identify_status tls_identify(const struct tls_context *context, struct slice pem,
                                      struct tls_peer *out_peer, const char **out_fault)
{
    struct tls_chain chain;
    const char *what = NULL;

    if (!material_chain(pem, &chain, &what)) {
        *out_fault = "there is no sound certificate in PEM format in the file";
        return TLS_IDENTIFY_UNREADABLE;
    }
    enum tls_identify_status status = TLS_IDENTIFY_NOT_ASKED;
    *out_fault = "this listener asks clients for no certificate";
    if (context->client_certificate != TLS_CLIENT_CERTIFICATE_NONE) {
        status = identify_chain(context, &chain, out_peer, out_fault);
    }
    material_chain_deinit(&chain);
    return status;
}
