#include "oracle.h"

#include "policy/template_internal.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* A client whose every fact is there and differs from all others. */
static struct policy_facts some_facts(void)
{
    struct policy_facts facts = {
        .has_identity = true,
        .identity = slice_from_text("sensor-7"),
        .common_name = slice_from_text("Sensor Seven"),
        .has_username = true,
        .username = slice_from_text("alice"),
    };
    cr_assert(address_parse(slice_from_text("192.0.2.7"), &facts.address));
    return facts;
}

static bool matches(enum template_kind kind, const char *written, const struct policy_facts *facts,
                    const char *text)
{
    struct template template;
    struct template_values values;
    const char *fault = template_compile(kind, slice_from_text(written), &template);
    cr_assert_null(fault, "%s: %s", written, fault);
    template_values_init(&values, facts);
    bool result = template_match(&template, &values, slice_from_text(text));
    template_deinit(&template);
    return result;
}

static void expect_name(const char *written, const char *text, bool expected)
{
    struct policy_facts facts = some_facts();
    cr_expect_eq(matches(TEMPLATE_NAME, written, &facts, text), expected, "%s on %s", written,
                 text);
}

static void expect_filter(const char *written, const char *topic, bool expected)
{
    struct policy_facts facts = some_facts();
    cr_expect_eq(matches(TEMPLATE_FILTER, written, &facts, topic), expected, "%s on %s", written,
                 topic);
}

/* --- names --------------------------------------------------------------------------- */

Test(template, names)
{
    expect_name("", "", true);
    expect_name("", "a", false);
    expect_name("plain", "plain", true);
    expect_name("plain", "plai", false);
    expect_name("plain", "plainer", false);
    expect_name("${certificate}", "sensor-7", true);
    expect_name("${certificate}", "sensor-71", false);
    expect_name("${certificate}", "", false);
    expect_name("${certificate.cn}", "Sensor Seven", true);
    expect_name("${username}-*", "alice-1", true);
    expect_name("${username}-*", "alice-", true);
    expect_name("${username}-*", "alice", false);
    expect_name("${username}-*", "bob-1", false);
    expect_name("*-${username}", "a-b-alice", true);
    expect_name("*${username}*", "xxalicealicexx", true);
    expect_name("${username}?", "alice7", true);
    expect_name("${username}?", "alice", false);
    expect_name("${address}", "192.0.2.7", true);
    expect_name("${address}", "192.0.2.70", false);
    expect_name("${username}${certificate}", "alicesensor-7", true);
    expect_name("\\${username}", "${username}", true);
    expect_name("\\${username}", "alice", false);
    expect_name("a\\*b\\?c\\\\d\\$", "a*b?c\\d$", true);
    expect_name("a\\*b", "axb", false);
    expect_name("+#/", "+#/", true); /* ordinary characters of names */
}

Test(template, ipv6_addresses_are_written_in_their_shortest_form)
{
    struct policy_facts facts = some_facts();
    cr_assert(address_parse(slice_from_text("2001:db8:0:0::7"), &facts.address));
    cr_expect(matches(TEMPLATE_NAME, "${address}", &facts, "2001:db8::7"));
}

Test(template, a_missing_or_empty_fact_makes_it_fail)
{
    static const struct {
        const char *written;
        const char *text;
    } cases[] = {{"${certificate}", ""},     {"*${certificate}*", "x"}, {"${certificate.cn}", ""},
                 {"${username}", ""},        {"${username}-*", "-x"},   {"${address}", ""},
                 {"*${certificate.cn}", "x"}};
    struct policy_facts facts = {.has_username = true}; /* and it is empty */
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        cr_expect_not(matches(TEMPLATE_NAME, cases[index].written, &facts, cases[index].text), "%s",
                      cases[index].written);
    }
    /* A slice that is there says nothing when the flag does not say so. */
    facts = some_facts();
    facts.has_identity = false;
    facts.has_username = false;
    cr_expect_not(matches(TEMPLATE_NAME, "${certificate}", &facts, "sensor-7"));
    cr_expect_not(matches(TEMPLATE_NAME, "${certificate.cn}", &facts, "Sensor Seven"));
    cr_expect_not(matches(TEMPLATE_NAME, "${username}", &facts, "alice"));
    /* But a text without substitutions asks for no facts. */
    cr_expect(matches(TEMPLATE_NAME, "*", &facts, "anything"));
}

/* Whoever calls himself "*" is the one who is called so, and nobody else. */
Test(template, names_made_of_pattern_characters_gain_nothing)
{
    static const char *const names[] = {"*",  "?",    "a*", "*a", "\\*", "${username}",
                                        "$",  "\\",   "**", "?*", "a?b", "${certificate}",
                                        "$*", "[a-z]"};
    static const char *const victims[] = {"admin", "alice", "a", "ab", "a1b", "", "x", "\\a"};
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        struct policy_facts facts = some_facts();
        facts.identity = slice_from_text(names[index]);
        cr_expect(matches(TEMPLATE_NAME, "${certificate}", &facts, names[index]), "%s",
                  names[index]);
        for (size_t victim = 0; victim < sizeof victims / sizeof victims[0]; victim++) {
            cr_expect_not(matches(TEMPLATE_NAME, "${certificate}", &facts, victims[victim]),
                          "%s as %s", names[index], victims[victim]);
        }
    }
}

