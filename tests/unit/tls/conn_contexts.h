/* The three kinds of listener and the two kinds of client that tests of a connection need. */
#ifndef TEST_TLS_CONN_CONTEXTS_H
#define TEST_TLS_CONN_CONTEXTS_H

#include "wire.h"

#include <openssl/err.h>

static struct fixture fixture;
static struct tls_context *plain;  /* no client certificates */
static struct tls_context *either; /* optional */
static struct tls_context *strict; /* required */
static SSL_CTX *clients[2];        /* TLS 1.2, TLS 1.3 */

static const uint16_t versions[2] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void set_up(void)
{
    fixture_init(&fixture);
    struct tls_settings settings = wire_settings(&fixture);
    plain = wire_context(&settings);
    settings.client_certificate = TLS_CLIENT_CERTIFICATE_OPTIONAL;
    either = wire_context(&settings);
    settings.client_certificate = TLS_CLIENT_CERTIFICATE_REQUIRED;
    strict = wire_context(&settings);
    for (size_t i = 0; i < 2; i++) {
        clients[i] = wire_client_context(versions[i], versions[i]);
    }
}

static void tear_down(void)
{
    for (size_t i = 0; i < 2; i++) {
        SSL_CTX_free(clients[i]);
    }
    tls_context_free(plain);
    tls_context_free(either);
    tls_context_free(strict);
    fixture_deinit(&fixture);
    cr_expect_eq(ERR_peek_error(), 0, "an error was left for the next caller");
}

#endif
