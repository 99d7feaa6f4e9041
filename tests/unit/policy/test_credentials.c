#include "password_lines.h"

#include "moat/base/secret.h"
#include <stdio.h>
#include <time.h>

/* --- what Mosquitto wrote ---------------------------------------------------------------- */

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
        credentials_verify(credentials, slice_of("bob\0", 4), slice_from_text(BOB_PASSWORD), NULL));
    credentials_free(credentials);
}

/* Mosquitto 2.1.3: a password's length was lost, and C strings were compared. */
Test(credentials, passwords_are_bytes)
{
    struct credentials *credentials = parse(NUL7 "\n" NUL6 "\n");
    static const char *const users[] = {"nul7", "nul6"};
    for (size_t index = 0; index < 2; index++) {
        struct slice user = slice_from_text(users[index]);
        cr_expect(credentials_verify(credentials, user, slice_of("a\0b", 3), NULL));
        cr_expect_not(credentials_verify(credentials, user, slice_of("a\0c", 3), NULL));
        cr_expect_not(credentials_verify(credentials, user, slice_of("a", 1), NULL));
        cr_expect_not(credentials_verify(credentials, user, slice_of("a\0", 2), NULL));
    }
    /* HMAC fills its key up with NULs, so $7$ by its nature takes a right password with NULs
     * behind it, here as in Mosquitto. It helps only who knows the password. */
    cr_expect(
        credentials_verify(credentials, slice_from_text("nul7"), slice_of("a\0b\0", 4), NULL));
    cr_expect_not(
        credentials_verify(credentials, slice_from_text("nul6"), slice_of("a\0b\0", 4), NULL));
    credentials_free(credentials);

    struct credentials_fault fault;
    const struct slice passwords[] = {slice_of("a", 1), slice_of("a\0b", 3), slice_of("a\0c", 3)};
    for (size_t made = 0; made < 3; made++) {
        char *line = credentials_make_line(slice_from_text("u"), passwords[made], 1, &fault);
        cr_assert_not_null(line);
        credentials = parse(line);
        for (size_t tried = 0; tried < 3; tried++) {
            cr_expect_eq(
                credentials_verify(credentials, slice_from_text("u"), passwords[tried], NULL),
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
    cr_expect_not(credentials_verify(credentials, slice_from_text("bob"), slice_of(NULL, 0), NULL));
    cr_expect_not(credentials_verify(credentials, slice_from_text("bob"), slice_of("", 0), NULL));
    cr_expect_not(
        credentials_verify(credentials, slice_from_text("empty"), slice_of(NULL, 0), NULL));
    cr_expect_not(credentials_verify(credentials, slice_from_text("empty"), slice_of("", 0), NULL));
    cr_expect_not(credentials_verify(credentials, slice_of(NULL, 0), slice_of(NULL, 0), NULL));
    credentials_free(credentials);
}

/* --- time -------------------------------------------------------------------------------- */

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
