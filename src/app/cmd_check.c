#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "check_tests_internal.h"
#include "moat/app/commands.h"
#include "moat/config/reference.h"
#include "moat/config/snapshot.h"
#include "options_internal.h"
#include "sandbox_internal.h"
#include "terminal_internal.h"

static const char usage[] =
    "Usage: moat check [OPTION]...\n"
    "\n"
    "Reads the configuration and every file it names, and tells everything that is\n"
    "wrong with them. Nothing is started, changed or connected to.\n"
    "\n"
    "  -c, --config FILE   the configuration (default: $MOAT_CONFIG, else\n"
    "                      /etc/moat/moat.yaml)\n"
    "  --print             also print every key with the value in force\n"
    "  --tests FILE        instead: judge the clients that FILE describes by the rules,\n"
    "                      and tell who is not treated as FILE expects. No certificate,\n"
    "                      key or password file is read, so this can run where they\n"
    "                      are not. docs/policy.md shows how FILE is written\n"
    "  --print-reference markdown|yaml\n"
    "                      print what can be configured, and read nothing\n"
    "  --help              this text\n"
    "\n"
    "Exit codes: 0 no error (warnings do not count), 64 wrong usage, 66 the file\n"
    "cannot be read, 78 at least one error. With --tests also 1: an expectation is not\n"
    "met, and 65: FILE has an error.\n";

enum check_task {
    CHECK_FAULTS,
    CHECK_PRINT,
    CHECK_TESTS,
    CHECK_MARKDOWN,
    CHECK_YAML,
    CHECK_HELP,
};

struct check_request {
    const char *path;
    const char *tests; /* of CHECK_TESTS */
    enum check_task task;
};

static int refuse_usage(const char *what, const char *fault)
{
    fprintf(stderr, "moat check: %s%s%s; see moat check --help\n", what,
            what[0] != '\0' ? ": " : "", fault);
    return EX_USAGE;
}

static bool read_reference(const char *word, struct check_request *request)
{
    if (strcmp(word, "markdown") == 0) {
        request->task = CHECK_MARKDOWN;
    } else if (strcmp(word, "yaml") == 0) {
        request->task = CHECK_YAML;
    } else {
        return false;
    }
    return true;
}

static int read_options(int argc, char **argv, struct check_request *request)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"print", no_argument, NULL, 'p'},
        {"print-reference", required_argument, NULL, 'r'},
        {"tests", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option = 0;
    opterr = 0;
    optind = 0; /* begin anew, whoever used getopt before */
    while ((option = getopt_long(argc, argv, ":c:", options, NULL)) != -1) {
        if (option == 'c') {
            request->path = optarg;
        } else if (option == 'p') {
            request->task = CHECK_PRINT;
        } else if (option == 't') {
            request->task = CHECK_TESTS;
            request->tests = optarg;
        } else if (option == 'h') {
            request->task = CHECK_HELP;
            return EX_OK;
        } else if (option != 'r') {
            return refuse_usage(options_refused(argc, argv),
                                option == ':' ? "a value is missing" : "no such option");
        } else if (!read_reference(optarg, request)) {
            return refuse_usage("--print-reference", "expected markdown or yaml");
        }
    }
    if (optind < argc) {
        return refuse_usage(argv[optind], "not expected; a file is named with -c FILE");
    }
    return EX_OK;
}

static void print_count(FILE *stream, size_t count, const char *noun)
{
    fprintf(stream, "%zu %s%s", count, noun, count == 1 ? "" : "s");
}

static void print_summary(FILE *stream, const char *path, const struct snapshot *snapshot,
                          const struct config_faults *faults)
{
    size_t warnings = faults->count - faults->error_count;
    fprintf(stream, "%s: ", path);
    if (snapshot != NULL) {
        print_count(stream, snapshot->config->listener_count, "listener");
        fputs(", ", stream);
        print_count(stream, policy_rule_count(snapshot->policy), "rule");
        fputs(", ", stream);
        print_count(stream,
                    snapshot->credentials != NULL ? credentials_count(snapshot->credentials) : 0,
                    "user");
        fputs(": ", stream);
    }
    if (faults->error_count > 0) {
        print_count(stream, faults->error_count, "error");
        fputs(warnings > 0 ? ", " : "\n", stream);
    }
    if (warnings > 0) {
        print_count(stream, warnings, "warning");
        fputc('\n', stream);
    }
    if (faults->error_count == 0 && warnings == 0) {
        fputs("no fault found\n", stream);
    }
}

static bool can_read(const char *path, const char *remedy)
{
    if (!config_is_file(path) || access(path, R_OK) == 0) {
        return true;
    }
    fprintf(stderr, "moat check: cannot read %s: %s%s\n", path, strerror(errno), remedy);
    return false;
}

static int check_expectations(const struct check_request *request)
{
    bool can_read_all =
        can_read(request->path, "; name another file with -c FILE") && can_read(request->tests, "");
    return can_read_all ? check_tests(request->path, request->tests) : EX_NOINPUT;
}

static int check_file(const struct check_request *request)
{
    struct config_faults faults;
    if (!can_read(request->path, "; name another file with -c FILE")) {
        return EX_NOINPUT;
    }
    config_faults_init(&faults);
    struct snapshot *snapshot = snapshot_load(request->path, &faults);
    if (snapshot != NULL) {
        sandbox_advise(snapshot->config, &faults);
    }
    bool is_good = snapshot != NULL && faults.error_count == 0;
    bool is_printed = is_good && request->task == CHECK_PRINT;
    config_faults_print(&faults, stderr, terminal_has_colour(stderr));
    if (is_printed) {
        config_print(snapshot->config, stdout);
    }
    print_summary(is_good && !is_printed ? stdout : stderr, request->path, snapshot, &faults);
    if (is_good && !is_printed) {
        sandbox_describe(stdout);
    }
    snapshot_unref(snapshot);
    config_faults_deinit(&faults);
    return is_good ? EX_OK : EX_CONFIG;
}

static int carry_out(const struct check_request *request)
{
    switch (request->task) {
    case CHECK_HELP:
        fputs(usage, stdout);
        return EX_OK;
    case CHECK_MARKDOWN:
        config_reference_markdown(stdout);
        return EX_OK;
    case CHECK_YAML:
        config_reference_yaml(stdout);
        return EX_OK;
    case CHECK_TESTS:
        return check_expectations(request);
    case CHECK_FAULTS:
    case CHECK_PRINT:
        return check_file(request);
    }
    return EX_SOFTWARE;
}

int command_check(int argc, char **argv)
{
    struct check_request request = {.path = options_config_path(), .task = CHECK_FAULTS};
    int code = read_options(argc, argv, &request);
    if (code != EX_OK) {
        return code;
    }
    code = carry_out(&request);
    /* A full disk or a closed pipe would otherwise cut the output short unnoticed. */
    if (fflush(stdout) != 0 && code == EX_OK) {
        fprintf(stderr, "moat check: cannot write to standard output: %s\n", strerror(errno));
        return EX_IOERR;
    }
    return code;
}
