#include "moat/session/close_reason.h"

#include <criterion/criterion.h>
#include <string.h>

#define NONE CLOSE_CODE_NONE

/* What is answered in which situation, written down apart from the table in the code. */
static const struct {
    enum close_reason reason;
    int v3;         /* CONNACK 3.1 and 3.1.1 */
    int v5;         /* CONNACK 5.0 */
    int disconnect; /* DISCONNECT 5.0, once relaying */
} expected[] = {
    /* not MQTT, no CONNECT, wrong name, malformed, too large: close without a word */
    {CLOSE_NOT_CONNECT, NONE, NONE, NONE},
    {CLOSE_CONNECT_MALFORMED, NONE, NONE, NONE},
    {CLOSE_CONNECT_TOO_LARGE, NONE, NONE, NONE},
    {CLOSE_PROTOCOL_NAME, NONE, NONE, NONE},
    /* an unknown level, or one that is not the name's */
    {CLOSE_PROTOCOL_LEVEL, 0x01, 0x01, NONE},
    /* wrong password, unknown user, password missing where a user name was given */
    {CLOSE_BAD_CREDENTIALS, 0x04, 0x86, NONE},
    {CLOSE_USERNAME, 0x04, 0x86, NONE},
    /* factor missing, rule denies, nothing matches */
    {CLOSE_FACTOR_MISSING, 0x05, 0x87, NONE},
    {CLOSE_RULE_DENIES, 0x05, 0x87, NONE},
    {CLOSE_NO_RULE, 0x05, 0x87, NONE},
    /* client identifier not permitted, or empty where the version forbids it */
    {CLOSE_CLIENT_ID, 0x02, 0x85, NONE},
    /* gateway full, or too busy to check a password */
    {CLOSE_FULL, 0x03, 0x89, NONE},
    {CLOSE_BUSY, 0x03, 0x89, NONE},
    /* upstream down or too slow */
    {CLOSE_UPSTREAM_DOWN, 0x03, 0x88, NONE},
    {CLOSE_UPSTREAM_TIMEOUT, 0x03, 0x88, NONE},
    {CLOSE_UPSTREAM_PACKET, 0x03, 0x88, NONE},
    {CLOSE_UPSTREAM_STALLED, 0x03, 0x88, 0x89},
    /* Authentication Method present: there is none before 5.0 */
    {CLOSE_AUTHENTICATION_METHOD, NONE, 0x8C, NONE},
    /* will topic not permitted */
    {CLOSE_WILL_TOPIC, 0x05, 0x90, NONE},
    /* what a rule asks of a client */
    {CLOSE_BIND_CLIENT_ID, 0x02, 0x85, NONE},
    {CLOSE_BIND_USERNAME, 0x05, 0x87, NONE},
    {CLOSE_CLIENT_ID_LIMIT, 0x02, 0x85, NONE},
    {CLOSE_CLIENT_ID_OWNED, 0x02, 0x85, NONE},
    /* banned; too many connections per second */
    {CLOSE_BANNED, 0x05, 0x8A, NONE},
    {CLOSE_TOO_FAST, 0x03, 0x9F, NONE},
    {CLOSE_PROTOCOL_NOT_ALLOWED, 0x01, 0x84, NONE},
    {CLOSE_BRIDGE, 0x01, 0x01, NONE},
    {CLOSE_KEEP_ALIVE, 0x05, 0x87, NONE},
    {CLOSE_CLEAN_SESSION, 0x05, 0x87, NONE},
    {CLOSE_WILL_NOT_ALLOWED, 0x05, 0x90, NONE},
    {CLOSE_WILL_QOS, 0x05, 0x9B, NONE},
    {CLOSE_WILL_RETAIN, 0x05, 0x9A, NONE},
    {CLOSE_QUOTA, 0x03, 0x97, NONE},
    /* while relaying */
    {CLOSE_PACKET_TOO_LARGE, NONE, NONE, 0x95},
    {CLOSE_TOPIC_DENIED, NONE, NONE, 0x87},
    {CLOSE_NO_LONGER_PERMITTED, 0x05, 0x87, 0x87},
    {CLOSE_CERTIFICATE_EXPIRED, NONE, NONE, 0x87},
    {CLOSE_SECOND_CONNECT, NONE, NONE, 0x82},
    {CLOSE_PACKET_NOT_ALLOWED, NONE, NONE, 0x82},
    {CLOSE_PACKET_MALFORMED, NONE, NONE, 0x81},
    {CLOSE_KEEP_ALIVE_EXPIRED, NONE, NONE, 0x8D},
    {CLOSE_SHUTTING_DOWN, 0x03, 0x88, 0x8B},
    /* nobody is left to be told, or nothing can be said */
    {CLOSE_TLS_FAILED, NONE, NONE, NONE},
    {CLOSE_HANDSHAKE_TIMEOUT, NONE, NONE, NONE},
    {CLOSE_CONNECT_TIMEOUT, NONE, NONE, NONE},
    {CLOSE_SHED, NONE, NONE, NONE},
    {CLOSE_CLIENT_ENDED, NONE, NONE, NONE},
    {CLOSE_CLIENT_LOST, NONE, NONE, NONE},
    {CLOSE_UPSTREAM_ENDED, NONE, NONE, NONE},
    {CLOSE_UPSTREAM_LOST, NONE, NONE, NONE},
    {CLOSE_CLIENT_STALLED, NONE, NONE, NONE},
    {CLOSE_INTERNAL_FAULT, NONE, NONE, NONE},
    /* our own shortage */
    {CLOSE_NO_MEMORY, 0x03, 0x89, 0x97},
};

