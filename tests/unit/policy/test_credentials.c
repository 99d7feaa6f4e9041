#include "oracle.h"
#include "password_lines.h"

#include "moat/base/secret.h"
#include "moat/policy/credentials.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct credentials *parse(const char *text)
{
    struct credentials_fault fault = {0};
    struct credentials *credentials = credentials_parse(slice_from_text(text), &fault);
    cr_assert_not_null(credentials, "line %u: %s", fault.line, fault.what);
    return credentials;
}

static bool verify(const struct credentials *credentials, const char *user, const char *password)
{
    return credentials_verify(credentials, slice_from_text(user), slice_from_text(password));
}

static void expect_fault_of(struct slice text, unsigned line, const char *part)
{
    struct credentials_fault fault = {.line = 4711};
    struct credentials *credentials = credentials_parse(text, &fault);
    cr_assert_null(credentials, "taken: %.*s", (int)text.size, (const char *)text.data);
    cr_expect_eq(fault.line, line, "%u: %s", fault.line, fault.what);
    cr_expect_not_null(strstr(fault.what, part), "%s", fault.what);
}

static void expect_fault(const char *text, unsigned line, const char *part)
{
    expect_fault_of(slice_from_text(text), line, part);
}

/* --- what Mosquitto wrote -------------------------------------------------------------- */

Test(credentials, reads_what_mosquitto_passwd_wrote)
{
    struct credentials *credentials = parse(ALICE "\n" BOB "\n" CAROL "\n" ERIN "\n");
    cr_expect_eq(credentials_count(credentials), 4);
    static const char *const users[] = {"alice", "bob", "carol", "erin"};
    static const char *const passwords[] = {ALICE_PASSWORD, BOB_PASSWORD, CAROL_PASSWORD,
                                            ERIN_PASSWORD};
    for (size_t user = 0; user < 4; user++) {
        for (size_t password = 0; password < 4; password++) {
            cr_expect_eq(verify(credentials, users[user], passwords[password]), user == password);
        }
    }
    credentials_free(credentials);
}

Test(credentials, reads_long_and_short_salts_within_bounds)
{
    struct credentials *credentials = parse(SALT64 "\n" SALT8 "\n");
    cr_expect(verify(credentials, "salt64", "long salt"));
    cr_expect_not(verify(credentials, "salt64", "long sal"));
    cr_expect(verify(credentials, "salt8", "pw"));
    credentials_free(credentials);
    expect_fault(SALT7, 1, "8 to 64 bytes");
    expect_fault(SALT65, 1, "8 to 64 bytes");
}

Test(credentials, only_the_whole_password_is_right)
{
    struct credentials *credentials = parse(BOB);
    static const char *const wrong[] = {"",       "s",       "s3cre", "s3cret ",
                                        "S3cret", "s3crett", BOB,     "bob"};
    for (size_t index = 0; index < sizeof wrong / sizeof wrong[0]; index++) {
        cr_expect_not(verify(credentials, "bob", wrong[index]), "%s", wrong[index]);
    }
    static const char *const users[] = {"", "bo", "bobb", "Bob", "bob ", "alice", "bob:", "\n"};
    for (size_t index = 0; index < sizeof users / sizeof users[0]; index++) {
        cr_expect_not(verify(credentials, users[index], BOB_PASSWORD), "%s", users[index]);
    }
    cr_expect(verify(credentials, "bob", BOB_PASSWORD));
    cr_expect_not(
        credentials_verify(credentials, slice_of("bob\0", 4), slice_from_text(BOB_PASSWORD)));
    credentials_free(credentials);
}

