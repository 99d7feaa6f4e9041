#include "base/whole_test.h"
#include "visitor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define TEST(name) WHOLE_TEST(session, name, house_begin, house_leave)

/* --- in good order --- */

static void walk_through(uint8_t version)
{
    struct device device;
    int broker = relaying(&device, version);

    cr_expect_null(house_session()->admission, "what was kept is gone once relaying");
    device_send(&device, BYTES("\xc0\0"));
    broker_expect(broker, BYTES("\xc0\0"));
    broker_send(broker, BYTES("\xd0\0"));
    device_expect(&device, BYTES("\xd0\0"));
    device_send(&device, BYTES("\xe0\0"));
    broker_expect(broker, BYTES("\xe0\0"));
    device_close(&device);
    broker_expect_end(broker);
    close(broker);
    house_expect_reason(CLOSE_CLIENT_ENDED);
    const char *log = house_log();
    char bytes[64];
    snprintf(bytes, sizeof bytes, " client_bytes=%zu ", connect_bob(version).size + 4);
    cr_expect_not_null(strstr(log, bytes), "%s", log);
    cr_expect_not_null(strstr(log, "event=admitted"));
    cr_expect_not_null(strstr(log, " rule=people verdict=allow"));
    cr_expect_not_null(strstr(log, " client_packets=3 "), "%s", log);
    cr_expect_null(strstr(log, "secret"), "a password reached the log");
}

TEST(a_client_of_3_1_1_walks_through)
{
    house_build(NULL);
    walk_through(MQTT_VERSION_3_1_1);
}

TEST(a_client_of_3_1_walks_through)
{
    house_build(NULL);
    walk_through(MQTT_VERSION_3_1);
}

TEST(a_client_of_5_0_walks_through)
{
    house_build(NULL);
    walk_through(MQTT_VERSION_5_0);
}

TEST(a_worker_without_room_leaves_the_next_one_waiting)
{
    house_build(NULL);
    house.worker.session_limit = 1;
    struct device first;
    struct device second;
    int broker = relaying(&first, 4);
    device_connect(&second);
    for (int i = 0; i < 50; i++) {
        house_turn();
    }
    cr_expect_eq(house.accepted, 1);
    device_close(&first);
    close(broker);
    HOUSE_UNTIL(house.accepted == 2);
    device_handshake(&second);
    device_close(&second);
    house_expect_reason(CLOSE_CLIENT_ENDED);
}

/* --- the end of the gateway --- */

TEST(shutting_down_says_so_where_it_can_be_said)
{
    house_build(&(struct house_plan){.upstream = NULL});
    struct device relaying_v4;
    struct device relaying_v5;
    struct device silent;
    struct device greeting;
    struct device waiting;
    int first = relaying(&relaying_v4, 4);
    int second = relaying(&relaying_v5, 5);
    device_connect(&silent);
    device_open(&greeting);
    house_block_pool();
    device_open(&waiting);
    send_packet(&waiting, connect_of(5, "x", "bob", "other"));
    HOUSE_UNTIL(house_session()->state == SESSION_AUTHORISE);

    session_shut_down_all(&house.worker);
    session_shut_down_all(&house.worker);
    device_expect_end(&relaying_v4);
    device_expect(&relaying_v5, BYTES("\xe0\1\x8b"));
    device_expect_end(&relaying_v5);
    device_expect_end(&greeting);
    device_expect(&waiting, BYTES("\x20\3\0\x88\0"));
    device_expect_end(&waiting);
    broker_expect_end(first);
    broker_expect_end(second);
    house_free_pool();
    device_close(&relaying_v4);
    device_close(&relaying_v5);
    device_close(&silent);
    device_close(&greeting);
    device_close(&waiting);
    close(first);
    close(second);
    house_expect_reason(CLOSE_SHUTTING_DOWN);
}

/* --- events that cannot happen --- */

static const bool is_possible[SESSION_STATES][SESSION_EVENTS] = {
    [SESSION_HANDSHAKE] = {[EVENT_CLIENT_DATA] = true,
                           [EVENT_CLIENT_END] = true,
                           [EVENT_CLIENT_DRAINED] = true,
                           [EVENT_CLIENT_BROKEN] = true,
                           [EVENT_DEADLINE] = true},
    [SESSION_ADMIT] = {[EVENT_CLIENT_DATA] = true,
                       [EVENT_CLIENT_END] = true,
                       [EVENT_CLIENT_DRAINED] = true,
                       [EVENT_CLIENT_BROKEN] = true,
                       [EVENT_DEADLINE] = true},
    [SESSION_AUTHORISE] = {[EVENT_CLIENT_DATA] = true,
                           [EVENT_CLIENT_END] = true,
                           [EVENT_CLIENT_DRAINED] = true,
                           [EVENT_CLIENT_BROKEN] = true,
                           [EVENT_VERDICT] = true,
                           [EVENT_DEADLINE] = true},
    [SESSION_DIAL] = {[EVENT_CLIENT_DATA] = true,
                      [EVENT_CLIENT_END] = true,
                      [EVENT_CLIENT_DRAINED] = true,
                      [EVENT_CLIENT_BROKEN] = true,
                      [EVENT_DIALLED] = true,
                      [EVENT_DEADLINE] = true},
    [SESSION_RELAY] = {[EVENT_CLIENT_DATA] = true,
                       [EVENT_CLIENT_END] = true,
                       [EVENT_CLIENT_DRAINED] = true,
                       [EVENT_CLIENT_BROKEN] = true,
                       [EVENT_UPSTREAM_DATA] = true,
                       [EVENT_UPSTREAM_END] = true,
                       [EVENT_UPSTREAM_DRAINED] = true,
                       [EVENT_UPSTREAM_BROKEN] = true,
                       [EVENT_DEADLINE] = true},
};

