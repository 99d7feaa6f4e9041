#include "oracle.h"
#include "policy/cidr_internal.h"

#include "moat/policy/policy.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>

static struct network network_of(const char *text)
{
    struct network network = {0};
    const char *fault = cidr_parse(slice_from_text(text), &network);
    cr_assert_null(fault, "%s: %s", text, fault);
    return network;
}

static bool contains(const char *network_text, const char *address_text)
{
    struct network network = network_of(network_text);
    struct address address;
    cr_assert(address_parse(slice_from_text(address_text), &address), "%s", address_text);
    return cidr_contains(&network, &address);
}

static void expect_fault(const char *text, const char *part)
{
    const char *fault = policy_check_cidr(slice_from_text(text));
    cr_assert_not_null(fault, "%s was taken", text);
    cr_expect_not_null(strstr(fault, part), "%s: %s", text, fault);
}

Test(cidr, first_and_last_address_are_in_and_their_neighbours_are_not)
{
    cr_expect(contains("192.168.10.0/24", "192.168.10.0"));
    cr_expect(contains("192.168.10.0/24", "192.168.10.255"));
    cr_expect_not(contains("192.168.10.0/24", "192.168.9.255"));
    cr_expect_not(contains("192.168.10.0/24", "192.168.11.0"));
    cr_expect(contains("10.0.0.128/25", "10.0.0.128"));
    cr_expect_not(contains("10.0.0.128/25", "10.0.0.127"));
    cr_expect(contains("2001:db8::/33", "2001:db8:7fff::1"));
    cr_expect_not(contains("2001:db8::/33", "2001:db8:8000::1"));
}

Test(cidr, a_single_address_is_a_network_of_one)
{
    cr_expect_eq(network_of("192.0.2.1").prefix, 32);
    cr_expect_eq(network_of("::1").prefix, 128);
    cr_expect(contains("192.0.2.1", "192.0.2.1"));
    cr_expect_not(contains("192.0.2.1", "192.0.2.0"));
    cr_expect(contains("192.0.2.1/32", "192.0.2.1"));
    cr_expect_not(contains("2001:db8::1/128", "2001:db8::"));
}

Test(cidr, everything_of_one_family_is_nothing_of_the_other)
{
    cr_expect(contains("0.0.0.0/0", "255.255.255.255"));
    cr_expect(contains("::/0", "ffff::1"));
    cr_expect_not(contains("0.0.0.0/0", "::"));
    cr_expect_not(contains("::/0", "0.0.0.0"));
}

Test(cidr, an_unknown_address_is_nowhere)
{
    struct address none = {.family = ADDRESS_NONE};
    struct network all4 = network_of("0.0.0.0/0");
    struct network all6 = network_of("::/0");
    struct network zeroed = {0};
    cr_expect_not(cidr_contains(&all4, &none));
    cr_expect_not(cidr_contains(&all6, &none));
    cr_expect_not(cidr_contains(&zeroed, &none));
}

Test(cidr, prefix_at_its_limit_and_one_past)
{
    cr_expect_null(policy_check_cidr(slice_from_text("192.0.2.1/32")));
    expect_fault("192.0.2.1/33", "0 to 32");
    cr_expect_null(policy_check_cidr(slice_from_text("::1/128")));
    expect_fault("::1/129", "0 to 32 for IPv4, 0 to 128");
    expect_fault("0.0.0.0/4294967296", "0 to 32");
    expect_fault("0.0.0.0/256", "0 to 32");
}

Test(cidr, host_bits_are_named_with_the_right_form)
{
    expect_fault("192.168.10.7/24", "192.168.10.0/24");
    expect_fault("192.168.10.1/31", "first address");
    expect_fault("128.0.0.0/0", "first address");
    expect_fault("2001:db8::1/32", "first address");
    expect_fault("2001:db8::1/127", "first address");
    cr_expect_null(policy_check_cidr(slice_from_text("192.168.10.2/31")));
}

