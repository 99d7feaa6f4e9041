/* What a ticket is worth in whole handshakes. */
#include "workshop.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "moat/base/clock.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define DAY             ((int64_t)WORKSHOP_DAY)

static const char one_key[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

static EVP_PKEY *key;
static EVP_PKEY *other_key;
static struct workshop_ca ca;
static struct workshop_ca other_ca;
static X509 *client;
static X509 *other_client;

static void set_up(void)
{
    key = workshop_key();
    other_key = workshop_key();
    ca = workshop_ca("CA", NULL);
    other_ca = workshop_ca("Other", NULL);
    client = workshop_client(&ca, key, "sensor-1", 7);
    other_client = workshop_client(&ca, other_key, "sensor-2", 8);
}

static void tear_down(void)
{
    X509_free(client);
    X509_free(other_client);
    workshop_ca_free(&ca);
    workshop_ca_free(&other_ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
}

TestSuite(resumption, .init = set_up, .fini = tear_down);

/* Keys of one file, so that nothing but the scope keeps tickets apart. */
static struct tls_settings asking(enum tls_client_certificate mode, const struct workshop_ca *by)
{
    struct tls_settings settings = workshop_settings();
    settings.client_certificate = mode;
    if (mode != TLS_CLIENT_CERTIFICATE_NONE) {
        settings.client_ca = slice_from_text(by->pem);
    }
    settings.ticket_keys = slice_from_text(one_key);
    return settings;
}

static struct visit visit(const struct tls_settings *settings, uint16_t version, const char *sni,
                          SSL_SESSION *ticket)
{
    struct tls_context *context = workshop_context(settings);
    const struct visitor visitor = {
        .certificate = client, .key = key, .version = version, .sni = sni, .ticket = ticket};
    struct visit seen = workshop_visit(context, &visitor);
    tls_context_free(context);
    return seen;
}

static const uint16_t versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

/* A visit to one, then with its ticket to another. */
static struct visit visit_both(const struct tls_settings *first, const struct tls_settings *second,
                               uint16_t version, const char *second_sni)
{
    struct visit one = visit(first, version, "gate.example", NULL);
    cr_assert_eq(one.status, TLS_OK, "%s", one.fault);
    cr_assert_not_null(one.ticket);
    struct visit two = visit(second, version, second_sni, one.ticket);
    workshop_visit_free(&one);
    return two;
}

Test(resumption, at_the_same_place)
{
    struct tls_settings settings = asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &ca);
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct visit seen = visit_both(&settings, &settings, versions[i], "gate.example");
        cr_assert_eq(seen.status, TLS_OK, "%s", seen.fault);
        cr_expect(seen.peer.is_resumed);
        cr_expect_str_eq(seen.peer.identity, "sensor-1");
        cr_expect_gt(seen.peer.proof.not_after, clock_wall_seconds());
        workshop_visit_free(&seen);
    }
}

/* CVE-2025-23419, CVE-2025-23048, CVE-2025-68121: in every direction between a listener that
 * asks nothing, two that trust different authorities, one where certificates are optional, one
 * of another name, and one that trusts a pinned key besides. */
Test(resumption, at_no_other_place)
{
    static const char *const pins[] = {"HqOt4ZHtd1eTnpm0EYdzs8LgtmEvX9O5VU0cqyJ1C6k="};
    char *both = workshop_join(ca.pem, other_ca.pem);
    struct tls_settings places[] = {
        asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &ca),
        asking(TLS_CLIENT_CERTIFICATE_NONE, NULL),
        asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &ca), /* and another authority besides */
        asking(TLS_CLIENT_CERTIFICATE_OPTIONAL, &ca),
        asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &ca), /* another name */
        asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &ca), /* a pin */
        asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &ca), /* keys of its own */
    };
    places[2].client_ca = slice_from_text(both);
    places[4].scope = slice_from_text("devices");
    places[5].pins = pins;
    places[5].pin_count = 1;
    places[6].ticket_keys = slice_of(NULL, 0);
    for (size_t i = 0; i < COUNT_OF(places) * COUNT_OF(places) * COUNT_OF(versions); i++) {
        const struct tls_settings *first = &places[i % COUNT_OF(places)];
        const struct tls_settings *second = &places[i / COUNT_OF(places) % COUNT_OF(places)];
        if (first == second) {
            continue;
        }
        struct visit seen = visit_both(first, second, versions[i % 2], "gate.example");
        cr_assert_eq(seen.status, TLS_OK, "%s", seen.fault);
        cr_expect_not(seen.peer.is_resumed, "%zu", i);
        workshop_visit_free(&seen);
    }
    free(both);
}

