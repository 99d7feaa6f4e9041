#include "moat/base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static struct address address_from_ipv6(const uint8_t bytes[16], uint16_t port)
{
    struct address address = {.port = port};

    if (memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0) {
        address.family = ADDRESS_IPV4;
        memcpy(address.bytes, bytes + sizeof mapped_prefix, 4);
    } else {
        address.family = ADDRESS_IPV6;
        memcpy(address.bytes, bytes, 16);
    }
    return address;
}

struct address address_from_sockaddr(const struct sockaddr *sockaddr)
{
    struct address address = {.family = ADDRESS_NONE};

    if (sockaddr->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sockaddr, sizeof in);
        address.family = ADDRESS_IPV4;
        memcpy(address.bytes, &in.sin_addr, 4);
        address.port = ntohs(in.sin_port);
    } else if (sockaddr->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sockaddr, sizeof in6);
        address = address_from_ipv6(in6.sin6_addr.s6_addr, ntohs(in6.sin6_port));
    }
    return address;
}

bool address_parse(struct slice text, struct address *out_address)
{
    char copy[ADDRESS_TEXT_SIZE];
    uint8_t bytes[16];

    if (text.size == 0 || text.size >= sizeof copy || memchr(text.data, '\0', text.size) != NULL) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (inet_pton(AF_INET, copy, bytes) == 1) {
        *out_address = (struct address){.family = ADDRESS_IPV4};
        memcpy(out_address->bytes, bytes, 4);
        return true;
    }
    if (inet_pton(AF_INET6, copy, bytes) == 1) {
        *out_address = address_from_ipv6(bytes, 0);
        return true;
    }
    return false;
}

bool address_is_loopback(const struct address *address)
{
    static const uint8_t ipv6_loopback[16] = {[15] = 1};

    switch (address->family) {
    case ADDRESS_IPV4:
        return address->bytes[0] == 127;
    case ADDRESS_IPV6:
        return memcmp(address->bytes, ipv6_loopback, sizeof ipv6_loopback) == 0;
    case ADDRESS_NONE:
        return false;
    }
    return false;
}

void address_format(const struct address *address, char out_text[ADDRESS_TEXT_SIZE])
{
    int family = address->family == ADDRESS_IPV4 ? AF_INET : AF_INET6;

    if (address->family == ADDRESS_NONE ||
        inet_ntop(family, address->bytes, out_text, ADDRESS_TEXT_SIZE) == NULL) {
        snprintf(out_text, ADDRESS_TEXT_SIZE, "local");
    }
}

void address_format_port(const struct address *address, char out_text[ADDRESS_TEXT_SIZE])
{
    char host[ADDRESS_TEXT_SIZE];

    address_format(address, host);
    switch (address->family) {
    case ADDRESS_IPV4:
        snprintf(out_text, ADDRESS_TEXT_SIZE, "%.45s:%u", host, (unsigned)address->port);
        break;
    case ADDRESS_IPV6:
        snprintf(out_text, ADDRESS_TEXT_SIZE, "[%.45s]:%u", host, (unsigned)address->port);
        break;
    case ADDRESS_NONE:
        snprintf(out_text, ADDRESS_TEXT_SIZE, "%s", host);
        break;
    }
}
