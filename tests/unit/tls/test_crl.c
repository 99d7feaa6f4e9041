#include "workshop.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include <openssl/pool.h>
#include <openssl/x509v3.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define DAY             ((int64_t)WORKSHOP_DAY)

static EVP_PKEY *key;
static struct workshop_ca ca;
static X509 *client; /* with serial number 7 */

static void set_up(void)
{
    key = workshop_key();
    ca = workshop_ca("CA", NULL);
    client = workshop_client(&ca, key, "sensor-1", 7);
}

static void tear_down(void)
{
    X509_free(client);
    workshop_ca_free(&ca);
    EVP_PKEY_free(key);
}

TestSuite(crl, .init = set_up, .fini = tear_down);

static struct tls_settings settings_with(const char *crl)
{
    struct tls_settings settings = workshop_settings();
    settings.client_certificate = TLS_CLIENT_CERTIFICATE_REQUIRED;
    settings.client_ca = slice_from_text(ca.pem);
    settings.client_crl = slice_from_text(crl);
    return settings;
}

/* A context that may come with warnings. */
static struct tls_context *context_of(const struct tls_settings *settings, const char *warning)
{
    struct tls_context_fault faults[TLS_CONTEXT_FAULTS];
    size_t count = 0;
    struct tls_context *context = tls_context_new(settings, faults, &count);
    cr_assert_not_null(context, "%s", count > 0 ? faults[0].what : "");
    cr_assert_eq(count, warning != NULL ? 1 : 0, "%s", faults[0].what);
    if (warning != NULL) {
        cr_expect(faults[0].is_warning);
        cr_expect_eq(faults[0].setting, TLS_SETTING_CLIENT_CRL);
        cr_expect_not_null(strstr(faults[0].what, warning), "%s", faults[0].what);
    }
    return context;
}

static struct visit visit_by(const struct tls_context *context, X509 *certificate,
                             X509 *intermediate)
{
    const struct visitor visitor = {.certificate = certificate,
                                    .intermediate = intermediate,
                                    .key = key,
                                    .version = TLS1_2_VERSION};
    return workshop_visit(context, &visitor);
}

/* `words` NULL: the client comes in. */
static void expect_visit(const struct tls_context *context, X509 *certificate, X509 *intermediate,
                         const char *words, uint8_t alert)
{
    struct visit seen = visit_by(context, certificate, intermediate);
    if (words == NULL) {
        cr_expect_eq(seen.status, TLS_OK, "%s", seen.fault);
    } else {
        cr_expect_eq(seen.status, TLS_FAILED);
        cr_expect_not_null(strstr(seen.fault, words), "%s", seen.fault);
        cr_expect_eq(seen.alert, alert, "%u", seen.alert);
    }
    workshop_visit_free(&seen);
}

static void expect(const char *crl, const char *words, uint8_t alert)
{
    struct tls_settings settings = settings_with(crl);
    struct tls_context *context = context_of(&settings, NULL);
    expect_visit(context, client, NULL, words, alert);
    tls_context_free(context);
}

static char *list_of(uint64_t serial)
{
    return workshop_crl(&ca, &serial, 1, -DAY, DAY, NULL);
}

/* --- what is listed --- */

Test(crl, revoked)
{
    char *crl = list_of(7);
    expect(crl, "the client's certificate has been revoked", SSL_AD_CERTIFICATE_REVOKED);
    free(crl);
}

Test(crl, others_are_revoked)
{
    char *crl = list_of(8);
    expect(crl, NULL, 0);
    free(crl);
    crl = workshop_crl(&ca, NULL, 0, -DAY, DAY, NULL);
    expect(crl, NULL, 0);
    free(crl);
}

Test(crl, one_of_very_many)
{
    const size_t counts[] = {1000, 100000};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        uint64_t *serials = calloc(counts[i], sizeof *serials);
        for (size_t j = 0; j < counts[i]; j++) {
            serials[j] = 1000000 - j;
        }
        char *crl = workshop_crl(&ca, serials, counts[i], -DAY, DAY, NULL);
        expect(crl, NULL, 0);
        free(crl);
        serials[counts[i] / 2] = 7;
        crl = workshop_crl(&ca, serials, counts[i], -DAY, DAY, NULL);
        expect(crl, "has been revoked", SSL_AD_CERTIFICATE_REVOKED);
        free(crl);
        free(serials);
    }
}

Test(crl, the_newest_of_several_counts)
{
    const uint64_t serial = 7;
    char *older = workshop_crl(&ca, &serial, 1, -2 * DAY, DAY, NULL);
    char *newer = workshop_crl(&ca, NULL, 0, -DAY, DAY, NULL);
    char *to_come = workshop_crl(&ca, &serial, 1, DAY, 2 * DAY, NULL);
    char *both = workshop_join(older, newer);
    char *reversed = workshop_join(newer, older);
    char *three = workshop_join(to_come, newer);

    expect(both, NULL, 0);
    expect(reversed, NULL, 0);
    struct tls_settings settings = settings_with(three);
    struct tls_context *context = context_of(&settings, "not valid yet");
    expect_visit(context, client, NULL, NULL, 0);
    tls_context_free(context);
    free(older);
    free(newer);
    free(to_come);
    free(both);
    free(reversed);
    free(three);
}

