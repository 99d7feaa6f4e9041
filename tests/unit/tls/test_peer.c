#include "base/whole_test.h"
#include "wire.h"

#include "moat/base/secret.h"

#include <stdlib.h>

#include <openssl/asn1.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pool.h>

static struct fixture fixture;
static struct tls_context *context;

static void set_up(void)
{
    fixture_init(&fixture);
    struct tls_settings settings = wire_settings(&fixture);
    settings.client_certificate = TLS_CLIENT_CERTIFICATE_OPTIONAL;
    context = wire_context(&settings);
}

static void tear_down(void)
{
    tls_context_free(context);
    fixture_deinit(&fixture);
    cr_expect_eq(ERR_peek_error(), 0, "an error was left for the next caller");
}

#define TEST(name) WHOLE_TEST(peer, name, set_up, tear_down)

/* The peer of a handshake with these bytes as certificate. False when it failed. */
static bool meet(CRYPTO_BUFFER *bytes, const char *sni, struct tls_peer *out_peer)
{
    struct wire wire;
    SSL_CTX *client = wire_client_context(TLS1_2_VERSION, TLS1_3_VERSION);
    if (bytes != NULL) {
        cr_assert(SSL_CTX_set_chain_and_key(client, &bytes, 1, fixture.client_key, NULL));
    }
    wire_init(&wire, context, client);
    if (sni != NULL) {
        cr_assert(SSL_set_tlsext_host_name(wire.client, sni));
    }
    wire_handshake(&wire);
    bool is_ok = wire.status == TLS_OK;
    if (is_ok) {
        cr_assert_eq(tls_conn_peer(&wire.server, out_peer), 0);
    } else {
        cr_expect_not_null(strstr(tls_conn_fault(&wire.server), "cannot be read"), "%s",
                           tls_conn_fault(&wire.server));
    }
    wire_deinit(&wire);
    SSL_CTX_free(client);
    CRYPTO_BUFFER_free(bytes);
    return is_ok;
}

static CRYPTO_BUFFER *bytes_of(const struct fixture_spec *spec)
{
    X509 *certificate = fixture_certificate(spec);
    CRYPTO_BUFFER *bytes = fixture_bytes(certificate);
    X509_free(certificate);
    return bytes;
}

static void expect_identity(const struct fixture_spec *spec, const char *identity)
{
    struct tls_peer peer;
    cr_assert(meet(bytes_of(spec), NULL, &peer));
    cr_expect(peer.has_certificate);
    cr_assert_not_null(peer.identity, "%s", peer.identity_fault);
    cr_expect_str_eq(peer.identity, identity);
    cr_expect_null(peer.identity_fault);
    tls_peer_deinit(&peer);
}

static void expect_none(const struct fixture_spec *spec, const char *part)
{
    struct tls_peer peer;
    cr_assert(meet(bytes_of(spec), NULL, &peer));
    cr_expect(peer.has_certificate);
    cr_expect_null(peer.identity, "%s, instead of: %s", peer.identity, part);
    cr_assert_not_null(peer.identity_fault);
    cr_expect_not_null(strstr(peer.identity_fault, part), "%s", peer.identity_fault);
    tls_peer_deinit(&peer);
}

TEST(without_a_certificate)
{
    struct tls_peer peer;
    cr_assert(meet(NULL, NULL, &peer));
    cr_expect_str_eq(peer.version, "1.3");
    cr_expect_eq(strncmp(peer.cipher, "TLS_", 4), 0, "%s", peer.cipher);
    cr_expect_not(peer.is_resumed);
    cr_expect_not(peer.has_certificate);
    cr_expect_null(peer.sni);
    cr_expect_null(peer.identity);
    cr_expect_null(peer.identity_fault);
    cr_expect_null(peer.issuer);
    cr_expect_null(peer.fingerprint);
    tls_peer_deinit(&peer);
}

TEST(everything_that_a_certificate_tells)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    CRYPTO_BUFFER *bytes = bytes_of(&spec);
    uint8_t digest[SECRET_DIGEST_SIZE];
    char hex[2 * SECRET_DIGEST_SIZE + 1];
    struct tls_peer peer;

    secret_sha256(slice_of(CRYPTO_BUFFER_data(bytes), CRYPTO_BUFFER_len(bytes)), digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    cr_assert(meet(bytes, "gate.example", &peer));
    cr_expect_str_eq(peer.identity, "pump-7");
    cr_expect_str_eq(peer.issuer, "CN=Test CA");
    cr_expect_str_eq(peer.fingerprint, hex);
    cr_expect_str_eq(peer.sni, "gate.example");
    tls_peer_deinit(&peer);
    cr_expect_null(peer.identity);
    tls_peer_deinit(&peer);
}

