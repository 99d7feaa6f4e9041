#include "moat/net/listener.h"

#include "party.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct net_bound bound[NET_LISTENER_ADDRESSES];
static size_t count;
static struct net_bind_fault fault;

static int try(const char *host, uint16_t port, size_t workers)
{
    char text[300];
    struct endpoint endpoint;

    snprintf(text, sizeof text, "%s:%u", host, (unsigned)port);
    cr_assert_null(endpoint_parse(slice_from_text(text), &endpoint));
    count = 4711;
    return net_bind(&endpoint, workers, bound, &count, &fault);
}

static void release(void)
{
    for (size_t i = 0; i < count; i++) {
        net_bound_close(&bound[i]);
        cr_expect_eq(bound[i].count, 0);
    }
}

static uint16_t port_of(int descriptor)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof name;
    cr_assert_eq(getsockname(descriptor, (struct sockaddr *)&name, &size), 0);
    return address_from_sockaddr((const struct sockaddr *)&name).port;
}

Test(bind, every_worker_has_its_own_socket_on_the_same_port)
{
    size_t before = bare_open_descriptors();
    cr_assert_eq(try("127.0.0.1", 0, 3), 0);
    cr_assert_eq(count, 1);
    cr_assert_eq(bound[0].count, 3);
    cr_expect_neq(bound[0].address.port, 0);
    cr_expect(address_is_loopback(&bound[0].address));
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(port_of(bound[0].descriptors[i]), bound[0].address.port);
        cr_expect_eq(listen(bound[0].descriptors[i], 8), 0, "all may listen side by side");
    }
    cr_expect_eq(bare_open_descriptors(), before + 3);
    release();
    cr_expect_eq(bare_open_descriptors(), before);
}

Test(bind, what_was_taken_over_is_not_closed)
{
    cr_assert_eq(try("127.0.0.1", 0, 2), 0);
    int taken = bound[0].descriptors[1];
    bound[0].descriptors[1] = -1;
    release();
    cr_expect_eq(close(taken), 0, "it was still open");
}

Test(bind, ipv6_and_its_text)
{
    cr_assert_eq(try("[::1]", 0, 1), 0);
    cr_expect_eq(bound[0].address.family, ADDRESS_IPV6);
    uint16_t port = bound[0].address.port;
    cr_assert_eq(listen(bound[0].descriptors[0], 1), 0);
    struct net_bound mine = bound[0];
    char shown[64];
    snprintf(shown, sizeof shown, "cannot listen on [::1]:%u: another program", (unsigned)port);
    cr_expect_eq(try("[::1]", port, 1), -1);
    cr_expect_eq(strncmp(fault.what, shown, strlen(shown)), 0, "%s", fault.what);
    net_bound_close(&mine);
}

static int share(uint16_t port)
{
    static const int on = 1;
    struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    cr_assert_eq(bind(descriptor, (const struct sockaddr *)&in, sizeof in), 0);
    cr_assert_eq(listen(descriptor, 1), 0);
    return descriptor;
}

Test(bind, a_port_in_use_is_found_although_it_could_be_shared)
{
    int other = share(0);
    uint16_t port = port_of(other);
    int second = share(port); /* the kernel would have let us join */
    size_t before = bare_open_descriptors();

    cr_expect_eq(try("127.0.0.1", port, 2), -1);
    cr_expect_eq(fault.code, UV_EADDRINUSE);
    cr_expect_not_null(strstr(fault.what, "another program listens there"), "%s", fault.what);
    cr_expect_eq(count, 4711, "written although it failed");
    cr_expect_eq(try("0.0.0.0", port, 2), -1, "nor on all addresses");
    cr_expect_eq(try("[::]", port, 2), -1, "nor on all addresses of both families");
    cr_expect_eq(bare_open_descriptors(), before);
    close(second);
    close(other);
}

Test(bind, a_port_whose_old_connections_linger_is_free)
{
    uint16_t port = 0;
    int listener = bare_listen("127.0.0.1", 0, 1, &port);
    int client = bare_connect(port);
    int server = -1;
    while ((server = accept(listener, NULL, NULL)) < 0) {
    }
    close(server); /* the side that closes first waits in TIME_WAIT */
    close(client);
    close(listener);
    cr_assert_eq(try("127.0.0.1", port, 2), 0, "%s", fault.what);
    release();
}

Test(bind, an_address_of_another_machine)
{
    cr_expect_eq(try("192.0.2.1", 0, 1), -1);
    cr_expect_eq(fault.code, UV_EADDRNOTAVAIL);
    cr_expect_not_null(strstr(fault.what, "no such address"), "%s", fault.what);
}

Test(bind, a_name_gives_all_its_addresses)
{
    cr_assert_eq(try("localhost", 0, 2), 0, "%s", fault.what);
    cr_expect_geq(count, 1);
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(bound[i].count, 2);
        cr_expect(address_is_loopback(&bound[i].address));
        for (size_t j = 0; j < 2; j++) {
            cr_expect_eq(listen(bound[i].descriptors[j], 1), 0);
        }
    }
    release();
}

Test(bind, all_addresses_or_none)
{
    uint16_t port = 0;
    cr_assert_eq(try("localhost", 0, 1), 0, "%s", fault.what);
    if (count < 2) {
        release();
        cr_skip_test("localhost has one address only here");
    }
    release();
    /* Whichever comes first, the other must be given back. */
    for (int family = 0; family < 2; family++) {
        int other = bare_listen(family == 0 ? "127.0.0.1" : "::1", 0, 1, &port);
        size_t before = bare_open_descriptors();
        cr_expect_eq(try("localhost", port, 2), -1);
        cr_expect_eq(fault.code, UV_EADDRINUSE);
        cr_expect_eq(bare_open_descriptors(), before);
        close(other);
    }
}

Test(bind, a_name_without_an_address)
{
    char host[66]; /* a label has at most 63 characters, so nobody is asked about this one */
    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    cr_expect_eq(try(host, 1, 1), -1);
    cr_expect_lt(fault.code, 0);
    cr_expect_not_null(strstr(fault.what, "has no address here"), "%s", fault.what);
}

Test(bind, the_longest_name_still_gives_a_sentence)
{
    char host[254];
    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    cr_expect_eq(try(host, 1, 1), -1);
    cr_expect_lt(strlen(fault.what), sizeof fault.what - 1);
    cr_expect_not_null(strstr(fault.what, "has no address here"), "%s", fault.what);
}
