#include "moat/policy/grants.h"

#include <criterion/criterion.h>

#include "topic_lists.h"

static bool may_publish(const struct lists *lists, const char *username, const char *topic)
{
    struct policy_facts facts = facts_of(username);
    struct policy_grants *grants = grants_of(lists, &no_lists, &facts);
    bool may = policy_grants_may_publish(grants, slice_from_text(topic));
    policy_grants_free(grants);
    return may;
}

static bool may_subscribe(const struct lists *lists, const char *username, const char *filter)
{
    struct policy_facts facts = facts_of(username);
    struct policy_grants *grants = grants_of(&no_lists, lists, &facts);
    bool may = policy_grants_may_subscribe(grants, slice_from_text(filter));
    policy_grants_free(grants);
    return may;
}

/* --- the lists ------------------------------------------------------------------------------- */

Test(grants, a_direction_without_lists_is_free)
{
    static const struct lists some = {.allow = {"a"}};
    struct policy_facts facts = facts_of(NULL);
    struct policy_grants *publish = grants_of(&some, &no_lists, &facts);
    struct policy_grants *subscribe = grants_of(&no_lists, &some, &facts);

    cr_assert_not(policy_grants_may_publish(publish, slice_from_text("b")));
    cr_assert(policy_grants_may_subscribe(publish, slice_from_text("b")));
    cr_assert(policy_grants_may_subscribe(publish, slice_from_text("$share/+/b")));
    cr_assert(policy_grants_may_publish(subscribe, slice_from_text("b")));
    cr_assert_not(policy_grants_may_subscribe(subscribe, slice_from_text("b")));
    policy_grants_free(publish);
    policy_grants_free(subscribe);
}

Test(grants, allow_alone)
{
    static const struct lists lists = {.allow = {"a/#", "b/+/c"}};

    cr_assert(may_publish(&lists, NULL, "a"));
    cr_assert(may_publish(&lists, NULL, "a/b/c"));
    cr_assert(may_publish(&lists, NULL, "b/x/c"));
    cr_assert_not(may_publish(&lists, NULL, "b/x"));
    cr_assert_not(may_publish(&lists, NULL, "c"));
    cr_assert(may_subscribe(&lists, NULL, "a/#"));
    cr_assert(may_subscribe(&lists, NULL, "b/+/c"));
    cr_assert_not(may_subscribe(&lists, NULL, "b/#"));
    cr_assert_not(may_subscribe(&lists, NULL, "+/x/c"));
    cr_assert_not(may_subscribe(&lists, NULL, "#"));
}

Test(grants, deny_alone_leaves_all_else)
{
    static const struct lists lists = {.deny = {"a/#"}};

    cr_assert(may_publish(&lists, NULL, "b"));
    cr_assert_not(may_publish(&lists, NULL, "a"));
    cr_assert_not(may_publish(&lists, NULL, "a/b"));
    cr_assert(may_subscribe(&lists, NULL, "b/#"));
    /* What is denied would come along. */
    cr_assert_not(may_subscribe(&lists, NULL, "#"));
    cr_assert_not(may_subscribe(&lists, NULL, "+"));
    cr_assert_not(may_subscribe(&lists, NULL, "+/b"));
    cr_assert_not(may_subscribe(&lists, NULL, "$share/g/+/b"));
}

/* Mosquitto is administered by publishing to $CONTROL; EMQX hides topics behind $queue/ and
 * $delayed/. None of this is anybody's by accident. */
Test(grants, what_begins_with_a_dollar_sign_is_allowed_by_name)
{
    static const struct lists deny = {.deny = {"a/#"}};
    static const struct lists all = {.allow = {"#", "+/broker"}};
    static const struct lists named = {.allow = {"#", "$SYS/#"}};

    cr_assert_not(may_publish(&deny, NULL, "$CONTROL/dynamic-security/v1"));
    cr_assert_not(may_subscribe(&deny, NULL, "$queue/a/b"));
    cr_assert_not(may_publish(&all, NULL, "$SYS/broker"));
    cr_assert_not(may_subscribe(&all, NULL, "$SYS/broker"));
    cr_assert(may_subscribe(&named, NULL, "$SYS/broker/uptime"));
    cr_assert(may_subscribe(&named, NULL, "$SYS/#"));
}