TEST(names_in_every_encoding)
{
    struct fixture_spec spec = fixture_client(&fixture, "caf\xc3\xa9");
    expect_identity(&spec, "caf\xc3\xa9");
    spec.cn = "\0p\0\xe9\x20\xac"; /* UTF-16: p, e with acute accent, euro sign */
    spec.cn_size = 6;
    spec.cn_type = V_ASN1_BMPSTRING;
    expect_none(&spec, "cannot be read"); /* nobody else reads these two the same way */
    spec.cn = "\0\0\0p\0\1\xf6\0";        /* UTF-32: p, U+1F600 */
    spec.cn_size = 8;
    spec.cn_type = V_ASN1_UNIVERSALSTRING;
    expect_none(&spec, "cannot be read");
    spec.cn = "pump-7";
    spec.cn_size = 0;
    spec.cn_type = V_ASN1_PRINTABLESTRING;
    expect_identity(&spec, "pump-7");
    spec.cn_type = V_ASN1_IA5STRING;
    expect_identity(&spec, "pump-7");
}

TEST(no_name_or_several)
{
    struct fixture_spec spec = fixture_client(&fixture, NULL);
    expect_none(&spec, "has no common name");
    spec.cn = "";
    expect_none(&spec, "is empty");
    spec.cn = "pump-7";
    spec.cn2 = "pump-8";
    expect_none(&spec, "several common names");
    spec.cn2 = "pump-7";
    expect_none(&spec, "several common names");
}

TEST(a_name_of_256_bytes_but_not_of_257)
{
    static char name[258];
    struct fixture_spec spec = fixture_client(&fixture, name);
    /* The library writes no name over 64 characters, so a longer one is put together by hand. */
    memset(name, 'n', 64);
    X509 *certificate = fixture_certificate(&spec);
    for (size_t size = 256; size <= 257; size++) {
        X509_NAME *subject = X509_NAME_new();
        struct tls_peer peer;
        memset(name, 'n', size);
        name[size] = '\0';
        X509_NAME_ENTRY *entry = X509_NAME_ENTRY_create_by_NID(
            NULL, NID_commonName, V_ASN1_UTF8STRING, (const uint8_t *)name, (ossl_ssize_t)size);
        cr_assert(entry != NULL && X509_NAME_add_entry(subject, entry, -1, 0));
        cr_assert(X509_set_subject_name(certificate, subject));
        cr_assert(X509_sign(certificate, fixture.ca_key, EVP_sha256()));
        cr_assert(meet(fixture_bytes(certificate), NULL, &peer));
        if (size == 256) {
            cr_assert_not_null(peer.identity);
            cr_expect_str_eq(peer.identity, name);
        } else {
            cr_expect_null(peer.identity);
            cr_expect_not_null(strstr(peer.identity_fault, "longer than 256 bytes"));
        }
        tls_peer_deinit(&peer);
        X509_NAME_ENTRY_free(entry);
        X509_NAME_free(subject);
    }
    X509_free(certificate);
}

/* A name that no library would write. Whether the handshake fails or the certificate gives no
 * name: it must never become one. */
static void expect_never(const char *placeholder, const char *forged, size_t size)
{
    struct fixture_spec spec = fixture_client(&fixture, placeholder);
    X509 *certificate = fixture_certificate(&spec);
    CRYPTO_BUFFER *bytes = fixture_forge(certificate, fixture.ca_key, slice_of(placeholder, size),
                                         slice_of(forged, size));
    struct tls_peer peer;
    if (meet(bytes, NULL, &peer)) {
        cr_expect_null(peer.identity, "taken: %s", peer.identity);
        cr_expect_not_null(peer.identity_fault);
        tls_peer_deinit(&peer);
    }
    X509_free(certificate);
}

TEST(the_forger_forges_only_what_it_is_told)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-X-7");
    X509 *certificate = fixture_certificate(&spec);
    struct tls_peer peer;
    cr_assert(meet(fixture_forge(certificate, fixture.ca_key, slice_from_text("pump-X-7"),
                                 slice_from_text("pump-Y-7")),
                   NULL, &peer));
    cr_assert_not_null(peer.identity);
    cr_expect_str_eq(peer.identity, "pump-Y-7");
    tls_peer_deinit(&peer);
    X509_free(certificate);
}

TEST(names_that_can_be_read_in_two_ways)
{
    expect_never("admin-evil", "admin\0evil", 10);
    expect_never("pump-evil!", "pump\nevil!", 10);
    expect_never("pump-evil!",
                 "pump\x7f"
                 "evil!",
                 10);
    expect_never("pump-evil!", "pump\xc2\x85vil!", 10);    /* U+0085 */
    expect_never("pump-evil!", "pump\xc3\x28vil!", 10);    /* ill-formed */
    expect_never("pump-evil!", "pump\xc0\xafvil!", 10);    /* overlong */
    expect_never("pump-evil!", "pum\xed\xa0\x80vil!", 10); /* a surrogate */
    expect_never("pump-evil!", "pump-evil\xff", 10);
    expect_never("pump-evil!", "pump-evil\xc3", 10); /* cut short */
}

TEST(a_nul_in_a_wide_name)
{
    struct fixture_spec spec = fixture_client(&fixture, NULL);
    spec.cn = "\0a\0\0\0b";
    spec.cn_size = 6;
    spec.cn_type = V_ASN1_BMPSTRING;
    struct tls_peer peer;
    if (meet(bytes_of(&spec), NULL, &peer)) {
        cr_expect_null(peer.identity);
        tls_peer_deinit(&peer);
    }
}
