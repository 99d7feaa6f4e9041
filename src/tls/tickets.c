#include "tickets_internal.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/aead.h>
#include <openssl/err.h>

#include "context_internal.h"
#include "moat/base/clock.h"

#define NAME_SIZE  16u
#define NONCE_SIZE 24u /* of XChaCha20: long enough to be drawn at random for ever */
#define TAG_SIZE   16u

static_assert(NAME_SIZE + NONCE_SIZE + TAG_SIZE == TICKETS_OVERHEAD, "the parts of a ticket");

struct ticket_key {
    uint8_t name[NAME_SIZE]; /* stands in front of each ticket, in the clear */
    uint8_t secret[SECRET_DIGEST_SIZE];
};

struct tls_tickets {
    bool is_from_file;
    pthread_mutex_t lock; /* guards what follows */
    uint64_t made_ms;     /* when the first key was */
    size_t count;
    struct ticket_key keys[TLS_TICKET_KEYS_MAX]; /* the first seals */
};

/* --- keys ------------------------------------------------------------------------------ */

/* A file may be shared by listeners that trust different clients; what they seal with is not. */
static void derive_key(const uint8_t from_file[SECRET_DIGEST_SIZE],
                       const uint8_t scope[SECRET_DIGEST_SIZE], struct ticket_key *out_key)
{
    const struct slice key = slice_of(from_file, SECRET_DIGEST_SIZE);
    const struct slice name_parts[] = {slice_from_text("name"),
                                       slice_of(scope, SECRET_DIGEST_SIZE)};
    const struct slice secret_parts[] = {slice_from_text("secret"),
                                         slice_of(scope, SECRET_DIGEST_SIZE)};
    uint8_t name[SECRET_DIGEST_SIZE];

    secret_hmac(key, name_parts, 2, name);
    memcpy(out_key->name, name, NAME_SIZE);
    secret_hmac(key, secret_parts, 2, out_key->secret);
}

/* Whitespace at both ends does not count. */
static struct slice trim(struct slice line)
{
    while (line.size > 0 && strchr(" \t\r", line.data[line.size - 1]) != NULL) {
        line.size--;
    }
    while (line.size > 0 && strchr(" \t", line.data[0]) != NULL) {
        line = slice_after(line, 1);
    }
    return line;
}

static struct slice take_line(struct slice *rest)
{
    const uint8_t *end = memchr(rest->data, '\n', rest->size);
    size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
    struct slice line = slice_of(rest->data, size);

    *rest = slice_after(*rest, end != NULL ? size + 1 : size);
    return trim(line);
}

static const char *read_keys(struct tls_tickets *tickets, struct slice file,
                             const uint8_t scope[SECRET_DIGEST_SIZE])
{
    while (file.size > 0) {
        uint8_t key[SECRET_DIGEST_SIZE];
        struct slice line = take_line(&file);
        if (line.size == 0 || line.data[0] == '#') {
            continue;
        }
        if (tickets->count == TLS_TICKET_KEYS_MAX) {
            return "there are more than 8 keys in it; remove the oldest, which come last";
        }
        if (!pins_parse_hex(line, key)) {
            return "each line must be a key of 64 hexadecimal digits; make one with: openssl rand "
                   "-hex 32";
        }
        derive_key(key, scope, &tickets->keys[tickets->count++]);
        secret_wipe(key, sizeof key);
    }
    return tickets->count == 0 ? "there is no key in it; make one with: openssl rand -hex 32"
                               : NULL;
}

static void make_key(struct ticket_key *key)
{
    secret_random(key->name, sizeof key->name);
    secret_random(key->secret, sizeof key->secret);
}

struct tls_tickets *tickets_new(struct slice key_file, const uint8_t scope[SECRET_DIGEST_SIZE],
                                uint64_t now_ms, const char **out_what)
{
    struct tls_tickets *tickets = calloc(1, sizeof *tickets);

    *out_what = "there is not enough memory";
    if (tickets == NULL || pthread_mutex_init(&tickets->lock, NULL) != 0) {
        free(tickets);
        return NULL;
    }
    tickets->made_ms = now_ms;
    tickets->is_from_file = key_file.data != NULL;
    *out_what = NULL;
    if (tickets->is_from_file) {
        *out_what = read_keys(tickets, key_file, scope);
    } else {
        make_key(&tickets->keys[0]);
        tickets->count = 1;
    }
    if (*out_what != NULL) {
        tickets_free(tickets);
        return NULL;
    }
    return tickets;
}

void tickets_free(struct tls_tickets *tickets)
{
    if (tickets != NULL) {
        pthread_mutex_destroy(&tickets->lock);
        secret_wipe(tickets->keys, sizeof tickets->keys);
        free(tickets);
    }
}

/* Under the lock. A key that seals no more still opens for as long as it has sealed. */
static void rotate(struct tls_tickets *tickets, uint64_t now_ms)
{
    uint64_t age = now_ms - tickets->made_ms;

    if (tickets->is_from_file || age < TICKETS_ROTATION_MS) {
        return;
    }
    bool is_previous_good = age < 2 * TICKETS_ROTATION_MS;
    tickets->keys[1] = tickets->keys[0];
    if (!is_previous_good) {
        secret_wipe(&tickets->keys[1], sizeof tickets->keys[1]);
    }
    tickets->count = is_previous_good ? 2 : 1;
    make_key(&tickets->keys[0]);
    tickets->made_ms = now_ms;
}