/* Brings a new client into this state. The broker's connection or -1. */
static int bring_to(enum session_state state, struct device *device)
{
    if (state == SESSION_HANDSHAKE) {
        unsigned before = house.accepted;
        device_connect(device);
        HOUSE_UNTIL(house.accepted > before);
        return -1;
    }
    if (state == SESSION_RELAY) {
        return relaying(device, 5);
    }
    device_open(device);
    if (state == SESSION_AUTHORISE) {
        send_packet(device, connect_of(5, "x", "bob", "other"));
    } else if (state == SESSION_DIAL) {
        send_packet(device, connect_guest(5));
    }
    HOUSE_UNTIL(house_session()->state == state);
    return -1;
}

static void expect_impossible(enum session_state state)
{
    for (enum session_event event = 0; event < SESSION_EVENTS; event++) {
        struct device device;
        if (is_possible[state][event]) {
            continue;
        }
        if (state == SESSION_AUTHORISE) {
            house_block_pool();
        }
        int broker = bring_to(state, &device);
        struct session *session = house_session();
        cr_assert_eq(session->state, state);
        session_dispatch(session, event, (struct session_input){.status = 0});
        cr_expect_eq(session->state, SESSION_CLOSING, "state %d, event %d", state, event);
        if (state == SESSION_AUTHORISE) {
            house_free_pool();
        }
        device_close(&device);
        if (broker >= 0) {
            close(broker);
        }
        house_expect_reason(CLOSE_INTERNAL_FAULT);
    }
}

TEST(impossible_events_in_the_handshake)
{
    house_build(NULL);
    expect_impossible(SESSION_HANDSHAKE);
}

TEST(impossible_events_before_connect)
{
    house_build(NULL);
    expect_impossible(SESSION_ADMIT);
}

TEST(impossible_events_while_a_password_is_checked)
{
    house_build(NULL);
    expect_impossible(SESSION_AUTHORISE);
}

TEST(impossible_events_while_dialling)
{
    house_build(&(struct house_plan){.upstream = stuck_upstream()});
    expect_impossible(SESSION_DIAL);
    unstick();
}

TEST(impossible_events_while_relaying)
{
    house_build(NULL);
    expect_impossible(SESSION_RELAY);
}

/* Whatever comes late finds the session as it was: on its way out, for its first reason. */
TEST(every_event_while_closing)
{
    house_build(NULL);
    for (enum session_event event = 0; event < SESSION_EVENTS; event++) {
        struct device device;
        device_open(&device);
        send_packet(&device, connect_of(4, "banned", NULL, NULL));
        HOUSE_UNTIL(house_session()->state == SESSION_CLOSING);
        struct session *session = house_session();
        session_dispatch(session, event, (struct session_input){.status = 0});
        session_close(session, CLOSE_INTERNAL_FAULT, NULL);
        cr_expect_eq(session->state, SESSION_CLOSING);
        device_close(&device);
        house_expect_reason(CLOSE_RULE_DENIES);
    }
    size_t lines = 0;
    for (const char *at = house_log(); (at = strstr(at, "event=refused")) != NULL; at++) {
        lines++;
    }
    cr_expect_eq(lines, (size_t)SESSION_EVENTS, "one line for each session");
}

/* --- the log --- */

TEST(the_longest_names_do_not_push_the_verdict_off_the_line)
{
    house_build(NULL);
    struct device device;
    char name[257] = "";
    char host[256] = "";
    for (size_t i = 0; i < 256; i += 2) {
        memcpy(name + i, "\xc3\xa9", 2); /* shown as eight characters */
    }
    memset(host, 0xff, 255);
    device_connect(&device);
    cr_assert(SSL_set_tlsext_host_name(device.ssl, host));
    device_handshake(&device);
    HOUSE_UNTIL(house_session()->state == SESSION_ADMIT);
    send_packet(&device, connect_of(4, name, name, NULL));
    device_expect(&device, BYTES("\x20\2\0\4"));
    device_expect_end(&device);
    device_close(&device);
    house_expect_reason(CLOSE_BAD_CREDENTIALS);
    cr_expect_not_null(strstr(house_log(), " code=0x04 "), "%s", house_log());
    cr_expect_not_null(strstr(house_log(), " duration_ms="), "%s", house_log());
}

/* Whoever fills the names to their limits takes nothing of what is said about him. */
TEST(names_of_full_length_leave_the_log_its_reason)
{
    char sni[256] = "";
    char client_id[256] = "";
    char username[256] = "";
    memset(sni, 0xFF, 255);
    for (size_t i = 0; i + 2 < sizeof client_id; i += 2) {
        memcpy(client_id + i, "\xc3\xa9", 2);
        memcpy(username + i, "\xc3\xa9", 2);
    }
    house_build(NULL);
    struct device device;
    device_connect(&device);
    cr_assert(SSL_set_tlsext_host_name(device.ssl, sni));
    device_handshake(&device);
    HOUSE_UNTIL(house.worker.sessions != NULL && house_session()->state == SESSION_ADMIT);
    /* As a certificate's names would be. */
    house_session()->peer.identity = strdup(username);
    house_session()->peer.issuer = strdup(username);
    send_packet(&device, connect_of(5, client_id, username, "wrong"));
    device_expect(&device, BYTES("\x20\3\0\x86\0"));
    device_expect_end(&device);
    device_close(&device);
    house_expect_reason(CLOSE_BAD_CREDENTIALS);
    const char *line = strstr(house_log(), "event=refused");
    cr_assert_not_null(line);
    cr_expect(strstr(line, " rule=people verdict=deny reason=bad_credentials ") != NULL &&
                  strstr(line, " duration_ms=") != NULL,
              "%s", line);
}
