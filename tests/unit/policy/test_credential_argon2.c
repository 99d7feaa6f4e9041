/* With libargon2; test_credential_argon2_absent.c takes this file's place without it. */
#include "password_lines.h"

#include <argon2.h>
#include <stdio.h>

#define ARGON_HASH "AAAAAAAAAAAAAAAAAAAAAA" /* 16 bytes of nothing */

Test(credential_argon2, verifies_strings_of_the_reference_implementation)
{
    struct credentials *credentials = parse(ARGON "\n" ARGON_LANES "\n" BOB "\n");
    cr_expect(verify(credentials, "argon", ARGON_PASSWORD));
    cr_expect(verify(credentials, "lanes", ARGON_PASSWORD));
    cr_expect(verify(credentials, "bob", BOB_PASSWORD));
    cr_expect_not(verify(credentials, "argon", "argon secre"));
    cr_expect_not(verify(credentials, "argon", BOB_PASSWORD));
    cr_expect_not(verify(credentials, "lanes", ""));
    cr_expect_not(verify(credentials, "nobody", ARGON_PASSWORD));
    credentials_free(credentials);
}

Test(credential_argon2, passwords_are_bytes)
{
    struct credentials *credentials = parse(ARGON_NUL);
    struct slice user = slice_from_text("argonnul");
    cr_expect(credentials_verify(credentials, user, slice_of("a\0b", 3), NULL));
    cr_expect_not(credentials_verify(credentials, user, slice_of("a\0c", 3), NULL));
    cr_expect_not(credentials_verify(credentials, user, slice_of("a", 1), NULL));
    cr_expect_not(credentials_verify(credentials, user, slice_of(NULL, 0), NULL));
    credentials_free(credentials);
}

/* Costs, salts and hashes of many sizes, made by the reference here and now. */
Test(credential_argon2, agrees_with_the_reference_over_the_range)
{
    static const struct {
        uint32_t passes, memory, lanes;
        size_t salt, hash;
    } rows[] = {
        {1, 8, 1, 8, 16},
        {16, 64, 8, 64, 64},
        {3, 100, 2, 9, 17},
        {1, 65536, 1, 16, 32},
    };
    static const char salt[64] = "salt that is long enough for all of them, and then some more ...";
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        char encoded[256];
        int code = argon2id_hash_encoded(rows[index].passes, rows[index].memory, rows[index].lanes,
                                         "pass", 4, salt, rows[index].salt, rows[index].hash,
                                         encoded, sizeof encoded);
        cr_assert_eq(code, ARGON2_OK);
        char line[300];
        snprintf(line, sizeof line, "u:%s\n", encoded);
        struct credentials *credentials = parse(line);
        cr_expect(verify(credentials, "u", "pass"), "%s", line);
        cr_expect_not(verify(credentials, "u", "pasS"), "%s", line);
        credentials_free(credentials);
    }
}

Test(credential_argon2, bounds_at_and_past)
{
    static const struct {
        const char *cost;
        const char *part; /* of the fault; NULL when it is in order */
    } rows[] = {
        {"m=65536,t=1,p=1", NULL},
        {"m=65537,t=1,p=1", "memory"},
        {"m=4294967295,t=1,p=1", "memory"},
        {"m=8,t=1,p=1", NULL},
        {"m=7,t=1,p=1", "8 KiB"},
        {"m=64,t=1,p=8", NULL},
        {"m=63,t=1,p=8", "8 KiB"},
        {"m=64,t=16,p=1", NULL},
        {"m=64,t=17,p=1", "passes"},
        {"m=64,t=0,p=1", "passes"},
        {"m=72,t=1,p=9", "lanes"},
        {"m=64,t=1,p=0", "lanes"},
        {"m=064,t=1,p=1", "memory"},
        {"t=1,m=64,p=1", "memory"},
        {"m=64,p=1,t=1", "passes"},
        {"m=64,t=1", "parameters"},
        {"m=64", "parameters"},
        {"", "parameters"},
        {"m=64,t=1,p=1,x=1", "lanes"},
        {"m=64,t=1,p=", "lanes"},
        {"m=,t=1,p=1", "memory"},
        {"m=64,t=1,p=1 ", "lanes"},
        {"M=64,t=1,p=1", "memory"},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        char line[256];
        snprintf(line, sizeof line, "u:$argon2id$v=19$%s$c2FsdHNhbHQ$" ARGON_HASH,
                 rows[index].cost);
        struct credentials_fault fault = {0};
        struct credentials *credentials = credentials_parse(slice_from_text(line), &fault);
        if (rows[index].part == NULL) {
            cr_expect_not_null(credentials, "%s: %s", rows[index].cost, fault.what);
        } else {
            cr_expect_null(credentials, "%s", rows[index].cost);
            cr_expect_not_null(strstr(fault.what, rows[index].part), "%s: %s", rows[index].cost,
                               fault.what);
        }
        credentials_free(credentials);
    }
}

Test(credential_argon2, broken_lines)
{
    static const char *const rows[][2] = {
        {"u:$argon2id$", "cut short"},
        {"u:$argon2id$v=19", "cut short"},
        {"u:$argon2id$v=19$m=64,t=1,p=1", "cut short"},
        {"u:$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ", "cut short"},
        {"u:$argon2id$v=16$m=64,t=1,p=1$c2FsdHNhbHQ$" ARGON_HASH, "v=19"},
        {"u:$argon2id$m=64,t=1,p=1$c2FsdHNhbHQ$" ARGON_HASH, "cut short"},
        {"u:$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbA$" ARGON_HASH, "salt"},
        {"u:$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ=$" ARGON_HASH, "salt"},
        {"u:$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAA", "16 to 64"},
        {"u:$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$" ARGON_HASH "==", "16 to 64"},
        {"u:$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$" ARGON_HASH "$", "16 to 64"},
        {"u:$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$", "16 to 64"},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        struct credentials_fault fault = {0};
        cr_expect_null(credentials_parse(slice_from_text(rows[index][0]), &fault), "%s",
                       rows[index][0]);
        cr_expect_not_null(strstr(fault.what, rows[index][1]), "%s: %s", rows[index][0],
                           fault.what);
        cr_expect_eq(fault.line, 1);
    }
}

Test(credential_argon2, no_cut_verifies)
{
    const char *line = ARGON_LANES;
    for (size_t size = 0; size < strlen(line); size++) {
        struct credentials_fault fault;
        struct credentials *credentials = credentials_parse(slice_of(line, size), &fault);
        /* A shorter hash is a hash too, but another one: its size goes into it. */
        if (credentials != NULL) {
            cr_expect_not(verify(credentials, "lanes", ARGON_PASSWORD), "%zu", size);
        }
        credentials_free(credentials);
    }
}
