/* Addresses and limits for the tests of the ledger. */
#ifndef TEST_GUARD_STRANGERS_H
#define TEST_GUARD_STRANGERS_H

#include <criterion/criterion.h>

#include "moat/guard/ledger.h"

static inline struct address at(const char *text)
{
    struct address address;
    cr_assert(address_parse(slice_from_text(text), &address), "%s", text);
    return address;
}

/* One of 2^32. */
static inline struct address ipv4(uint32_t number)
{
    struct address address = {.family = ADDRESS_IPV4};
    for (size_t i = 0; i < 4; i++) {
        address.bytes[i] = (uint8_t)(number >> (8 * (3 - i)));
    }
    return address;
}

/* What the product has without a configuration. */
static inline struct ledger_limits usual(void)
{
    return (struct ledger_limits){.present = 64,
                                  .rate = 20,
                                  .burst = 100,
                                  .identity_rate = 10,
                                  .identity_burst = 60,
                                  .failures = 5,
                                  .window_ms = 60000,
                                  .ban_ms = 600000,
                                  .ban_max_ms = 24 * 3600000};
}

static inline struct ledger *make_ledger(size_t entries)
{
    struct ledger *ledger = ledger_new(entries);
    cr_assert_not_null(ledger);
    return ledger;
}

/* Comes and goes. */
static inline enum ledger_answer drop_in(struct ledger *ledger, struct address address,
                                         const struct ledger_limits *limits, uint64_t now_ms)
{
    struct ledger_place place = {.entry = NULL};
    enum ledger_answer answer = ledger_enter(ledger, &address, limits, now_ms, &place);
    ledger_leave(ledger, &place);
    return answer;
}

/* Fails until it is banned; for how long. */
static inline uint64_t get_banned(struct ledger *ledger, struct address address,
                                  const struct ledger_limits *limits, uint64_t now_ms)
{
    for (uint32_t i = 1; i < limits->failures; i++) {
        cr_assert_eq(ledger_blame(ledger, &address, limits, now_ms).ban_ms, 0);
    }
    uint64_t ban_ms = ledger_blame(ledger, &address, limits, now_ms).ban_ms;
    cr_assert_gt(ban_ms, 0);
    return ban_ms;
}

#endif