/* Mosquitto 2.1.3: a password's length was lost, and C strings were compared. */
Test(credentials, passwords_are_bytes)
{
    struct credentials *credentials = parse(NUL7 "\n" NUL6 "\n");
    static const char *const users[] = {"nul7", "nul6"};
    for (size_t index = 0; index < 2; index++) {
        struct slice user = slice_from_text(users[index]);
        cr_expect(credentials_verify(credentials, user, slice_of("a\0b", 3)));
        cr_expect_not(credentials_verify(credentials, user, slice_of("a\0c", 3)));
        cr_expect_not(credentials_verify(credentials, user, slice_of("a", 1)));
        cr_expect_not(credentials_verify(credentials, user, slice_of("a\0", 2)));
    }
    /* HMAC fills its key up with NULs, so $7$ by its nature takes a right password with NULs
     * behind it, here as in Mosquitto. It helps only who knows the password. */
    cr_expect(credentials_verify(credentials, slice_from_text("nul7"), slice_of("a\0b\0", 4)));
    cr_expect_not(credentials_verify(credentials, slice_from_text("nul6"), slice_of("a\0b\0", 4)));
    credentials_free(credentials);

    struct credentials_fault fault;
    const struct slice passwords[] = {slice_of("a", 1), slice_of("a\0b", 3), slice_of("a\0c", 3)};
    for (size_t made = 0; made < 3; made++) {
        char *line = credentials_make_line(slice_from_text("u"), passwords[made], 1, &fault);
        cr_assert_not_null(line);
        credentials = parse(line);
        for (size_t tried = 0; tried < 3; tried++) {
            cr_expect_eq(credentials_verify(credentials, slice_from_text("u"), passwords[tried]),
                         made == tried);
        }
        credentials_free(credentials);
        secret_free_text(line);
    }
}

/* CVE-2016-9877: an existing user without a password was let in. */
Test(credentials, an_empty_password_is_never_right)
{
    struct credentials *credentials = parse(BOB "\n" EMPTY_PASSWORD "\n");
    cr_expect_not(credentials_verify(credentials, slice_from_text("bob"), slice_of(NULL, 0)));
    cr_expect_not(credentials_verify(credentials, slice_from_text("bob"), slice_of("", 0)));
    cr_expect_not(credentials_verify(credentials, slice_from_text("empty"), slice_of(NULL, 0)));
    cr_expect_not(credentials_verify(credentials, slice_from_text("empty"), slice_of("", 0)));
    cr_expect_not(credentials_verify(credentials, slice_of(NULL, 0), slice_of(NULL, 0)));
    credentials_free(credentials);
}

/* --- the file ------------------------------------------------------------------------------ */

Test(credentials, blank_lines_comments_and_line_ends)
{
    struct credentials *credentials =
        parse("\n# people\r\n\r\n" ALICE "\r\n#" BOB "\n\n" CAROL "\n# end");
    cr_expect_eq(credentials_count(credentials), 2);
    cr_expect(verify(credentials, "alice", ALICE_PASSWORD));
    cr_expect(verify(credentials, "carol", CAROL_PASSWORD), "the last line may lack its end");
    cr_expect_not(verify(credentials, "bob", BOB_PASSWORD), "commented out");
    cr_expect_not(verify(credentials, "#bob", BOB_PASSWORD), "commented out");
    credentials_free(credentials);
}

/* CVE-2018-12550: an empty file was read as "no restrictions". */
Test(credentials, nothing_in_it_is_a_fault)
{
    static const char *const texts[] = {
        "", "\n", "\r\n", "\n\n\n", "#", "# only\n# comments\n", "#\r\n\r\n"};
    for (size_t index = 0; index < sizeof texts / sizeof texts[0]; index++) {
        expect_fault(texts[index], 0, "no users");
    }
    expect_fault_of(slice_of(NULL, 0), 0, "no users");
}

