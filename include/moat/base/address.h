/*
 * Network addresses: an address as bytes (struct address) for policy and logs,
 * and an address as written by a person (struct endpoint) for configuration.
 */
#ifndef MOAT_BASE_ADDRESS_H
#define MOAT_BASE_ADDRESS_H

#include "moat/base/bytes.h"

enum address_family {
    ADDRESS_NONE = 0, /* a unix socket, or not known */
    ADDRESS_IPV4,
    ADDRESS_IPV6,
};

struct address {
    enum address_family family;
    uint8_t bytes[16]; /* network order; IPv4 uses the first 4 */
    uint16_t port;     /* host order; 0 when it does not matter */
};

struct sockaddr;

/* IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) become IPv4, so that one client
 * has one form whatever the listener's family. */
struct address address_from_sockaddr(const struct sockaddr *sockaddr);

/* Parses a numeric address without a port, "192.0.2.1" or "2001:db8::1". */
bool address_parse(struct slice text, struct address *out_address) MOAT_MUST_CHECK;

bool address_is_loopback(const struct address *address);

#define ADDRESS_TEXT_SIZE 64 /* "[" + 45 + "]:65535" and the NUL fit */

/* "192.0.2.1" or "2001:db8::1"; "local" for ADDRESS_NONE. */
void address_format(const struct address *address, char out_text[ADDRESS_TEXT_SIZE]);

/* With the port: "192.0.2.1:1883" or "[2001:db8::1]:1883". */
void address_format_port(const struct address *address, char out_text[ADDRESS_TEXT_SIZE]);

#define ENDPOINT_HOST_SIZE 256 /* a DNS name has at most 253 characters */
#define ENDPOINT_PATH_SIZE 108 /* sun_path */

enum endpoint_kind {
    ENDPOINT_TCP = 0,
    ENDPOINT_UNIX,
    ENDPOINT_SYSTEMD, /* a socket that systemd has bound and passes on */
};

/* "host:port", "[IPv6]:port", "unix:/path" or "systemd:name", as written in the configuration. */
struct endpoint {
    enum endpoint_kind kind;
    char host[ENDPOINT_HOST_SIZE]; /* without brackets; of systemd's sockets, the name */
    char path[ENDPOINT_PATH_SIZE];
    uint16_t port;
};

/* What is wrong with an endpoint, as a sentence without a full stop, or NULL when
 * *out_endpoint was written. Port 0 is accepted (listeners: any free port). */
const char *endpoint_parse(struct slice text, struct endpoint *out_endpoint) MOAT_MUST_CHECK;

/* True for unix sockets, loopback addresses and the name "localhost". */
bool endpoint_is_local(const struct endpoint *endpoint);

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

#endif
