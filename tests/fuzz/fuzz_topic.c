/*
 * Topic names, filters and the lists of a rule. First byte: which lists the two filters of the rule
 * stand in; then texts, each ended by FF (which no topic can hold): a filter, what is asked, a
 * name, and the client's user name.
 *
 * Held against a matcher that goes level by level, and against what must hold of sets: when a
 * filter covers another, every name of the second is a name of the first.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "moat/base/topic.h"
#include "moat/base/utf8.h"
#include "moat/policy/grants.h"

#define TEXT_END 0xFF

/* Where the level at `at` ends. */
static size_t level_end(struct slice text, size_t at)
{
    while (at < text.size && text.data[at] != '/') {
        at++;
    }
    return at;
}

/* 4.7 of the standard: does this filter stand for this name? */
static bool slow_match(struct slice filter, size_t f, struct slice name, size_t n)
{
    size_t f_end = level_end(filter, f);
    size_t n_end = level_end(name, n);
    struct slice wanted = slice_of(filter.data + f, f_end - f);
    struct slice found = slice_of(name.data + n, n_end - n);

    if (slice_is(wanted, "#")) {
        return f > 0 || name.data[0] != '$';
    }
    if (slice_is(wanted, "+") ? f == 0 && name.data[0] == '$' : !slice_equal(wanted, found)) {
        return false;
    }
    if (f_end == filter.size || n_end == name.size) {
        bool parent =
            n_end == name.size && f_end < filter.size && slice_is(slice_after(filter, f_end), "/#");
        return parent || (f_end == filter.size && n_end == name.size);
    }
    return slow_match(filter, f_end + 1, name, n_end + 1);
}

static bool slow_is_filter(struct slice text)
{
    if (text.size == 0 || text.size > 65535 || utf8_check(text) != UTF8_OK) {
        return false;
    }
    for (size_t at = 0; at < text.size; at++) {
        bool starts = at == 0 || text.data[at - 1] == '/';
        bool ends = at + 1 == text.size || text.data[at + 1] == '/';
        if ((text.data[at] == '+' && !(starts && ends)) ||
            (text.data[at] == '#' && !(starts && at + 1 == text.size))) {
            return false;
        }
    }
    return true;
}

static void check_validity(struct slice text)
{
    bool is_filter = slow_is_filter(text);
    bool has_wildcard = text.size > 0 && (memchr(text.data, '+', text.size) != NULL ||
                                          memchr(text.data, '#', text.size) != NULL);

    FUZZ_CHECK(topic_is_filter(text) == is_filter);
    FUZZ_CHECK(topic_is_name(text) == (is_filter && !has_wildcard));
}

static void check_sets(struct slice filter, struct slice asked, struct slice name)
{
    bool covers = topic_covers(filter, asked);
    struct slice inner;

    FUZZ_CHECK(topic_overlaps(filter, asked) == topic_overlaps(asked, filter));
    FUZZ_CHECK(!covers || topic_overlaps(filter, asked));
    if (topic_is_name(asked)) {
        FUZZ_CHECK(covers == slow_match(filter, 0, asked, 0));
    }
    if (topic_is_name(name)) {
        bool first = slow_match(filter, 0, name, 0);
        bool second = slow_match(asked, 0, name, 0);
        FUZZ_CHECK(!covers || !second || first);
        FUZZ_CHECK(!first || !second || topic_overlaps(filter, asked));
    }
    if (topic_unshare(filter, &inner)) {
        FUZZ_CHECK(inner.data >= filter.data &&
                   inner.data + inner.size == filter.data + filter.size);
        FUZZ_CHECK(inner.size > 0 && topic_is_filter(inner));
    }
}

/* A rule with this filter allowed, or denied, or both. */
static void check_grants(struct slice filter, struct slice asked, struct slice name,
                         struct slice username, uint8_t choice)
{
    struct policy_facts facts = {.username = username, .has_username = true};
    char *text = slice_to_text(filter);
    char *other = slice_to_text(asked);
    const char *const lists[2] = {text, other};
    struct policy_rule_spec spec = {.name = "rule", .require = POLICY_REQUIRE_NONE};
    struct policy *policy = policy_new();
    const struct policy_facts nobody = {.has_username = false};
    struct policy_verdict verdict;
    struct slice inner;

    spec.publish = spec.subscribe = (struct policy_topics_spec){
        .allow = (choice & 1) != 0 ? lists : lists + 1,
        .allow_count = choice >> 1 & 1,
        .deny = (choice & 1) != 0 ? lists + 1 : lists,
        .deny_count = choice >> 2 & 1,
    };
    const char *fault = policy_add(policy, &spec);
    if (fault == NULL) {
        policy_decide(policy, &nobody, &verdict);
        FUZZ_CHECK(verdict.outcome == POLICY_ALLOW);
        FUZZ_CHECK(policy_rule_has_topics(verdict.decider) == ((choice & 6) != 0));
    }
    if (fault == NULL && (choice & 6) != 0) {
        struct policy_grants *grants = policy_grants_new(verdict.decider, &facts);
        struct policy_grants *again = policy_grants_new(verdict.decider, &facts);
        FUZZ_CHECK(grants != NULL && again != NULL);
        /* No message comes by a permitted subscription that one could not publish oneself. */
        if (policy_grants_may_subscribe(grants, asked)) {
            FUZZ_CHECK(topic_unshare(asked, &inner));
            FUZZ_CHECK(!topic_is_name(name) || !topic_covers(inner, name) ||
                       policy_grants_may_publish(grants, name));
        }
        FUZZ_CHECK(policy_grants_include(grants, again) == policy_grants_include(again, grants));
        policy_grants_free(grants);
        policy_grants_free(again);
    }
    policy_free(policy);
    free(text);
    free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    uint8_t choice = fuzz_u8(&input);
    struct slice filter = fuzz_until(&input, TEXT_END);
    struct slice asked = fuzz_until(&input, TEXT_END);
    struct slice name = fuzz_until(&input, TEXT_END);
    struct slice username = fuzz_until(&input, TEXT_END);

    check_validity(filter);
    check_validity(asked);
    check_validity(name);
    if (topic_is_filter(filter) && topic_is_filter(asked)) {
        check_sets(filter, asked, name);
        check_grants(filter, asked, name, username, choice);
    }
    return 0;
}
