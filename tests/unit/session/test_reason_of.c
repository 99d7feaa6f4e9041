#include "moat/session/reason_of.h"

#include <criterion/criterion.h>

Test(reason_of, connect)
{
    cr_expect_eq(close_reason_of_connect(MQTT_CONNECT_NOT_CONNECT), CLOSE_NOT_CONNECT);
    cr_expect_eq(close_reason_of_connect(MQTT_CONNECT_TOO_LARGE), CLOSE_CONNECT_TOO_LARGE);
    cr_expect_eq(close_reason_of_connect(MQTT_CONNECT_MALFORMED), CLOSE_CONNECT_MALFORMED);
    cr_expect_eq(close_reason_of_connect(MQTT_CONNECT_PROTOCOL_NAME), CLOSE_PROTOCOL_NAME);
    cr_expect_eq(close_reason_of_connect(MQTT_CONNECT_PROTOCOL_LEVEL), CLOSE_PROTOCOL_LEVEL);
    cr_expect_eq(close_reason_of_connect(MQTT_CONNECT_CLIENT_ID), CLOSE_CLIENT_ID);
    cr_expect_eq(close_reason_of_connect(MQTT_CONNECT_OK), CLOSE_INTERNAL_FAULT);
    cr_expect_eq(close_reason_of_connect(MQTT_CONNECT_MORE), CLOSE_INTERNAL_FAULT);
}

/* A refusal that gave no code, or an allowance that ended a session, would be a fault of ours. */
Test(reason_of, every_refusal_of_the_policy_is_answered)
{
    for (int reason = 0; reason < POLICY_REASON_ALLOWED; reason++) {
        enum close_reason found = close_reason_of_policy((enum policy_reason)reason);
        const struct close_reason_row *row = close_reason_row(found);
        cr_expect_neq(found, CLOSE_INTERNAL_FAULT, "%s",
                      policy_reason_text((enum policy_reason)reason));
        cr_expect_neq(row->code_v3, CLOSE_CODE_NONE, "%s", row->label);
        cr_expect_neq(row->code_v5, CLOSE_CODE_NONE, "%s", row->label);
    }
    cr_expect_eq(close_reason_of_policy(POLICY_REASON_ALLOWED), CLOSE_INTERNAL_FAULT);
}
