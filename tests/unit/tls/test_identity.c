#include "workshop.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include <openssl/pool.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static EVP_PKEY *key;

static void set_up(void)
{
    key = workshop_key();
}

static void tear_down(void)
{
    EVP_PKEY_free(key);
}

TestSuite(identity, .init = set_up, .fini = tear_down);

/* The name a certificate gives, or why it gives none; in both cases to be freed. */
static char *name_or_fault(const struct workshop_spec *spec, enum tls_identity kind, bool *is_name)
{
    X509 *certificate = workshop_certificate(spec);
    const char *fault = NULL;
    char *name = identity_of(certificate, kind, "fingerprint", &fault);
    X509_free(certificate);
    cr_assert((name == NULL) != (fault == NULL));
    *is_name = name != NULL;
    return name != NULL ? name : strdup(fault);
}

static void expect_name(const struct workshop_spec *spec, enum tls_identity kind, const char *name)
{
    bool is_name = false;
    char *text = name_or_fault(spec, kind, &is_name);
    cr_expect(is_name, "%s", text);
    cr_expect_str_eq(text, name);
    free(text);
}

static void expect_none(const struct workshop_spec *spec, enum tls_identity kind, const char *words)
{
    bool is_name = false;
    char *text = name_or_fault(spec, kind, &is_name);
    cr_expect_not(is_name, "%s", text);
    cr_expect_not_null(strstr(text, words), "%s", text);
    free(text);
}

/* --- the common name --- */

Test(identity, common_name)
{
    const struct workshop_spec spec = {.key = key, .cn = "sensor-1"};
    expect_name(&spec, TLS_IDENTITY_CN, "sensor-1");
}

Test(identity, common_name_of_a_type_with_one_meaning)
{
    struct workshop_spec spec = {.key = key, .cn = "sensor-1"};
    const int good[] = {V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING, V_ASN1_IA5STRING};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        spec.cn_type = good[i];
        expect_name(&spec, TLS_IDENTITY_CN, "sensor-1");
    }
    static const struct {
        int type;
        const char *bytes;
    } bad[] = {
        {V_ASN1_T61STRING, "adminadm"},
        {V_ASN1_BMPSTRING, "\0a\0d\0m\0i"},
        {V_ASN1_UNIVERSALSTRING, "\0\0\0a\0\0\0d"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        spec = (struct workshop_spec){
            .key = key, .cn = bad[i].bytes, .cn_size = 8, .cn_type = bad[i].type};
        expect_none(&spec, TLS_IDENTITY_CN, "cannot be read");
    }
}

Test(identity, common_name_that_is_none)
{
    struct workshop_spec spec = {.key = key};
    expect_none(&spec, TLS_IDENTITY_CN, "has no common name");
    spec.cn = "sensor-1";
    spec.cn2 = "admin";
    expect_none(&spec, TLS_IDENTITY_CN, "several common names");
    spec.cn2 = "sensor-1";
    expect_none(&spec, TLS_IDENTITY_CN, "several common names");
}

