#include <criterion/criterion.h>

#include <stdlib.h>

#include "app/connect_packet_internal.h"
#include "moat/mqtt/connect.h"

static const struct mqtt_connect_limits limits = {
    .packet_size = CONNECT_PACKET_MAX,
    .client_id_size = 65535,
    .username_size = 65535,
    .password_size = 65535,
};

static struct question question;
static struct buffer packet;
static struct mqtt_connect connect_read;

static void set_up(void)
{
    question_init(&question);
    buffer_init(&packet, CONNECT_PACKET_MAX);
}

static void tear_down(void)
{
    question_deinit(&question);
    buffer_deinit(&packet);
}

TestSuite(connect_packet, .init = set_up, .fini = tear_down);

static void put(const char *option, const char *text)
{
    char what[QUESTION_FAULT_SIZE];
    size_t index = 0;
    while (strcmp(question_option(index), option) != 0) {
        index++;
    }
    cr_assert(question_put(&question, index, text, "", what), "%s", what);
}

/* Writes the packet and reads it with the gate's own parser. */
static void write_and_read(void)
{
    struct mqtt_fault fault;
    cr_assert(connect_packet_write(&question, &packet));
    enum mqtt_connect_status status =
        mqtt_connect_parse(buffer_slice(&packet), &limits, &connect_read, &fault);
    cr_assert_eq(status, MQTT_CONNECT_OK, "%s at %zu", fault.what, fault.offset);
    cr_assert_eq(connect_read.packet_size, packet.size);
}

Test(connect_packet, the_least)
{
    static const uint8_t expected[] = {0x10, 12, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 0};
    write_and_read();
    cr_expect(slice_equal(buffer_slice(&packet), slice_of(expected, sizeof expected)));
    cr_expect(connect_read.clean_start);
    cr_expect_not(connect_read.has_username || connect_read.has_password || connect_read.has_will);
}

static void expect_all(const char *version, uint8_t level)
{
    put("protocol", version);
    put("client-id", "pump-1");
    put("username", "alice");
    put("clean", "false");
    put("keep-alive", "65535s");
    put("will-topic", "pumps/1");
    put("will-qos", "2");
    put("will-retain", "true");
    write_and_read();
    cr_expect_eq(connect_read.version, level);
    cr_expect(slice_is(connect_read.client_id, "pump-1"));
    cr_expect(connect_read.has_username && slice_is(connect_read.username, "alice"));
    cr_expect(connect_read.has_password && connect_read.password.size > 0,
              "taken to be there with a user name");
    cr_expect_not(connect_read.clean_start);
    cr_expect_eq(connect_read.keep_alive, 65535);
    cr_expect(connect_read.has_will && slice_is(connect_read.will_topic, "pumps/1"));
    cr_expect_eq(connect_read.will_qos, 2);
    cr_expect(connect_read.will_retain);
}

Test(connect_packet, everything_in_3_1)
{
    expect_all("3.1", 3);
}

Test(connect_packet, everything_in_3_1_1)
{
    expect_all("3.1.1", 4);
}

Test(connect_packet, everything_in_5_0)
{
    put("session-expiry", "3600s");
    expect_all("5.0", 5);
    cr_expect_eq(connect_read.session_expiry, 3600);
}

Test(connect_packet, a_user_name_without_a_password)
{
    put("username", "");
    put("password", "none");
    write_and_read();
    cr_expect(connect_read.has_username && connect_read.username.size == 0);
    cr_expect_not(connect_read.has_password);
}

Test(connect_packet, a_password_without_a_user_name)
{
    put("protocol", "5.0");
    put("password", "wrong");
    write_and_read();
    cr_expect_not(connect_read.has_username);
    cr_expect(connect_read.has_password);
}

static void put_long(const char *option, size_t size)
{
    char *text = malloc(size + 1);
    cr_assert_not_null(text);
    memset(text, 'x', size);
    text[size] = '\0';
    put(option, text);
    free(text);
}

/* The remaining length takes one byte more at 128 and at 16384. */
Test(connect_packet, lengths)
{
    static const size_t sizes[] = {115, 116, 117, 16369, 16370, 16371, 16372, 16373, 16374, 65535};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        put_long("client-id", sizes[i]);
        write_and_read();
        cr_expect_eq(connect_read.client_id.size, sizes[i]);
        buffer_deinit(&packet);
        buffer_init(&packet, CONNECT_PACKET_MAX);
    }
    put_long("username", 65535);
    put_long("will-topic", 65535);
    write_and_read();
}

Test(connect_packet, no_room)
{
    struct buffer small;
    buffer_init(&small, 13);
    cr_expect_not(connect_packet_write(&question, &small));
    buffer_deinit(&small);
    buffer_init(&small, 14);
    cr_expect(connect_packet_write(&question, &small));
    buffer_deinit(&small);
}