/* --- time --- */

Test(crl, expired)
{
    char *crl = workshop_crl(&ca, NULL, 0, -2 * DAY, -DAY, NULL);
    struct tls_settings settings = settings_with(crl);
    struct tls_context *context = context_of(&settings, "so clients of this CA are refused");
    expect_visit(context, client, NULL,
                 "CRL of the CA that issued the client's certificate has "
                 "expired",
                 SSL_AD_CERTIFICATE_UNKNOWN);
    tls_context_free(context);
    free(crl);
}

Test(crl, expired_and_allowed)
{
    const uint64_t serial = 8;
    char *crl = workshop_crl(&ca, &serial, 1, -2 * DAY, -DAY, NULL);
    struct tls_settings settings = settings_with(crl);
    X509 *revoked = workshop_client(&ca, key, "sensor-2", 8);
    settings.crl_expired = TLS_CRL_EXPIRED_WARN;
    struct tls_context *context = context_of(&settings, "has expired; put a new one");
    struct visit seen = visit_by(context, client, NULL);
    cr_assert_eq(seen.status, TLS_OK, "%s", seen.fault);
    cr_expect(seen.peer.proof.is_crl_expired);
    workshop_visit_free(&seen);
    expect_visit(context, revoked, NULL, "has been revoked", SSL_AD_CERTIFICATE_REVOKED);
    tls_context_free(context);
    X509_free(revoked);
    free(crl);
}

Test(crl, not_valid_yet)
{
    char *crl = workshop_crl(&ca, NULL, 0, DAY, 2 * DAY, NULL);
    struct tls_settings settings = settings_with(crl);
    struct tls_context *context = context_of(&settings, "not valid yet");
    expect_visit(context, client, NULL, "client_crl has no CRL", SSL_AD_CERTIFICATE_UNKNOWN);
    tls_context_free(context);
    free(crl);
}

/* --- whose list it is --- */

Test(crl, the_list_of_another_authority_does_not_help)
{
    struct workshop_ca other = workshop_ca("Other", NULL);
    char *crl = workshop_crl(&other, NULL, 0, -DAY, DAY, NULL);
    expect(crl, "client_crl has no CRL", SSL_AD_CERTIFICATE_UNKNOWN);
    free(crl);
    workshop_ca_free(&other);
}

Test(crl, nor_that_of_another_authority_of_the_same_name)
{
    struct workshop_ca other = workshop_ca("CA", NULL);
    const uint64_t serial = 7;
    char *theirs = workshop_crl(&other, NULL, 0, -DAY, DAY, NULL);
    struct tls_settings settings = settings_with(theirs);
    struct tls_context *context = context_of(&settings, "not signed by the CA of that name");
    expect_visit(context, client, NULL, "client_crl has no CRL", SSL_AD_CERTIFICATE_UNKNOWN);
    tls_context_free(context);

    /* Nor does it revoke ours, once both are there. */
    char *revoking = workshop_crl(&other, &serial, 1, -DAY / 2, DAY, NULL);
    char *ours = workshop_crl(&ca, NULL, 0, -DAY, DAY, NULL);
    char *lists = workshop_join(revoking, ours);
    char *authorities = workshop_join(other.pem, ca.pem);
    settings = settings_with(lists);
    settings.client_ca = slice_from_text(authorities);
    context = context_of(&settings, NULL);
    X509 *revoked = workshop_client(&other, key, "sensor-1", 7);
    expect_visit(context, client, NULL, NULL, 0);
    expect_visit(context, revoked, NULL, "has been revoked", SSL_AD_CERTIFICATE_REVOKED);
    tls_context_free(context);
    X509_free(revoked);
    free(theirs);
    free(revoking);
    free(ours);
    free(lists);
    free(authorities);
    workshop_ca_free(&other);
}

/* RFC 5280, 4.2.1.3: a CA that may not sign lists has none. */
Test(crl, the_list_of_an_authority_that_may_not_sign_one)
{
    const struct workshop_spec spec = {
        .key = ca.key, .cn = "CA", .is_ca = true, .usage = "critical,keyCertSign"};
    X509 *limited = workshop_certificate(&spec);
    char *pem = workshop_pem(limited);
    char *crl = workshop_crl(&ca, NULL, 0, -DAY, DAY, NULL);
    struct tls_settings settings = settings_with(crl);
    settings.client_ca = slice_from_text(pem);
    struct tls_context *context = context_of(&settings, "not signed by the CA of that name");
    expect_visit(context, client, NULL, "client_crl has no CRL", SSL_AD_CERTIFICATE_UNKNOWN);
    tls_context_free(context);
    free(crl);
    free(pem);
    X509_free(limited);
}

