#include "moat/base/address.h"

#include <stdio.h>

static const char unix_prefix[] = "unix:";
static const char systemd_prefix[] = "systemd:";

static const char *parse_unix(struct slice path, struct endpoint *out_endpoint)
{
    struct endpoint endpoint = {.kind = ENDPOINT_UNIX};

    if (path.size == 0 || path.data[0] != '/') {
        return "a unix socket is written unix:/path/from/the/root";
    }
    if (path.size >= sizeof endpoint.path) {
        return "the path of a unix socket has at most 107 bytes";
    }
    memcpy(endpoint.path, path.data, path.size);
    *out_endpoint = endpoint;
    return NULL;
}

/* A FileDescriptorName=; systemd itself allows no colon in it, and 255 characters. */
static const char *parse_systemd(struct slice name, struct endpoint *out_endpoint)
{
    struct endpoint endpoint = {.kind = ENDPOINT_SYSTEMD};

    if (name.size == 0 || name.size >= sizeof endpoint.host ||
        memchr(name.data, ':', name.size) != NULL) {
        return "a socket of systemd's is written systemd:NAME, with its FileDescriptorName=";
    }
    memcpy(endpoint.host, name.data, name.size);
    *out_endpoint = endpoint;
    return NULL;
}

/* Decimal digits only, at most five of them, so no overflow can happen. */
static const char *parse_port(struct slice text, uint16_t *out_port)
{
    static const char remedy[] = "the port is a number from 0 to 65535";
    unsigned port = 0;

    if (text.size == 0 || text.size > 5) {
        return remedy;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return remedy;
        }
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    if (port > UINT16_MAX) {
        return remedy;
    }
    *out_port = (uint16_t)port;
    return NULL;
}

static bool is_host_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '.' || byte == '_';
}

static const char *parse_host(struct slice text, char out_host[ENDPOINT_HOST_SIZE])
{
    struct address address;

    if (text.size > 2 && text.data[0] == '[' && text.data[text.size - 1] == ']') {
        struct slice inner = slice_of(text.data + 1, text.size - 2);
        if (inner.size >= ADDRESS_TEXT_SIZE || memchr(inner.data, ':', inner.size) == NULL ||
            !address_parse(inner, &address)) {
            return "what stands in brackets is not an IPv6 address";
        }
        text = inner;
    } else {
        if (text.size == 0) {
            return "the host is missing; write host:port, for example 127.0.0.1:1883";
        }
        for (size_t i = 0; i < text.size; i++) {
            if (text.data[i] == ':') {
                return "an IPv6 address goes in brackets: [::1]:8883";
            }
            if (!is_host_byte(text.data[i])) {
                return "a host is an address or a name of letters, digits, '-', '_' and '.'";
            }
        }
    }
    if (text.size > 253) {
        return "a host name has at most 253 characters";
    }
    memcpy(out_host, text.data, text.size);
    out_host[text.size] = '\0';
    return NULL;
}

const char *endpoint_parse(struct slice text, struct endpoint *out_endpoint)
{
    struct endpoint endpoint = {.kind = ENDPOINT_TCP};

    if (slice_starts_with(text, unix_prefix)) {
        return parse_unix(slice_after(text, sizeof unix_prefix - 1), out_endpoint);
    }
    if (slice_starts_with(text, systemd_prefix)) {
        return parse_systemd(slice_after(text, sizeof systemd_prefix - 1), out_endpoint);
    }
    size_t colon = text.size;
    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0) {
        return "the port is missing; write host:port, for example 127.0.0.1:1883";
    }
    const char *fault = parse_port(slice_after(text, colon), &endpoint.port);
    if (fault == NULL) {
        fault = parse_host(slice_of(text.data, colon - 1), endpoint.host);
    }
    if (fault == NULL) {
        *out_endpoint = endpoint;
    }
    return fault;
}

bool endpoint_is_local(const struct endpoint *endpoint)
{
    struct address address;

    if (endpoint->kind == ENDPOINT_UNIX || strcmp(endpoint->host, "localhost") == 0) {
        return true;
    }
    return endpoint->kind == ENDPOINT_TCP &&
           address_parse(slice_from_text(endpoint->host), &address) &&
           address_is_loopback(&address);
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->kind == b->kind && a->port == b->port && strcmp(a->host, b->host) == 0 &&
           strcmp(a->path, b->path) == 0;
}
