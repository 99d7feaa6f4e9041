#include "base/whole_test.h"
#include "visitor.h"

#include <stdio.h>
#include <unistd.h>

#define TEST(name) WHOLE_TEST(dial, name, house_begin, house_leave)

TEST(no_place_for_one_more_client)
{
    house_build(&(struct house_plan){.limits = "connections: 1"});
    struct device first;
    int broker = relaying(&first, 4);
    struct device second;
    device_open(&second);
    send_packet(&second, connect_guest(5));
    device_expect(&second, BYTES("\x20\3\0\x89\0"));
    device_expect_end(&second);
    broker_expect_nobody();
    device_close(&second);
    device_close(&first);
    close(broker);
    HOUSE_UNTIL(house.worker.session_count == 0);
    int again = relaying(&first, 5); /* the place is free again */
    device_close(&first);
    close(again);
}

TEST(an_upstream_that_is_not_there)
{
    char upstream[32];
    snprintf(upstream, sizeof upstream, "127.0.0.1:%u", (unsigned)dead_port());
    house_build(&(struct house_plan){.upstream = upstream});
    expect_refusal(connect_bob(4), CLOSE_UPSTREAM_DOWN, BYTES("\x20\2\0\3"));
    expect_refusal(connect_guest(5), CLOSE_UPSTREAM_DOWN, BYTES("\x20\3\0\x88\0"));
}

TEST(an_upstream_that_does_not_accept_in_time)
{
    house_build(&(struct house_plan){.upstream = stuck_upstream()});
    expect_refusal(connect_bob(4), CLOSE_UPSTREAM_TIMEOUT, BYTES("\x20\2\0\3"));
    expect_refusal(connect_guest(5), CLOSE_UPSTREAM_TIMEOUT, BYTES("\x20\3\0\x88\0"));
    unstick();
}
