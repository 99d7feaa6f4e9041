#include "hand_client.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include <openssl/aead.h>
#include <openssl/bytestring.h>
#include <openssl/curve25519.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include <openssl/pool.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#define OUTPUT_SIZE (80u * 1024)
#define HASH_SIZE   SHA256_DIGEST_LENGTH

enum {
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    CERTIFICATE = 11,
    CERTIFICATE_VERIFY = 15,
    FINISHED = 20,
};

/* Keys of one direction: RFC 8446, 7.3. */
struct direction {
    uint8_t secret[HASH_SIZE];
    EVP_AEAD_CTX aead;
    uint8_t iv[12];
    uint8_t sequence;
};

struct hand {
    const struct hand_client *client;
    struct tls_conn server;
    struct tls_output output;
    enum tls_status status;
    uint8_t private_key[32];
    struct direction ours;
    struct direction theirs;
    size_t transcript_size;
    uint8_t transcript[OUTPUT_SIZE]; /* the handshake's messages so far */
};

/* --- keys: RFC 8446, 7.1 --- */

static void expand_label(const uint8_t secret[HASH_SIZE], const char *label, struct slice context,
                         uint8_t *out, size_t size)
{
    uint8_t info[128];
    size_t label_size = strlen(label) + 6;
    size_t at = 0;
    info[at++] = 0;
    info[at++] = (uint8_t)size;
    info[at++] = (uint8_t)label_size;
    at += (size_t)snprintf((char *)info + at, sizeof info - at, "tls13 %s", label);
    info[at++] = (uint8_t)context.size;
    if (context.size > 0) {
        memcpy(info + at, context.data, context.size);
    }
    cr_assert(HKDF_expand(out, size, EVP_sha256(), secret, HASH_SIZE, info, at + context.size));
}

static void hash(const void *data, size_t size, uint8_t out[HASH_SIZE])
{
    SHA256(data, size, out);
}

static void derive(const uint8_t secret[HASH_SIZE], const char *label, const uint8_t *messages,
                   size_t size, uint8_t out[HASH_SIZE])
{
    uint8_t digest[HASH_SIZE];
    hash(messages, size, digest);
    expand_label(secret, label, slice_of(digest, sizeof digest), out, HASH_SIZE);
}

static void direction_init(struct direction *direction)
{
    uint8_t key[16];
    expand_label(direction->secret, "key", slice_of(NULL, 0), key, sizeof key);
    expand_label(direction->secret, "iv", slice_of(NULL, 0), direction->iv, sizeof direction->iv);
    cr_assert(
        EVP_AEAD_CTX_init(&direction->aead, EVP_aead_aes_128_gcm(), key, sizeof key, 16, NULL));
    direction->sequence = 0;
}

static void make_keys(struct hand *hand, const uint8_t server_share[32])
{
    static const uint8_t zeros[HASH_SIZE];
    uint8_t shared[32];
    uint8_t secret[HASH_SIZE];
    uint8_t salt[HASH_SIZE];
    size_t size = 0;
    cr_assert(X25519(shared, hand->private_key, server_share));
    cr_assert(HKDF_extract(secret, &size, EVP_sha256(), zeros, HASH_SIZE, zeros, HASH_SIZE));
    derive(secret, "derived", NULL, 0, salt);
    cr_assert(HKDF_extract(secret, &size, EVP_sha256(), shared, sizeof shared, salt, HASH_SIZE));
    derive(secret, "c hs traffic", hand->transcript, hand->transcript_size, hand->ours.secret);
    derive(secret, "s hs traffic", hand->transcript, hand->transcript_size, hand->theirs.secret);
    direction_init(&hand->ours);
    direction_init(&hand->theirs);
}

/* Fewer than 256 records are sent either way. */
static void make_nonce(struct direction *direction, uint8_t out[12])
{
    memcpy(out, direction->iv, 12);
    out[11] ^= direction->sequence++;
}

/* --- records --- */

static void give(struct hand *hand, const uint8_t *bytes, size_t size)
{
    if (hand->status != TLS_WANT_INPUT) {
        return; /* it has said its last word */
    }
    cr_assert_eq(tls_conn_give(&hand->server, slice_of(bytes, size)), 0);
    hand->status = tls_conn_handshake(&hand->server);
    cr_assert_eq(tls_conn_keep(&hand->server), 0);
}

static void remember(struct hand *hand, const uint8_t *message, size_t size)
{
    cr_assert_leq(hand->transcript_size + size, sizeof hand->transcript);
    memcpy(hand->transcript + hand->transcript_size, message, size);
    hand->transcript_size += size;
}

