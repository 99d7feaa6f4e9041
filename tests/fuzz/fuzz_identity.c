/*
 * What a client's certificate says and is worth. First byte: what the rest is: certificates of a
 * client (DER, each behind two bytes of length), certificates or revocation lists in PEM as a
 * configuration names them, or texts of keys.
 *
 * Whatever a certificate is made of, a name that comes of it is text without anything that hides,
 * of bounded length; and no certificate is good that the CA has not signed.
 */
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/stack.h>

#include "fuzz.h"
#include "moat/base/clock.h"
#include "moat/base/utf8.h"
#include "moat/tls/identify.h"
#include "moat/tls/pki.h"
#include "tls/context_internal.h"

#define NAME_MAX_SIZE 256
#define CHAIN_MAX     8

enum what {
    WHAT_CLIENT,
    WHAT_CLIENT_PEM,
    WHAT_CRL,
    WHAT_CA,
    WHAT_PIN,
    WHAT_COUNT,
};

/* A listener whose CA signs clients; the client's own certificate is an input like any other. */
static struct tls_context *context_of(enum tls_identity kind)
{
    static struct tls_context *contexts[TLS_IDENTITY_SPKI + 1];
    static struct pki_pair ca;

    if (ca.certificate == NULL) {
        FUZZ_CHECK(pki_make_ca(clock_wall_seconds(), &ca));
    }
    if (contexts[kind] == NULL) {
        struct tls_context_fault faults[TLS_CONTEXT_FAULTS];
        size_t count = 0;
        const struct tls_settings settings = {
            .client_certificate = TLS_CLIENT_CERTIFICATE_OPTIONAL,
            .client_ca = slice_from_text(ca.certificate),
            .identity = kind,
            .scope = slice_from_text("mqtts"),
        };
        contexts[kind] = tls_context_new(&settings, faults, &count);
        FUZZ_CHECK(contexts[kind] != NULL);
    }
    return contexts[kind];
}

static void check_name(const char *name, size_t size_max)
{
    FUZZ_CHECK(name == NULL || (name[0] != '\0' && strlen(name) <= size_max &&
                                utf8_check(slice_from_text(name)) != UTF8_CONTROL &&
                                utf8_check(slice_from_text(name)) != UTF8_ILL_FORMED));
}

static void check_peer(const struct tls_context *context, CRYPTO_BUFFER *bytes)
{
    struct tls_proof proof = {.is_pinned = false};
    struct tls_peer peer = {.version = NULL};
    uint8_t key[SECRET_DIGEST_SIZE];

    for (int pinned = 0; pinned < 2; pinned++) {
        proof.is_pinned = pinned == 1;
        FUZZ_CHECK(peer_read_certificate(context, bytes, &proof, &peer) == 0);
        FUZZ_CHECK(peer.identity == NULL || peer.identity_fault == NULL);
        check_name(peer.identity, NAME_MAX_SIZE);
        check_name(peer.common_name, NAME_MAX_SIZE);
        check_name(peer.issuer, SIZE_MAX);
        FUZZ_CHECK(!tls_peer_identity_key(&peer, key) || peer.identity != NULL);
        tls_peer_deinit(&peer);
        peer = (struct tls_peer){.version = NULL};
    }
}

