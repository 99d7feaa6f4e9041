#include "moat/base/address.h"

#include <criterion/criterion.h>

static struct endpoint parse(const char *text)
{
    struct endpoint endpoint;
    const char *fault = endpoint_parse(slice_from_text(text), &endpoint);
    cr_assert_null(fault, "%s: %s", text, fault);
    return endpoint;
}

static void expect_host(const char *text, const char *host, uint16_t port)
{
    struct endpoint endpoint = parse(text);
    cr_expect_str_eq(endpoint.host, host);
    cr_expect_eq(endpoint.port, port);
    cr_expect_eq(endpoint.kind, ENDPOINT_TCP);
    cr_expect_str_eq(endpoint.path, "");
}

static void expect_fault(const char *text, const char *part)
{
    struct endpoint endpoint = {.port = 4711};
    const char *fault = endpoint_parse(slice_from_text(text), &endpoint);
    cr_assert_not_null(fault, "taken: %s", text);
    cr_expect_not_null(strstr(fault, part), "%s: %s", text, fault);
    cr_expect_eq(endpoint.port, 4711, "written although refused: %s", text);
}

Test(endpoint, hosts_and_ports)
{
    expect_host("127.0.0.1:1883", "127.0.0.1", 1883);
    expect_host("broker_1.lan-2.example:1", "broker_1.lan-2.example", 1);
    expect_host("[::1]:8883", "::1", 8883);
    expect_host("[::]:0", "::", 0);
    expect_host("a:65535", "a", 65535);
    expect_host("a:00001", "a", 1);
}

Test(endpoint, ports_that_are_none)
{
    static const char *const texts[] = {"a:",   "a:65536", "a:99999", "a:000001", "a:-1",
                                        "a:+1", "a:1x",    "a: 1",    "[::1]:",   "a:0x50"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_fault(texts[i], "port is a number");
    }
    expect_fault("", "port is missing");
    expect_fault("localhost", "port is missing");
}

Test(endpoint, hosts_that_are_none)
{
    expect_fault(":1883", "host is missing");
    expect_fault("::1:8883", "goes in brackets");
    expect_fault("[192.0.2.1]:80", "not an IPv6 address");
    expect_fault("[localhost]:80", "not an IPv6 address");
    expect_fault("[::g]:80", "not an IPv6 address");
    expect_fault("[]:80", "letters, digits");
    expect_fault("[::1:80", "letters, digits");
    expect_fault("a b:80", "letters, digits");
    expect_fault("a/b:80", "letters, digits");
    expect_fault("caf\xc3\xa9:80", "letters, digits");
}

Test(endpoint, a_host_of_253_characters_but_not_of_254)
{
    char text[300];
    memset(text, 'a', sizeof text);
    memcpy(text + 253, ":80", 4);
    struct endpoint endpoint = parse(text);
    cr_expect_eq(strlen(endpoint.host), 253);
    text[253] = 'a';
    memcpy(text + 254, ":80", 4);
    expect_fault(text, "253 characters");
}

Test(endpoint, unix_sockets)
{
    struct endpoint endpoint = parse("unix:/run/mosquitto.sock");
    cr_expect_eq(endpoint.kind, ENDPOINT_UNIX);
    cr_expect_str_eq(endpoint.path, "/run/mosquitto.sock");
    cr_expect_str_eq(endpoint.host, "");
    expect_fault("unix:", "from/the/root");
    expect_fault("unix:relative", "from/the/root");
}

Test(endpoint, a_path_of_107_bytes_but_not_of_108)
{
    char text[200] = "unix:/";
    memset(text + 6, 'p', sizeof text - 6);
    text[5 + 107] = '\0';
    struct endpoint endpoint = parse(text);
    cr_expect_eq(strlen(endpoint.path), 107);
    text[5 + 107] = 'p';
    text[5 + 108] = '\0';
    expect_fault(text, "107 bytes");
}

Test(endpoint, which_ones_stay_on_this_machine)
{
    static const char *const local[] = {"unix:/x", "localhost:1", "127.0.0.1:1",
                                        "[::1]:1", "127.9.9.9:1", "[::ffff:127.0.0.1]:1"};
    static const char *const remote[] = {"localhost.example:1", "0.0.0.0:1", "[::]:1",
                                         "192.0.2.1:1",         "127:1",     "127.0.0.1.nip:1"};
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        struct endpoint endpoint = parse(local[i]);
        cr_expect(endpoint_is_local(&endpoint), "%s", local[i]);
    }
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++) {
        struct endpoint endpoint = parse(remote[i]);
        cr_expect_not(endpoint_is_local(&endpoint), "%s", remote[i]);
    }
}

Test(endpoint, equality_is_of_every_part)
{
    static const char *const texts[] = {"a:1", "a:2", "b:1", "unix:/a", "unix:/b", "[::1]:1"};
    enum { COUNT = sizeof texts / sizeof texts[0] };
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COUNT; j++) {
            struct endpoint a = parse(texts[i]);
            struct endpoint b = parse(texts[j]);
            cr_expect_eq(endpoint_equal(&a, &b), i == j, "%s, %s", texts[i], texts[j]);
        }
    }
}