/* Where the authority is another, the full handshake that follows is refused. */
Test(resumption, where_the_client_is_nobody)
{
    struct tls_settings first = asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &ca);
    struct tls_settings second = asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &other_ca);
    struct tls_settings plain = asking(TLS_CLIENT_CERTIFICATE_NONE, NULL);
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct visit seen = visit_both(&first, &second, versions[i], "gate.example");
        cr_expect_eq(seen.status, TLS_FAILED);
        cr_expect_eq(seen.alert, SSL_AD_UNKNOWN_CA);
        workshop_visit_free(&seen);
        seen = visit_both(&plain, &second, versions[i], "gate.example");
        cr_expect_eq(seen.status, TLS_FAILED);
        cr_expect_eq(seen.alert, SSL_AD_UNKNOWN_CA);
        workshop_visit_free(&seen);
    }
}

Test(resumption, under_another_name)
{
    struct tls_settings settings = asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &ca);
    static const char *const names[] = {"other.example", NULL};
    for (size_t i = 0; i < COUNT_OF(names) * COUNT_OF(versions); i++) {
        struct visit seen = visit_both(&settings, &settings, versions[i % 2], names[i / 2]);
        cr_assert_eq(seen.status, TLS_OK, "%s", seen.fault);
        cr_expect_not(seen.peer.is_resumed);
        workshop_visit_free(&seen);
    }
}

/* CVE-2022-21654 and the Go row: what changed since the ticket was given counts. */
Test(resumption, after_the_certificate_was_revoked)
{
    struct tls_settings settings = asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &ca);
    uint64_t serial = 7;
    char *revoking = workshop_crl(&ca, &serial, 1, -DAY, DAY, NULL);
    char *others = workshop_crl(&other_ca, NULL, 0, -DAY, DAY, NULL);
    struct tls_settings with_crl = settings;
    struct tls_settings without_crl = settings;
    with_crl.client_crl = slice_from_text(revoking);
    without_crl.client_crl = slice_from_text(others);
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct visit seen = visit_both(&settings, &with_crl, versions[i], "gate.example");
        cr_expect_eq(seen.status, TLS_FAILED);
        cr_expect_str_eq(seen.fault, "the client's certificate has been revoked");
        cr_expect_eq(seen.alert, SSL_AD_CERTIFICATE_REVOKED);
        cr_expect(seen.is_resumed, "it was a resumed handshake that was refused");
        workshop_visit_free(&seen);
        seen = visit_both(&settings, &without_crl, versions[i], "gate.example");
        cr_expect_eq(seen.status, TLS_FAILED);
        cr_expect_not_null(strstr(seen.fault, "client_crl has no CRL"), "%s", seen.fault);
        workshop_visit_free(&seen);
    }
    free(revoking);
    free(others);
}

/* The same one step up: the authority in between, which the ticket holds too. */
static struct visit visit_below(const struct tls_settings *settings,
                                const struct workshop_ca *middle, X509 *leaf, uint16_t version,
                                SSL_SESSION *ticket)
{
    struct tls_context *context = workshop_context(settings);
    const struct visitor visitor = {.certificate = leaf,
                                    .intermediate = middle->certificate,
                                    .key = key,
                                    .version = version,
                                    .ticket = ticket};
    struct visit seen = workshop_visit(context, &visitor);
    tls_context_free(context);
    return seen;
}

Test(resumption, after_an_issuer_was_revoked)
{
    struct tls_settings settings = asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &ca);
    struct workshop_ca middle = workshop_ca("Middle", &ca);
    X509 *leaf = workshop_client(&middle, key, "sensor-1", 7);
    uint64_t serial = 0;
    cr_assert(ASN1_INTEGER_get_uint64(&serial, X509_get0_serialNumber(middle.certificate)));
    char *of_root = workshop_crl(&ca, &serial, 1, -DAY, DAY, NULL);
    char *of_middle = workshop_crl(&middle, NULL, 0, -DAY, DAY, NULL);
    char *both = workshop_join(of_root, of_middle);
    struct tls_settings with_crl = settings;
    with_crl.client_crl = slice_from_text(both);
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct visit one = visit_below(&settings, &middle, leaf, versions[i], NULL);
        cr_assert_not_null(one.ticket, "%s", one.fault);
        struct visit two = visit_below(&with_crl, &middle, leaf, versions[i], one.ticket);
        cr_expect(two.is_resumed, "it was a resumed handshake that was refused");
        cr_expect_eq(two.status, TLS_FAILED);
        cr_expect_str_eq(two.fault, "an issuer of the client's certificate has been revoked");
        workshop_visit_free(&one);
        workshop_visit_free(&two);
    }
    free(of_root);
    free(of_middle);
    free(both);
    X509_free(leaf);
    workshop_ca_free(&middle);
}

