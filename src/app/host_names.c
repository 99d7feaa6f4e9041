#include "moat/app/host_names.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define LABEL_MAX 63

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* RFC 1123, 2.1: letters, digits and hyphens, no hyphen at either end. */
static bool is_label(struct slice label)
{
    if (label.size == 0 || label.size > LABEL_MAX || label.data[0] == '-' ||
        label.data[label.size - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.size; i++) {
        if (!is_letter(label.data[i]) && !is_digit(label.data[i]) && label.data[i] != '-') {
            return false;
        }
    }
    return true;
}

static bool is_number(struct slice label)
{
    for (size_t i = 0; i < label.size; i++) {
        if (!is_digit(label.data[i])) {
            return false;
        }
    }
    return true;
}

/* A last label of digits alone would make 300.1.2.3, a mistyped address, a name. */
static bool is_dns_name(struct slice text)
{
    if (text.size >= PKI_DNS_SIZE) {
        return false;
    }
    for (;;) {
        size_t size = 0;
        while (size < text.size && text.data[size] != '.') {
            size++;
        }
        struct slice label = slice_of(text.data, size);
        if (!is_label(label)) {
            return false;
        }
        if (size == text.size) {
            return !is_number(label);
        }
        text = slice_after(text, size + 1);
    }
}

static const char *add_address(struct pki_names *names, const struct address *address)
{
    for (size_t i = 0; i < names->address_count; i++) {
        const struct address *other = &names->addresses[i];
        if (other->family == address->family &&
            memcmp(other->bytes, address->bytes, sizeof other->bytes) == 0) {
            return NULL;
        }
    }
    if (names->address_count == PKI_ADDRESSES_MAX) {
        return "a certificate made here holds at most 64 addresses";
    }
    names->addresses[names->address_count++] = *address;
    return NULL;
}

static const char *add_dns(struct pki_names *names, struct slice text)
{
    char name[PKI_DNS_SIZE] = {0};

    memcpy(name, text.data, text.size);
    for (size_t i = 0; i < names->dns_count; i++) {
        if (strcasecmp(names->dns[i], name) == 0) {
            return NULL;
        }
    }
    if (names->dns_count == PKI_DNS_MAX) {
        return "a certificate made here holds at most 32 names";
    }
    memcpy(names->dns[names->dns_count++], name, sizeof name);
    return NULL;
}

const char *host_names_add(struct pki_names *names, struct slice text)
{
    struct address address;

    if (address_parse(text, &address)) {
        return add_address(names, &address);
    }
    if (!is_dns_name(text)) {
        return "a name is written like gate.example.org, in letters, digits, '-' and '.', "
               "an address like 192.0.2.1 or 2001:db8::1";
    }
    return add_dns(names, text);
}

/* What the machine says of itself is taken where it is usable, and there is room. */
static void add_if_possible(struct pki_names *names, const char *text)
{
    const char *fault = host_names_add(names, slice_from_text(text));
    (void)fault;
}

void host_names_add_own(struct pki_names *names)
{
    char host[PKI_DNS_SIZE - sizeof ".local"];
    char local[PKI_DNS_SIZE];

    if (gethostname(host, sizeof host) == 0) {
        host[sizeof host - 1] = '\0'; /* a name that was cut short may come without its NUL */
        add_if_possible(names, host);
        if (strchr(host, '.') == NULL && strcmp(host, "localhost") != 0) {
            (void)snprintf(local, sizeof local, "%s.local", host);
            add_if_possible(names, local);
        }
    }
    add_if_possible(names, "localhost");
    add_if_possible(names, "127.0.0.1");
    add_if_possible(names, "::1");
}

static bool is_link_local_ipv6(const struct address *address)
{
    return address->family == ADDRESS_IPV6 && address->bytes[0] == 0xfe &&
           (address->bytes[1] & 0xc0) == 0x80;
}

void host_names_add_interfaces(struct pki_names *names)
{
    struct ifaddrs *list = NULL;

    if (getifaddrs(&list) != 0) {
        return;
    }
    for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next) {
        if (entry->ifa_addr == NULL || (entry->ifa_flags & IFF_UP) == 0) {
            continue;
        }
        struct address address = address_from_sockaddr(entry->ifa_addr);
        address.port = 0;
        if (address.family != ADDRESS_NONE && !is_link_local_ipv6(&address) &&
            add_address(names, &address) != NULL) {
            break;
        }
    }
    freeifaddrs(list);
}

bool host_has_ipv6(void)
{
    struct ifaddrs *list = NULL;
    bool has_ipv6 = false;

    if (getifaddrs(&list) != 0) {
        return false;
    }
    for (const struct ifaddrs *entry = list; entry != NULL && !has_ipv6; entry = entry->ifa_next) {
        has_ipv6 = entry->ifa_addr != NULL && entry->ifa_addr->sa_family == AF_INET6;
    }
    freeifaddrs(list);
    return has_ipv6;
}
