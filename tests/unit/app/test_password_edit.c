#include <criterion/criterion.h>

#include <stdio.h>

#include "app/password_edit_internal.h"

static void expect_set(const char *before, const char *user, const char *after, bool found)
{
    struct buffer text;
    bool got = !found;
    buffer_init(&text, 4096);
    cr_assert(password_edit_set(slice_from_text(before), slice_from_text(user),
                                slice_from_text("bob:NEW"), &text, &got));
    cr_expect(slice_is(buffer_slice(&text), after), "%.*s", (int)text.size,
              (const char *)text.data);
    cr_expect_eq(got, found, "%s", before);
    buffer_deinit(&text);
}

static void expect_deleted(const char *before, const char *user, enum password_gap gap,
                           const char *after, bool found)
{
    struct buffer text;
    bool got = !found;
    buffer_init(&text, 4096);
    cr_assert(
        password_edit_delete(slice_from_text(before), slice_from_text(user), gap, &text, &got));
    cr_expect(slice_is(buffer_slice(&text), after), "%.*s", (int)text.size,
              (const char *)text.data);
    cr_expect_eq(got, found, "%s", before);
    buffer_deinit(&text);
}

Test(password_edit, a_new_user_comes_last)
{
    expect_set("", "bob", "bob:NEW\n", false);
    expect_set("al:1\n", "bob", "al:1\nbob:NEW\n", false);
    expect_set("al:1", "bob", "al:1\nbob:NEW\n", false);
    expect_set("al:1\r\n", "bob", "al:1\r\nbob:NEW\n", false);
    expect_set("\n", "bob", "\nbob:NEW\n", false);
    expect_set("# c", "bob", "# c\nbob:NEW\n", false);
    expect_set("al:1\r", "bob", "al:1\r\nbob:NEW\n", false);
}

Test(password_edit, a_known_user_is_changed_in_place)
{
    expect_set("bob:1\n", "bob", "bob:NEW\n", true);
    expect_set("bob:1", "bob", "bob:NEW", true);
    expect_set("bob:1\r\nal:1\r\n", "bob", "bob:NEW\r\nal:1\r\n", true);
    expect_set("# a\n\nal:1\nbob:1:2\n\n#end", "bob", "# a\n\nal:1\nbob:NEW\n\n#end", true);
    expect_set("bob:\n", "bob", "bob:NEW\n", true);
    /* Twice is not for us to mend: the file will not load, and its line will be told. */
    expect_set("bob:1\nbob:2\n", "bob", "bob:NEW\nbob:2\n", true);
}

Test(password_edit, neighbours_and_comments_are_not_the_user)
{
    expect_set("bobby:1\n", "bob", "bobby:1\nbob:NEW\n", false);
    expect_set("bo:b:1\n", "bob", "bo:b:1\nbob:NEW\n", false);
    expect_set("Bob:1\n", "bob", "Bob:1\nbob:NEW\n", false);
    expect_set("#bob:1\n", "bob", "#bob:1\nbob:NEW\n", false);
    expect_set(" bob:1\n", "bob", " bob:1\nbob:NEW\n", false);
    expect_set("bob\n", "bob", "bob\nbob:NEW\n", false);
}

Test(password_edit, deleting)
{
    expect_deleted("bob:1\n", "bob", PASSWORD_GAP_NONE, "", true);
    expect_deleted("bob:1", "bob", PASSWORD_GAP_NONE, "", true);
    expect_deleted("al:1\nbob:1\r\ncy:1", "bob", PASSWORD_GAP_NONE, "al:1\ncy:1", true);
    expect_deleted("bob:1\nal:1\nbob:2\n", "bob", PASSWORD_GAP_NONE, "al:1\n", true);
    expect_deleted("# bob\nal:1\r\n\n", "bob", PASSWORD_GAP_NONE, "# bob\nal:1\r\n\n", false);
    expect_deleted("", "bob", PASSWORD_GAP_NONE, "", false);
}

Test(password_edit, deleting_can_keep_the_line_numbers)
{
    expect_deleted("bob:1\nal:1\r\nbob:2\r\nbob:3", "bob", PASSWORD_GAP_BLANK, "\nal:1\r\n\r\n",
                   true);
}

Test(password_edit, names_that_are_no_names_meet_no_line)
{
    expect_deleted("#bob:1\n:2\n", "#bob", PASSWORD_GAP_NONE, "#bob:1\n:2\n", false);
    expect_deleted("bob:1:2\n", "bob:1", PASSWORD_GAP_NONE, "bob:1:2\n", false);
    expect_deleted("\n\n", "", PASSWORD_GAP_NONE, "\n\n", false);
}

/* All texts of up to six characters of this alphabet: adding a user and deleting it again
 * gives back the text, but for a newline that the last line lacked. */
Test(password_edit, adding_and_deleting_changes_nothing)
{
    static const char alphabet[] = "b:#\r\n";
    const unsigned base = sizeof alphabet - 1;
    unsigned count = 1;
    for (unsigned size = 0; size <= 6; size++, count *= base) {
        for (unsigned number = 0; number < count; number++) {
            char before[16];
            unsigned rest = number;
            for (unsigned at = 0; at < size; at++, rest /= base) {
                before[at] = alphabet[rest % base];
            }
            before[size] = '\0';
            bool has_end = size == 0 || before[size - 1] == '\n';
            char expected[20];
            snprintf(expected, sizeof expected, "%s%s", before, has_end ? "" : "\n");

            struct buffer added;
            bool found = true;
            buffer_init(&added, 64);
            cr_assert(password_edit_set(slice_from_text(before), slice_from_text("x"),
                                        slice_from_text("x:1"), &added, &found));
            cr_assert_not(found);
            char with_user[64];
            snprintf(with_user, sizeof with_user, "%.*s", (int)added.size,
                     (const char *)added.data);
            expect_deleted(with_user, "x", PASSWORD_GAP_NONE, expected, true);
            buffer_deinit(&added);
        }
    }
}

Test(password_edit, a_ceiling_met_is_told_wherever_it_is_met)
{
    const char *before = "al:1\nbob:1";
    for (size_t ceiling = 0; ceiling < strlen("al:1\nbob:1\ncy:1\n"); ceiling++) {
        struct buffer text;
        bool found = true;
        buffer_init(&text, ceiling);
        cr_expect_not(password_edit_set(slice_from_text(before), slice_from_text("cy"),
                                        slice_from_text("cy:1"), &text, &found));
        cr_expect(found, "written though it failed");
        buffer_deinit(&text);
        buffer_init(&text, ceiling);
        cr_expect_eq(password_edit_delete(slice_from_text(before), slice_from_text("cy"),
                                          PASSWORD_GAP_NONE, &text, &found),
                     ceiling >= strlen(before));
        buffer_deinit(&text);
    }
}