Test(cidr, refuses_other_spellings)
{
    static const char *const texts[] = {
        "",
        "/",
        "/24",
        "192.168.10.0/",
        "192.168.10.0/ 24",
        "10.0.0.0/+8",
        "10.0.0.0/08",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "10.0.0.0/8 ",
        "10.0.0/8",
        "10/8",
        "example.org",
        "10.0.0.0/255.0.0.0",
        "[::1]/128",
        "10.0.0.0:1883",
        "010.0.0.0/8",
        "fe80::1%lo/128",
        "*",
        " 10.0.0.0/8",
    };
    for (size_t index = 0; index < sizeof texts / sizeof texts[0]; index++) {
        cr_expect_not_null(policy_check_cidr(slice_from_text(texts[index])), "%s", texts[index]);
    }
    cr_expect_not_null(policy_check_cidr(slice_of("10.0.0.0\0/8", 11)));
    cr_expect_not_null(policy_check_cidr(slice_of(NULL, 0)));
}

/* Clients from such addresses are IPv4 to us, so the network would hold nobody. */
Test(cidr, ipv4_mapped_networks_are_written_as_ipv4)
{
    expect_fault("::ffff:192.0.2.0/120", "plain IPv4");
    expect_fault("::ffff:192.0.2.1", "plain IPv4");
    expect_fault("::ffff:0:0/96", "plain IPv4");
    cr_expect_null(policy_check_cidr(slice_from_text("::fffe:0:0/96")));
}

Test(cidr, out_parameter_is_left_alone_by_a_fault)
{
    struct network network = {.prefix = 77};
    cr_assert_not_null(cidr_parse(slice_from_text("10.0.0.1/8"), &network));
    cr_expect_eq(network.prefix, 77);
}

Test(cidr, every_cut)
{
    const char *text = "192.168.10.0/24";
    for (size_t size = 0; size < strlen(text); size++) {
        /* "192.168.10.0" is an address; ".../2" has host bits; all else is broken */
        bool good = size == strlen("192.168.10.0");
        cr_expect_eq(policy_check_cidr(slice_of(text, size)) == NULL, good, "%zu", size);
    }
}

/* --- against bits counted one by one ----------------------------------------------------- */

static bool bit_of(const uint8_t *bytes, unsigned bit)
{
    return (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

Test(cidr, agrees_with_the_bit_by_bit_reading)
{
    struct random random = random_start(4632);
    unsigned inside = 0;
    unsigned clean = 0;
    for (int round = 0; round < 100000; round++) {
        bool is_ipv4 = random_below(&random, 2) == 0;
        unsigned bits = is_ipv4 ? 32 : 128;
        unsigned prefix = (unsigned)random_below(&random, bits + 1);
        uint8_t first[16] = {0};
        for (unsigned index = 0; index < bits / 8; index++) {
            first[index] = (uint8_t)random_below(&random, 256);
        }
        first[0] |= 1; /* never an IPv4-mapped one */
        /* Mostly without host bits, so that both outcomes are met. */
        bool cleared = random_below(&random, 4) != 0;
        bool host_bits = false;
        for (unsigned bit = prefix; bit < bits; bit++) {
            if (cleared) {
                first[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
            }
            host_bits = host_bits || bit_of(first, bit);
        }
        char host[INET6_ADDRSTRLEN];
        char text[INET6_ADDRSTRLEN + 8];
        cr_assert_not_null(inet_ntop(is_ipv4 ? AF_INET : AF_INET6, first, host, sizeof host));
        snprintf(text, sizeof text, "%s/%u", host, prefix);
        if (memcmp(first, "\0\0\0\0\0\0\0\0\0\0\xFF\xFF", 12) == 0 && !is_ipv4) {
            continue;
        }
        struct network network;
        const char *fault = cidr_parse(slice_from_text(text), &network);
        cr_assert_eq(fault != NULL, host_bits, "%s: %s", text, fault);
        if (fault != NULL) {
            continue;
        }
        clean++;

        /* An address that shares the prefix, with one bit turned over. */
        struct address address = {.family = is_ipv4 ? ADDRESS_IPV4 : ADDRESS_IPV6};
        memcpy(address.bytes, first, sizeof first);
        unsigned turned = (unsigned)random_below(&random, bits);
        address.bytes[turned / 8] ^= (uint8_t)(0x80u >> turned % 8);
        bool expected = true;
        for (unsigned bit = 0; bit < prefix; bit++) {
            expected = expected && bit_of(first, bit) == bit_of(address.bytes, bit);
        }
        inside += expected;
        cr_assert_eq(cidr_contains(&network, &address), expected, "%s, bit %u", text, turned);
    }
    cr_assert_gt(clean, 10000u);
    cr_assert_gt(inside, 1000u);
    cr_assert_lt(inside, clean - 1000u);
}
