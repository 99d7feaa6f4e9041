/* What no library's client does: messages left out, repeated, and out of their order. */
#include "base/whole_test.h"
#include "conn_contexts.h"
#include "hand_client.h"

#include <stdlib.h>

#define TEST(name) WHOLE_TEST(handmade, name, set_up, tear_down)

static enum tls_status visit(const struct tls_context *context, const char *flight,
                             const char **out_fault)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    X509 *certificate = fixture_certificate(&spec);
    const struct hand_client client = {.certificate = certificate,
                                       .key = spec.key,
                                       .other_key = fixture.server_key,
                                       .flight = flight};
    enum tls_status status = hand_client_visit(context, &client, out_fault);
    X509_free(certificate);
    return status;
}

static void expect_let_in(const struct tls_context *context, const char *flight)
{
    const char *fault = NULL;
    cr_expect_eq(visit(context, flight, &fault), TLS_OK, "%s: %s", flight, fault);
}

static void expect_refused(const struct tls_context *context, const char *flight, const char *part)
{
    const char *fault = NULL;
    cr_expect_eq(visit(context, flight, &fault), TLS_FAILED, "%s was taken", flight);
    cr_expect(fault != NULL && strstr(fault, part) != NULL, "%s: %s", flight, fault);
}

/* Else the tests below would refuse it for a mistake of its own. */
TEST(a_client_that_keeps_to_the_order)
{
    expect_let_in(strict, "CVF");
    expect_let_in(either, "CVF");
    expect_let_in(either, "EF");
    expect_let_in(plain, "F");
}

/* CVE-2022-25640: a server that took a Finished for a CertificateVerify believed any certificate
 * of anybody. */
TEST(no_certificate_verify)
{
    expect_refused(strict, "CF", "UNEXPECTED_MESSAGE");
    expect_refused(either, "CF", "UNEXPECTED_MESSAGE");
    expect_refused(strict, "CW", "does not hold the private key");
    expect_refused(either, "CW", "does not hold the private key");
}

TEST(no_certificate)
{
    expect_refused(strict, "F", "UNEXPECTED_MESSAGE");
    expect_refused(either, "F", "UNEXPECTED_MESSAGE");
    expect_refused(strict, "VF", "UNEXPECTED_MESSAGE");
    expect_refused(strict, "EF", "presents no certificate");
    expect_refused(strict, "EVF", "presents no certificate");
    expect_refused(either, "EVF", "UNEXPECTED_MESSAGE");
}

TEST(no_finished)
{
    static const char *const flights[] = {"", "C", "CV"};
    for (size_t i = 0; i < sizeof flights / sizeof flights[0]; i++) {
        const char *fault = NULL;
        cr_expect_eq(visit(strict, flights[i], &fault), TLS_WANT_INPUT, "%s", flights[i]);
    }
    expect_refused(strict, "D", "UNEXPECTED_RECORD");
    expect_refused(strict, "CD", "UNEXPECTED_RECORD");
    expect_refused(strict, "CVD", "UNEXPECTED_RECORD");
    expect_refused(plain, "D", "UNEXPECTED_RECORD");
}

TEST(out_of_order_or_twice)
{
    static const char *const flights[] = {"VCF", "FCV", "CCVF", "CFVF", "ECVF"};
    for (size_t i = 0; i < sizeof flights / sizeof flights[0]; i++) {
        const char *fault = NULL;
        cr_expect_eq(visit(strict, flights[i], &fault), TLS_FAILED, "%s", flights[i]);
        cr_expect_eq(visit(either, flights[i], &fault), TLS_FAILED, "%s", flights[i]);
    }
    const char *fault = NULL;
    cr_expect_eq(visit(strict, "CVVF", &fault), TLS_FAILED);
    cr_expect_eq(visit(plain, "CVF", &fault), TLS_FAILED, "nobody asked for it");
}

/* RFC 8446, 4.1.2: exactly the null method. */
TEST(compression_is_not_spoken)
{
    static const char *const methods[] = {"\1", "\1\0", "\0\1"};
    static const size_t sizes[] = {1, 2, 2};
    for (size_t i = 0; i < 3; i++) {
        const char *fault = NULL;
        const struct hand_client client = {.flight = "F",
                                           .compression = slice_of(methods[i], sizes[i])};
        cr_expect_eq(hand_client_visit(plain, &client, &fault), TLS_FAILED, "%zu was taken", i);
    }
}

/* Early data that is not taken has to be skipped, since the client sent it before it could know: as
 * much as the library's limit, one record here, and not a byte more. */
TEST(early_data_is_skipped_up_to_16_kib)
{
    static const uint8_t offer[] = {0, TLSEXT_TYPE_early_data, 0, 0};
    for (size_t total = 16384; total <= 16385; total++) {
        size_t body = total - 5;
        uint8_t *record = calloc(1, total);
        const char *fault = NULL;
        memcpy(record, (const uint8_t[]){0x17, 3, 3, (uint8_t)(body >> 8), (uint8_t)body}, 5);
        const struct hand_client client = {.flight = "F",
                                           .more = slice_of(offer, sizeof offer),
                                           .before_flight = slice_of(record, total)};
        enum tls_status status = hand_client_visit(plain, &client, &fault);
        cr_expect_eq(status, total == 16384 ? TLS_OK : TLS_FAILED, "%zu: %s", total, fault);
        free(record);
    }
}
