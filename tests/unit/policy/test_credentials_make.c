#include "password_lines.h"

#include "moat/base/secret.h"

static char *make(const char *user, const char *password, unsigned iterations)
{
    struct credentials_fault fault = {.line = 1};
    char *line =
        credentials_make_line(slice_from_text(user), slice_from_text(password), iterations, &fault);
    if (line == NULL) {
        cr_expect_eq(fault.line, 0);
        cr_expect_gt(strlen(fault.what), 0);
    }
    return line;
}

/* Mosquitto 2.0.3: the user name was hashed in the password's place. */
Test(credentials_make, a_made_line_takes_its_password_and_no_other)
{
    char *line = make("frank", "pass word:$", 1000);
    cr_assert_not_null(line);
    cr_expect(slice_starts_with(slice_from_text(line), "frank:$7$1000$"), "%s", line);
    cr_expect_null(strchr(line, '\n'));
    struct credentials *credentials = parse(line);
    cr_expect(verify(credentials, "frank", "pass word:$"));
    static const char *const wrong[] = {"frank", "pass word", "pass word:", "1000", "", "$7$"};
    for (size_t index = 0; index < sizeof wrong / sizeof wrong[0]; index++) {
        cr_expect_not(verify(credentials, "frank", wrong[index]), "%s", wrong[index]);
    }
    credentials_free(credentials);
    secret_free_text(line);
}

Test(credentials_make, two_made_lines_differ)
{
    char *one = make("frank", "same", 1);
    char *two = make("frank", "same", 1);
    cr_assert(one != NULL && two != NULL);
    cr_expect_str_neq(one, two, "the salt is not random");
    secret_free_text(one);
    secret_free_text(two);
}

Test(credentials_make, names_that_cannot_be_written)
{
    static const char *const names[] = {"",     "a:b", ":",  "a\nb", "a\rb", "a\tb",
                                        "\x7F", "a+b", "#a", "a#",   "\xFF"};
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        cr_expect_null(make(names[index], "password", 1), "%s", names[index]);
        cr_expect_not_null(credentials_check_username(slice_from_text(names[index])));
    }
    struct credentials_fault fault;
    cr_expect_null(credentials_make_line(slice_of("a\0b", 3), slice_from_text("p"), 1, &fault));
    static const char *const fine[] = {"a", "a b", "a$b", "\xC3\xA4", "a/b", "$7$"};
    for (size_t index = 0; index < sizeof fine / sizeof fine[0]; index++) {
        char *line = make(fine[index], "password", 1);
        cr_assert_not_null(line, "%s", fine[index]);
        cr_expect_null(credentials_check_username(slice_from_text(fine[index])));
        struct credentials *credentials = parse(line);
        cr_expect(verify(credentials, fine[index], "password"));
        credentials_free(credentials);
        secret_free_text(line);
    }
}

Test(credentials_make, sizes_of_made_lines_at_their_limits_and_one_past)
{
    char text[1026];
    memset(text, 'x', sizeof text);
    struct credentials_fault fault;
    static const struct {
        size_t user;
        size_t password;
        unsigned iterations;
        bool good;
    } rows[] = {
        {256, 1, 1, true}, {257, 1, 1, false}, {1, 1024, 1, true}, {1, 1025, 1, false},
        {1, 0, 1, false},  {0, 1, 1, false},   {1, 1, 0, false},   {1, 1, 10000001, false},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        char *line = credentials_make_line(slice_of(text, rows[index].user),
                                           slice_of(text, rows[index].password),
                                           rows[index].iterations, &fault);
        cr_expect_eq(line != NULL, rows[index].good, "row %zu", index);
        secret_free_text(line);
    }
}