Test(grants, deny_wins)
{
    static const struct lists lists = {.allow = {"a/#"}, .deny = {"a/secret/+"}};
    static const struct lists nothing = {.allow = {"#", "$SYS/#"}, .deny = {"#"}};

    cr_assert(may_publish(&lists, NULL, "a/b"));
    cr_assert_not(may_publish(&lists, NULL, "a/secret/b"));
    cr_assert(may_publish(&lists, NULL, "a/secret"));
    cr_assert_not(may_subscribe(&lists, NULL, "a/#"));
    cr_assert(may_subscribe(&lists, NULL, "a/b/#"));
    cr_assert_not(may_publish(&nothing, NULL, "a"));
    cr_assert_not(may_publish(&nothing, NULL, "$SYS/a"));
    cr_assert_not(may_subscribe(&nothing, NULL, "$SYS/#"));
}

Test(grants, shared_subscriptions_are_judged_by_their_filter)
{
    static const struct lists all = {.allow = {"#"}};
    static const struct lists named = {.allow = {"a/+"}};
    static const struct lists nothing = {.deny = {"#"}};

    cr_assert(may_subscribe(&all, NULL, "$share/g/#"));
    cr_assert(may_subscribe(&named, NULL, "$share/g/a/+"));
    cr_assert_not(may_subscribe(&named, NULL, "$share/g/#"));
    cr_assert_not(may_subscribe(&nothing, NULL, "$share/g/#"));
    cr_assert_not(may_subscribe(&nothing, NULL, "$share/g/a"));
    cr_assert_not(may_subscribe(&all, NULL, "$share"));
    cr_assert_not(may_subscribe(&all, NULL, "$share/g"));
    cr_assert_not(may_subscribe(&all, NULL, "$share/+/a"));
    cr_assert_not(may_subscribe(&all, NULL, "$share//a"));
}

/* --- facts -------------------------------------------------------------------------------------
 */

Test(grants, facts_take_their_places)
{
    static const struct lists lists = {.allow = {"u/${username}/#", "from/${address}", "all"}};

    cr_assert(may_publish(&lists, "ann", "u/ann/x"));
    cr_assert_not(may_publish(&lists, "ann", "u/bob/x"));
    cr_assert(may_subscribe(&lists, "ann", "u/ann/#"));
    cr_assert_not(may_subscribe(&lists, "ann", "u/+/x"));
    cr_assert(may_publish(&lists, "ann", "from/192.0.2.7"));
    cr_assert_not(may_publish(&lists, NULL, "u//x"));
    cr_assert(may_publish(&lists, NULL, "all"));
}

Test(grants, certificates)
{
    static const struct lists lists = {
        .allow = {"d/${certificate}/#", "c/${certificate.cn}/#", "all"}};
    struct policy_facts facts = facts_of(NULL);
    facts.has_identity = true;
    facts.identity = slice_from_text("pump-7.example");
    facts.common_name = slice_from_text("Pump 7");
    struct policy_grants *grants = grants_of(&lists, &no_lists, &facts);

    cr_assert(policy_grants_may_publish(grants, slice_from_text("d/pump-7.example/t")));
    cr_assert(policy_grants_may_publish(grants, slice_from_text("c/Pump 7/t")));
    cr_assert_not(policy_grants_may_publish(grants, slice_from_text("d/Pump 7/t")));
    policy_grants_free(grants);
}

/* A name made of levels, wildcards or substitutions gains nothing, in either list. */
Test(grants, names_that_would_choose_their_levels)
{
    static const char *const names[] = {"#",  "+",    "a/b", "/",    "a/#",
                                        "a+", "$SYS", "a#b", "../x", ""};
    static const struct lists allow = {.allow = {"u/${username}", "${username}/#", "all"}};
    static const struct lists deny = {.deny = {"u/${username}"}};
    static const char *const topics[] = {"u/a", "u/a/b", "u/#",     "#",     "a/b/c",
                                         "u",   "u/+",   "$SYS/up", "x/y/z", "u//"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        cr_assert(may_subscribe(&allow, names[i], "all"));
        cr_assert_not(may_subscribe(&deny, names[i], "all"), "%s", names[i]);
        for (size_t j = 0; j < sizeof topics / sizeof topics[0]; j++) {
            cr_assert_not(may_subscribe(&allow, names[i], topics[j]), "%s: %s", names[i],
                          topics[j]);
            cr_assert_not(may_subscribe(&deny, names[i], topics[j]), "%s: %s", names[i], topics[j]);
        }
    }
    /* The text of a substitution is no substitution. */
    cr_assert(may_publish(&allow, "a${address}", "u/a${address}"));
    cr_assert_not(may_publish(&allow, "a${address}", "u/a192.0.2.7"));
    cr_assert_not(may_publish(&deny, NULL, "all"));
}

/* --- wills --------------------------------------------------------------------------------------
 */