#define COUNT (sizeof expected / sizeof expected[0])

Test(close_reason, every_reason_is_expected_once)
{
    bool is_seen[CLOSE_REASON_COUNT] = {false};
    cr_assert_eq(COUNT, (size_t)CLOSE_REASON_COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        cr_assert_not(is_seen[expected[i].reason]);
        is_seen[expected[i].reason] = true;
    }
}

Test(close_reason, codes)
{
    for (size_t i = 0; i < COUNT; i++) {
        const struct close_reason_row *row = close_reason_row(expected[i].reason);
        cr_expect_eq(row->code_v3, expected[i].v3, "%s", row->label);
        cr_expect_eq(row->code_v5, expected[i].v5, "%s", row->label);
        cr_expect_eq(row->disconnect, expected[i].disconnect, "%s", row->label);
    }
}

/* Only a level that is not known here is answered in the 3.x form whatever the client's version. */
Test(close_reason, forms)
{
    for (enum close_reason reason = 0; reason < CLOSE_REASON_COUNT; reason++) {
        const struct close_reason_row *row = close_reason_row(reason);
        bool is_level = reason == CLOSE_PROTOCOL_LEVEL || reason == CLOSE_BRIDGE;
        cr_expect_eq(row->form == CLOSE_FORM_V3, is_level, "%s", row->label);
    }
}

/* 3.x knows five codes [MQTT-3.2.2-6 of 3.1.1]; 5.0 refuses from 0x80 up. */
Test(close_reason, codes_are_in_their_range)
{
    for (enum close_reason reason = 0; reason < CLOSE_REASON_COUNT; reason++) {
        const struct close_reason_row *row = close_reason_row(reason);
        cr_expect(row->code_v3 == NONE || (row->code_v3 >= 1 && row->code_v3 <= 5), "%s",
                  row->label);
        cr_expect(row->form == CLOSE_FORM_V3 || row->code_v5 == NONE || row->code_v5 >= 0x80, "%s",
                  row->label);
        cr_expect(row->disconnect == NONE || row->disconnect >= 0x80, "%s", row->label);
    }
}

Test(close_reason, labels_are_one_word_each_and_unlike)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
    for (enum close_reason reason = 0; reason < CLOSE_REASON_COUNT; reason++) {
        const struct close_reason_row *row = close_reason_row(reason);
        cr_assert_not_null(row->label);
        cr_assert_not_null(row->text);
        cr_expect_gt(strlen(row->label), 0);
        cr_expect_gt(strlen(row->text), 0);
        cr_expect_eq(strspn(row->label, letters), strlen(row->label), "%s", row->label);
        for (enum close_reason other = 0; other < reason; other++) {
            cr_expect_str_neq(row->label, close_reason_row(other)->label);
            cr_expect_str_neq(row->text, close_reason_row(other)->text);
        }
    }
}

/* A stranger must not fill the log of errors. */
Test(close_reason, what_a_client_causes_is_no_error)
{
    static const enum close_reason errors[] = {CLOSE_UPSTREAM_DOWN,   CLOSE_UPSTREAM_TIMEOUT,
                                               CLOSE_UPSTREAM_PACKET, CLOSE_UPSTREAM_STALLED,
                                               CLOSE_NO_MEMORY,       CLOSE_INTERNAL_FAULT};
    for (enum close_reason reason = 0; reason < CLOSE_REASON_COUNT; reason++) {
        bool is_error = false;
        for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
            is_error = is_error || errors[i] == reason;
        }
        cr_expect_eq(close_reason_row(reason)->level == LOG_ERROR, is_error, "%s",
                     close_reason_row(reason)->label);
    }
}