/* --- topic filters --------------------------------------------------------------------- */

Test(template, filters)
{
    expect_filter("a/b", "a/b", true);
    expect_filter("a/b", "a/b/", false);
    expect_filter("a/+", "a/b", true);
    expect_filter("a/+", "a/", true);
    expect_filter("a/+", "a", false);
    expect_filter("a/+", "a/b/c", false);
    expect_filter("+", "a", true);
    expect_filter("+/+", "/a", true);
    expect_filter("+", "/a", false);
    expect_filter("/+", "/a", true);
    expect_filter("#", "a/b/c", true);
    expect_filter("a/#", "a", true);
    expect_filter("a/#", "a/", true);
    expect_filter("a/#", "a/b/c", true);
    expect_filter("a/#", "ab", false);
    expect_filter("a/+/#", "a/b", true);
    expect_filter("a/+/#", "a", false);
    expect_filter("a/+/c", "a/b/c", true);
    expect_filter("a/+/c", "a/b/d", false);
    expect_filter("#", "$SYS/broker", false);
    expect_filter("+/broker", "$SYS/broker", false);
    expect_filter("$SYS/#", "$SYS/broker", true);
    expect_filter("$SYS/#", "$SYS", true);
    expect_filter("device/$state", "device/$state", true);
    expect_filter("${username}/#", "alice", true);
    expect_filter("${username}/#", "alice/a/b", true);
    expect_filter("${username}/#", "alicea/b", false);
    expect_filter("d/${certificate}/+", "d/sensor-7/t", true);
    expect_filter("d/${certificate}/+", "d/sensor-8/t", false);
    expect_filter("d/x-${username}", "d/x-alice", true);
    expect_filter("*/?", "*/?", true); /* ordinary characters of topics */
    expect_filter("*/?", "a/b", false);
    expect_filter("a\\b", "a\\b", true);
}

Test(template, facts_that_reach_into_other_levels_make_a_filter_void)
{
    static const char *const harmful[] = {"+",  "#", "a/b", "/",    "/a",    "a/",
                                          "a+", "#", "$",   "$SYS", "$share"};
    static const char *const topics[] = {"a", "a/b", "+", "#", "$SYS", "x", "$share", "/", "a+"};
    static const char *const filters[] = {"${username}", "${username}/#", "x/${username}"};
    for (size_t name = 0; name < sizeof harmful / sizeof harmful[0]; name++) {
        struct policy_facts facts = some_facts();
        struct template_values values;
        facts.username = slice_from_text(harmful[name]);
        template_values_init(&values, &facts);
        for (size_t filter = 0; filter < sizeof filters / sizeof filters[0]; filter++) {
            struct template template;
            char *text = NULL;
            cr_assert_null(
                template_compile(TEMPLATE_FILTER, slice_from_text(filters[filter]), &template));
            cr_expect_eq(template_expand(&template, &values, &text), TEMPLATE_VOID, "%s in %s",
                         harmful[name], filters[filter]);
            for (size_t topic = 0; topic < sizeof topics / sizeof topics[0]; topic++) {
                cr_expect_not(template_match(&template, &values, slice_from_text(topics[topic])));
            }
            template_deinit(&template);
        }
    }
}

Test(template, a_nul_makes_a_filter_void)
{
    struct policy_facts facts = some_facts();
    facts.username = slice_of("a\0b", 3);
    cr_expect_not(matches(TEMPLATE_FILTER, "${username}/#", &facts, "a"));
}

static void expect_expansion(const char *written, const char *expected)
{
    struct policy_facts facts = some_facts();
    struct template template;
    struct template_values values;
    char *text = NULL;
    cr_assert_null(template_compile(TEMPLATE_FILTER, slice_from_text(written), &template));
    template_values_init(&values, &facts);
    cr_assert_eq(template_expand(&template, &values, &text), TEMPLATE_EXPANDED, "%s", written);
    cr_expect_str_eq(text, expected);
    free(text);
    template_deinit(&template);
}

Test(template, filters_are_expanded)
{
    expect_expansion("a/b", "a/b");
    expect_expansion("d/${certificate}/+/x/#", "d/sensor-7/+/x/#");
    expect_expansion("${username}", "alice");
    expect_expansion("#", "#");
    expect_expansion("from/${address}/${certificate.cn}", "from/192.0.2.7/Sensor Seven");
}

