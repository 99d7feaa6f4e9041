#include "files.h"

#include "moat/config/config.h"

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

TestSuite(mutations, .init = set_up, .fini = tear_down);

static unsigned next_random(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    return *state >> 8;
}

/* Drops, doubles or overwrites a stretch of the text; what is beyond `size` is cut. */
static size_t mutate(char *text, size_t size, size_t capacity, unsigned *state)
{
    size_t at = next_random(state) % size;
    size_t length = 1 + next_random(state) % 40;
    length = length > size - at ? size - at : length;
    switch (next_random(state) % 4) {
    case 0:
        memmove(text + at, text + at + length, size - at - length);
        return size - length;
    case 1:
        if (size + length > capacity) {
            return size;
        }
        memmove(text + at + length, text + at, size - at);
        return size + length;
    case 2:
        text[at] = (char)next_random(state);
        return size;
    default:
        text[at] = "\n :-[]{}#&*!|>'\"%@`,?~0\t"[next_random(state) % 24];
        return size;
    }
}

Test(mutations, mutated_files_give_a_config_or_a_fault)
{
    static char original[16384];
    static char text[16384];
    FILE *file = fopen(CONFIG_VECTORS "/good_every_key.yaml", "r");
    cr_assert_not_null(file);
    size_t original_size = fread(original, 1, sizeof(original), file);
    fclose(file);
    unsigned state = 20261122;
    size_t good = 0;
    for (int i = 0; i < 600; i++) {
        size_t size = original_size;
        memcpy(text, original, size);
        for (unsigned j = 1 + next_random(&state) % 3; j > 0 && size > 0; j--) {
            size = mutate(text, size, sizeof(text), &state);
        }
        write_bytes("m.yaml", text, size, 0644);
        struct config *config = config_load("m.yaml", &faults);
        cr_assert_eq(config == NULL, faults.error_count > 0, "mutation %d", i);
        good += config != NULL ? 1 : 0;
        config_free(config);
        config_faults_deinit(&faults);
    }
    cr_expect(good > 0 && good < 600, "%zu of 600 were good", good);
}

Test(mutations, cut_at_every_byte)
{
    static char text[16384];
    FILE *file = fopen(CONFIG_VECTORS "/good_smallest.yaml", "r");
    cr_assert_not_null(file);
    size_t whole = fread(text, 1, sizeof(text), file);
    fclose(file);
    for (size_t size = 0; size <= whole; size++) {
        write_bytes("m.yaml", text, size, 0644);
        struct config *config = config_load("m.yaml", &faults);
        cr_expect_eq(config == NULL, faults.error_count > 0, "cut at %zu", size);
        /* Without the last newline, or the bracket before it, but never with less. */
        cr_expect(config == NULL || size >= whole - 1, "cut at %zu", size);
        config_free(config);
        config_faults_deinit(&faults);
    }
}
