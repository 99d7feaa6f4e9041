/*
 * The keys that seal session tickets.
 *
 * A ticket holds all that is needed to resume a session, so its key is worth every session it
 * sealed. Keys made here are random, live in memory alone, are replaced every 12 hours and wiped
 * 12 hours later. Keys from a file stay as long as the file does. Either way a ticket opens only
 * under the scope (listener, trust) and for the server name that it was sealed for.
 */
#ifndef MOAT_TLS_TICKETS_INTERNAL_H
#define MOAT_TLS_TICKETS_INTERNAL_H

#include <openssl/ssl.h>

#include "moat/base/secret.h"
#include "moat/tls/context.h"

#define TICKETS_ROTATION_MS (12ull * 60 * 60 * 1000)
#define TICKETS_OVERHEAD    56u /* bytes: key name, nonce, tag */

struct tls_tickets;

/* `key_file` without data: random keys. NULL with a sentence in *out_what. Times are those of
 * clock_monotonic_ms(). */
struct tls_tickets *tickets_new(struct slice key_file, const uint8_t scope[SECRET_DIGEST_SIZE],
                                uint64_t now_ms, const char **out_what) MOAT_MUST_CHECK;
void tickets_free(struct tls_tickets *tickets);

/* Any thread may call these two. False when the output is too small, or the ticket is none of
 * ours, was sealed for another name or under a key that is gone. */
bool tickets_seal(struct tls_tickets *tickets, uint64_t now_ms, struct slice server_name,
                  struct slice plain, uint8_t *out, size_t capacity,
                  size_t *out_size) MOAT_MUST_CHECK;
bool tickets_open(struct tls_tickets *tickets, uint64_t now_ms, struct slice server_name,
                  struct slice ticket, uint8_t *out, size_t capacity,
                  size_t *out_size) MOAT_MUST_CHECK;

/* Makes BoringSSL use the tickets of the connection's context. */
void tickets_install(SSL_CTX *ssl_ctx);

#endif