Test(template, an_expansion_is_no_longer_than_a_topic_may_be)
{
    static char name[65536];
    struct policy_facts facts = some_facts();
    struct template template;
    struct template_values values;
    memset(name, 'x', sizeof name);
    cr_assert_null(template_compile(TEMPLATE_FILTER, slice_from_text("${username}/#"), &template));
    for (size_t size = 65532; size <= 65534; size++) {
        char *text = NULL;
        facts.username = slice_of(name, size);
        template_values_init(&values, &facts);
        cr_expect_eq(template_expand(&template, &values, &text),
                     size + 2 <= 65535 ? TEMPLATE_EXPANDED : TEMPLATE_VOID, "%zu", size);
        free(text);
    }
    template_deinit(&template);
}

/* --- what is refused --------------------------------------------------------------------- */

static void expect_fault(enum template_kind kind, const char *written, const char *part,
                         const char *unknown)
{
    struct slice found = slice_from_text("not written");
    struct template template;
    const char *fault = template_check(kind, slice_from_text(written), &found);
    cr_assert_not_null(fault, "%s", written);
    cr_expect_not_null(strstr(fault, part), "%s: %s", written, fault);
    cr_expect(slice_is(found, unknown), "%s: %.*s", written, (int)found.size,
              (const char *)found.data);
    const char *again = template_compile(kind, slice_from_text(written), &template);
    cr_expect_eq(again, fault, "%s", written);
    template_deinit(&template);
}

Test(template, faults_of_names)
{
    expect_fault(TEMPLATE_NAME, "$", "dollar", "");
    expect_fault(TEMPLATE_NAME, "a$b", "dollar", "b");
    expect_fault(TEMPLATE_NAME, "$username", "dollar", "username");
    expect_fault(TEMPLATE_NAME, "${username", "dollar", "username");
    expect_fault(TEMPLATE_NAME, "${", "dollar", "");
    expect_fault(TEMPLATE_NAME, "${}", "unknown substitution", "");
    expect_fault(TEMPLATE_NAME, "${user}", "unknown substitution", "user");
    expect_fault(TEMPLATE_NAME, "${certificate}${certifcate}", "unknown", "certifcate");
    expect_fault(TEMPLATE_NAME, "${certificate .cn}", "unknown", "certificate .cn");
    expect_fault(TEMPLATE_NAME, "${Username}", "unknown", "Username");
    expect_fault(TEMPLATE_NAME, "a\\", "lone backslash", "");
    expect_fault(TEMPLATE_NAME, "\\a", "backslash", "");
    expect_fault(TEMPLATE_NAME, "\\{", "backslash", "");
}

Test(template, faults_of_filters)
{
    static const char *const plus[] = {"a+", "+a", "a/+b", "a/b+/c", "++", "${username}+"};
    static const char *const hash[] = {"a#", "#a", "#/a", "a/#/b", "##", "a/#b", "${username}#"};
    expect_fault(TEMPLATE_FILTER, "", "at least one", "");
    expect_fault(TEMPLATE_FILTER, "a/${user}", "unknown", "user");
    expect_fault(TEMPLATE_FILTER, "a/${username", "no end", "username");
    for (size_t index = 0; index < sizeof plus / sizeof plus[0]; index++) {
        expect_fault(TEMPLATE_FILTER, plus[index], "whole level", "");
    }
    for (size_t index = 0; index < sizeof hash / sizeof hash[0]; index++) {
        expect_fault(TEMPLATE_FILTER, hash[index], "only at the end", "");
    }
}

/* Cut anywhere, a text is read to its end and no further. */
Test(template, cut_at_every_byte)
{
    static const char written[] = "a\\*${certificate.cn}-*${username}?\\$";
    for (size_t size = 0; size < sizeof written; size++) {
        char *cut = malloc(size + 1); /* on the heap, so that one byte too far is seen */
        struct slice unknown;
        struct template template;
        cr_assert_not_null(cut);
        memcpy(cut, written, size);
        struct slice text = slice_of(cut, size);
        const char *fault = template_check(TEMPLATE_NAME, text, &unknown);
        cr_expect_eq(template_compile(TEMPLATE_NAME, text, &template), fault);
        template_deinit(&template);
        (void)!template_check(TEMPLATE_FILTER, text, &unknown);
        free(cut);
    }
}

Test(template, the_user_name_is_not_compared_with_itself)
{
    cr_expect_null(policy_check_bind_username(slice_from_text("${certificate}-*")));
    cr_expect_null(policy_check_bind_username(slice_from_text("\\${username}")));
    cr_expect_not_null(policy_check_bind_username(slice_from_text("${username}")));
    cr_expect_not_null(policy_check_bind_username(slice_from_text("${certificate}-${username}")));
}

Test(template, names_of_the_substitutions)
{
    cr_expect_str_eq(policy_substitution_name(0), "certificate");
    cr_expect_str_eq(policy_substitution_name(3), "address");
    cr_expect_null(policy_substitution_name(4));
}
