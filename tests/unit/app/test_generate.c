#include <criterion/criterion.h>

#include "moat/app/generate.h"
#include "moat/base/bytes.h"

static const char allowed[] = "abcdefghijkmnpqrstuvwxyz23456789";

Test(generate, passwords_have_26_plain_characters)
{
    for (int i = 0; i < 200; i++) {
        char password[GENERATE_PASSWORD_SIZE];
        generate_password(password);
        cr_assert_eq(strlen(password), 26);
        cr_assert_eq(strspn(password, allowed), 26, "%s", password);
    }
}

Test(generate, passwords_differ)
{
    char first[GENERATE_PASSWORD_SIZE];
    char second[GENERATE_PASSWORD_SIZE];

    generate_password(first);
    generate_password(second);
    cr_assert_str_neq(first, second);
}

/* 26,000 characters: each of the 32 is expected 812 times with a deviation of 28. Eight
 * deviations either way do not happen by chance; a modulus that favours some would. */
Test(generate, every_character_is_equally_likely)
{
    size_t counts[32] = {0};

    for (int i = 0; i < 1000; i++) {
        char password[GENERATE_PASSWORD_SIZE];
        generate_password(password);
        for (size_t j = 0; password[j] != '\0'; j++) {
            counts[strchr(allowed, password[j]) - allowed]++;
        }
    }
    for (size_t i = 0; i < 32; i++) {
        cr_assert(counts[i] > 588 && counts[i] < 1036, "%c %zu", allowed[i], counts[i]);
    }
}
