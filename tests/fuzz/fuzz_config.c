/*
 * The loader of the configuration and of expectations. First byte: bit 0 which; the rest is the
 * file.
 *
 * A file that was taken is printed, and what was printed is taken and printed alike: nothing that
 * was written is lost or means something else the second time. Its rules make a policy. A
 * file that was not taken has an error with a place inside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "moat/config/config.h"
#include "moat/config/expectations.h"
#include "moat/config/snapshot.h"

struct file {
    int descriptor;
    char path[64];
};

/* A file that is in memory alone. */
static struct file file_of(struct slice bytes)
{
    struct file file = {.descriptor = memfd_create("fuzz", 0)};

    FUZZ_CHECK(file.descriptor >= 0 && fchmod(file.descriptor, 0600) == 0);
    FUZZ_CHECK(write(file.descriptor, bytes.data, bytes.size) == (ssize_t)bytes.size);
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.descriptor);
    return file;
}

static unsigned count_lines(struct slice bytes)
{
    unsigned lines = 1;

    for (size_t i = 0; i < bytes.size; i++) {
        lines += bytes.data[i] == '\n' || bytes.data[i] == '\r' ? 1 : 0;
    }
    return lines;
}

static void check_faults(const struct config_faults *faults, struct slice bytes)
{
    size_t errors = 0;

    for (size_t i = 0; i < faults->count; i++) {
        const struct config_fault *fault = &faults->list[i];
        FUZZ_CHECK(fault->what[0] != '\0');
        /* YAML knows more ends of lines than these, two and three bytes long; and what is missing
         * at the end is missed in the line behind it. */
        FUZZ_CHECK(fault->place.line <= count_lines(bytes) + bytes.size / 2 + 1);
        errors += fault->is_warning ? 0 : 1;
    }
    FUZZ_CHECK(errors == faults->error_count);
    FILE *nowhere = fopen("/dev/null", "w");
    FUZZ_CHECK(nowhere != NULL);
    config_faults_print(faults, nowhere, true);
    fclose(nowhere);
}

static char *printed(const struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    FUZZ_CHECK(stream != NULL);
    config_print(config, stream);
    fclose(stream);
    return text;
}

static void check_policy(const struct config *config)
{
    struct policy_facts facts = {.client_id = slice_from_text("c"), .protocol = 5};
    struct policy_verdict verdict;
    struct config_faults faults;

    config_faults_init(&faults);
    struct policy *policy = snapshot_policy(config, &faults);
    if (policy != NULL) {
        FUZZ_CHECK(faults.error_count == 0);
        policy_decide(policy, &facts, &verdict);
        FUZZ_CHECK(config->rule_count > 0 || verdict.outcome == POLICY_DENY);
    }
    policy_free(policy);
    config_faults_deinit(&faults);
}

static void check_again(const struct config *config)
{
    char *first = printed(config);
    struct file file = file_of(slice_from_text(first));
    struct config_faults faults;

    config_faults_init(&faults);
    struct config *again = config_load(file.path, &faults);
    if (again == NULL && faults.count > 0) {
        fprintf(stderr, "%s\n--- %u: %s\n", first, faults.list[0].place.line, faults.list[0].what);
    }
    FUZZ_CHECK(again != NULL);
    char *second = printed(again);
    if (strcmp(first, second) != 0) {
        fprintf(stderr, "%s\n--- and then\n%s\n", first, second);
    }
    FUZZ_CHECK(strcmp(first, second) == 0);
    config_check_reload(config, again, &faults);
    FUZZ_CHECK(faults.error_count == 0);
    config_free(again);
    config_faults_deinit(&faults);
    close(file.descriptor);
    free(first);
    free(second);
}

static void load_config(struct slice bytes)
{
    struct file file = file_of(bytes);
    struct config_faults faults;

    config_faults_init(&faults);
    struct config *config = config_load(file.path, &faults);
    FUZZ_CHECK((config == NULL) == (faults.error_count > 0));
    check_faults(&faults, bytes);
    if (config != NULL) {
        check_policy(config);
        check_again(config);
    }
    config_free(config);
    config_faults_deinit(&faults);
    close(file.descriptor);
}

static void load_expectations(struct slice bytes)
{
    struct file file = file_of(bytes);
    struct config_faults faults;

    config_faults_init(&faults);
    struct expectations *expectations = expectations_load(file.path, &faults);
    FUZZ_CHECK((expectations == NULL) == (faults.error_count > 0));
    check_faults(&faults, bytes);
    expectations_free(expectations);
    config_faults_deinit(&faults);
    close(file.descriptor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of(data, size);

    if ((fuzz_u8(&bytes) & 1) != 0) {
        load_expectations(bytes);
    } else {
        load_config(bytes);
    }
    return 0;
}
