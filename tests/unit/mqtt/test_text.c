#include "mqtt/text_internal.h"

#include <criterion/criterion.h>

static struct mqtt_fault fault_of(const char *text, enum mqtt_text_field field,
                                  enum mqtt_version version)
{
    struct mqtt_fault fault;

    cr_assert_not(mqtt_text_check(slice_from_text(text), field, version, 7, &fault), "%s", text);
    cr_assert_eq(fault.offset, 7);
    return fault;
}

Test(text, good_text_writes_no_fault)
{
    struct mqtt_fault fault = {.what = "untouched"};

    cr_assert(mqtt_text_check(slice_from_text("caf\xC3\xA9"), MQTT_TEXT_USERNAME,
                              MQTT_VERSION_3_1_1, 7, &fault));
    cr_assert(
        mqtt_text_check(slice_of(NULL, 0), MQTT_TEXT_USERNAME, MQTT_VERSION_3_1_1, 7, &fault));
    cr_assert_str_eq(fault.what, "untouched");
}

Test(text, the_field_is_named)
{
    static const char *const names[] = {
        [MQTT_TEXT_CLIENT_ID] = "client identifier contains a control character",
        [MQTT_TEXT_WILL_TOPIC] = "will topic contains a control character",
        [MQTT_TEXT_USERNAME] = "user name contains a control character",
        [MQTT_TEXT_PROPERTY] = "property contains a control character",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct mqtt_fault fault = fault_of("\x1B[2J", (enum mqtt_text_field)i, MQTT_VERSION_5_0);

        cr_assert_str_eq(fault.what, names[i]);
    }
}

/* 3.1 has no numbered clauses, and a version nobody knows has none either. */
Test(text, the_clause_is_that_of_the_version)
{
    cr_assert_str_eq(fault_of("\x80", MQTT_TEXT_CLIENT_ID, MQTT_VERSION_3_1).clause, "");
    cr_assert_str_eq(fault_of("\x80", MQTT_TEXT_CLIENT_ID, MQTT_VERSION_3_1_1).clause,
                     "MQTT-1.5.3-1");
    cr_assert_str_eq(fault_of("\x80", MQTT_TEXT_CLIENT_ID, MQTT_VERSION_5_0).clause,
                     "MQTT-1.5.4-1");
    cr_assert_str_eq(fault_of("\x80", MQTT_TEXT_CLIENT_ID, (enum mqtt_version)6).clause, "");
}
