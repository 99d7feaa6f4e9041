#include <criterion/criterion.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "moat/app/commands.h"
#include "moat/base/clock.h"
#include "moat/base/secret.h"
#include "moat/policy/credentials.h"
#include "moat/tls/pki.h"

static char command[] = "check";
static char option_c[] = "-c";
static char folder[] = "/tmp/moat-check-XXXXXX";
static char output[65536];
static char errors[65536];

static void write_text(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, mode), 0);
}

static const char good[] = "listeners:\n"
                           "  - name: a\n"
                           "    address: 127.0.0.1:8883\n"
                           "    tls: { certificates: [{ chain: crt, key: key }] }\n"
                           "upstream: { address: 127.0.0.1:1883 }\n"
                           "credentials: { password_file: passwords }\n"
                           "policy:\n"
                           "  rules:\n"
                           "    - { name: no, match: { username: eve }, action: deny }\n"
                           "    - { name: yes, require: [password] }\n"
                           "user: root\n"; /* or another could not read these files */

static void write_files(void)
{
    static struct pki_names names = {.dns_count = 1, .dns = {"localhost"}};
    struct credentials_fault fault;
    struct pki_pair ca;
    struct pki_pair server;
    cr_assert(pki_make_ca(clock_wall_seconds(), &ca));
    cr_assert(pki_issue_server(&ca, &names, clock_wall_seconds(), &server));
    char *line =
        credentials_make_line(slice_from_text("bob"), slice_from_text("secret"), 1000, &fault);
    cr_assert_not_null(line);
    write_text("crt", server.certificate, 0644);
    write_text("key", server.key, 0600);
    write_text("passwords", line, 0600);
    write_text("moat.yaml", good, 0644);
    secret_free_text(line);
    pki_pair_deinit(&ca);
    pki_pair_deinit(&server);
}

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    unsetenv("MOAT_CONFIG");
    write_files();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static void tear_down(void)
{
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

TestSuite(cmd_check, .init = set_up, .fini = tear_down);

/* Sends a stream into a file, and back again. */
static int redirect(FILE *stream, const char *path)
{
    fflush(stream);
    int kept = dup(fileno(stream));
    FILE *file = fopen(path, "w");
    cr_assert(kept >= 0 && file != NULL);
    cr_assert_geq(dup2(fileno(file), fileno(stream)), 0);
    fclose(file);
    return kept;
}

static void restore(FILE *stream, int kept, const char *path, char text[65536])
{
    fflush(stream);
    cr_assert_geq(dup2(kept, fileno(stream)), 0);
    close(kept);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    text[fread(text, 1, 65535, file)] = '\0';
    fclose(file);
}

#define CHECK(...) check((char *[]){command, __VA_ARGS__, NULL})

static int check(char **arguments)
{
    int count = 0;
    while (arguments[count] != NULL) {
        count++;
    }
    int kept_output = redirect(stdout, "stdout");
    int kept_errors = redirect(stderr, "stderr");
    int code = command_check(count, arguments);
    restore(stdout, kept_output, "stdout", output);
    restore(stderr, kept_errors, "stderr", errors);
    return code;
}

/* The summary, and behind it a line on what this machine offers. */
static void expect_summary(const char *wanted)
{
    static const char next[] = "sandbox on this machine: landlock ";
    size_t size = strlen(wanted);
    cr_expect_eq(strncmp(output, wanted, size), 0, "%s", output);
    cr_expect_eq(strncmp(output + size, next, strlen(next)), 0, "%s", output);
    cr_expect_not_null(strstr(output, "; seccomp is "));
    cr_expect_eq(strchr(output + size, '\n'), output + strlen(output) - 1, "%s", output);
}

static char file_name[] = "moat.yaml";
static char print[] = "--print";
static char reference[] = "--print-reference";

Test(cmd_check, a_good_file)
{
    cr_expect_eq(CHECK(option_c, file_name), EX_OK);
    expect_summary("moat.yaml: 1 listener, 2 rules, 1 user: no fault found\n");
    cr_expect_str_eq(errors, "");
}

Test(cmd_check, the_environment_names_the_file)
{
    char other[] = "absent.yaml";
    setenv("MOAT_CONFIG", "moat.yaml", 1);
    cr_expect_eq(check((char *[]){command, NULL}), EX_OK);
    setenv("MOAT_CONFIG", "absent.yaml", 1);
    cr_expect_eq(check((char *[]){command, NULL}), EX_NOINPUT);
    cr_expect_eq(CHECK(option_c, file_name), EX_OK, "an option goes before the environment");
    setenv("MOAT_CONFIG", "moat.yaml", 1);
    cr_expect_eq(CHECK(option_c, other), EX_NOINPUT);
}

Test(cmd_check, a_missing_file)
{
    char other[] = "absent.yaml";
    cr_expect_eq(CHECK(option_c, other), EX_NOINPUT);
    cr_expect_str_eq(errors, "moat check: cannot read absent.yaml: No such file or directory; name "
                             "another file with -c FILE\n");
    cr_expect_str_eq(output, "");
}

Test(cmd_check, faults)
{
    cr_assert_eq(chmod("key", 0644), 0);
    write_text("moat.yaml", "colour: 1\nlog: { level: 7 }\n", 0644);
    cr_expect_eq(CHECK(option_c, file_name), EX_CONFIG);
    cr_expect_str_eq(output, "");
    cr_expect_not_null(strstr(errors, "moat.yaml:1:1: error: unknown key \"colour\"; remove it\n"
                                      "    colour: 1\n    ^\n"
                                      "moat.yaml:2:15: error: log.level: \"7\""));
    cr_expect_not_null(strstr(errors, "\nmoat.yaml: 5 errors\n"));
}

Test(cmd_check, warnings_do_not_count)
{
    cr_assert_eq(chmod("passwords", 0644), 0);
    cr_expect_eq(CHECK(option_c, file_name), EX_OK);
    expect_summary("moat.yaml: 1 listener, 2 rules, 1 user: 1 warning\n");
    cr_expect_not_null(strstr(errors, "moat.yaml:6:31: warning: credentials.password_file: "));
}

/* `good` with another last line. */
static void write_with_user(const char *user)
{
    char text[sizeof good + 64];
    snprintf(text, sizeof text, "%.*suser: %s\n", (int)(strstr(good, "user: root") - good), good,
             user);
    write_text("moat.yaml", text, 0644);
}

Test(cmd_check, files_that_a_reload_could_not_read)
{
    if (geteuid() != 0) {
        cr_skip("only root becomes another user");
    }
    write_with_user("nobody");
    cr_assert_eq(chmod(".", 0755), 0);
    cr_expect_eq(CHECK(option_c, file_name), EX_OK);
    expect_summary("moat.yaml: 1 listener, 2 rules, 1 user: 2 warnings\n");
    cr_expect_not_null(strstr(errors, "moat.yaml:6:31: warning: credentials.password_file: "));
    cr_expect_not_null(strstr(errors, "chown nobody passwords"));
    cr_expect_not_null(strstr(errors, "chown nobody key"));
    cr_expect_null(strstr(errors, "chown nobody crt"));
    cr_assert_eq(chown("key", 65534, 65534) | chown("passwords", 65534, 65534), 0);
    cr_expect_eq(CHECK(option_c, file_name), EX_OK);
    expect_summary("moat.yaml: 1 listener, 2 rules, 1 user: no fault found\n");
}

Test(cmd_check, a_user_that_does_not_exist)
{
    if (geteuid() != 0) {
        cr_skip("only root becomes another user");
    }
    write_with_user("nobodys");
    cr_expect_eq(CHECK(option_c, file_name), EX_CONFIG);
    cr_expect_not_null(strstr(errors, "moat.yaml:11:7: error: user: there is no user nobodys"));
}

Test(cmd_check, print)
{
    cr_expect_eq(CHECK(option_c, file_name, print), EX_OK);
    cr_expect_str_eq(errors, "moat.yaml: 1 listener, 2 rules, 1 user: no fault found\n");
    cr_expect_not_null(strstr(output, "\n  connect_timeout: 3s\n"));
    write_text("moat.yaml", output, 0644);
    static char first[sizeof(output)];
    memcpy(first, output, sizeof(first));
    cr_expect_eq(CHECK(option_c, file_name, print), EX_OK);
    cr_expect_str_eq(output, first);
}

Test(cmd_check, reference_and_help_read_nothing)
{
    char markdown[] = "markdown";
    char yaml[] = "yaml";
    char help[] = "--help";
    setenv("MOAT_CONFIG", "absent", 1);
    cr_expect_eq(CHECK(reference, markdown), EX_OK);
    cr_expect_eq(strncmp(output, "# Configuration\n", 16), 0);
    cr_expect_eq(CHECK(reference, yaml), EX_OK);
    cr_expect_not_null(strstr(output, "\nlisteners:\n"));
    cr_expect_eq(CHECK(help), EX_OK);
    cr_expect_eq(strncmp(output, "Usage: moat check", 17), 0);
    cr_expect_str_eq(errors, "");
}

Test(cmd_check, wrong_usage)
{
    char unknown[] = "--prnt";
    char short_unknown[] = "-x";
    char word[] = "html";
    cr_expect_eq(CHECK(unknown), EX_USAGE);
    cr_expect_str_eq(errors, "moat check: --prnt: no such option; see moat check --help\n");
    cr_expect_eq(CHECK(option_c, file_name, short_unknown), EX_USAGE);
    cr_expect_str_eq(errors, "moat check: -x: no such option; see moat check --help\n");
    cr_expect_eq(CHECK(option_c), EX_USAGE);
    cr_expect_str_eq(errors, "moat check: -c: a value is missing; see moat check --help\n");
    cr_expect_eq(CHECK(reference), EX_USAGE);
    cr_expect_eq(CHECK(reference, word), EX_USAGE);
    cr_expect_not_null(strstr(errors, "expected markdown or yaml"));
    cr_expect_eq(CHECK(file_name), EX_USAGE);
    cr_expect_not_null(strstr(errors, "moat.yaml: not expected; a file is named with -c FILE"));
    cr_expect_str_eq(output, "");
}

Test(cmd_check, a_full_disk)
{
    int kept = dup(STDOUT_FILENO);
    FILE *full = fopen("/dev/full", "w");
    cr_assert(kept >= 0 && full != NULL);
    fflush(stdout);
    cr_assert_geq(dup2(fileno(full), STDOUT_FILENO), 0);
    char *arguments[] = {command, option_c, file_name, NULL};
    int code = command_check(3, arguments);
    cr_assert_geq(dup2(kept, STDOUT_FILENO), 0);
    cr_expect_eq(code, EX_IOERR);
    fclose(full);
}
