#include "moat/tls/identify.h"

#include "workshop.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define DAY ((int64_t)WORKSHOP_DAY)

static EVP_PKEY *key;
static struct workshop_ca ca;
static struct workshop_ca stranger;

static void set_up(void)
{
    key = workshop_key();
    ca = workshop_ca("CA", NULL);
    stranger = workshop_ca("Stranger", NULL);
}

static void tear_down(void)
{
    workshop_ca_free(&ca);
    workshop_ca_free(&stranger);
    EVP_PKEY_free(key);
}

TestSuite(identify, .init = set_up, .fini = tear_down);

/* With or without a certificate of the server's own. */
static struct tls_context *context_of(enum tls_client_certificate mode, bool can_serve)
{
    struct tls_settings settings = workshop_settings();
    settings.client_certificate = mode;
    if (mode != TLS_CLIENT_CERTIFICATE_NONE) {
        settings.client_ca = slice_from_text(ca.pem);
    }
    if (!can_serve) {
        settings.certificate_count = 0;
        settings.tickets = false;
    }
    return workshop_context(&settings);
}

static enum tls_identify_status identify(const char *pem, struct tls_peer *peer, const char **fault)
{
    struct tls_context *context = context_of(TLS_CLIENT_CERTIFICATE_OPTIONAL, false);
    enum tls_identify_status status = tls_identify(context, slice_from_text(pem), peer, fault);
    tls_context_free(context);
    return status;
}

static void expect_refused(X509 *certificate, const char *words)
{
    char *pem = workshop_pem(certificate);
    struct tls_peer peer;
    const char *fault = NULL;
    cr_expect_eq(identify(pem, &peer, &fault), TLS_IDENTIFY_REFUSED);
    cr_expect_not_null(strstr(fault, words), "%s", fault);
    X509_free(certificate);
    free(pem);
}

/* What a file is worth is what a handshake with it shows. */
Test(identify, as_in_a_handshake)
{
    X509 *certificate = workshop_client(&ca, key, "sensor-1", 7);
    char *pem = workshop_pem(certificate);
    struct tls_context *context = context_of(TLS_CLIENT_CERTIFICATE_REQUIRED, true);
    const struct visitor visitor = {
        .certificate = certificate, .key = key, .version = TLS1_3_VERSION};
    struct visit visit = workshop_visit(context, &visitor);
    struct tls_peer peer;
    const char *fault = NULL;
    cr_assert_eq(visit.status, TLS_OK);
    cr_assert_eq(tls_identify(context, slice_from_text(pem), &peer, &fault), TLS_IDENTIFY_OK);
    cr_expect_str_eq(peer.identity, "sensor-1");
    cr_expect_str_eq(peer.identity, visit.peer.identity);
    cr_expect_str_eq(peer.issuer, visit.peer.issuer);
    cr_expect_str_eq(peer.common_name, visit.peer.common_name);
    cr_expect_str_eq(peer.fingerprint, visit.peer.fingerprint);
    cr_expect_arr_eq(peer.proof.issuer_id, visit.peer.proof.issuer_id, SECRET_DIGEST_SIZE);
    tls_peer_deinit(&peer);
    workshop_visit_free(&visit);
    tls_context_free(context);
    X509_free(certificate);
    free(pem);
}

Test(identify, without_a_certificate_of_the_server)
{
    X509 *certificate = workshop_client(&ca, key, "sensor-1", 7);
    char *pem = workshop_pem(certificate);
    struct tls_peer peer;
    const char *fault = NULL;
    cr_assert_eq(identify(pem, &peer, &fault), TLS_IDENTIFY_OK);
    cr_expect_str_eq(peer.identity, "sensor-1");
    tls_peer_deinit(&peer);
    X509_free(certificate);
    free(pem);
}

Test(identify, issuers_behind_it)
{
    struct workshop_ca between = workshop_ca("Between", &ca);
    X509 *certificate = workshop_client(&between, key, "sensor-1", 7);
    char *leaf = workshop_pem(certificate);
    char *chain = workshop_join(leaf, between.pem);
    struct tls_peer peer;
    const char *fault = NULL;
    cr_expect_eq(identify(leaf, &peer, &fault), TLS_IDENTIFY_REFUSED);
    cr_assert_eq(identify(chain, &peer, &fault), TLS_IDENTIFY_OK);
    cr_expect_str_eq(peer.issuer, "CN=Between");
    tls_peer_deinit(&peer);
    X509_free(certificate);
    workshop_ca_free(&between);
    free(leaf);
    free(chain);
}

Test(identify, certificates_that_are_refused)
{
    struct workshop_spec spec = {.key = key,
                                 .issuer = ca.certificate,
                                 .signer = ca.key,
                                 .cn = "sensor-1",
                                 .extended = "clientAuth",
                                 .from = -2 * DAY,
                                 .until = -DAY};
    expect_refused(workshop_certificate(&spec), "has expired");
    spec.from = DAY;
    spec.until = 2 * DAY;
    expect_refused(workshop_certificate(&spec), "not valid yet");
    spec.from = -DAY;
    spec.extended = "serverAuth";
    expect_refused(workshop_certificate(&spec), "not made for client authentication");
    expect_refused(workshop_client(&stranger, key, "sensor-1", 7), "not from a CA");
}

Test(identify, a_certificate_without_a_name)
{
    const struct workshop_spec spec = {.key = key,
                                       .issuer = ca.certificate,
                                       .signer = ca.key,
                                       .cn = "sensor-1",
                                       .cn2 = "admin",
                                       .extended = "clientAuth"};
    X509 *certificate = workshop_certificate(&spec);
    char *pem = workshop_pem(certificate);
    struct tls_peer peer;
    const char *fault = NULL;
    cr_assert_eq(identify(pem, &peer, &fault), TLS_IDENTIFY_OK);
    cr_expect_null(peer.identity);
    cr_expect_not_null(strstr(peer.identity_fault, "several common names"));
    tls_peer_deinit(&peer);
    X509_free(certificate);
    free(pem);
}

Test(identify, not_asked_for_and_unreadable)
{
    X509 *certificate = workshop_client(&ca, key, "sensor-1", 7);
    char *pem = workshop_pem(certificate);
    struct tls_context *context = context_of(TLS_CLIENT_CERTIFICATE_NONE, true);
    struct tls_peer peer;
    const char *fault = NULL;
    cr_expect_eq(tls_identify(context, slice_from_text(pem), &peer, &fault),
                 TLS_IDENTIFY_NOT_ASKED);
    cr_expect_not_null(strstr(fault, "asks clients for no certificate"));
    tls_context_free(context);
    size_t size = strlen(pem);
    for (size_t cut = 0; cut + 2 < size; cut++) {
        pem[cut] = '\0';
        char *text = strdup(pem);
        cr_assert_eq(identify(text, &peer, &fault), TLS_IDENTIFY_UNREADABLE, "cut at %zu", cut);
        free(text);
        free(pem);
        pem = workshop_pem(certificate);
    }
    X509_free(certificate);
    free(pem);
}
