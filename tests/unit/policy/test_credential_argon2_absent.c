/* Takes the place of test_credential_argon2.c in a build without libargon2. */
#include "password_lines.h"

Test(credential_argon2, absent_is_a_fault_with_a_remedy)
{
    struct credentials_fault fault = {0};
    cr_assert_null(credentials_parse(slice_from_text(BOB "\n" ARGON "\n"), &fault));
    cr_expect_eq(fault.line, 2);
    cr_expect_not_null(strstr(fault.what, "libargon2"), "%s", fault.what);
    cr_expect_not_null(strstr(fault.what, "moat passwd FILE USER"), "%s", fault.what);
}
