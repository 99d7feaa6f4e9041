#include "cidr_internal.h"

#include "moat/policy/policy.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/* A decimal of one to three digits without leading zeros, at most `limit`. */
static bool parse_prefix(struct slice text, unsigned limit, unsigned *out_prefix)
{
    if (text.size == 0 || text.size > 3 || (text.size > 1 && text.data[0] == '0')) {
        return false;
    }
    unsigned value = 0;
    for (size_t at = 0; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(text.data[at] - '0');
    }
    if (value > limit) {
        return false;
    }
    *out_prefix = value;
    return true;
}

/* The bits of byte `index` that belong to a network of this prefix. */
static uint8_t prefix_mask(unsigned prefix, unsigned index)
{
    unsigned before = index * 8;
    if (prefix >= before + 8) {
        return 0xFF;
    }
    if (prefix <= before) {
        return 0;
    }
    return (uint8_t)(0xFFu << (8 - (prefix - before)));
}

static bool has_host_bits(const struct network *network, unsigned bits)
{
    for (unsigned index = 0; index < bits / 8; index++) {
        if ((network->first.bytes[index] & (uint8_t)~prefix_mask(network->prefix, index)) != 0) {
            return true;
        }
    }
    return false;
}

/* Clients of that form are seen as IPv4, so such a network would never match anybody. */
static bool is_mapped(const struct address *address, bool has_colon)
{
    if (address->family == ADDRESS_IPV4) {
        return has_colon;
    }
    return memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

const char *cidr_parse(struct slice text, struct network *out_network)
{
    const uint8_t *slash = text.size > 0 ? memchr(text.data, '/', text.size) : NULL;
    struct slice host = text;
    if (slash != NULL) {
        host.size = (size_t)(slash - text.data);
    }
    struct network network = {0};
    if (!address_parse(host, &network.first)) {
        return "not a network; write one as 192.168.10.0/24, 2001:db8::/32 or a single address";
    }
    bool has_colon = memchr(host.data, ':', host.size) != NULL;
    if (is_mapped(&network.first, has_colon)) {
        return "an IPv4-mapped address is written as plain IPv4, as in 192.168.10.0/24";
    }
    unsigned bits = network.first.family == ADDRESS_IPV4 ? 32 : 128;
    network.prefix = bits;
    if (slash != NULL && !parse_prefix(slice_after(text, host.size + 1), bits, &network.prefix)) {
        return "the number after / must be 0 to 32 for IPv4, 0 to 128 for IPv6";
    }
    if (has_host_bits(&network, bits)) {
        return "the address has bits set past its prefix; write the network's first address, "
               "as 192.168.10.0/24 and not 192.168.10.7/24";
    }
    *out_network = network;
    return NULL;
}

const char *policy_check_cidr(struct slice text)
{
    struct network network;
    return cidr_parse(text, &network);
}

bool cidr_contains(const struct network *network, const struct address *address)
{
    if (address->family == ADDRESS_NONE || address->family != network->first.family) {
        return false;
    }
    unsigned size = address->family == ADDRESS_IPV4 ? 4 : 16;
    for (unsigned index = 0; index < size; index++) {
        uint8_t difference = network->first.bytes[index] ^ address->bytes[index];
        if ((difference & prefix_mask(network->prefix, index)) != 0) {
            return false;
        }
    }
    return true;
}
