#include "moat/base/address.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sys/un.h>

static struct address parse(const char *text)
{
    struct address address = {.port = 4711};
    cr_assert(address_parse(slice_from_text(text), &address), "%s", text);
    cr_expect_eq(address.port, 0);
    return address;
}

static void expect_written(const char *text, const char *written)
{
    char out[ADDRESS_TEXT_SIZE];
    struct address address = parse(text);
    address_format(&address, out);
    cr_expect_str_eq(out, written);
}

Test(address, numeric_forms_are_read)
{
    expect_written("192.0.2.1", "192.0.2.1");
    expect_written("0.0.0.0", "0.0.0.0");
    expect_written("2001:DB8:0:0::1", "2001:db8::1");
    expect_written("::", "::");
    cr_expect_eq(parse("192.0.2.1").family, ADDRESS_IPV4);
    cr_expect_eq(parse("::1").family, ADDRESS_IPV6);
}

Test(address, a_mapped_address_is_an_ipv4_address)
{
    struct address plain = parse("192.0.2.1");
    struct address mapped = parse("::ffff:192.0.2.1");
    cr_expect_eq(memcmp(&plain, &mapped, sizeof plain), 0);
    cr_expect_eq(parse("::fffe:192.0.2.1").family, ADDRESS_IPV6);
    cr_expect_eq(parse("1::ffff:192.0.2.1").family, ADDRESS_IPV6);
}

Test(address, everything_else_is_refused_and_writes_nothing)
{
    static const char *const texts[] = {
        "",           "192.0.2",   "192.0.2.256",  "192.0.2.1.", " 192.0.2.1",
        "192.0.2.1 ", "0x7f.1",    "192.0.2.1:80", "[::1]",      "::1%lo",
        "fe80::1%1",  "localhost", "1:2:3:4",      "192.0.2.01", "2130706433",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct address address = {.port = 4711};
        cr_expect_not(address_parse(slice_from_text(texts[i]), &address), "%s", texts[i]);
        cr_expect_eq(address.port, 4711, "%s", texts[i]);
    }
    struct address address;
    cr_expect_not(address_parse(slice_of("127.0.0.1\0.evil", 15), &address));
    cr_expect_not(address_parse(slice_of("\0", 1), &address));
}

Test(address, a_text_of_any_length_is_safe)
{
    char text[3 * ADDRESS_TEXT_SIZE];
    struct address address;
    memset(text, '1', sizeof text);
    for (size_t size = 0; size <= sizeof text; size++) {
        cr_expect_not(address_parse(slice_of(text, size), &address));
    }
}

Test(address, loopback)
{
    static const struct {
        const char *text;
        bool is_loopback;
    } rows[] = {
        {"127.0.0.1", true},
        {"127.255.255.255", true},
        {"126.255.255.255", false},
        {"128.0.0.0", false},
        {"::1", true},
        {"::2", false},
        {"::", false},
        {"::ffff:127.0.0.1", true},
        {"0.0.0.0", false},
        {"::ffff:1.2.3.4", false},
        {"fe80::1", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address address = parse(rows[i].text);
        cr_expect_eq(address_is_loopback(&address), rows[i].is_loopback, "%s", rows[i].text);
    }
    cr_expect_not(address_is_loopback(&(struct address){.family = ADDRESS_NONE}));
}

Test(address, from_the_systems_forms)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(1883)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(8883)};
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
    char text[ADDRESS_TEXT_SIZE];

    inet_pton(AF_INET, "192.0.2.1", &in.sin_addr);
    struct address address = address_from_sockaddr((const struct sockaddr *)&in);
    address_format_port(&address, text);
    cr_expect_str_eq(text, "192.0.2.1:1883");

    inet_pton(AF_INET6, "2001:db8::1", &in6.sin6_addr);
    address = address_from_sockaddr((const struct sockaddr *)&in6);
    address_format_port(&address, text);
    cr_expect_str_eq(text, "[2001:db8::1]:8883");

    inet_pton(AF_INET6, "::ffff:192.0.2.1", &in6.sin6_addr);
    address = address_from_sockaddr((const struct sockaddr *)&in6);
    address_format_port(&address, text);
    cr_expect_str_eq(text, "192.0.2.1:8883");

    address = address_from_sockaddr((const struct sockaddr *)&un);
    cr_expect_eq(address.family, ADDRESS_NONE);
    address_format(&address, text);
    cr_expect_str_eq(text, "local");
    address_format_port(&address, text);
    cr_expect_str_eq(text, "local");
}

Test(address, the_longest_text_fits)
{
    struct address address = parse("1111:2222:3333:4444:5555:6666:7777:8888");
    char text[ADDRESS_TEXT_SIZE];
    address.port = 65535;
    address_format_port(&address, text);
    cr_expect_str_eq(text, "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}