/* CVE-2018-12551: a broken line became a user without a password, a blank one the empty user. */
Test(credentials, every_broken_line_is_named)
{
    static const struct {
        const char *line;
        const char *part;
    } rows[] = {
        {"bob", "no ':'"},
        {" ", "no ':'"},
        {"\t", "no ':'"},
        {"bob:", "no password hash"},
        {":", "empty"},
        {":secret", "empty"},
        {":$7$1$" SALT "$" HASH, "empty"},
        {"bob:secret", "not hashed"},
        {"bob:secret:more", "not hashed"},
        {"bob:7$1$" SALT "$" HASH, "not hashed"},
        {"bob: $7$1$" SALT "$" HASH, "not hashed"},
        {"bob:$", "unknown kind"},
        {"bob:$7", "unknown kind"},
        {"bob:$5$" SALT "$" HASH, "unknown kind"},
        {"bob:$2b$12$abc", "unknown kind"},
        {"bob:$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$AAAA", "unknown kind"},
        {"bob:$7$", "cut short"},
        {"bob:$7$1", "cut short"},
        {"bob:$7$1$" SALT, "cut short"},
        {"bob:$7$1$" SALT "$", "64 bytes"},
        {"bob:$7$$" SALT "$" HASH, "iterations"},
        {"bob:$7$0$" SALT "$" HASH, "iterations"},
        {"bob:$7$-1$" SALT "$" HASH, "iterations"},
        {"bob:$7$1x$" SALT "$" HASH, "iterations"},
        {"bob:$7$10000001$" SALT "$" HASH, "1 to 10000000"},
        {"bob:$7$4294967297$" SALT "$" HASH, "iterations"},
        {"bob:$7$1$$" HASH, "salt"},
        {"bob:$7$1$!DEyMzQ1Njc4OWFi$" HASH, "salt"},
        {"bob:$7$1$" SALT "$" HASH "$", "64 bytes"},
        {"bob:$7$1$" SALT "$" HASH " ", "64 bytes"},
        {"bob:$7$1$" SALT "$" HASH "AAAA", "64 bytes"},
        {"bob:$7$1$" SALT "$AAAA" HASH, "64 bytes"},
        {"bob:$6$", "cut short"},
        {"bob:$6$" SALT, "cut short"},
        {"bob:$6$$" HASH, "salt"},
        {"bob:$6$MDEyMzQ1Ng==$" HASH, "salt"},
        {"bob:$6$" SALT "$", "64 bytes"},
        {"bob:$6$" SALT "$" HASH "$x", "64 bytes"},
        {"b\tob:$7$1$" SALT "$" HASH, "control"},
        {"b\x7Fob:$7$1$" SALT "$" HASH, "control"},
        {"b\xFFob:$7$1$" SALT "$" HASH, "UTF-8"},
        {"b\rob:$7$1$" SALT "$" HASH, "control"},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        char text[1024];
        snprintf(text, sizeof text, "# first\n" ALICE "\n%s\n" CAROL "\n", rows[index].line);
        expect_fault(text, 3, rows[index].part);
        snprintf(text, sizeof text, "%s", rows[index].line);
        expect_fault(text, 1, rows[index].part);
        snprintf(text, sizeof text, "\r\n%s\r\n", rows[index].line);
        expect_fault(text, 2, rows[index].part);
    }
}

Test(credentials, a_nul_anywhere_is_a_fault)
{
    char text[] = BOB;
    for (size_t at = 0; at < sizeof text - 1; at++) {
        char kept = text[at];
        text[at] = '\0';
        struct credentials_fault fault;
        cr_expect_null(credentials_parse(slice_of(text, sizeof text - 1), &fault), "%zu", at);
        text[at] = kept;
    }
}

Test(credentials, what_was_written_is_never_repeated)
{
    struct credentials_fault fault;
    cr_assert_null(credentials_parse(slice_from_text("bob:hunter2"), &fault));
    cr_expect_null(strstr(fault.what, "hunter2"));
    cr_expect_not_null(strstr(fault.what, "moat passwd FILE USER"), "no remedy: %s", fault.what);
    cr_assert_null(credentials_parse(slice_from_text("hunter2"), &fault));
    cr_expect_null(strstr(fault.what, "hunter2"));
}

Test(credentials, iterations_at_their_limit)
{
    struct credentials *credentials = parse("bob:$7$10000000$" SALT "$" HASH);
    cr_expect_eq(credentials_count(credentials), 1);
    credentials_free(credentials);
}

Test(credentials, a_user_stands_once)
{
    expect_fault(BOB "\n" ALICE "\n" BOB "\n", 3, "further up");
    expect_fault("bob:$7$1$" SALT "$" HASH "\n" BOB, 2, "further up");
    /* A broken second line is still one of a user who is there already. */
    expect_fault(BOB "\nbob:secret", 2, "further up");
}

Test(credentials, a_byte_order_mark_is_explained)
{
    expect_fault("\xEF\xBB\xBF" BOB, 1, "byte order mark");
    expect_fault("\xEF\xBB\xBF", 1, "byte order mark");
}

Test(credentials, every_cut_of_a_line_is_a_fault)
{
    static const char *const lines[] = {ALICE, ERIN, SALT64};
    for (size_t index = 0; index < sizeof lines / sizeof lines[0]; index++) {
        for (size_t size = 0; size < strlen(lines[index]); size++) {
            char *cut = malloc(size + 1); /* of that size, so that a read past it is seen */
            cr_assert_not_null(cut);
            memcpy(cut, lines[index], size);
            struct credentials_fault fault;
            cr_expect_null(credentials_parse(slice_of(cut, size), &fault), "%s cut to %zu",
                           lines[index], size);
            free(cut);
        }
    }
}