Test(identity, common_name_with_characters_that_hide)
{
    static const struct {
        const char *name;
        size_t size;
    } cases[] = {
        {"admin\0x", 7},  {"\0", 1},        {"a\nb", 3},         {"a\x7f", 2},
        {"a\xc2\x80", 3}, {"a\xc0\x80", 3}, {"\xed\xa0\x80", 3}, {"\xff", 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct workshop_spec spec = {
            .key = key, .cn = cases[i].name, .cn_size = cases[i].size, .cn_type = V_ASN1_IA5STRING};
        /* BoringSSL itself refuses to write an ill-formed UTF8String. */
        expect_none(&spec, TLS_IDENTITY_CN, "NUL, control or ill-formed");
    }
}

Test(identity, lengths_have_a_limit)
{
    char uri[2 + 4 + 257 + 1] = "URI:";
    struct workshop_spec spec = {.key = key, .san = uri};
    memset(uri + 4, 'x', 256);
    expect_name(&spec, TLS_IDENTITY_SAN_URI, uri + 4);
    uri[4 + 256] = 'x';
    expect_none(&spec, TLS_IDENTITY_SAN_URI, "longer than 256 bytes");
}

/* --- the subject --- */

Test(identity, subject)
{
    struct workshop_spec spec = {.key = key, .cn = "a,b+c\"=\\ ", .cn2 = "second"};
    expect_name(&spec, TLS_IDENTITY_SUBJECT, "CN=second,CN=a\\,b\\+c\\\"=\\\\\\ ");
    spec = (struct workshop_spec){.key = key};
    expect_none(&spec, TLS_IDENTITY_SUBJECT, "has no subject");
    spec = (struct workshop_spec){
        .key = key, .cn = "good", .cn2 = "bad\x01", .cn_type = V_ASN1_IA5STRING};
    expect_none(&spec, TLS_IDENTITY_SUBJECT, "control");
    spec =
        (struct workshop_spec){.key = key, .cn = "aa", .cn_size = 2, .cn_type = V_ASN1_BMPSTRING};
    expect_none(&spec, TLS_IDENTITY_SUBJECT, "cannot be read");
}

/* --- alternative names: each kind takes its own type and no other --- */

Test(identity, types_of_alternative_names_are_never_mixed)
{
    static const char *const san[] = {"DNS:one.example", "URI:urn:one", "email:one@example",
                                      "IP:192.0.2.1"};
    static const char *const names[] = {"one.example", "urn:one", "one@example", NULL};
    static const enum tls_identity kinds[] = {TLS_IDENTITY_SAN_DNS, TLS_IDENTITY_SAN_URI,
                                              TLS_IDENTITY_SAN_EMAIL, TLS_IDENTITY_CN};
    for (size_t i = 0; i < COUNT_OF(san); i++) {
        const struct workshop_spec spec = {.key = key, .san = san[i]};
        for (size_t j = 0; j < COUNT_OF(kinds); j++) {
            if (i == j && names[i] != NULL) {
                expect_name(&spec, kinds[j], names[i]);
            } else {
                expect_none(&spec, kinds[j], "has no ");
            }
        }
    }
}

Test(identity, one_of_each_type_is_one_of_each)
{
    const struct workshop_spec spec = {
        .key = key, .cn = "cn", .san = "DNS:dns,URI:uri,email:a@b,IP:192.0.2.1"};
    expect_name(&spec, TLS_IDENTITY_CN, "cn");
    expect_name(&spec, TLS_IDENTITY_SAN_DNS, "dns");
    expect_name(&spec, TLS_IDENTITY_SAN_URI, "uri");
    expect_name(&spec, TLS_IDENTITY_SAN_EMAIL, "a@b");
}

Test(identity, several_of_one_type_are_no_name)
{
    struct workshop_spec spec = {.key = key, .san = "DNS:a,DNS:b,URI:u,URI:u,email:a@b,email:c@d"};
    expect_none(&spec, TLS_IDENTITY_SAN_DNS, "several DNS names");
    expect_none(&spec, TLS_IDENTITY_SAN_URI, "several URIs");
    expect_none(&spec, TLS_IDENTITY_SAN_EMAIL, "several e-mail addresses");
}

Test(identity, a_wildcard_is_nobodys_name)
{
    const struct workshop_spec spec = {.key = key, .san = "DNS:*.example"};
    expect_none(&spec, TLS_IDENTITY_SAN_DNS, "wildcard");
}

Test(identity, alternative_names_with_odd_characters)
{
    struct workshop_spec spec = {.key = key, .san = "URI:a b"};
    expect_none(&spec, TLS_IDENTITY_SAN_URI, "NUL, control or ill-formed");
    spec.san = "email:\xc3\xa4@b";
    expect_none(&spec, TLS_IDENTITY_SAN_EMAIL, "NUL, control or ill-formed");
}

/* --- digits --- */

Test(identity, serial)
{
    struct workshop_spec spec = {.key = key, .serial = 0x0a1b2c};
    expect_name(&spec, TLS_IDENTITY_SERIAL, "0a1b2c");
    X509 *certificate = workshop_certificate(&spec);
    const char *fault = NULL;
    X509_get_serialNumber(certificate)->type = V_ASN1_NEG_INTEGER;
    cr_expect_null(identity_of(certificate, TLS_IDENTITY_SERIAL, "", &fault));
    cr_expect_not_null(strstr(fault, "not positive"));
    X509_free(certificate);
}

Test(identity, digests)
{
    const struct workshop_spec spec = {.key = key, .cn = "a"};
    expect_name(&spec, TLS_IDENTITY_SHA256, "fingerprint");
    X509 *certificate = workshop_certificate(&spec);
    uint8_t id[SECRET_DIGEST_SIZE];
    cr_assert(identity_key_id(certificate, id));
    char *hex = identity_hex(slice_of(id, sizeof id));
    expect_name(&spec, TLS_IDENTITY_SPKI, hex);
    cr_expect_eq(strlen(hex), 64);
    free(hex);
    X509_free(certificate);
}

/* --- with the issuer --- */

static struct tls_settings asking(const char *client_ca)
{
    struct tls_settings settings = workshop_settings();
    settings.client_certificate = TLS_CLIENT_CERTIFICATE_REQUIRED;
    settings.client_ca = slice_from_text(client_ca);
    return settings;
}

static struct visit visit(const struct tls_context *context, X509 *certificate)
{
    const struct visitor visitor = {
        .certificate = certificate, .key = key, .version = TLS1_3_VERSION};
    return workshop_visit(context, &visitor);
}

/* In whatever order they stand in the file, and although nothing but the signature of a client's
 * certificate tells by which of the two it was issued. */
Test(identity, two_authorities_of_one_name_are_two_issuers)
{
    struct workshop_ca first = workshop_ca("CA", NULL);
    struct workshop_ca second = workshop_ca("CA", NULL);
    X509 *ours = workshop_client(&first, key, "sensor-1", 0);
    X509 *theirs = workshop_client(&second, key, "sensor-1", 0);
    char *orders[] = {workshop_join(first.pem, second.pem), workshop_join(second.pem, first.pem)};
    uint8_t identities[4][SECRET_DIGEST_SIZE];

    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        struct tls_settings settings = asking(orders[i]);
        struct tls_context *context = workshop_context(&settings);
        struct visit one = visit(context, ours);
        struct visit two = visit(context, theirs);
        cr_assert_eq(one.status, TLS_OK, "%s", one.fault);
        cr_assert_eq(two.status, TLS_OK, "%s", two.fault);
        cr_expect_str_eq(one.peer.identity, two.peer.identity);
        cr_expect_str_eq(one.peer.issuer, two.peer.issuer);
        cr_expect(memcmp(one.peer.proof.issuer_id, two.peer.proof.issuer_id, SECRET_DIGEST_SIZE));
        cr_assert(tls_peer_identity_key(&one.peer, identities[2 * i]));
        cr_assert(tls_peer_identity_key(&two.peer, identities[2 * i + 1]));
        workshop_visit_free(&one);
        workshop_visit_free(&two);
        tls_context_free(context);
        free(orders[i]);
    }
    cr_expect(memcmp(identities[0], identities[1], SECRET_DIGEST_SIZE) != 0);
    cr_expect_arr_eq(identities[0], identities[2], SECRET_DIGEST_SIZE);
    cr_expect_arr_eq(identities[1], identities[3], SECRET_DIGEST_SIZE);
    X509_free(ours);
    X509_free(theirs);
    workshop_ca_free(&first);
    workshop_ca_free(&second);
}

