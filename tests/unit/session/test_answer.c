#include "moat/session/answer.h"

#include <criterion/criterion.h>

#include "moat/mqtt/connect.h"

#define NO_LIMIT UINT32_MAX

/* What clients of each version are told, from the description and not from the table. */
static const struct {
    enum close_reason reason;
    int code_v3; /* -1: nothing is said */
    int code_v5;
    int disconnect;
} expected[] = {
    {CLOSE_NOT_CONNECT, -1, -1, -1},
    {CLOSE_CONNECT_MALFORMED, -1, -1, -1},
    {CLOSE_CONNECT_TOO_LARGE, -1, -1, -1},
    {CLOSE_PROTOCOL_NAME, -1, -1, -1},
    {CLOSE_PROTOCOL_NOT_ALLOWED, 0x01, 0x84, -1},
    {CLOSE_AUTHENTICATION_METHOD, -1, 0x8C, -1},
    {CLOSE_BAD_CREDENTIALS, 0x04, 0x86, -1},
    {CLOSE_USERNAME, 0x04, 0x86, -1},
    {CLOSE_FACTOR_MISSING, 0x05, 0x87, -1},
    {CLOSE_RULE_DENIES, 0x05, 0x87, -1},
    {CLOSE_NO_RULE, 0x05, 0x87, -1},
    {CLOSE_CLIENT_ID, 0x02, 0x85, -1},
    {CLOSE_BIND_CLIENT_ID, 0x02, 0x85, -1},
    {CLOSE_CLIENT_ID_LIMIT, 0x02, 0x85, -1},
    {CLOSE_WILL_TOPIC, 0x05, 0x90, -1},
    {CLOSE_WILL_QOS, 0x05, 0x9B, -1},
    {CLOSE_WILL_RETAIN, 0x05, 0x9A, -1},
    {CLOSE_CLIENT_ID_OWNED, 0x02, 0x85, -1},
    {CLOSE_QUOTA, 0x03, 0x97, -1},
    {CLOSE_FULL, 0x03, 0x89, -1},
    {CLOSE_UPSTREAM_DOWN, 0x03, 0x88, -1},
    {CLOSE_SECOND_CONNECT, -1, -1, 0x82},
    {CLOSE_PACKET_MALFORMED, -1, -1, 0x81},
    {CLOSE_PACKET_TOO_LARGE, -1, -1, 0x95},
    {CLOSE_TOPIC_DENIED, -1, -1, 0x87},
    {CLOSE_SHUTTING_DOWN, 0x03, 0x88, 0x8B},
};

#define EXPECTED_COUNT (sizeof expected / sizeof expected[0])

static void expect_bytes(const struct answer *answer, const uint8_t *bytes, size_t size, int code,
                         const char *label)
{
    cr_expect_eq(answer->code, code, "%s: code %d", label, answer->code);
    cr_expect(slice_equal(slice_of(answer->bytes, answer->size), slice_of(bytes, size)), "%s",
              label);
}

Test(answer, connack)
{
    for (size_t i = 0; i < EXPECTED_COUNT; i++) {
        const char *label = close_reason_row(expected[i].reason)->label;
        const uint8_t v3[] = {0x20, 2, 0, (uint8_t)expected[i].code_v3};
        const uint8_t v5[] = {0x20, 3, 0, (uint8_t)expected[i].code_v5, 0};
        for (uint8_t version = 3; version <= 5; version++) {
            struct answer_terms terms = {.version = version, .maximum_packet_size = NO_LIMIT};
            struct answer answer;
            int code = version == 5 ? expected[i].code_v5 : expected[i].code_v3;
            size_t size = version == 5 ? sizeof v5 : sizeof v3;
            answer_connack(expected[i].reason, &terms, &answer);
            expect_bytes(&answer, version == 5 ? v5 : v3, code >= 0 ? size : 0, code, label);
        }
    }
}

Test(answer, disconnect)
{
    for (size_t i = 0; i < EXPECTED_COUNT; i++) {
        const char *label = close_reason_row(expected[i].reason)->label;
        const uint8_t bytes[] = {0xE0, 1, (uint8_t)expected[i].disconnect};
        struct answer_terms terms = {.version = 5, .maximum_packet_size = NO_LIMIT};
        struct answer answer;
        answer_disconnect(expected[i].reason, &terms, &answer);
        expect_bytes(&answer, bytes, expected[i].disconnect >= 0 ? 3 : 0, expected[i].disconnect,
                     label);
        for (terms.version = 3; terms.version <= 4; terms.version++) {
            answer_disconnect(expected[i].reason, &terms, &answer);
            expect_bytes(&answer, bytes, 0, -1, label);
        }
    }
}

/* A level that is not known cannot be answered in its own form. */
Test(answer, unknown_level)
{
    static const uint8_t bytes[] = {0x20, 2, 0, 1};
    for (uint8_t version = 0; version <= 5; version++) {
        struct answer_terms terms = {.version = version, .maximum_packet_size = 0};
        struct answer answer;
        answer_connack(CLOSE_PROTOCOL_LEVEL, &terms, &answer);
        expect_bytes(&answer, bytes, sizeof bytes, 1, "protocol_level");
    }
}

Test(answer, nobody_is_told_before_the_version_is_known)
{
    for (int reason = 0; reason < CLOSE_REASON_COUNT; reason++) {
        struct answer_terms terms = {.maximum_packet_size = NO_LIMIT};
        struct answer answer;
        if (close_reason_row((enum close_reason)reason)->form == CLOSE_FORM_OWN) {
            answer_connack((enum close_reason)reason, &terms, &answer);
            expect_bytes(&answer, NULL, 0, -1, close_reason_row((enum close_reason)reason)->label);
        }
    }
}

Test(answer, silence)
{
    for (int reason = 0; reason < CLOSE_REASON_COUNT; reason++) {
        struct answer_terms terms = {
            .version = 5, .maximum_packet_size = NO_LIMIT, .is_silent = true};
        struct answer answer;
        answer_connack((enum close_reason)reason, &terms, &answer);
        cr_expect_eq(answer.size, 0);
        answer_disconnect((enum close_reason)reason, &terms, &answer);
        cr_expect_eq(answer.size, 0);
    }
}

/* [MQTT-3.1.2-24]: at the size and one below it. Before 5.0 clients have no such limit. */
Test(answer, maximum_packet_size)
{
    struct answer_terms terms = {.version = 5, .maximum_packet_size = 5};
    struct answer answer;
    answer_connack(CLOSE_NO_RULE, &terms, &answer);
    cr_expect_eq(answer.size, 5);
    terms.maximum_packet_size = 4;
    answer_connack(CLOSE_NO_RULE, &terms, &answer);
    cr_expect_eq(answer.size, 0);
    cr_expect_eq(answer.code, CLOSE_CODE_NONE);
    terms.maximum_packet_size = 3;
    answer_disconnect(CLOSE_SHUTTING_DOWN, &terms, &answer);
    cr_expect_eq(answer.size, 3);
    terms.maximum_packet_size = 2;
    answer_disconnect(CLOSE_SHUTTING_DOWN, &terms, &answer);
    cr_expect_eq(answer.size, 0);
    terms = (struct answer_terms){.version = 4, .maximum_packet_size = 0};
    answer_connack(CLOSE_NO_RULE, &terms, &answer);
    cr_expect_eq(answer.size, 4);
}
