/* What tests of single chains need: a CA that is trusted, and the verdict on what a client shows.
 */
#ifndef TEST_TLS_JUDGING_H
#define TEST_TLS_JUDGING_H

#include "base/whole_test.h"
#include "pki_fixture.h"
#include "tls/context_internal.h"

#include <stdlib.h>

#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>

#include "moat/base/clock.h"

static struct fixture fixture;
static struct tls_context context;
static int64_t now;

static void set_up(void)
{
    STACK_OF(CRYPTO_BUFFER) *names = NULL;
    const char *what = NULL;

    fixture_init(&fixture);
    now = clock_wall_seconds();
    context.client_certificate = TLS_CLIENT_CERTIFICATE_REQUIRED;
    context.client_roots = material_roots(slice_from_text(fixture.ca_pem), &names, &what);
    cr_assert_not_null(context.client_roots);
    sk_CRYPTO_BUFFER_pop_free(names, CRYPTO_BUFFER_free);
}

static void tear_down(void)
{
    X509_STORE_free(context.client_roots);
    fixture_deinit(&fixture);
    cr_expect_eq(ERR_peek_error(), 0, "an error was left for the next caller");
}

static const char *judge_bytes(CRYPTO_BUFFER **list, size_t count, uint8_t *out_alert)
{
    STACK_OF(CRYPTO_BUFFER) *chain = sk_CRYPTO_BUFFER_new_null();
    for (size_t i = 0; i < count; i++) {
        cr_assert(sk_CRYPTO_BUFFER_push(chain, list[i]));
    }
    struct tls_proof proof = {.is_pinned = false};
    const char *what = verify_client_chain(&context, chain, now, &proof, out_alert);
    sk_CRYPTO_BUFFER_pop_free(chain, CRYPTO_BUFFER_free);
    return what;
}

/* Frees the certificates. */
static const char *judge(X509 **list, size_t count, uint8_t *out_alert)
{
    CRYPTO_BUFFER *bytes[16];
    cr_assert_leq(count, 16);
    for (size_t i = 0; i < count; i++) {
        bytes[i] = fixture_bytes(list[i]);
        X509_free(list[i]);
    }
    return judge_bytes(bytes, count, out_alert);
}

static void expect_verdict(const char *what, uint8_t alert, const char *part, uint8_t wanted)
{
    cr_assert_not_null(what, "taken, instead of: %s", part);
    cr_expect_not_null(strstr(what, part), "%s", what);
    cr_expect_eq(alert, wanted, "alert %u", (unsigned)alert);
}

#endif
