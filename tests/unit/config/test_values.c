#include <criterion/criterion.h>

#include "config/values_internal.h"

struct example {
    const char *text;
    bool is_good;
    uint64_t value;
};

typedef const char *parse_function(const char *text, uint64_t *out_value);

static void check_all(parse_function *parse, const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 4711;
        const char *fault = parse(examples[i].text, &value);
        cr_expect_eq(fault == NULL, examples[i].is_good, "\"%s\"", examples[i].text);
        cr_expect_eq(value, examples[i].is_good ? examples[i].value : 4711, "\"%s\" is %llu",
                     examples[i].text, (unsigned long long)value);
    }
}

#define CHECK_ALL(parse, examples)                                                                 \
    check_all((parse), (examples), sizeof(examples) / sizeof((examples)[0]))

Test(values, numbers)
{
    static const struct example examples[] = {
        {"0", true, 0},
        {"1", true, 1},
        {"4294967296", true, UINT64_C(4294967296)},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999999", false, 0},
        {"", false, 0},
        {"01", false, 0},
        {"00", false, 0},
        {"0x10", false, 0},
        {"0o10", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1_000", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"ten", false, 0},
    };
    CHECK_ALL(value_parse_number, examples);
}

Test(values, durations)
{
    static const struct example examples[] = {
        {"0", true, 0},
        {"0ms", true, 0},
        {"1ms", true, 1},
        {"500ms", true, 500},
        {"3s", true, 3000},
        {"10m", true, 600000},
        {"1h", true, 3600000},
        {"24h", true, 86400000},
        {"18446744073709551615ms", true, UINT64_MAX},
        {"18446744073709551s", true, UINT64_C(18446744073709551000)},
        {"18446744073709552s", false, 0},
        {"18446744073709551616ms", false, 0},
        {"", false, 0},
        {"3", false, 0},
        {"s", false, 0},
        {"3 s", false, 0},
        {"3S", false, 0},
        {"3sec", false, 0},
        {"1d", false, 0},
        {"1h30m", false, 0},
        {"1.5s", false, 0},
        {"-3s", false, 0},
        {"03s", false, 0},
        {"00", false, 0},
        {"3s ", false, 0},
    };
    CHECK_ALL(value_parse_duration, examples);
}

Test(values, sizes)
{
    static const struct example examples[] = {
        {"0", true, 0},
        {"256", true, 256},
        {"256B", true, 256},
        {"64KiB", true, 65536},
        {"1MiB", true, 1048576},
        {"17592186044415MiB", true, UINT64_C(17592186044415) * 1048576},
        {"17592186044416MiB", false, 0},
        {"64KB", false, 0},
        {"64K", false, 0},
        {"64kib", false, 0},
        {"64 KiB", false, 0},
        {"1GiB", false, 0},
        {"KiB", false, 0},
        {"", false, 0},
        {"064", false, 0},
        {"-1B", false, 0},
    };
    CHECK_ALL(value_parse_size, examples);
}

static void expect_text(void (*format)(uint64_t value, char out_text[VALUE_TEXT_SIZE]),
                        uint64_t value, const char *expected)
{
    char text[VALUE_TEXT_SIZE];
    format(value, text);
    cr_expect_str_eq(text, expected);
}

Test(values, are_written_as_short_as_can_be)
{
    expect_text(value_format_duration, 0, "0");
    expect_text(value_format_duration, 1, "1ms");
    expect_text(value_format_duration, 999, "999ms");
    expect_text(value_format_duration, 1000, "1s");
    expect_text(value_format_duration, 60000, "1m");
    expect_text(value_format_duration, 90000, "90s");
    expect_text(value_format_duration, 3600000, "1h");
    expect_text(value_format_duration, UINT64_MAX, "18446744073709551615ms");
    expect_text(value_format_size, 0, "0");
    expect_text(value_format_size, 1, "1B");
    expect_text(value_format_size, 1023, "1023B");
    expect_text(value_format_size, 1024, "1KiB");
    expect_text(value_format_size, 1048576, "1MiB");
    expect_text(value_format_size, 1049600, "1025KiB");
    expect_text(value_format_number, UINT64_MAX, "18446744073709551615");
}

Test(values, survive_the_way_there_and_back)
{
    uint64_t value = 1;
    for (int i = 0; i < 2000; i++) {
        char text[VALUE_TEXT_SIZE];
        uint64_t back = 0;
        value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t given = (value >> (i % 60)) *
                         (i % 3 == 0   ? 1024u
                          : i % 3 == 1 ? 1000u
                                       : 1u) /
                         1024;
        value_format_duration(given, text);
        cr_assert_null(value_parse_duration(text, &back));
        cr_assert_eq(back, given);
        value_format_size(given, text);
        cr_assert_null(value_parse_size(text, &back));
        cr_assert_eq(back, given);
    }
}

static const char *suggested(const char *text, const char *const words[])
{
    struct suggestion suggestion;
    suggestion_init(&suggestion, text);
    for (size_t i = 0; words[i] != NULL; i++) {
        suggestion_offer(&suggestion, words[i]);
    }
    return suggestion.best;
}

Test(values, suggestions_are_near)
{
    static const char *const words[] = {"name", "address", "port", "client_certificate", NULL};
    cr_expect_str_eq(suggested("prot", words), "port");
    cr_expect_str_eq(suggested("por", words), "port");
    cr_expect_str_eq(suggested("adress", words), "address");
    cr_expect_str_eq(suggested("adres", words), "address");
    cr_expect_str_eq(suggested("name", words), "name");
    cr_expect_str_eq(suggested("client-certificate", words), "client_certificate");
    cr_expect_null(suggested("", words));
    cr_expect_null(suggested("xy", words));
    cr_expect_null(suggested("zone", words));
    cr_expect_null(suggested("broker", words));
}

Test(values, suggestions_bear_any_length)
{
    static const char *const words[] = {"a234567890123456789012345678901234567890", NULL};
    cr_expect_str_eq(suggested("b234567890123456789012345678901234567890", words), words[0]);
    cr_expect_null(suggested("b2345678901234567890123456789012345678901", words));
}
