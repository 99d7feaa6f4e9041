#include "oracle.h"
#include "policy/glob_internal.h"

#include "moat/policy/policy.h"

#include <criterion/criterion.h>

static bool match(const char *glob, const char *text)
{
    cr_assert_null(policy_check_glob(slice_from_text(glob)), "%s", glob);
    return glob_match(slice_from_text(glob), slice_from_text(text));
}

Test(glob, matches_what_it_says)
{
    static const struct {
        const char *glob;
        const char *text;
        bool matches;
    } rows[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "anything at all", true},
        {"**", "", true},
        {"?", "", false},
        {"?", "a", true},
        {"?", "ab", false},
        {"sensor-*", "sensor-", true},
        {"sensor-*", "sensor-17", true},
        {"sensor-*", "sensor", false},
        {"sensor-*", "Sensor-17", false},
        {"sensor-*", "my-sensor-17", false},
        {"*-17", "sensor-17", true},
        {"*-17", "sensor-170", false},
        {"s*r-1?", "sensor-17", true},
        {"s*r-1?", "sensor-1", false},
        {"*a*b", "aab", true},
        {"*ab", "aab", true},
        {"*ab*ab", "abab", true},
        {"*ab*ab", "ab", false},
        {"a\\*b", "a*b", true},
        {"a\\*b", "axb", false},
        {"a\\?b", "a?b", true},
        {"a\\?b", "axb", false},
        {"a\\\\b", "a\\b", true},
        {"*\\*", "a*", true},
        {"*\\*", "a", false},
        {"\\**", "*a", true},
        {"[ab]", "a", false},
        {"[ab]", "[ab]", true},
        {"\xC3?", "\xC3\xA4", true}, /* `?` is a byte, not a character */
        {"?", "\xC3\xA4", false},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        cr_expect_eq(match(rows[index].glob, rows[index].text), rows[index].matches, "%s on %s",
                     rows[index].glob, rows[index].text);
    }
}

Test(glob, takes_a_nul_as_any_byte)
{
    cr_expect(glob_match(slice_from_text("a?b"), slice_of("a\0b", 3)));
    cr_expect(glob_match(slice_from_text("a*"), slice_of("a\0b", 3)));
    cr_expect_not(glob_match(slice_from_text("a"), slice_of("a\0b", 3)));
}

Test(glob, empty_slices_without_memory)
{
    cr_expect(glob_match(slice_of(NULL, 0), slice_of(NULL, 0)));
    cr_expect(glob_match(slice_from_text("*"), slice_of(NULL, 0)));
    cr_expect_null(policy_check_glob(slice_of(NULL, 0)));
}

Test(glob, check_refuses_a_stray_backslash_wherever_it_stands)
{
    cr_expect_not_null(policy_check_glob(slice_from_text("\\")));
    cr_expect_not_null(policy_check_glob(slice_from_text("a\\")));
    cr_expect_not_null(policy_check_glob(slice_from_text("\\\\\\")));
    cr_expect_not_null(policy_check_glob(slice_from_text("\\d+")));
    cr_expect_not_null(policy_check_glob(slice_from_text("CN=a\\,b")));
    cr_expect_null(policy_check_glob(slice_from_text("CN=a\\\\,b")));
    cr_expect_null(policy_check_glob(slice_from_text("\\\\")));
    cr_expect_null(policy_check_glob(slice_from_text("\\*\\?\\\\*?")));
}

Test(glob, check_of_every_cut)
{
    const char *glob = "a\\*b\\\\c\\?";
    for (size_t size = 0; size <= strlen(glob); size++) {
        bool inside_escape = size == 2 || size == 5 || size == 8;
        cr_expect_eq(policy_check_glob(slice_of(glob, size)) != NULL, inside_escape, "%zu", size);
    }
}

Test(glob, agrees_with_the_slow_matcher)
{
    struct random random = random_start(20261122);
    unsigned matched = 0;
    for (int round = 0; round < 300000; round++) {
        char glob_text[9];
        char text_text[11];
        struct slice glob = random_text(&random, "ab*?\\", glob_text, 8);
        struct slice text = random_text(&random, "ab*?\\", text_text, 10);
        if (policy_check_glob(glob) != NULL) {
            continue;
        }
        bool expected = slow_glob_match(glob, text);
        matched += expected;
        cr_assert_eq(glob_match(glob, text), expected, "%s on %s", glob_text, text_text);
    }
    cr_assert_gt(matched, 10000u, "the inputs are too tame to say anything: %u", matched);
}

/* Thirty stars and a text that nearly fits take a backtracking matcher longer than the
 * universe lasts. */
Test(glob, cannot_be_blown_up)
{
    char glob[62];
    for (size_t at = 0; at < 60; at += 2) {
        glob[at] = 'a';
        glob[at + 1] = '*';
    }
    glob[60] = 'b';
    glob[61] = '\0';
    static char text[65536];
    memset(text, 'a', sizeof text);
    cr_expect_not(glob_match(slice_from_text(glob), slice_of(text, sizeof text)));
    text[sizeof text - 1] = 'b';
    cr_expect(glob_match(slice_from_text(glob), slice_of(text, sizeof text)));
}
