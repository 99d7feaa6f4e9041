#include <criterion/criterion.h>

#include "app/state_file_internal.h"

static void add_section(struct buffer *file, const char *content)
{
    size_t start = 0;
    cr_assert(state_file_open_section(file, &start));
    cr_assert(buffer_append(file, slice_from_text(content)));
    state_file_close_section(file, start);
}

static struct buffer make_file(void)
{
    struct buffer file;
    buffer_init(&file, 1000);
    cr_assert(state_file_begin(&file, 2));
    add_section(&file, "moat-own, and more");
    add_section(&file, "moat-ban");
    return file;
}

static struct slice section_of(struct slice file, const char *magic)
{
    struct slice section = slice_from_text("untouched");
    const char *fault = state_file_find(file, magic, &section);
    cr_assert_null(fault, "%s", fault);
    return section;
}

static void expect_fault(struct slice file, const char *fault)
{
    struct slice section = slice_from_text("untouched");
    const char *found = state_file_find(file, STATE_FILE_BANS, &section);
    cr_assert_not_null(found);
    cr_expect_str_eq(found, fault);
    cr_expect(slice_is(section, "untouched"));
}

Test(state_file, each_section_is_found)
{
    struct buffer file = make_file();
    cr_expect(slice_is(section_of(buffer_slice(&file), STATE_FILE_OWNERS), "moat-own, and more"));
    cr_expect(slice_is(section_of(buffer_slice(&file), STATE_FILE_BANS), "moat-ban"));
    cr_expect_eq(section_of(buffer_slice(&file), "moat-new").size, 0);
    buffer_deinit(&file);
}

Test(state_file, one_of_version_1_is_the_owners_alone)
{
    struct slice file = slice_from_text("moat-own, and more");
    cr_expect(slice_is(section_of(file, STATE_FILE_OWNERS), "moat-own, and more"));
    cr_expect_eq(section_of(file, STATE_FILE_BANS).size, 0);
}

Test(state_file, every_length_but_the_right_one)
{
    struct buffer file = make_file();
    uint8_t more = 0;
    for (size_t size = 0; size < file.size; size++) {
        expect_fault(slice_of(file.data, size),
                     size < 16 ? "it is too short" : "its size is not what its header says");
    }
    cr_assert(buffer_append(&file, slice_of(&more, 1)));
    expect_fault(buffer_slice(&file), "its size is not what its header says");
    buffer_deinit(&file);
}

Test(state_file, numbers_that_cannot_be)
{
    static const struct {
        size_t offset;
        uint8_t value;
        const char *fault;
    } cases[] = {
        {0, 'M', "it is not a state file of moat"},
        {8, 1, "another version of moat wrote it"},
        {8, 3, "another version of moat wrote it"},
        {12, 1, "its size is not what its header says"},
        {12, 3, "its size is not what its header says"},
        {15, 0xff, "its size is not what its header says"},
        {16, 7, "its size is not what its header says"}, /* shorter than a magic */
        {23, 0xff, "its size is not what its header says"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer file = make_file();
        file.data[cases[i].offset] = cases[i].value;
        expect_fault(buffer_slice(&file), cases[i].fault);
        buffer_deinit(&file);
    }
}

Test(state_file, a_section_that_stands_in_it_twice)
{
    struct buffer file;
    buffer_init(&file, 1000);
    cr_assert(state_file_begin(&file, 2));
    add_section(&file, "moat-ban1");
    add_section(&file, "moat-ban2");
    expect_fault(buffer_slice(&file), "a section stands in it twice");
    buffer_deinit(&file);
}

Test(state_file, no_room)
{
    struct buffer file;
    size_t start = 0;
    buffer_init(&file, 15);
    cr_expect_not(state_file_begin(&file, 2));
    buffer_init(&file, 16);
    cr_expect(state_file_begin(&file, 2));
    cr_expect_not(state_file_open_section(&file, &start));
    buffer_deinit(&file);
}