static void read_client(struct slice input)
{
    const struct tls_context *context =
        context_of((enum tls_identity)(fuzz_u8(&input) % (TLS_IDENTITY_SPKI + 1)));
    STACK_OF(CRYPTO_BUFFER) *chain = sk_CRYPTO_BUFFER_new_null();
    struct tls_proof proof = {.is_pinned = false};
    uint8_t alert = 0;

    FUZZ_CHECK(chain != NULL);
    while (input.size > 0 && sk_CRYPTO_BUFFER_num(chain) < CHAIN_MAX) {
        struct slice der = fuzz_bytes(&input, fuzz_u16(&input));
        CRYPTO_BUFFER *bytes = CRYPTO_BUFFER_new(der.data, der.size, NULL);
        FUZZ_CHECK(bytes != NULL && sk_CRYPTO_BUFFER_push(chain, bytes) != 0);
    }
    if (sk_CRYPTO_BUFFER_num(chain) > 0) {
        CRYPTO_BUFFER *first = sk_CRYPTO_BUFFER_value(chain, 0);
        const uint8_t *at = CRYPTO_BUFFER_data(first);
        X509 *parsed = d2i_X509(NULL, &at, (long)CRYPTO_BUFFER_len(first));
        if (parsed != NULL && at == CRYPTO_BUFFER_data(first) + CRYPTO_BUFFER_len(first)) {
            check_peer(context, first);
        }
        X509_free(parsed);
        /* Nobody has the key of the CA, which was made a moment ago. */
        FUZZ_CHECK(verify_client_chain(context, chain, clock_wall_seconds(), &proof, &alert) !=
                   NULL);
    }
    ERR_clear_error();
    sk_CRYPTO_BUFFER_pop_free(chain, CRYPTO_BUFFER_free);
}

static void read_client_pem(struct slice input)
{
    const struct tls_context *context = context_of(TLS_IDENTITY_CN);
    struct tls_peer peer;
    const char *fault = NULL;

    FUZZ_CHECK(tls_identify(context, input, &peer, &fault) != TLS_IDENTIFY_OK);
    FUZZ_CHECK(fault != NULL);
}

static void check_faults(const struct tls_context_fault *faults, size_t count, bool is_error)
{
    bool has_error = false;

    FUZZ_CHECK(count <= TLS_CONTEXT_FAULTS);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(memchr(faults[i].what, '\0', sizeof faults[i].what) != NULL);
        FUZZ_CHECK(faults[i].what[0] != '\0');
        has_error = has_error || !faults[i].is_warning;
    }
    FUZZ_CHECK(has_error == is_error || count == TLS_CONTEXT_FAULTS);
}

static void read_crl(struct slice input)
{
    struct tls_context_fault faults[TLS_CONTEXT_FAULTS];
    size_t count = 0;
    struct fault_sink sink = {.list = faults, .count = &count};
    struct tls_crls *crls = crls_new(input, context_of(TLS_IDENTITY_CN)->client_roots, true, &sink);

    check_faults(faults, count, crls == NULL);
    FUZZ_CHECK(sink.has_error == (crls == NULL));
    crls_free(crls);
}

static void read_ca(struct slice input)
{
    struct tls_context_fault faults[TLS_CONTEXT_FAULTS];
    size_t count = 0;
    const struct tls_settings settings = {
        .client_certificate = TLS_CLIENT_CERTIFICATE_REQUIRED,
        .client_ca = input,
        .client_crl = input,
        .ticket_keys = input,
        .tickets = true,
        .scope = slice_from_text("mqtts"),
    };
    struct tls_context *context = tls_context_new(&settings, faults, &count);

    check_faults(faults, count, context == NULL);
    tls_context_free(context);
}

static void read_pin(struct slice input)
{
    uint8_t key[SECRET_DIGEST_SIZE] = {0};
    char *text = slice_to_text(input);

    FUZZ_CHECK(text != NULL);
    if (tls_check_pin(slice_from_text(text)) == NULL) {
        const char *const texts[] = {text};
        struct tls_pins *pins = pins_new(texts, 1);
        FUZZ_CHECK(pins != NULL && pins_bytes(pins).size == sizeof key);
        memcpy(key, pins_bytes(pins).data, sizeof key);
        FUZZ_CHECK(pins_has(pins, key));
        key[0] ^= 1;
        FUZZ_CHECK(!pins_has(pins, key));
        pins_free(pins);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);

    switch ((enum what)(fuzz_u8(&input) % WHAT_COUNT)) {
    case WHAT_CLIENT:
        read_client(input);
        break;
    case WHAT_CLIENT_PEM:
        read_client_pem(input);
        break;
    case WHAT_CRL:
        read_crl(input);
        break;
    case WHAT_CA:
        read_ca(input);
        break;
    case WHAT_PIN:
        read_pin(input);
        break;
    case WHAT_COUNT:
        break;
    }
    FUZZ_CHECK(ERR_peek_error() == 0);
    return 0;
}