static void send_sealed(struct hand *hand, uint8_t type, const uint8_t *plain, size_t size)
{
    uint8_t *inner = malloc(size + 1);
    uint8_t *record = malloc(5 + size + 1 + 16);
    size_t sealed = size + 1 + 16;
    uint8_t nonce[12];
    memcpy(inner, plain, size);
    inner[size] = type;
    memcpy(record, (const uint8_t[]){0x17, 3, 3, (uint8_t)(sealed >> 8), (uint8_t)sealed}, 5);
    make_nonce(&hand->ours, nonce);
    cr_assert(EVP_AEAD_CTX_seal(&hand->ours.aead, record + 5, &sealed, sealed, nonce, 12, inner,
                                size + 1, record, 5));
    give(hand, record, 5 + sealed);
    free(inner);
    free(record);
}

static void send_message(struct hand *hand, uint8_t type, const uint8_t *body, size_t size)
{
    uint8_t *message = malloc(4 + size);
    memcpy(message, (const uint8_t[]){type, 0, (uint8_t)(size >> 8), (uint8_t)size}, 4);
    memcpy(message + 4, body, size);
    send_sealed(hand, SSL3_RT_HANDSHAKE, message, 4 + size);
    remember(hand, message, 4 + size);
    free(message);
}

/* --- hello --- */

static void send_hello(struct hand *hand)
{
    static const uint8_t null_method[] = {0};
    static const uint8_t extensions[] = {
        0, 43, 0, 3,  2, 3,  4,       /* supported_versions: 1.3 */
        0, 10, 0, 4,  0, 2,  0, 0x1d, /* supported_groups: x25519 */
        0, 13, 0, 4,  0, 2,  4, 3,    /* signature_algorithms: ecdsa_secp256r1_sha256 */
        0, 51, 0, 38, 0, 36, 0, 0x1d, 0, 32,
    };
    const struct hand_client *client = hand->client;
    struct slice methods =
        client->compression.data != NULL ? client->compression : slice_of(null_method, 1);
    uint8_t random[32];
    uint8_t public_key[32];
    uint8_t *message = NULL;
    size_t size = 0;
    CBB whole, body, list;

    RAND_bytes(random, sizeof random);
    X25519_keypair(public_key, hand->private_key);
    cr_assert(CBB_init(&whole, 512) && CBB_add_u8(&whole, CLIENT_HELLO) &&
              CBB_add_u24_length_prefixed(&whole, &body) && CBB_add_u16(&body, TLS1_2_VERSION) &&
              CBB_add_bytes(&body, random, sizeof random) && CBB_add_u8(&body, 0) &&
              CBB_add_u16(&body, 2) && CBB_add_u16(&body, 0x1301) &&
              CBB_add_u8_length_prefixed(&body, &list) &&
              CBB_add_bytes(&list, methods.data, methods.size) &&
              CBB_add_u16_length_prefixed(&body, &list) &&
              CBB_add_bytes(&list, extensions, sizeof extensions) &&
              CBB_add_bytes(&list, public_key, sizeof public_key) &&
              CBB_add_bytes(&list, client->more.data, client->more.size) &&
              CBB_finish(&whole, &message, &size));
    remember(hand, message, size);
    uint8_t header[] = {0x16, 3, 1, (uint8_t)(size >> 8), (uint8_t)size};
    give(hand, header, sizeof header);
    give(hand, message, size);
    OPENSSL_free(message);
}

/* Finds the server's share in its ServerHello, or in nothing. */
static bool take_hello(struct hand *hand, CBS *record)
{
    CBS message = *record;
    CBS body, skipped, extensions;
    uint8_t type = 0;
    cr_assert(CBS_get_u8(&message, &type) && type == SERVER_HELLO &&
              CBS_get_u24_length_prefixed(&message, &body) && CBS_skip(&body, 34) &&
              CBS_get_u8_length_prefixed(&body, &skipped) && CBS_skip(&body, 3) &&
              CBS_get_u16_length_prefixed(&body, &extensions));
    remember(hand, CBS_data(record), CBS_len(record));
    while (CBS_len(&extensions) > 0) {
        uint16_t number = 0;
        CBS extension;
        cr_assert(CBS_get_u16(&extensions, &number) &&
                  CBS_get_u16_length_prefixed(&extensions, &extension));
        if (number == TLSEXT_TYPE_key_share) {
            cr_assert_eq(CBS_len(&extension), 4 + 32);
            make_keys(hand, CBS_data(&extension) + 4);
            return true;
        }
    }
    return false;
}

/* Its other messages, of which only the bytes matter. */
static void take_sealed(struct hand *hand, const uint8_t *header, CBS *record)
{
    uint8_t plain[TLS_RECORD_MAX + 256];
    uint8_t nonce[12];
    size_t size = 0;
    make_nonce(&hand->theirs, nonce);
    cr_assert(EVP_AEAD_CTX_open(&hand->theirs.aead, plain, &size, sizeof plain, nonce, 12,
                                CBS_data(record), CBS_len(record), header, 5));
    cr_assert_eq(plain[size - 1], SSL3_RT_HANDSHAKE);
    remember(hand, plain, size - 1);
}

