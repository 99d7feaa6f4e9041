#include "moat/guard/quota.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static enum quota_answer take(struct quota *quota, const char *rule, enum guard_proof proof,
                              const char *name, unsigned ceiling, struct quota_account **account)
{
    struct guard_identity identity = {.proof = proof, .name = slice_from_text(name)};
    return quota_take(quota, slice_from_text(rule), &identity, ceiling, account);
}

static struct quota *make(void)
{
    struct quota *quota = quota_new();
    cr_assert_not_null(quota);
    return quota;
}

Test(quota, as_many_as_the_ceiling_and_not_one_more)
{
    struct quota *quota = make();
    struct quota_account *accounts[3];
    struct quota_account *none = NULL;
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(take(quota, "r", GUARD_PROOF_USERNAME, "alice", 3, &accounts[i]),
                     QUOTA_GRANTED);
    }
    cr_expect_eq(take(quota, "r", GUARD_PROOF_USERNAME, "alice", 3, &none), QUOTA_USED_UP);
    cr_expect_null(none);
    quota_give(quota, accounts[0]);
    cr_expect_eq(take(quota, "r", GUARD_PROOF_USERNAME, "alice", 3, &accounts[0]), QUOTA_GRANTED);
    for (unsigned i = 0; i < 3; i++) {
        quota_give(quota, accounts[i]);
    }
    quota_free(quota);
}

Test(quota, each_identity_under_each_rule_has_its_own)
{
    static const struct {
        const char *rule;
        enum guard_proof proof;
        const char *name;
    } cases[] = {
        {"r", GUARD_PROOF_USERNAME, "alice"}, {"s", GUARD_PROOF_USERNAME, "alice"},
        {"r", GUARD_PROOF_USERNAME, "bob"},   {"r", GUARD_PROOF_CERTIFICATE, "alice"},
        {"r", GUARD_PROOF_NONE, ""},          {"ra", GUARD_PROOF_USERNAME, "lice"},
    };
    enum { CASES = sizeof cases / sizeof cases[0] };
    struct quota *quota = make();
    struct quota_account *accounts[CASES];
    struct quota_account *none = NULL;
    for (size_t i = 0; i < CASES; i++) {
        cr_expect_eq(take(quota, cases[i].rule, cases[i].proof, cases[i].name, 1, &accounts[i]),
                     QUOTA_GRANTED, "case %zu", i);
        cr_expect_eq(take(quota, cases[i].rule, cases[i].proof, cases[i].name, 1, &none),
                     QUOTA_USED_UP, "case %zu", i);
    }
    for (size_t i = 0; i < CASES; i++) {
        quota_give(quota, accounts[i]);
    }
    quota_free(quota);
}

/* A reload lowers the limit: who is in stays, nobody comes in until there is room. */
Test(quota, a_ceiling_below_what_is_taken)
{
    struct quota *quota = make();
    struct quota_account *a = NULL;
    struct quota_account *b = NULL;
    struct quota_account *c = NULL;
    cr_assert_eq(take(quota, "r", GUARD_PROOF_USERNAME, "alice", 2, &a), QUOTA_GRANTED);
    cr_assert_eq(take(quota, "r", GUARD_PROOF_USERNAME, "alice", 2, &b), QUOTA_GRANTED);
    cr_expect_eq(take(quota, "r", GUARD_PROOF_USERNAME, "alice", 1, &c), QUOTA_USED_UP);
    quota_give(quota, a);
    cr_expect_eq(take(quota, "r", GUARD_PROOF_USERNAME, "alice", 1, &c), QUOTA_USED_UP);
    quota_give(quota, b);
    cr_expect_eq(take(quota, "r", GUARD_PROOF_USERNAME, "alice", 1, &c), QUOTA_GRANTED);
    quota_give(quota, c);
    quota_give(quota, NULL);
    quota_free(quota);
    quota_free(NULL);
}

struct crowd {
    struct quota *quota;
    atomic_uint inside;
    atomic_uint most;
};

static void *push(void *argument)
{
    struct crowd *crowd = argument;
    for (unsigned i = 0; i < 20000; i++) {
        struct quota_account *account = NULL;
        if (take(crowd->quota, "r", GUARD_PROOF_USERNAME, "alice", 3, &account) == QUOTA_GRANTED) {
            unsigned inside = ++crowd->inside;
            unsigned most = crowd->most;
            while (inside > most && !atomic_compare_exchange_weak(&crowd->most, &most, inside)) {
            }
            crowd->inside--;
            quota_give(crowd->quota, account);
        }
    }
    return NULL;
}

Test(quota, threads)
{
    struct crowd crowd = {.quota = make()};
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, push, &crowd), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    }
    cr_expect_leq(crowd.most, 3u);
    struct quota_account *account = NULL;
    cr_expect_eq(take(crowd.quota, "r", GUARD_PROOF_USERNAME, "alice", 1, &account), QUOTA_GRANTED);
    quota_give(crowd.quota, account);
    quota_free(crowd.quota);
}
