#include "policy/patterns_internal.h"

#include <criterion/criterion.h>

/* Compares a set with what stands in `members`, character by character. */
static void expect_members(const char *text, const char *members)
{
    struct characters characters = {.text = NULL};
    cr_assert_null(characters_copy(&characters, text), "%s", text);
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t one = (uint8_t)byte;
        bool expected = byte != 0 && strchr(members, (int)byte) != NULL;
        cr_expect_eq(characters_hold(&characters, slice_of(&one, 1)), expected, "%s has %02X", text,
                     byte);
    }
    cr_expect(characters_hold(&characters, slice_from_text("")));
    characters_free(&characters);
}

Test(characters, sets)
{
    expect_members("[abc]", "abc");
    expect_members("[a-e]", "abcde");
    expect_members("[a-ce0-2]", "abce012");
    expect_members("[-a]", "-a");
    expect_members("[a-]", "-a");
    expect_members("[a-c-]", "abc-");
    expect_members("[-]", "-");
    expect_members("[]]", "]");
    expect_members("[[]", "[");
    expect_members("[x-x]", "x");
    expect_members("[^a]", "^a");
    expect_members("[\\]", "\\");
    expect_members("alphanumeric",
                   "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

Test(characters, printable_is_ascii_from_the_exclamation_mark_to_the_tilde)
{
    char members[128] = "";
    for (size_t index = 0; index < 94; index++) {
        members[index] = (char)('!' + (char)index);
    }
    expect_members("printable", members);
}

Test(characters, every_byte_must_be_in_the_set)
{
    struct characters characters = {.text = NULL};
    cr_assert_null(characters_copy(&characters, "[a-z]"));
    cr_expect(characters_hold(&characters, slice_from_text("abc")));
    cr_expect_not(characters_hold(&characters, slice_from_text("abC")));
    cr_expect_not(characters_hold(&characters, slice_from_text("Abc")));
    cr_expect_not(characters_hold(&characters, slice_of("a\0c", 3)));
    characters_free(&characters);
}

Test(characters, what_is_no_set)
{
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {{"", "expected"},        {"[", "expected"},      {"abc", "expected"},
                 {"[abc", "expected"},    {"abc]", "expected"},   {"Alphanumeric", "expected"},
                 {"[]", "empty"},         {"[z-a]", "backwards"}, {"[a b]", "ASCII"},
                 {"[\xC3\xA4]", "ASCII"}, {"[a-\xFF]", "ASCII"},  {"[\x1F]", "ASCII"},
                 {"[\x7F]", "ASCII"},     {"[ -~]", "ASCII"}};
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        const char *fault = policy_check_characters(slice_from_text(cases[index].text));
        cr_assert_not_null(fault, "%s", cases[index].text);
        cr_expect_not_null(strstr(fault, cases[index].part), "%s: %s", cases[index].text, fault);
    }
    struct characters none = {.text = NULL};
    cr_expect_null(characters_copy(&none, NULL));
    cr_expect_null(none.text);
}