static void take_flight(struct hand *hand)
{
    CBS output;
    CBS_init(&output, hand->output.data, hand->output.size);
    while (CBS_len(&output) > 0) {
        const uint8_t *header = CBS_data(&output);
        CBS record;
        cr_assert(CBS_skip(&output, 3) && CBS_get_u16_length_prefixed(&output, &record));
        if (header[0] == SSL3_RT_HANDSHAKE) {
            cr_assert(take_hello(hand, &record));
        } else if (header[0] == SSL3_RT_APPLICATION_DATA) {
            take_sealed(hand, header, &record);
        } /* else the ChangeCipherSpec that says nothing: RFC 8446, D.4 */
    }
    hand->output.size = 0;
}

/* --- the client's own flight --- */

static void send_certificate(struct hand *hand, X509 *certificate)
{
    CBB body, list, entry;
    uint8_t *bytes = NULL;
    size_t size = 0;
    cr_assert(CBB_init(&body, 512) && CBB_add_u8(&body, 0) &&
              CBB_add_u24_length_prefixed(&body, &list));
    if (certificate != NULL) {
        CRYPTO_BUFFER *der = fixture_bytes(certificate);
        cr_assert(CBB_add_u24_length_prefixed(&list, &entry) &&
                  CBB_add_bytes(&entry, CRYPTO_BUFFER_data(der), CRYPTO_BUFFER_len(der)) &&
                  CBB_add_u16(&list, 0));
        CRYPTO_BUFFER_free(der);
    }
    cr_assert(CBB_finish(&body, &bytes, &size));
    send_message(hand, CERTIFICATE, bytes, size);
    OPENSSL_free(bytes);
}

static void send_verify(struct hand *hand, EVP_PKEY *key)
{
    static const char words[] = "TLS 1.3, client CertificateVerify"; /* its NUL counts */
    uint8_t content[64 + sizeof words + HASH_SIZE];
    uint8_t body[4 + 128] = {4, 3};
    size_t size = sizeof body - 4;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    memset(content, ' ', 64);
    memcpy(content + 64, words, sizeof words);
    hash(hand->transcript, hand->transcript_size, content + 64 + sizeof words);
    cr_assert(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) &&
              EVP_DigestSign(context, body + 4, &size, content, sizeof content));
    body[3] = (uint8_t)size;
    send_message(hand, CERTIFICATE_VERIFY, body, 4 + size);
    EVP_MD_CTX_free(context);
}

static void send_finished(struct hand *hand)
{
    uint8_t key[HASH_SIZE];
    uint8_t digest[HASH_SIZE];
    uint8_t mac[HASH_SIZE];
    unsigned size = 0;
    expand_label(hand->ours.secret, "finished", slice_of(NULL, 0), key, sizeof key);
    hash(hand->transcript, hand->transcript_size, digest);
    cr_assert(HMAC(EVP_sha256(), key, sizeof key, digest, sizeof digest, mac, &size));
    send_message(hand, FINISHED, mac, sizeof mac);
}

static void send_step(struct hand *hand, char step)
{
    switch (step) {
    case 'C':
        send_certificate(hand, hand->client->certificate);
        break;
    case 'E':
        send_certificate(hand, NULL);
        break;
    case 'V':
        send_verify(hand, hand->client->key);
        break;
    case 'W':
        send_verify(hand, hand->client->other_key);
        break;
    case 'F':
        send_finished(hand);
        break;
    case 'D':
        send_sealed(hand, SSL3_RT_APPLICATION_DATA, (const uint8_t *)"x", 1);
        break;
    default:
        cr_assert_fail("no such step");
    }
}

enum tls_status hand_client_visit(const struct tls_context *context,
                                  const struct hand_client *client, const char **out_fault)
{
    struct hand *hand = calloc(1, sizeof *hand);
    hand->client = client;
    hand->status = TLS_WANT_INPUT;
    hand->output = (struct tls_output){.data = malloc(OUTPUT_SIZE), .capacity = OUTPUT_SIZE};
    cr_assert_eq(tls_conn_init(&hand->server, context, &hand->output), 0);
    send_hello(hand);
    if (hand->status == TLS_WANT_INPUT) {
        take_flight(hand);
        if (client->before_flight.size > 0) {
            give(hand, client->before_flight.data, client->before_flight.size);
        }
        for (const char *step = client->flight; *step != '\0'; step++) {
            send_step(hand, *step);
        }
        EVP_AEAD_CTX_cleanup(&hand->ours.aead);
        EVP_AEAD_CTX_cleanup(&hand->theirs.aead);
    }
    enum tls_status status = hand->status;
    *out_fault = status == TLS_FAILED ? tls_conn_fault(&hand->server) : NULL;
    tls_conn_deinit(&hand->server);
    free(hand->output.data);
    free(hand);
    ERR_clear_error();
    return status;
}