Test(identity, an_authority_that_renews_its_certificate_stays_the_same_issuer)
{
    struct workshop_ca ca = workshop_ca("CA", NULL);
    const struct workshop_spec old_spec = {
        .key = ca.key, .cn = "CA", .is_ca = true, .from = -7200, .until = -3600};
    X509 *old = workshop_certificate(&old_spec);
    char *old_pem = workshop_pem(old);
    char *both = workshop_join(old_pem, ca.pem);
    struct tls_settings settings = asking(both);
    struct tls_context *context = workshop_context(&settings);
    X509 *certificate = workshop_client(&ca, key, "sensor-1", 0);
    uint8_t id[SECRET_DIGEST_SIZE];

    struct visit seen = visit(context, certificate);
    cr_assert_eq(seen.status, TLS_OK, "%s", seen.fault);
    cr_assert(identity_key_id(old, id));
    cr_expect_arr_eq(seen.peer.proof.issuer_id, id, sizeof id);
    workshop_visit_free(&seen);
    X509_free(certificate);
    tls_context_free(context);
    free(both);
    free(old_pem);
    X509_free(old);
    workshop_ca_free(&ca);
}

Test(identity, kinds_and_names_are_told_apart)
{
    struct tls_peer peer = {.kind = TLS_IDENTITY_CN, .identity = strdup("a")};
    uint8_t first[SECRET_DIGEST_SIZE];
    uint8_t second[SECRET_DIGEST_SIZE];

    cr_assert(tls_peer_identity_key(&peer, first));
    peer.kind = TLS_IDENTITY_SAN_DNS;
    cr_assert(tls_peer_identity_key(&peer, second));
    cr_expect(memcmp(first, second, sizeof first) != 0);
    free(peer.identity);
    peer.identity = NULL;
    cr_expect_not(tls_peer_identity_key(&peer, second));
}