/* Bytes of all kinds in place of one: refused, or a user whose password is another one. */
Test(credentials, each_byte_corrupted)
{
    char text[] = NUL7;
    for (size_t at = 0; at < sizeof text - 1; at++) {
        char kept = text[at];
        for (unsigned byte = 0; byte <= 255; byte++) {
            text[at] = (char)byte;
            struct credentials_fault fault;
            struct credentials *credentials =
                credentials_parse(slice_of(text, sizeof text - 1), &fault);
            if (credentials == NULL || text[at] == kept) {
                credentials_free(credentials);
                continue;
            }
            /* Nine more digits of iterations would take long to say no. */
            if (text[sizeof "nul7:$7$3" - 1] == '$') {
                cr_expect_not(
                    credentials_verify(credentials, slice_from_text("nul7"), slice_of("a\0b", 3)),
                    "byte %zu as %u", at, byte);
            }
            credentials_free(credentials);
        }
        text[at] = kept;
    }
}

Test(credentials, many_users)
{
    const size_t count = 5000;
    size_t capacity = count * 160;
    char *text = malloc(capacity);
    cr_assert_not_null(text);
    size_t size = 0;
    for (size_t index = 0; index < count; index++) {
        int written =
            snprintf(text + size, capacity - size, "user-%zu:$6$" SALT "$" HASH "\n", index);
        cr_assert(written > 0 && (size_t)written < capacity - size);
        size += (size_t)written;
    }
    size += (size_t)snprintf(text + size, capacity - size, "%s\n", ERIN);
    struct credentials_fault fault;
    struct credentials *credentials = credentials_parse(slice_of(text, size), &fault);
    cr_assert_not_null(credentials, "%u %s", fault.line, fault.what);
    cr_expect_eq(credentials_count(credentials), count + 1);
    cr_expect(verify(credentials, "erin", ERIN_PASSWORD));
    cr_expect_not(verify(credentials, "user-77", ERIN_PASSWORD));
    credentials_free(credentials);
    free(text);
}

Test(credentials, free_takes_null)
{
    credentials_free(NULL);
}

/* --- time ------------------------------------------------------------------------------------ */

static double cost_of(const struct credentials *credentials, const char *user, const char *password)
{
    struct timespec before;
    struct timespec after;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    (void)!verify(credentials, user, password);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    return (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

/* Processor time of this thread, so that a busy machine does not matter. */
Test(credentials, unknown_users_cost_what_known_ones_cost)
{
    struct credentials *credentials = parse("bob:$7$200000$" SALT "$" HASH);
    double known = cost_of(credentials, "bob", "wrong");
    static const char *const users[] = {"mallory", "", "bo", "bobb"};
    for (size_t index = 0; index < sizeof users / sizeof users[0]; index++) {
        double unknown = cost_of(credentials, users[index], "wrong");
        cr_expect(unknown > known / 2 && unknown < known * 2, "%s: %f, known %f", users[index],
                  unknown, known);
    }
    double empty = cost_of(credentials, "bob", "");
    cr_expect(empty > known / 2 && empty < known * 2, "empty password: %f, known %f", empty, known);
    credentials_free(credentials);
}

/* With a cheap and a dear user in the file, an unknown name has one of the two costs, and
 * the same one each time: else an average over tries would tell it from a known name. */
Test(credentials, an_unknown_user_keeps_its_cost)
{
    struct credentials *credentials =
        parse("dear:$7$100000$" SALT "$" HASH "\ncheap:$7$1$" SALT "$" HASH);
    double dear = cost_of(credentials, "dear", "wrong");
    unsigned like_dear = 0;
    for (unsigned index = 0; index < 32; index++) {
        char name[16];
        snprintf(name, sizeof name, "nobody-%u", index);
        bool first = cost_of(credentials, name, "wrong") > dear / 2;
        for (int again = 0; again < 3; again++) {
            cr_expect_eq(cost_of(credentials, name, "other") > dear / 2, first, "%s", name);
        }
        like_dear += first;
    }
    cr_expect(like_dear > 0 && like_dear < 32, "%u of 32", like_dear);
    credentials_free(credentials);
}

/* --- lines made here ----------------------------------------------------------------------------
 */

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
Test(credentials, a_made_line_takes_its_password_and_no_other)
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

Test(credentials, two_made_lines_differ)
{
    char *one = make("frank", "same", 1);
    char *two = make("frank", "same", 1);
    cr_assert(one != NULL && two != NULL);
    cr_expect_str_neq(one, two, "the salt is not random");
    secret_free_text(one);
    secret_free_text(two);
}

Test(credentials, names_that_cannot_be_written)
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

Test(credentials, sizes_of_made_lines_at_their_limits_and_one_past)
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
