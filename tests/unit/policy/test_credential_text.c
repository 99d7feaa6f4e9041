#include "oracle.h"
#include "policy/credential_internal.h"

#include <criterion/criterion.h>

static bool decodes(const char *text, enum base64_padding padding, const char *expected)
{
    uint8_t bytes[64];
    size_t size = 77;
    if (!base64_decode(slice_from_text(text), padding, bytes, sizeof bytes, &size)) {
        cr_assert_eq(size, 77, "the size was written though the text was refused");
        return false;
    }
    cr_expect(slice_is(slice_of(bytes, size), expected), "%s", text);
    return true;
}

/* RFC 4648, section 10. */
static const char *const vectors[][3] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
};

Test(credential_text, base64_both_ways)
{
    for (size_t index = 0; index < sizeof vectors / sizeof vectors[0]; index++) {
        const char *plain = vectors[index][0];
        cr_expect(decodes(vectors[index][1], BASE64_PADDED, plain));
        cr_expect(decodes(vectors[index][2], BASE64_UNPADDED, plain));
        char text[BASE64_TEXT_SIZE(6)];
        base64_encode(slice_from_text(plain), text);
        cr_expect_str_eq(text, vectors[index][1]);
    }
}

Test(credential_text, base64_has_one_spelling)
{
    static const char *const padded[] = {
        "Zg",       "Zg=",    "Zh==",  "Zm9=",    "Zm8",  "Z===", "====",
        "=",        "Zg==\n", " Zg==", "Zg= =",   "Zm-v", "Zm_v", "Zg==Zg==",
        "Zm8=Zm8=", "Zm9vA",  "Zm9*",  "Zm\x80v", "=Zm8", "Z=m8", "==Zg",
    };
    for (size_t index = 0; index < sizeof padded / sizeof padded[0]; index++) {
        cr_expect_not(decodes(padded[index], BASE64_PADDED, ""), "%s", padded[index]);
    }
    static const char *const unpadded[] = {"Zg==", "Zm8=", "Zh", "Zm9", "Z", "Zm9vY", "Zm 8", "="};
    for (size_t index = 0; index < sizeof unpadded / sizeof unpadded[0]; index++) {
        cr_expect_not(decodes(unpadded[index], BASE64_UNPADDED, ""), "%s", unpadded[index]);
    }
    uint8_t bytes[4];
    size_t size;
    cr_expect_not(base64_decode(slice_of("Zm\0v", 4), BASE64_PADDED, bytes, sizeof bytes, &size));
}

Test(credential_text, base64_at_its_capacity_and_one_past)
{
    uint8_t bytes[6];
    size_t size = 0;
    cr_expect(base64_decode(slice_from_text("Zm9vYmFy"), BASE64_PADDED, bytes, 6, &size));
    cr_expect_eq(size, 6);
    cr_expect_not(base64_decode(slice_from_text("Zm9vYmFy"), BASE64_PADDED, bytes, 5, &size));
}

Test(credential_text, base64_gives_back_what_it_took)
{
    struct random random = random_start(64);
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[67];
        size_t size = random_below(&random, sizeof bytes + 1);
        for (size_t at = 0; at < size; at++) {
            bytes[at] = (uint8_t)random_below(&random, 256);
        }
        char text[BASE64_TEXT_SIZE(sizeof bytes)];
        base64_encode(slice_of(bytes, size), text);
        cr_assert_eq(strlen(text) + 1, BASE64_TEXT_SIZE(size));
        uint8_t back[67];
        size_t back_size = 0;
        cr_assert(
            base64_decode(slice_from_text(text), BASE64_PADDED, back, sizeof back, &back_size));
        cr_assert(slice_equal(slice_of(back, back_size), slice_of(bytes, size)));
        text[strcspn(text, "=")] = '\0';
        cr_assert(
            base64_decode(slice_from_text(text), BASE64_UNPADDED, back, sizeof back, &back_size));
        cr_assert(slice_equal(slice_of(back, back_size), slice_of(bytes, size)));
    }
}

/* Any text is either refused, or the very text that encoding gives again. */
Test(credential_text, base64_of_random_text)
{
    struct random random = random_start(4648);
    unsigned taken = 0;
    for (int round = 0; round < 200000; round++) {
        char text[9];
        struct slice slice = random_text(&random, "AQgwZ9+/=", text, 8);
        uint8_t bytes[6];
        size_t size;
        if (base64_decode(slice, BASE64_PADDED, bytes, sizeof bytes, &size)) {
            char again[BASE64_TEXT_SIZE(sizeof bytes)];
            base64_encode(slice_of(bytes, size), again);
            cr_assert_str_eq(again, text);
            taken++;
        }
    }
    cr_assert_gt(taken, 1000u);
}

Test(credential_text, numbers)
{
    uint32_t number = 0;
    cr_expect(credential_number(slice_from_text("1"), 9, &number));
    cr_expect_eq(number, 1);
    cr_expect(credential_number(slice_from_text("10000000"), 10000000, &number));
    cr_expect_eq(number, 10000000);
    static const char *const bad[] = {"",
                                      "0",
                                      "01",
                                      "+1",
                                      "-1",
                                      " 1",
                                      "1 ",
                                      "1x",
                                      "0x10",
                                      "10000001",
                                      "1000000000",
                                      "4294967297",
                                      "99999999999999999999"};
    for (size_t index = 0; index < sizeof bad / sizeof bad[0]; index++) {
        cr_expect_not(credential_number(slice_from_text(bad[index]), 10000000, &number), "%s",
                      bad[index]);
    }
    cr_expect(credential_number(slice_from_text("999999999"), UINT32_MAX, &number));
    cr_expect_not(credential_number(slice_of("1\0", 2), 9, &number));
}

Test(credential_text, fields)
{
    struct slice rest = slice_from_text("a$$b");
    struct slice field;
    cr_assert(credential_take_field(&rest, '$', &field));
    cr_expect(slice_is(field, "a"));
    cr_assert(credential_take_field(&rest, '$', &field));
    cr_expect(slice_is(field, ""));
    cr_assert_not(credential_take_field(&rest, '$', &field));
    cr_expect(slice_is(rest, "b"), "nothing may be lost where there is no mark");
    rest = slice_of(NULL, 0);
    cr_expect_not(credential_take_field(&rest, '$', &field));
}
