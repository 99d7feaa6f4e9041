#include "files.h"

#include <fcntl.h>

#include "moat/base/log.h"

static struct config_faults faults;

static void set_up(void)
{
    config_faults_init(&faults);
    enter_test_folder();
}

static void tear_down(void)
{
    config_faults_deinit(&faults);
    leave_test_folder();
}

TestSuite(faults, .init = set_up, .fini = tear_down);

static char *printed(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    cr_assert_not_null(stream);
    config_faults_print(&faults, stream, false);
    cr_assert_eq(fclose(stream), 0);
    return text;
}

static void expect_printed(const char *expected)
{
    char *text = printed();
    cr_expect_str_eq(text, expected);
    free(text);
}

static void error_at(const char *file, unsigned line, unsigned column, const char *what)
{
    config_error(&faults, file, (struct config_place){.line = line, .column = column}, "%s", what);
}

Test(faults, are_counted)
{
    error_at("a", 1, 1, "x");
    config_warning(&faults, "a", (struct config_place){.line = 1, .column = 2}, "number %d", 7);
    cr_expect_eq(faults.count, 2);
    cr_expect_eq(faults.error_count, 1);
    cr_expect(faults.list[1].is_warning);
    cr_expect_str_eq(faults.list[1].what, "number 7");
    config_faults_deinit(&faults);
    cr_expect_eq(faults.count, 0);
}

Test(faults, look_like_those_of_a_compiler)
{
    write_text("moat.yaml", "first: 1\nsecond: [a, b]\n", 0644);
    error_at("moat.yaml", 2, 10, "what is wrong");
    expect_printed("moat.yaml:2:10: error: what is wrong\n"
                   "    second: [a, b]\n"
                   "             ^\n");
}

Test(faults, are_in_order_of_place)
{
    error_at("b", 9, 0, "second file");
    error_at("a", 2, 1, "d");
    error_at("a", 1, 7, "c");
    error_at("b", 0, 0, "second file as a whole");
    config_warning(&faults, "a", (struct config_place){.line = 1, .column = 2}, "a");
    error_at("a", 1, 2, "b");
    error_at("a", 0, 0, "whole");
    expect_printed("b: error: second file as a whole\n"
                   "b:9: error: second file\n"
                   "a: error: whole\n"
                   "a:1:2: warning: a\n"
                   "a:1:2: error: b\n"
                   "a:1:7: error: c\n"
                   "a:2:1: error: d\n");
}

Test(faults, carets_stand_under_their_column)
{
    write_text("f", "\ta: b\nn\xC3\xA9\xC3\xA9: x\nr: 1\r\nlast", 0644);
    error_at("f", 1, 5, "behind a tab");
    error_at("f", 2, 6, "behind letters of two bytes");
    error_at("f", 3, 4, "before a carriage return");
    error_at("f", 4, 1, "in a line without end");
    error_at("f", 4, 5, "at the end");
    error_at("f", 5, 1, "past the end");
    expect_printed(
        "f:1:5: error: behind a tab\n    \ta: b\n    \t   ^\n"
        "f:2:6: error: behind letters of two bytes\n    n\xC3\xA9\xC3\xA9: x\n         ^\n"
        "f:3:4: error: before a carriage return\n    r: 1\n       ^\n"
        "f:4:1: error: in a line without end\n    last\n    ^\n"
        "f:4:5: error: at the end\n    last\n        ^\n"
        "f:5:1: error: past the end\n");
}

Test(faults, a_file_cannot_steer_the_terminal)
{
    write_text("f", "a: \033[31m\x07\x7F\n", 0644);
    error_at("f", 1, 4, "x");
    expect_printed("f:1:4: error: x\n    a: ?[31m??\n       ^\n");
}

Test(faults, long_lines_are_cut)
{
    char line[400];
    memset(line, 'x', sizeof(line));
    write_bytes("f", line, sizeof(line), 0644);
    error_at("f", 1, 160, "x");
    error_at("f", 1, 161, "y");
    error_at("f", 1, 162, "z");
    char *text = printed();
    size_t carets = 0;
    size_t shown = 0;
    for (const char *at = text; *at != '\0'; at++) {
        carets += *at == '^' ? 1 : 0;
        shown += *at == 'x' ? 1 : 0;
    }
    cr_expect_eq(carets, 2);
    cr_expect_eq(shown, 3 * 160 + 1);
    free(text);
}

Test(faults, hashes_are_not_shown)
{
    write_text("passwords", "user:$7$secret\n", 0600);
    error_at("passwords", 1, 0, "broken");
    expect_printed("passwords:1: error: broken\n");
}

Test(faults, colour_is_for_those_who_want_it)
{
    char *text = NULL;
    size_t size = 0;
    error_at("f", 0, 0, "wrong");
    expect_printed("f: error: wrong\n");
    FILE *stream = open_memstream(&text, &size);
    cr_assert_not_null(stream);
    config_faults_print(&faults, stream, true);
    cr_assert_eq(fclose(stream), 0);
    cr_expect_str_eq(text, "\033[1mf:\033[0m \033[1;31merror:\033[0m wrong\n");
    free(text);
}

Test(faults, can_be_logged)
{
    char text[2048] = "";
    int descriptor = open("log", O_CREAT | O_RDWR, 0600);
    cr_assert_geq(descriptor, 0);
    error_at("moat.yaml", 3, 4, "second");
    config_warning(&faults, "moat.yaml", (struct config_place){.line = 1, .column = 2}, "first");
    log_set_descriptor(descriptor);
    config_faults_log(&faults);
    log_set_descriptor(2);
    cr_assert_gt(pread(descriptor, text, sizeof(text) - 1, 0), 0);
    close(descriptor);
    const char *first = strstr(
        text, "level=warning event=configuration_fault file=moat.yaml line=1 column=2 msg=first");
    const char *second =
        strstr(text, "event=configuration_fault file=moat.yaml line=3 column=4 msg=second");
    cr_expect(first != NULL && second != NULL && first < second, "%s", text);
}

Test(faults, none_print_nothing)
{
    expect_printed("");
}
