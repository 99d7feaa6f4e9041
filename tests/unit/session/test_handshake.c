#include "base/whole_test.h"
#include "visitor.h"

#include <string.h>
#include <unistd.h>

#define TEST(name) WHOLE_TEST(handshake, name, house_begin, house_leave)

/* --- before CONNECT --- */

TEST(plaintext_on_the_tls_port)
{
    house_build(NULL);
    struct device device;
    uint8_t byte;
    device_connect(&device);
    cr_assert_eq(write(device.socket, "\x10\x0c\0\4MQTT\4\2\0\x3c\0\0", 14), 14);
    HOUSE_UNTIL(read(device.socket, &byte, 1) == 0 || house.freed == 1);
    device_close(&device);
    house_expect_reason(CLOSE_TLS_FAILED);
    cr_expect_not_null(strstr(house_log(), "plaintext MQTT on the TLS port"));
}

TEST(a_client_that_leaves_early)
{
    house_build(NULL);
    struct device device;
    device_connect(&device);
    HOUSE_UNTIL(house.accepted == 1);
    device_close(&device);
    house_expect_reason(CLOSE_CLIENT_ENDED);
    device_connect(&device);
    HOUSE_UNTIL(house.accepted == 2);
    device_reset(&device);
    house_expect_reason(CLOSE_CLIENT_LOST);
    device_open(&device);
    device_send(&device, BYTES("\x10\x0c\0\4MQ"));
    device_close(&device);
    house_expect_reason(CLOSE_CLIENT_ENDED);
    device_open(&device);
    device_reset(&device);
    house_expect_reason(CLOSE_CLIENT_LOST);
}

TEST(a_handshake_that_takes_too_long)
{
    house_build(&(struct house_plan){.timeouts = "handshake: 200ms"});
    struct device device;
    device_connect(&device);
    uint64_t start = uv_hrtime();
    /* A byte now and then does not help. */
    for (int i = 0; i < 200 && house.worker.session_count + (i < 20) > 0; i++) {
        (void)!write(device.socket, i == 0 ? "\x16" : i < 3 ? "\x03" : "\1", 1);
        for (int j = 0; j < 10; j++) {
            house_turn();
        }
    }
    house_expect_reason(CLOSE_HANDSHAKE_TIMEOUT);
    cr_expect_geq((uv_hrtime() - start) / 1000000u, 150);
    device_close(&device);
}
