/* What a password file may look like, and every way in which it may not. */
#include "password_lines.h"

#include <stdio.h>
#include <stdlib.h>

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

Test(credentials_file, blank_lines_comments_and_line_ends)
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
Test(credentials_file, nothing_in_it_is_a_fault)
{
    static const char *const texts[] = {
        "", "\n", "\r\n", "\n\n\n", "#", "# only\n# comments\n", "#\r\n\r\n"};
    for (size_t index = 0; index < sizeof texts / sizeof texts[0]; index++) {
        expect_fault(texts[index], 0, "no users");
    }
    expect_fault_of(slice_of(NULL, 0), 0, "no users");
}

/* CVE-2018-12551: a broken line became a user without a password, a blank one the empty user. */
Test(credentials_file, every_broken_line_is_named)
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

Test(credentials_file, a_nul_anywhere_is_a_fault)
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

Test(credentials_file, what_was_written_is_never_repeated)
{
    struct credentials_fault fault;
    cr_assert_null(credentials_parse(slice_from_text("bob:hunter2"), &fault));
    cr_expect_null(strstr(fault.what, "hunter2"));
    cr_expect_not_null(strstr(fault.what, "moat passwd FILE USER"), "no remedy: %s", fault.what);
    cr_assert_null(credentials_parse(slice_from_text("hunter2"), &fault));
    cr_expect_null(strstr(fault.what, "hunter2"));
}

Test(credentials_file, salts_past_their_limits)
{
    expect_fault(SALT7, 1, "8 to 64 bytes");
    expect_fault(SALT65, 1, "8 to 64 bytes");
}

Test(credentials_file, iterations_at_their_limit)
{
    struct credentials *credentials = parse("bob:$7$10000000$" SALT "$" HASH);
    cr_expect_eq(credentials_count(credentials), 1);
    credentials_free(credentials);
}

Test(credentials_file, a_user_stands_once)
{
    expect_fault(BOB "\n" ALICE "\n" BOB "\n", 3, "further up");
    expect_fault("bob:$7$1$" SALT "$" HASH "\n" BOB, 2, "further up");
    /* A broken second line is still one of a user who is there already. */
    expect_fault(BOB "\nbob:secret", 2, "further up");
}

Test(credentials_file, a_byte_order_mark_is_explained)
{
    expect_fault("\xEF\xBB\xBF" BOB, 1, "byte order mark");
    expect_fault("\xEF\xBB\xBF", 1, "byte order mark");
}

Test(credentials_file, every_cut_of_a_line_is_a_fault)
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
Test(credentials_file, each_byte_corrupted)
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
                cr_expect_not(credentials_verify(credentials, slice_from_text("nul7"),
                                                 slice_of("a\0b", 3), NULL),
                              "byte %zu as %u", at, byte);
            }
            credentials_free(credentials);
        }
        text[at] = kept;
    }
}

Test(credentials_file, many_users)
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

Test(credentials_file, free_takes_null)
{
    credentials_free(NULL);
}
