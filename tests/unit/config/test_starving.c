/* Without memory a file is not loaded, and says so; it is never loaded in part. */
#include "starving.h"

#include "files.h"

#include "moat/config/expectations.h"
#include "moat/config/snapshot.h"

static char *printed(const struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    cr_assert_not_null(stream);
    config_print(config, stream);
    fclose(stream);
    return text;
}

/* A fault that could not be written down counts all the same. */
static void expect_told(const struct config_faults *faults, bool is_loaded, size_t at)
{
    cr_expect_eq(faults->error_count > 0, !is_loaded, "allocation %zu", at);
}

static void load_starving(const char *path)
{
    struct config_faults faults;
    char *expected = NULL;
    size_t failures = 0;

    config_faults_init(&faults);
    struct config *whole = config_load(path, &faults);
    cr_assert_not_null(whole);
    expected = printed(whole);
    config_free(whole);
    config_faults_deinit(&faults);
    for (size_t at = 0; starving_goes_on(at); at++) {
        config_faults_init(&faults);
        struct config *config = config_load(path, &faults);
        bool has_failed = starving_end();
        expect_told(&faults, config != NULL, at);
        if (config != NULL) {
            char *text = printed(config);
            cr_expect_str_eq(text, expected, "allocation %zu", at);
            free(text);
        }
        failures += has_failed ? 1 : 0;
        config_free(config);
        config_faults_deinit(&faults);
    }
    cr_expect_gt(failures, 100, "only %zu allocations", failures);
    free(expected);
}

Test(starving, every_key)
{
    load_starving(CONFIG_VECTORS "/good_every_key.yaml");
}

Test(starving, expectations)
{
    static const char path[] = TEST_SOURCE_ROOT "/tests/vectors/expectations/good_every_key.yaml";
    struct config_faults faults;
    size_t failures = 0;

    for (size_t at = 0; starving_goes_on(at); at++) {
        config_faults_init(&faults);
        struct expectations *expectations = expectations_load(path, &faults);
        bool has_failed = starving_end();
        expect_told(&faults, expectations != NULL, at);
        failures += has_failed ? 1 : 0;
        expectations_free(expectations);
        config_faults_deinit(&faults);
    }
    cr_expect_gt(failures, 50, "only %zu allocations", failures);
}

Test(starving, policy)
{
    struct config_faults faults;
    size_t failures = 0;

    config_faults_init(&faults);
    struct config *config = config_load(CONFIG_VECTORS "/good_every_key.yaml", &faults);
    cr_assert_not_null(config);
    config_faults_deinit(&faults);
    for (size_t at = 0; starving_goes_on(at); at++) {
        config_faults_init(&faults);
        struct policy *policy = snapshot_policy(config, &faults);
        bool has_failed = starving_end();
        cr_expect(!has_failed || policy == NULL || faults.error_count > 0, "allocation %zu", at);
        failures += has_failed ? 1 : 0;
        policy_free(policy);
        config_faults_deinit(&faults);
    }
    cr_expect_gt(failures, 20, "only %zu allocations", failures);
    config_free(config);
}