/* What is kept in files must mean the same to the next version. */
Test(identity, key_of_an_identity_never_changes)
{
    static const char *const expected[] = {"cn",        "subject", "san_dns", "san_uri",
                                           "san_email", "serial",  "sha256",  "spki"};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        struct tls_peer peer = {.kind = (enum tls_identity)i, .identity = strdup("sensor-1")};
        const uint8_t zero[SECRET_DIGEST_SIZE] = {0};
        const struct slice parts[] = {slice_from_text(expected[i]), slice_from_text("sensor-1"),
                                      slice_of(zero, sizeof zero)};
        uint8_t made[SECRET_DIGEST_SIZE];
        uint8_t wanted[SECRET_DIGEST_SIZE];
        cr_assert(tls_peer_identity_key(&peer, made));
        secret_hmac(slice_from_text("moat certificate identity"), parts, 3, wanted);
        cr_expect_arr_eq(made, wanted, sizeof made);
        free(peer.identity);
    }
}

Test(identity, the_first_end_of_a_chain_is_its_end)
{
    struct workshop_ca ca = workshop_ca("CA", NULL);
    struct tls_settings settings = asking(ca.pem);
    struct tls_context *context = workshop_context(&settings);
    struct workshop_spec spec = {.key = key,
                                 .issuer = ca.certificate,
                                 .signer = ca.key,
                                 .cn = "a",
                                 .from = -60,
                                 .until = 1000};
    int64_t end = 0;

    X509 *certificate = workshop_certificate(&spec);
    cr_assert(ASN1_TIME_to_posix(X509_get0_notAfter(certificate), &end));
    struct visit seen = visit(context, certificate);
    cr_assert_eq(seen.status, TLS_OK);
    cr_expect_eq(seen.peer.proof.not_after, end);
    cr_expect_str_eq(seen.peer.common_name, "a");
    workshop_visit_free(&seen);
    X509_free(certificate);
    spec.until = 400 * (int64_t)WORKSHOP_DAY;
    certificate = workshop_certificate(&spec);
    cr_assert(ASN1_TIME_to_posix(X509_get0_notAfter(ca.certificate), &end));
    seen = visit(context, certificate);
    cr_assert_eq(seen.status, TLS_OK);
    cr_expect_eq(seen.peer.proof.not_after, end);
    workshop_visit_free(&seen);
    X509_free(certificate);
    tls_context_free(context);
    workshop_ca_free(&ca);
}
