/*
 * The loader of password files: the input is the file.
 *
 * A file that was taken has users who can be found, each with the same hash as itself, and no
 * password but its own opens it; a file that was not taken has a line and a sentence.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "moat/policy/credentials.h"

/* A line may ask for minutes of hashing, which is not what is looked for here. */
#define LINES_VERIFIED 1

static void check_users(const struct credentials *credentials, const struct credentials *again)
{
    size_t count = credentials_count(credentials);

    FUZZ_CHECK(count > 0 && credentials_count(again) == count);
    for (size_t i = 0; i < count; i++) {
        struct slice name = slice_from_text(credentials_name(credentials, i));
        FUZZ_CHECK(name.size > 0);
        FUZZ_CHECK(memchr(name.data, ':', name.size) == NULL);
        FUZZ_CHECK(credentials_has(credentials, name));
        FUZZ_CHECK(credentials_same(credentials, again, name));
        FUZZ_CHECK(credentials_is_weak(credentials, i) == credentials_is_weak(again, i));
        for (size_t j = 0; j < i; j++) {
            FUZZ_CHECK(!slice_is(name, credentials_name(credentials, j)));
        }
    }
    FUZZ_CHECK(!credentials_has(credentials, slice_from_text("a:b")));
    FUZZ_CHECK(!credentials_has(credentials, slice_of(NULL, 0)));
}

/* Only where it is cheap: an empty password costs no hash, and $6$ and few iterations little. */
static void check_verify(const struct credentials *credentials, struct slice text)
{
    struct slice name = slice_from_text(credentials_name(credentials, 0));

    FUZZ_CHECK(!credentials_verify(credentials, name, slice_of(NULL, 0), NULL));
    if (credentials_count(credentials) == LINES_VERIFIED && credentials_is_weak(credentials, 0) &&
        memmem(text.data, text.size, "$argon2", 7) == NULL) {
        bool is_right = credentials_verify(credentials, name, slice_from_text("password"), NULL);
        (void)is_right; /* it may be */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    uint8_t *copy = fuzz_copy(input);
    struct slice text = slice_of(copy, size);
    struct credentials_fault fault = {.line = 0};
    struct credentials *credentials = credentials_parse(text, &fault);
    struct credentials *again = credentials_parse(text, &fault);

    FUZZ_CHECK((credentials == NULL) == (again == NULL));
    if (credentials != NULL) {
        check_users(credentials, again);
        check_verify(credentials, text);
    } else {
        FUZZ_CHECK(memchr(fault.what, '\0', sizeof fault.what) != NULL && fault.what[0] != '\0');
    }
    credentials_free(credentials);
    credentials_free(again);
    free(copy);
    const char *what = credentials_check_username(input);
    FUZZ_CHECK(what == NULL || what[0] != '\0');
    return 0;
}