Test(crl, intermediate_authorities_need_theirs)
{
    struct workshop_ca middle = workshop_ca("Middle", &ca);
    X509 *leaf = workshop_client(&middle, key, "sensor-1", 7);
    char *of_root = workshop_crl(&ca, NULL, 0, -DAY, DAY, NULL);
    char *of_middle = workshop_crl(&middle, NULL, 0, -DAY, DAY, NULL);
    uint64_t serial = 7;
    char *revoking = workshop_crl(&middle, &serial, 1, -DAY, DAY, NULL);
    cr_assert(ASN1_INTEGER_get_uint64(&serial, X509_get0_serialNumber(middle.certificate)));
    char *without_middle = workshop_crl(&ca, &serial, 1, -DAY, DAY, NULL);
    const struct {
        char *lists;
        const char *words;
        uint8_t alert;
    } cases[] = {
        {workshop_join(of_root, of_middle), NULL, 0},
        {workshop_join(of_root, ""), "client_crl has no CRL", SSL_AD_CERTIFICATE_UNKNOWN},
        {workshop_join(of_middle, ""), "client_crl has no CRL", SSL_AD_CERTIFICATE_UNKNOWN},
        {workshop_join(of_root, revoking), "certificate has been revoked",
         SSL_AD_CERTIFICATE_REVOKED},
        {workshop_join(without_middle, of_middle),
         "an issuer of the client's certificate has been "
         "revoked",
         SSL_AD_CERTIFICATE_REVOKED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_settings settings = settings_with(cases[i].lists);
        struct tls_context *context = context_of(&settings, NULL);
        expect_visit(context, leaf, middle.certificate, cases[i].words, cases[i].alert);
        tls_context_free(context);
        free(cases[i].lists);
    }
    free(of_root);
    free(of_middle);
    free(revoking);
    free(without_middle);
    X509_free(leaf);
    workshop_ca_free(&middle);
}

/* --- a file that is no good --- */

static void expect_unfit(const char *crl, const char *words)
{
    struct tls_settings settings = settings_with(crl);
    struct tls_context_fault faults[TLS_CONTEXT_FAULTS];
    size_t count = 0;
    cr_expect_null(tls_context_new(&settings, faults, &count));
    cr_assert_eq(count, 1);
    cr_expect_eq(faults[0].setting, TLS_SETTING_CLIENT_CRL);
    cr_expect_not_null(strstr(faults[0].what, words), "%s", faults[0].what);
}

Test(crl, empty_or_broken_file)
{
    char *crl = list_of(7);
    char *broken = workshop_join(crl, "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    expect_unfit("# nobody yet\n", "there is no CRL in it");
    expect_unfit(ca.pem, "there is no CRL in it");
    expect_unfit(broken, "there is a broken CRL in it");
    crl[strlen(crl) / 2] = '!';
    expect_unfit(crl, "there is a broken CRL in it");
    free(crl);
    free(broken);
}

/* Not a byte may be missing: what is cut off is what would have revoked. */
Test(crl, cut_at_every_byte)
{
    char *crl = list_of(7);
    size_t end = strlen(crl) - strlen("\n");
    for (size_t size = 0; size < end; size++) {
        struct tls_settings settings = settings_with("");
        struct tls_context_fault faults[TLS_CONTEXT_FAULTS];
        size_t count = 0;
        settings.client_crl.size = size;
        settings.client_crl.data = (const uint8_t *)crl;
        cr_expect_null(tls_context_new(&settings, faults, &count), "%zu", size);
    }
    free(crl);
}

static void add(X509_CRL *list, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, NULL, nid, value);
    cr_assert_not_null(extension);
    cr_assert(X509_CRL_add_ext(list, extension, -1));
    X509_EXTENSION_free(extension);
}

static void make_partial(X509_CRL *list)
{
    add(list, NID_issuing_distribution_point, "critical,onlyuser:TRUE");
}

static void make_delta(X509_CRL *list)
{
    ASN1_INTEGER *base = ASN1_INTEGER_new();
    cr_assert(X509_CRL_add1_ext_i2d(list, NID_crl_number, base, 0, 0));
    cr_assert(X509_CRL_add1_ext_i2d(list, NID_delta_crl, base, 1, 0));
    ASN1_INTEGER_free(base);
}

static void make_strange(X509_CRL *list)
{
    add(list, NID_netscape_comment, "critical,whatever");
}

static void make_indirect(X509_CRL *list)
{
    X509_REVOKED *entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(list), 0);
    X509_EXTENSION *extension =
        X509V3_EXT_nconf_nid(NULL, NULL, NID_netscape_comment, "critical,another CA's");
    cr_assert(X509_REVOKED_add_ext(entry, extension, -1));
    X509_EXTENSION_free(extension);
}

Test(crl, lists_that_tell_less_than_everything)
{
    static const struct {
        void (*change)(X509_CRL *list);
        const char *words;
    } cases[] = {
        {make_partial, "covers only some certificates"},
        {make_delta, "is a delta"},
        {make_strange, "critical extension that is not known"},
        {make_indirect, "an entry with a critical extension"},
    };
    const uint64_t serial = 8;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *crl = workshop_crl(&ca, &serial, 1, -DAY, DAY, cases[i].change);
        expect_unfit(crl, cases[i].words);
        free(crl);
    }
}