static enum policy_reason reason_of_will(const struct lists *publish, const char *username,
                                         const char *topic)
{
    struct policy_rule_spec spec = {
        .name = "r", .require = POLICY_REQUIRE_NONE, .publish = spec_of(publish)};
    struct policy *policy = policy_new();
    struct policy_facts facts = facts_of(username);
    struct policy_verdict verdict;

    facts.has_will = true;
    facts.will_topic = slice_from_text(topic);
    facts.has_identity = username != NULL;
    facts.identity = facts.username; /* so that no password is asked for */
    cr_assert_null(policy_add(policy, &spec));
    policy_decide(policy, &facts, &verdict);
    cr_assert_eq(verdict.outcome,
                 verdict.reason == POLICY_REASON_ALLOWED ? POLICY_ALLOW : POLICY_DENY);
    policy_free(policy);
    return verdict.reason;
}

Test(grants, a_will_is_published_too)
{
    static const struct lists allow = {.allow = {"u/${username}/#"}};
    static const struct lists deny = {.deny = {"secret/#"}};
    static const struct lists deny_own = {.deny = {"u/${username}"}};

    cr_assert_eq(reason_of_will(&no_lists, "ann", "x"), POLICY_REASON_ALLOWED);
    cr_assert_eq(reason_of_will(&allow, "ann", "u/ann/gone"), POLICY_REASON_ALLOWED);
    cr_assert_eq(reason_of_will(&allow, "ann", "u/bob/gone"), POLICY_REASON_WILL);
    cr_assert_eq(reason_of_will(&allow, NULL, "u/gone"), POLICY_REASON_WILL);
    cr_assert_eq(reason_of_will(&deny, "ann", "x"), POLICY_REASON_ALLOWED);
    cr_assert_eq(reason_of_will(&deny, "ann", "secret"), POLICY_REASON_WILL);
    cr_assert_eq(reason_of_will(&deny_own, "ann", "u/bob"), POLICY_REASON_ALLOWED);
    cr_assert_eq(reason_of_will(&deny_own, "ann", "u/ann"), POLICY_REASON_WILL);
    cr_assert_eq(reason_of_will(&deny_own, NULL, "u/ann"), POLICY_REASON_WILL);
}

/* --- comparing ------------------------------------------------------------------------------- */

static bool includes(const struct lists *now, const struct lists *before)
{
    struct policy_facts facts = facts_of("ann");
    struct policy_grants *later = grants_of(&no_lists, now, &facts);
    struct policy_grants *earlier = grants_of(&no_lists, before, &facts);
    bool result = policy_grants_include(later, earlier);
    policy_grants_free(later);
    policy_grants_free(earlier);
    return result;
}

Test(grants, wider_and_narrower)
{
    static const struct lists a = {.allow = {"a/#"}};
    static const struct lists a_and_b = {.allow = {"b", "a/#"}};
    static const struct lists all_but_c = {.deny = {"c"}};
    static const struct lists nothing = {.deny = {"u/${certificate}"}};
    static const struct lists a_but_c = {.allow = {"a/#"}, .deny = {"c"}};

    cr_assert(includes(&a, &a));
    cr_assert(includes(&a_and_b, &a));
    cr_assert_not(includes(&a, &a_and_b));
    cr_assert(includes(&no_lists, &a));
    cr_assert_not(includes(&a, &no_lists));
    cr_assert(includes(&all_but_c, &all_but_c));
    cr_assert(includes(&a, &a_but_c));
    cr_assert_not(includes(&a_but_c, &a));
    cr_assert_not(includes(&all_but_c, &a));
    cr_assert_not(includes(&a, &all_but_c));
    cr_assert(includes(&a, &nothing));
    cr_assert_not(includes(&nothing, &a));
}

/* --- what policy_add() refuses -------------------------------------------------------------------
 */

Test(grants, broken_filters_are_refused)
{
    static const char *const bad[] = {"a/#/b", "a+", "${nobody}/#", "${username", "$share/g/#"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (size_t place = 0; place < 4; place++) {
            struct policy_topics_spec list = {0};
            struct policy_rule_spec spec = {.name = "r", .require = POLICY_REQUIRE_NONE};
            if (place % 2 == 0) {
                list = (struct policy_topics_spec){.allow = &bad[i], .allow_count = 1};
            } else {
                list = (struct policy_topics_spec){.deny = &bad[i], .deny_count = 1};
            }
            if (place < 2) {
                spec.publish = list;
            } else {
                spec.subscribe = list;
            }
            struct policy *policy = policy_new();
            cr_assert_not_null(policy_add(policy, &spec), "%s", bad[i]);
            policy_free(policy);
        }
    }
}