/* Copies the key with this name, or the one that seals when `name` is NULL. */
static bool copy_key(struct tls_tickets *tickets, uint64_t now_ms, const uint8_t *name,
                     struct ticket_key *out_key)
{
    bool is_found = false;

    pthread_mutex_lock(&tickets->lock);
    rotate(tickets, now_ms);
    for (size_t i = 0; i < tickets->count && !is_found; i++) {
        is_found = name == NULL || memcmp(tickets->keys[i].name, name, NAME_SIZE) == 0;
        if (is_found) {
            *out_key = tickets->keys[i];
        }
    }
    pthread_mutex_unlock(&tickets->lock);
    return is_found;
}

/* --- sealing --------------------------------------------------------------------------- */

static bool start(EVP_AEAD_CTX *aead, struct ticket_key *key)
{
    bool is_started = EVP_AEAD_CTX_init(aead, EVP_aead_xchacha20_poly1305(), key->secret,
                                        sizeof key->secret, TAG_SIZE, NULL) == 1;
    secret_wipe(key, sizeof *key);
    return is_started;
}

bool tickets_seal(struct tls_tickets *tickets, uint64_t now_ms, struct slice server_name,
                  struct slice plain, uint8_t *out, size_t capacity, size_t *out_size)
{
    const size_t head = NAME_SIZE + NONCE_SIZE;
    struct ticket_key key;
    EVP_AEAD_CTX aead;
    size_t size = 0;

    if (capacity < TICKETS_OVERHEAD || plain.size > capacity - TICKETS_OVERHEAD ||
        !copy_key(tickets, now_ms, NULL, &key)) {
        return false;
    }
    /* `plain` may lie where the ticket goes, so it is moved by the cipher before the head is
     * written over it. */
    uint8_t nonce[NONCE_SIZE];
    uint8_t name[NAME_SIZE];
    memcpy(name, key.name, sizeof name);
    secret_random(nonce, sizeof nonce);
    if (!start(&aead, &key)) {
        return false;
    }
    memmove(out + head, plain.data, plain.size);
    bool is_sealed =
        EVP_AEAD_CTX_seal(&aead, out + head, &size, capacity - head, nonce, sizeof nonce,
                          out + head, plain.size, server_name.data, server_name.size) == 1;
    EVP_AEAD_CTX_cleanup(&aead);
    if (!is_sealed) {
        return false;
    }
    memcpy(out, name, sizeof name);
    memcpy(out + NAME_SIZE, nonce, sizeof nonce);
    *out_size = head + size;
    return true;
}

bool tickets_open(struct tls_tickets *tickets, uint64_t now_ms, struct slice server_name,
                  struct slice ticket, uint8_t *out, size_t capacity, size_t *out_size)
{
    const size_t head = NAME_SIZE + NONCE_SIZE;
    struct ticket_key key;
    EVP_AEAD_CTX aead;

    if (ticket.size < TICKETS_OVERHEAD || !copy_key(tickets, now_ms, ticket.data, &key) ||
        !start(&aead, &key)) {
        return false;
    }
    bool is_open = EVP_AEAD_CTX_open(&aead, out, out_size, capacity, ticket.data + NAME_SIZE,
                                     NONCE_SIZE, ticket.data + head, ticket.size - head,
                                     server_name.data, server_name.size) == 1;
    EVP_AEAD_CTX_cleanup(&aead);
    return is_open;
}

/* --- for BoringSSL --------------------------------------------------------------------- */

static struct tls_tickets *tickets_of(const SSL *ssl)
{
    const struct tls_conn *conn = SSL_get_app_data(ssl);
    return conn->context->tickets;
}

static struct slice server_name_of(const SSL *ssl)
{
    return slice_from_text(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
}

static size_t on_overhead(SSL *ssl)
{
    (void)ssl;
    return TICKETS_OVERHEAD;
}

static int on_seal(SSL *ssl, uint8_t *out, size_t *out_size, size_t capacity, const uint8_t *plain,
                   size_t size)
{
    bool is_sealed = tickets_seal(tickets_of(ssl), clock_monotonic_ms(), server_name_of(ssl),
                                  slice_of(plain, size), out, capacity, out_size);
    return is_sealed ? 1 : 0;
}

static enum ssl_ticket_aead_result_t on_open(SSL *ssl, uint8_t *out, size_t *out_size,
                                             size_t capacity, const uint8_t *ticket, size_t size)
{
    bool is_open = tickets_open(tickets_of(ssl), clock_monotonic_ms(), server_name_of(ssl),
                                slice_of(ticket, size), out, capacity, out_size);
    ERR_clear_error(); /* a ticket of another place is no fault */
    return is_open ? ssl_ticket_aead_success : ssl_ticket_aead_ignore_ticket;
}

void tickets_install(SSL_CTX *ssl_ctx)
{
    static const SSL_TICKET_AEAD_METHOD method = {
        .max_overhead = on_overhead,
        .seal = on_seal,
        .open = on_open,
    };
    SSL_CTX_set_ticket_aead_method(ssl_ctx, &method);
}