Test(resumption, after_an_issuer_expired)
{
    struct tls_settings settings = asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &ca);
    const struct workshop_spec spec = {.key = other_ca.key,
                                       .issuer = ca.certificate,
                                       .signer = ca.key,
                                       .cn = "Middle",
                                       .from = -60,
                                       .until = 3,
                                       .is_ca = true};
    const struct workshop_ca middle = {.key = other_ca.key,
                                       .certificate = workshop_certificate(&spec)};
    X509 *leaf = workshop_client(&middle, key, "sensor-1", 7);
    struct visit first[COUNT_OF(versions)];
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        first[i] = visit_below(&settings, &middle, leaf, versions[i], NULL);
        cr_assert_not_null(first[i].ticket, "%s", first[i].fault);
    }
    sleep(5);
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct visit two = visit_below(&settings, &middle, leaf, versions[i], first[i].ticket);
        cr_expect(two.is_resumed, "it was a resumed handshake that was refused");
        cr_expect_eq(two.status, TLS_FAILED);
        cr_expect(two.fault != NULL && strstr(two.fault, "has expired") != NULL, "%s", two.fault);
        workshop_visit_free(&first[i]);
        workshop_visit_free(&two);
    }
    X509_free(leaf);
    X509_free(middle.certificate);
}

/* CVE-2022-21654: another kind of identity reads another name from the same ticket. */
Test(resumption, under_another_kind_of_identity)
{
    struct tls_settings settings = asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &ca);
    struct tls_settings by_dns = settings;
    by_dns.identity = TLS_IDENTITY_SAN_DNS;
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct visit seen = visit_both(&settings, &by_dns, versions[i], "gate.example");
        cr_assert_eq(seen.status, TLS_OK, "%s", seen.fault);
        cr_expect(seen.peer.is_resumed);
        cr_expect_null(seen.peer.identity);
        cr_expect_str_eq(seen.peer.identity_fault, "the certificate has no DNS name");
        workshop_visit_free(&seen);
    }
}

/* CVE-2016-5419: with the ticket of one certificate and the other in hand, a client is the first
 * or nobody. */
Test(resumption, with_another_certificate)
{
    struct tls_settings settings = asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &ca);
    struct tls_context *context = workshop_context(&settings);
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct visitor visitor = {.certificate = client, .key = key, .version = versions[i]};
        struct visit one = workshop_visit(context, &visitor);
        cr_assert_not_null(one.ticket);
        visitor.certificate = other_client;
        visitor.key = other_key;
        visitor.ticket = one.ticket;
        struct visit two = workshop_visit(context, &visitor);
        cr_assert_eq(two.status, TLS_OK, "%s", two.fault);
        cr_expect(two.peer.is_resumed);
        cr_expect_str_eq(two.peer.identity, "sensor-1");
        workshop_visit_free(&one);
        workshop_visit_free(&two);
    }
    tls_context_free(context);
}

Test(resumption, of_a_pinned_key)
{
    X509 *certificate = client;
    uint8_t id[SECRET_DIGEST_SIZE];
    cr_assert(identity_key_id(certificate, id));
    char *pin = identity_hex(slice_of(id, sizeof id));
    const char *const pins[] = {pin};
    struct tls_settings settings = asking(TLS_CLIENT_CERTIFICATE_REQUIRED, &other_ca);
    settings.pins = pins;
    settings.pin_count = 1;
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct visit seen = visit_both(&settings, &settings, versions[i], "gate.example");
        cr_assert_eq(seen.status, TLS_OK, "%s", seen.fault);
        cr_expect(seen.peer.is_resumed);
        cr_expect(seen.peer.proof.is_pinned);
        cr_expect_str_eq(seen.peer.identity, pin);
        workshop_visit_free(&seen);
    }
    free(pin);
}
