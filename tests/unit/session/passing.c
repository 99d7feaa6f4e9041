#include "passing.h"

#include <criterion/criterion.h>
#include <unistd.h>

void turn_a_little(void)
{
    for (int i = 0; i < 30; i++) {
        house_turn();
    }
}

void let_pass(uint64_t ms)
{
    struct session_watch *watch = &house_session()->watch;

    watch->begun_ms -= ms;
    watch->heard_ms -= ms;
    watch->client.since_ms -= ms;
    watch->upstream.since_ms -= ms;
    session_set_deadline(house_session(), 1);
    turn_a_little();
}

void expect_alive(void)
{
    cr_assert_not_null(house.worker.sessions);
    cr_assert_eq(house_session()->state, SESSION_RELAY, "it was closed: %s", house_log());
}

void expect_cut(struct device *device, int broker, struct slice goodbye, enum close_reason reason)
{
    device_expect(device, goodbye);
    device_expect_end(device);
    broker_expect_end(broker);
    device_close(device);
    close(broker);
    house_expect_reason(reason);
}

int awaiting_connack(struct device *device, struct packet connect)
{
    device_open(device);
    send_packet(device, connect);
    int broker = broker_accept();
    broker_expect(broker, packet_slice(&connect));
    return broker;
}

int relaying_with(struct device *device, struct packet connect, struct slice answer)
{
    int broker = awaiting_connack(device, connect);
    broker_send(broker, answer);
    device_expect(device, answer);
    return broker;
}
