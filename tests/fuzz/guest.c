#include "fuzz.h"
#include "house.h"

static enum ssl_verify_result_t believe(SSL *ssl, uint8_t *out_alert)
{
    (void)ssl;
    (void)out_alert;
    return ssl_verify_ok;
}

static SSL_CTX *client_context(void)
{
    static SSL_CTX *context;

    if (context == NULL) {
        context = SSL_CTX_new(TLS_with_buffers_method());
        FUZZ_CHECK(context != NULL);
        SSL_CTX_set_custom_verify(context, SSL_VERIFY_PEER, believe);
    }
    return context;
}

static void append(struct buffer *buffer, const void *data, size_t size)
{
    FUZZ_CHECK(size == 0 || buffer_append(buffer, slice_of(data, size)));
}

struct pipe_end *guest_end(const struct guest *guest)
{
    return guest->session != NULL ? loop_end_of(&guest->session->client.uv) : NULL;
}

struct pipe_end *guest_upstream_end(const struct guest *guest)
{
    return guest->session != NULL ? loop_end_of(&guest->session->upstream.uv) : NULL;
}

/* Everything a guest has written, as ciphertext. */
static void take_said(struct guest *guest)
{
    const uint8_t *data = NULL;
    size_t size = 0;

    if (BIO_mem_contents(guest->said_wire, &data, &size) == 1 && size > 0) {
        append(&guest->on_the_way, data, size);
        BIO_reset(guest->said_wire);
    }
}

void guest_enter(struct guest *guest)
{
    size_t before = house.worker.session_count;

    *guest = (struct guest){.is_there = true};
    struct buffer *const buffers[] = {&guest->on_the_way, &guest->said, &guest->heard,
                                      &guest->upstream_said, &guest->upstream_heard};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
        buffer_init(buffers[i], SIZE_MAX);
    }
    static const struct address address = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 1}};
    session_accept(&house.worker, -1, &address, 0);
    FUZZ_CHECK(house.worker.session_count == before + 1);
    house.entered++;
    guest->session = house.worker.sessions;
    guest->id = guest->session->id;
    guest->ssl = SSL_new(client_context());
    guest->heard_wire = BIO_new(BIO_s_mem());
    guest->said_wire = BIO_new(BIO_s_mem());
    FUZZ_CHECK(guest->ssl != NULL && guest->heard_wire != NULL && guest->said_wire != NULL);
    BIO_set_mem_eof_return(guest->heard_wire, -1);
    SSL_set_bio(guest->ssl, guest->heard_wire, guest->said_wire);
    SSL_set_connect_state(guest->ssl);
    (void)SSL_do_handshake(guest->ssl);
    take_said(guest);
}

void guest_say(struct guest *guest, struct slice plaintext)
{
    if (SSL_in_init(guest->ssl) || plaintext.size == 0) {
        return;
    }
    while (plaintext.size > 0) {
        size_t size = plaintext.size < 16384 ? plaintext.size : 16384;
        if (SSL_write(guest->ssl, plaintext.data, (int)size) != (int)size) {
            break; /* its TLS has ended */
        }
        append(&guest->said, plaintext.data, size);
        plaintext = slice_after(plaintext, size);
    }
    take_said(guest);
}

void guest_deliver(struct guest *guest, size_t size)
{
    struct pipe_end *end = guest_end(guest);

    size = size < guest->on_the_way.size ? size : guest->on_the_way.size;
    if (end == NULL || end->stream == NULL || end->has_incoming_end || size == 0) {
        return;
    }
    append(&end->incoming, guest->on_the_way.data, size);
    guest->on_the_way.size -= size;
    memmove(guest->on_the_way.data, guest->on_the_way.data + size, guest->on_the_way.size);
}

static bool is_alive(const struct guest *guest)
{
    for (const struct session *session = house.worker.sessions; session != NULL;
         session = session->next) {
        if (session == guest->session && session->id == guest->id) {
            return true;
        }
    }
    return false;
}

static void hear(struct guest *guest)
{
    uint8_t bytes[4096];
    int size = 0;

    if (SSL_in_init(guest->ssl)) {
        (void)SSL_do_handshake(guest->ssl);
    }
    while (!SSL_in_init(guest->ssl) && (size = SSL_read(guest->ssl, bytes, sizeof bytes)) > 0) {
        append(&guest->heard, bytes, (size_t)size);
    }
    take_said(guest);
}

void guest_collect(struct guest *guest)
{
    if (guest->session != NULL && !is_alive(guest)) {
        guest->session = NULL;
    }
    struct pipe_end *end = guest_end(guest);
    if (end != NULL && end->outgoing.size > 0) {
        FUZZ_CHECK(BIO_write(guest->heard_wire, end->outgoing.data, (int)end->outgoing.size) ==
                   (int)end->outgoing.size);
        end->outgoing.size = 0;
        hear(guest);
    }
    struct pipe_end *upstream = guest_upstream_end(guest);
    if (upstream != NULL && upstream->outgoing.size > 0) {
        append(&guest->upstream_heard, upstream->outgoing.data, upstream->outgoing.size);
        upstream->outgoing.size = 0;
    }
}

void guest_forget(struct guest *guest)
{
    if (guest->is_there) {
        SSL_free(guest->ssl);
        buffer_deinit(&guest->on_the_way);
        buffer_deinit(&guest->said);
        buffer_deinit(&guest->heard);
        buffer_deinit(&guest->upstream_said);
        buffer_deinit(&guest->upstream_heard);
        *guest = (struct guest){.is_there = false};
    }
}
