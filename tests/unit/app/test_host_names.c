#include <criterion/criterion.h>

#include <sched.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "moat/app/host_names.h"

static struct pki_names names;

static const char *add(const char *text)
{
    return host_names_add(&names, slice_from_text(text));
}

static bool has_dns(const char *text)
{
    for (size_t i = 0; i < names.dns_count; i++) {
        if (strcasecmp(names.dns[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_address(const char *text)
{
    char formatted[ADDRESS_TEXT_SIZE];

    for (size_t i = 0; i < names.address_count; i++) {
        address_format(&names.addresses[i], formatted);
        if (strcmp(formatted, text) == 0) {
            return true;
        }
    }
    return false;
}

Test(host_names, plain_names_and_addresses_are_taken)
{
    cr_assert_null(add("gate.example"));
    cr_assert_null(add("a"));
    cr_assert_null(add("3com.example"));
    cr_assert_null(add("xn--bcher-kva.example"));
    cr_assert_null(add("192.0.2.1"));
    cr_assert_null(add("2001:db8::1"));
    cr_assert_eq(names.dns_count, 4);
    cr_assert_eq(names.address_count, 2);
}

Test(host_names, odd_names_are_refused)
{
    static const char *const odd[] = {
        "",      ".",          "a..b",      ".a",        "a.",
        "-a",    "a-",         "a.-b",      "a_b",       "a b",
        "a\nb",  "*.example",  "b\xc3\xbc", "300.1.2.3", "1234",
        "[::1]", "fe80::1%lo", "a/b",       "a:8883",    "DNS:a,IP:192.0.2.1",
    };

    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        cr_assert_not_null(add(odd[i]), "%s", odd[i]);
    }
    cr_assert_not_null(host_names_add(&names, slice_of("a\0b", 3)));
    cr_assert_eq(names.dns_count + names.address_count, 0);
}

Test(host_names, a_label_has_at_most_63_characters)
{
    char text[80];

    snprintf(text, sizeof text, "%063d.a", 0);
    cr_assert_null(add(text));
    snprintf(text, sizeof text, "%064d.a", 0);
    cr_assert_not_null(add(text));
}

Test(host_names, a_name_has_at_most_253_characters)
{
    char text[300];

    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = i % 2 == 0 ? 'a' : '.';
    }
    text[253] = '\0';
    cr_assert_null(add(text));
    cr_assert_str_eq(names.dns[0], text);
    text[253] = 'a';
    text[254] = '\0';
    cr_assert_not_null(add(text));
}

Test(host_names, a_name_twice_is_added_once)
{
    cr_assert_null(add("gate.example"));
    cr_assert_null(add("GATE.example"));
    cr_assert_null(add("::ffff:192.0.2.1"));
    cr_assert_null(add("192.0.2.1"));
    cr_assert_eq(names.dns_count, 1);
    cr_assert_eq(names.address_count, 1);
}

Test(host_names, one_name_past_the_limit_is_refused)
{
    char text[32];

    for (size_t i = 0; i < PKI_DNS_MAX; i++) {
        snprintf(text, sizeof text, "h%zu", i);
        cr_assert_null(add(text));
    }
    cr_assert_not_null(add("another"));
    cr_assert_null(add("h0"));
    cr_assert_eq(names.dns_count, PKI_DNS_MAX);
}

Test(host_names, one_address_past_the_limit_is_refused)
{
    char text[32];

    for (size_t i = 0; i < PKI_ADDRESSES_MAX; i++) {
        snprintf(text, sizeof text, "192.0.2.%zu", i);
        cr_assert_null(add(text));
    }
    cr_assert_not_null(add("192.0.2.200"));
    cr_assert_null(add("192.0.2.0"));
    host_names_add_interfaces(&names);
    cr_assert_eq(names.address_count, PKI_ADDRESSES_MAX);
}

Test(host_names, every_host_has_localhost_and_its_addresses)
{
    host_names_add_own(&names);
    cr_assert(has_dns("localhost"));
    cr_assert(has_address("127.0.0.1"));
    cr_assert(has_address("::1"));
}

/* In a namespace of its own the test may name the host; elsewhere it is skipped. */
static void name_host(const char *name)
{
    if (unshare(CLONE_NEWUTS) != 0) {
        cr_skip_test("only root may name a host");
    }
    cr_assert_eq(sethostname(name, strlen(name)), 0);
}

Test(host_names, the_host_s_name_stands_first)
{
    name_host("gate");
    host_names_add_own(&names);
    cr_assert_str_eq(names.dns[0], "gate");
    cr_assert_str_eq(names.dns[1], "gate.local");
}

Test(host_names, a_full_name_gets_no_local)
{
    name_host("gate.example");
    host_names_add_own(&names);
    cr_assert_str_eq(names.dns[0], "gate.example");
    cr_assert_eq(names.dns_count, 2);
}

Test(host_names, the_longest_host_name_is_taken_whole)
{
    char name[65];

    snprintf(name, sizeof name, "%062d.a", 0);
    name_host(name);
    host_names_add_own(&names);
    cr_assert_str_eq(names.dns[0], name);
}

Test(host_names, a_host_name_that_dns_cannot_hold_is_left_out)
{
    name_host("my_host");
    host_names_add_own(&names);
    cr_assert_eq(names.dns_count, 1);
    cr_assert(has_dns("localhost"));
}

Test(host_names, interfaces_give_no_port_no_duplicates_no_link_local)
{
    host_names_add_own(&names);
    host_names_add_interfaces(&names);
    for (size_t i = 0; i < names.address_count; i++) {
        const struct address *address = &names.addresses[i];
        cr_assert_neq(address->family, ADDRESS_NONE);
        cr_assert_eq(address->port, 0);
        cr_assert_not(address->family == ADDRESS_IPV6 && address->bytes[0] == 0xfe &&
                      (address->bytes[1] & 0xc0) == 0x80);
        for (size_t j = 0; j < i; j++) {
            cr_assert_neq(memcmp(address, &names.addresses[j], sizeof *address), 0);
        }
    }
}
