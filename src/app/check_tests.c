#include "check_tests_internal.h"

#include <stdlib.h>
#include <sysexits.h>

#include "account_internal.h"
#include "moat/config/expectations.h"
#include "moat/config/snapshot.h"
#include "terminal_internal.h"

/* Everything a run of tests is made of. */
struct run {
    struct config *config;
    struct policy *policy;
    struct expectations *tests;
    struct tls_context **contexts; /* only those that a certificate file is held against */
    struct config_faults faults;
    size_t passed;
    size_t failed;
};

/* --- do the tests fit the configuration? --------------------------------------------------- */

static bool is_reason(const char *label)
{
    for (int reason = 0; reason < CLOSE_REASON_COUNT; reason++) {
        if (strcmp(close_reason_row((enum close_reason)reason)->label, label) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_rule(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->rule_count; i++) {
        if (strcmp(config->rules[i].spec.name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A name that a typing error made unique would be expected for ever. */
static void check_names(struct run *run, const struct expectation *test)
{
    size_t listener = 0;
    const char *path = run->tests->path;
    if (!judge_find_listener(run->config, &test->client, &listener)) {
        config_error(&run->faults, path, test->listener_place,
                     "no listener of %s is named \"%s\"; correct the name", run->config->path,
                     test->client.listener);
    }
    if (test->rule != NULL && strcmp(test->rule, "none") != 0 &&
        !is_rule(run->config, test->rule)) {
        config_error(&run->faults, path, test->rule_place,
                     "no rule of %s is named \"%s\"; correct the name", run->config->path,
                     test->rule);
    }
    if (test->reason != NULL && !is_reason(test->reason)) {
        config_error(&run->faults, path, test->reason_place,
                     "there is no reason \"%s\"; moat explain and the log show them, as in "
                     "factor_missing",
                     test->reason);
    }
}

/* Certificate files are verified as the listener would, with its CAs and revocation lists. */
static void load_context(struct run *run, const struct expectation *test)
{
    size_t listener = 0;
    if (test->client.certificate_file != NULL &&
        judge_find_listener(run->config, &test->client, &listener) &&
        run->contexts[listener] == NULL) {
        run->contexts[listener] = snapshot_client_context(run->config, listener, &run->faults);
    }
}

static int prepare(struct run *run, const char *config_path, const char *tests_path)
{
    run->config = config_load(config_path, &run->faults);
    if (run->config != NULL) {
        run->policy = snapshot_policy(run->config, &run->faults);
    }
    if (run->faults.error_count > 0 || run->policy == NULL) {
        return EX_CONFIG;
    }
    run->tests = expectations_load(tests_path, &run->faults);
    if (run->tests == NULL) {
        return EX_DATAERR;
    }
    for (size_t i = 0; i < run->tests->count; i++) {
        check_names(run, &run->tests->list[i]);
    }
    if (run->faults.error_count > 0) {
        return EX_DATAERR;
    }
    run->contexts = calloc(run->config->listener_count, sizeof(struct tls_context *));
    if (run->contexts == NULL) {
        return EX_OSERR;
    }
    for (size_t i = 0; i < run->tests->count; i++) {
        load_context(run, &run->tests->list[i]);
    }
    return run->faults.error_count > 0 ? EX_CONFIG : EX_OK;
}

static void release(struct run *run)
{
    for (size_t i = 0; run->contexts != NULL && i < run->config->listener_count; i++) {
        tls_context_free(run->contexts[i]);
    }
    free(run->contexts);
    expectations_free(run->tests);
    policy_free(run->policy);
    config_free(run->config);
    config_faults_deinit(&run->faults);
}

/* --- one test ------------------------------------------------------------------------------ */

static void code_text(int code, char out_text[8])
{
    if (code == EXPECTATION_CODE_NONE) {
        snprintf(out_text, 8, "none");
    } else {
        snprintf(out_text, 8, "0x%02x", (unsigned)code & 0xffu);
    }
}

/* The verdict's reason, or "none" where there is nothing to say. */
static const char *reason_label(const struct judgement *judgement)
{
    return judgement->outcome == JUDGEMENT_ALLOW ? "none"
                                                 : close_reason_row(judgement->reason)->label;
}

/* The first thing that differs, in words; false when all is as expected. */
static bool find_difference(const struct expectation *test, const struct judgement *judgement,
                            char out_text[JUDGEMENT_TEXT_SIZE])
{
    char expected[8];
    char found[8];
    const char *verdict = judgement_word(judgement->outcome);
    code_text(test->code, expected);
    code_text(judgement->answer.code, found);
    const struct {
        const char *what;
        const char *expected; /* NULL: was not said */
        const char *found;
    } pairs[] = {
        {"verdict", test->verdict, verdict},
        {"rule", test->rule, judgement->rule[0] != '\0' ? judgement->rule : "none"},
        {"reason", test->reason, reason_label(judgement)},
        {"code", test->code != EXPECTATION_CODE_UNSAID ? expected : NULL, found},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i].expected != NULL && strcmp(pairs[i].expected, pairs[i].found) != 0) {
            snprintf(out_text, JUDGEMENT_TEXT_SIZE, "%s: expected %s, got %s", pairs[i].what,
                     pairs[i].expected, pairs[i].found);
            return true;
        }
    }
    return false;
}

/* The same of the topics the client would ask for. */
static bool find_topic_difference(const struct expectation *test, const struct judgement *judgement,
                                  char out_text[JUDGEMENT_TEXT_SIZE])
{
    for (size_t i = 0; i < test->client.topic_count; i++) {
        const struct question_topic *topic = &test->client.topics[i];
        const char *found = judgement_word(judgement_topic(judgement, topic));
        if (strcmp(test->topic_verdicts[i], found) != 0) {
            snprintf(out_text, JUDGEMENT_TEXT_SIZE, "%s %.200s: expected %s, got %s",
                     topic->is_subscription ? "subscribe" : "publish", topic->text,
                     test->topic_verdicts[i], found);
            return true;
        }
    }
    return false;
}

static void report(struct run *run, const struct judge *judge, const struct expectation *test,
                   const char *what)
{
    bool in_colour = terminal_has_colour(stdout);
    enum judgement_outcome outcome = JUDGEMENT_DENY;
    char fault[JUDGEMENT_TEXT_SIZE];
    printf("%s:%u:%u: %sFAILED%s: %s\n%s\n", run->tests->path, test->place.line, test->place.column,
           in_colour ? "\033[1;31m" : "", in_colour ? "\033[0m" : "", test->name, what);
    if (account_write(judge, &test->client, stdout, in_colour, &outcome, fault) != EX_OK) {
        puts("this client cannot be judged");
    }
    putchar('\n');
}

static void judge_test(struct run *run, const struct judge *judge, const struct expectation *test)
{
    struct judgement judgement;
    char what[JUDGEMENT_TEXT_SIZE];
    bool is_judged = judge_question(judge, &test->client, NULL, &judgement, what) == EX_OK;
    bool is_met = is_judged && !find_difference(test, &judgement, what) &&
                  !find_topic_difference(test, &judgement, what);
    if (is_judged) {
        judgement_deinit(&judgement);
    }
    if (is_met) {
        run->passed++;
    } else {
        run->failed++;
        report(run, judge, test, what);
    }
}

static int judge_all(struct run *run)
{
    struct judge judge = {.config = run->config, .policy = run->policy, .contexts = run->contexts};
    for (size_t i = 0; i < run->tests->count; i++) {
        judge_test(run, &judge, &run->tests->list[i]);
    }
    printf("%zu passed, %zu failed\n", run->passed, run->failed);
    return run->failed == 0 ? EX_OK : CHECK_TESTS_FAILED;
}

int check_tests(const char *config_path, const char *tests_path)
{
    struct run run = {.config = NULL};
    config_faults_init(&run.faults);
    int code = prepare(&run, config_path, tests_path);
    if (code == EX_OK) {
        code = judge_all(&run);
    } else {
        config_faults_print(&run.faults, stderr, terminal_has_colour(stderr));
    }
    release(&run);
    return code;
}
