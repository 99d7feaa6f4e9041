/* moat explain: what becomes of a client, and why. */
#include "moat/app/commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "account_internal.h"
#include "moat/config/snapshot.h"
#include "options_internal.h"
#include "terminal_internal.h"

#define EXPLAIN_REFUSED     1
#define EXPLAIN_OPTIONS_MAX 32

/* What getopt_long() returns for the options that are keys of a question, plus their index. */
#define OPTION_OF_KEY 1000

/* Of those that may be given several times. */
#define OPTION_PUBLISH   'p'
#define OPTION_SUBSCRIBE 's'

static const char usage_head[] =
    "Usage: moat explain [-c FILE] --client-id ID [OPTION]...\n"
    "\n"
    "Tells which rule decides on a client, why, and what the client would be answered.\n"
    "Nothing is connected to. What only the running gate knows is not asked: who owns a\n"
    "client identifier, counts, rates and bans.\n"
    "\n"
    "  -c, --config FILE   the configuration (default: $MOAT_CONFIG, else\n"
    "                      /etc/moat/moat.yaml)\n";

static const char usage_tail[] =
    "  --publish TOPIC     also tell whether it may publish to TOPIC\n"
    "  --subscribe FILTER  also tell whether it may subscribe to FILTER;\n"
    "                      both may be given several times\n"
    "  --help              this text\n"
    "\n"
    "Of each rule it shows what the rule wants and, behind <-, what the client has. The\n"
    "password itself is never given: it would stay in the list of processes.\n"
    "\n"
    "Exit codes: 0 the client is let in, 1 it or one of the topics is refused, 64 wrong\n"
    "usage, 65 the certificate is none, 66 a file cannot be read, 78 the configuration\n"
    "has an error.\n";

struct explain_request {
    const char *path;
    bool is_help;
    struct question question;
};

static int refuse_usage(const char *option, const char *what)
{
    fprintf(stderr, "moat explain: %s%s%s; see moat explain --help\n", option,
            option[0] != '\0' ? ": " : "", what);
    return EX_USAGE;
}

static void print_usage(void)
{
    fputs(usage_head, stdout);
    for (size_t i = 0; question_option(i) != NULL; i++) {
        question_describe(i, stdout);
    }
    fputs(usage_tail, stdout);
}

/* --- options ------------------------------------------------------------------------------- */

static void list_options(struct option out_options[EXPLAIN_OPTIONS_MAX])
{
    size_t count = 0;
    out_options[count++] = (struct option){"config", required_argument, NULL, 'c'};
    out_options[count++] = (struct option){"help", no_argument, NULL, 'h'};
    out_options[count++] = (struct option){"publish", required_argument, NULL, OPTION_PUBLISH};
    out_options[count++] = (struct option){"subscribe", required_argument, NULL, OPTION_SUBSCRIBE};
    for (size_t i = 0; question_option(i) != NULL && count + 1 < EXPLAIN_OPTIONS_MAX; i++) {
        out_options[count++] =
            (struct option){question_option(i), required_argument, NULL, OPTION_OF_KEY + (int)i};
    }
    out_options[count] = (struct option){NULL, 0, NULL, 0};
}

static int put_option(struct explain_request *request, size_t index, const char *text)
{
    char option[64];
    char what[QUESTION_FAULT_SIZE];
    if (question_put(&request->question, index, text, "", what)) {
        return EX_OK;
    }
    snprintf(option, sizeof option, "--%s", question_option(index));
    /* Whoever writes a password here must not see it repeated into a record of the terminal. */
    bool is_secret = strcmp(question_option(index), "password") == 0;
    return refuse_usage(
        option, is_secret ? "expected right, wrong or none, never the password itself" : what);
}

static int add_topic(struct explain_request *request, int option, const char *text)
{
    char what[QUESTION_FAULT_SIZE];
    bool is_subscription = option == OPTION_SUBSCRIBE;
    if (question_add_topic(&request->question, is_subscription, text, what)) {
        return EX_OK;
    }
    return refuse_usage(is_subscription ? "--subscribe" : "--publish", what);
}

static int read_options(int argc, char **argv, struct explain_request *request)
{
    struct option options[EXPLAIN_OPTIONS_MAX];
    int option = 0;
    int code = EX_OK;
    list_options(options);
    opterr = 0;
    optind = 0; /* begin anew, whoever used getopt before */
    while (code == EX_OK && (option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        if (option == 'c') {
            request->path = optarg;
        } else if (option == 'h') {
            request->is_help = true;
            return EX_OK;
        } else if (option == OPTION_PUBLISH || option == OPTION_SUBSCRIBE) {
            code = add_topic(request, option, optarg);
        } else if (option >= OPTION_OF_KEY) {
            code = put_option(request, (size_t)(option - OPTION_OF_KEY), optarg);
        } else {
            code = refuse_usage(options_refused(argc, argv),
                                option == ':' ? "a value is missing" : "no such option");
        }
    }
    if (code == EX_OK && optind < argc) {
        code = refuse_usage(argv[optind], "not expected; a file is named with -c FILE");
    }
    return code;
}

static int check_question(const struct explain_request *request)
{
    char option[64];
    size_t index = 0;
    const char *what = question_check(&request->question, &index);
    if (what == NULL && request->question.client_id == NULL) {
        return refuse_usage("", "name a client with --client-id ID");
    }
    if (what == NULL) {
        return EX_OK;
    }
    snprintf(option, sizeof option, "--%s", question_option(index));
    return refuse_usage(option, what);
}

/* --- the answer ---------------------------------------------------------------------------- */

static int explain(const struct judge *judge, const struct question *question)
{
    enum judgement_outcome outcome = JUDGEMENT_DENY;
    char what[JUDGEMENT_TEXT_SIZE];
    int code = account_write(judge, question, stdout, terminal_has_colour(stdout), &outcome, what);
    if (code != EX_OK) {
        fprintf(stderr, "moat explain: %s\n", what);
        return code;
    }
    return outcome == JUDGEMENT_DENY ? EXPLAIN_REFUSED : EX_OK;
}

static int explain_file(const struct explain_request *request)
{
    struct config_faults faults;
    int code = EX_CONFIG;
    if (access(request->path, R_OK) != 0) {
        fprintf(stderr, "moat explain: cannot read %s: %s; name another file with -c FILE\n",
                request->path, strerror(errno));
        return EX_NOINPUT;
    }
    config_faults_init(&faults);
    struct snapshot *snapshot = snapshot_load(request->path, &faults);
    if (snapshot == NULL) {
        config_faults_print(&faults, stderr, terminal_has_colour(stderr));
    } else {
        struct judge judge = {
            .config = snapshot->config,
            .policy = snapshot->policy,
            .credentials = snapshot->credentials,
            .contexts = snapshot->contexts,
        };
        code = explain(&judge, &request->question);
    }
    snapshot_unref(snapshot);
    config_faults_deinit(&faults);
    return code;
}

int command_explain(int argc, char **argv)
{
    struct explain_request request = {.path = options_config_path()};
    question_init(&request.question);
    int code = read_options(argc, argv, &request);
    if (code == EX_OK && request.is_help) {
        print_usage();
    } else if (code == EX_OK) {
        code = check_question(&request);
        code = code == EX_OK ? explain_file(&request) : code;
    }
    question_deinit(&request.question);
    /* A full disk or a closed pipe would otherwise cut the output short unnoticed. */
    if (fflush(stdout) != 0 && (code == EX_OK || code == EXPLAIN_REFUSED)) {
        fprintf(stderr, "moat explain: cannot write to standard output: %s\n", strerror(errno));
        return EX_IOERR;
    }
    return code;
}
