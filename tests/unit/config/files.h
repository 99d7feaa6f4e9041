/* A folder of one test's own, and files in it. */
#ifndef TEST_CONFIG_FILES_H
#define TEST_CONFIG_FILES_H

#include <criterion/criterion.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "moat/config/config.h"
#include "moat/config/faults.h"

static char test_folder[] = "/tmp/moat-config-XXXXXX";

/* The test runs inside the folder, so that names in faults are short. */
static inline void enter_test_folder(void)
{
    cr_assert_not_null(mkdtemp(test_folder));
    cr_assert_eq(chdir(test_folder), 0);
    umask(022);
}

static inline int remove_one(const char *path, const struct stat *status, int type,
                             struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static inline void leave_test_folder(void)
{
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(nftw(test_folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void write_bytes(const char *path, const void *data, size_t size, mode_t mode)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(data, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, mode), 0);
}

static inline void write_text(const char *path, const char *text, mode_t mode)
{
    write_bytes(path, text, strlen(text), mode);
}

/* Whether a fault at this place says this, among other words. */
static inline bool has_fault(const struct config_faults *faults, bool is_warning, unsigned line,
                             unsigned column, const char *what)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct config_fault *fault = &faults->list[i];
        if (fault->is_warning == is_warning && fault->place.line == line &&
            fault->place.column == column && strstr(fault->what, what) != NULL) {
            return true;
        }
    }
    return false;
}

static inline void show_faults(const struct config_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct config_fault *fault = &faults->list[i];
        cr_log_info("%s:%u:%u: %s%s\n", fault->file, fault->place.line, fault->place.column,
                    fault->is_warning ? "warning: " : "", fault->what);
    }
}

/* A configuration that must be sound. */
static inline struct config *load_sound(const char *path, struct config_faults *faults)
{
    struct config *config = config_load(path, faults);
    show_faults(faults);
    cr_assert_not_null(config);
    return config;
}

#define CONFIG_VECTORS TEST_SOURCE_ROOT "/tests/vectors/config"

#define EXPECT_ERROR(faults, line, column, what)                                                   \
    cr_expect(has_fault((faults), false, (line), (column), (what)), "%s", (what))
#define EXPECT_WARNING(faults, line, column, what)                                                 \
    cr_expect(has_fault((faults), true, (line), (column), (what)), "%s", (what))

#endif
