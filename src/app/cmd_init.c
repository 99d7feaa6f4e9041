#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/init_folder_internal.h"
#include "app/init_request_internal.h"
#include "moat/app/commands.h"
#include "moat/app/generate.h"
#include "moat/base/clock.h"
#include "moat/base/secret.h"
#include "moat/policy/credentials.h"
#include "moat/tls/pki.h"

#define CONFIG_SIZE 4096

/* What the files will hold. Everything here is released by made_deinit(). */
struct init_made {
    char password[GENERATE_PASSWORD_SIZE];
    char *user_line;
    struct pki_pair ca;
    struct pki_pair server;
    char config[CONFIG_SIZE];
};

static bool write_config(const struct init_request *request, char out_text[CONFIG_SIZE])
{
    int size =
        snprintf(out_text, CONFIG_SIZE,
                 "# Moat's configuration. Paths are relative to this file.\n"
                 "# After a change: moat check -c FILE, then send SIGHUP to the running moat.\n"
                 "\n"
                 "# Where devices connect, over TLS.\n"
                 "listeners:\n"
                 "  - name: mqtts\n"
                 "    address: \"%s\"\n"
                 "    tls:\n"
                 "      certificates:\n"
                 "        - chain: tls/server.crt\n"
                 "          key: tls/server.key\n"
                 "\n"
                 "# The broker that is guarded. It should listen on this host only.\n"
                 "upstream:\n"
                 "  address: \"%s\"\n"
                 "\n"
                 "# Users and their passwords: moat passwd passwords NAME\n"
                 "credentials:\n"
                 "  password_file: passwords\n"
                 "\n"
                 "# Who may come in. The first rule that matches decides; no match is a refusal.\n"
                 "policy:\n"
                 "  rules:\n"
                 "    - name: users\n"
                 "      require: [password]\n",
                 request->listen, request->upstream);
    return size > 0 && size < CONFIG_SIZE;
}

static void made_deinit(struct init_made *made)
{
    secret_wipe(made->password, sizeof made->password);
    secret_free_text(made->user_line);
    pki_pair_deinit(&made->ca);
    pki_pair_deinit(&made->server);
}

/* The line of the password file, with its newline. */
static int make_user(const struct init_request *request, struct init_made *made)
{
    struct credentials_fault fault;

    generate_password(made->password);
    char *line =
        credentials_make_line(slice_from_text(request->user), slice_from_text(made->password),
                              CREDENTIALS_ITERATIONS, &fault);
    if (line == NULL) {
        return init_refuse(EX_USAGE, "--user", fault.what);
    }
    bool is_joined = asprintf(&made->user_line, "%s\n", line) >= 0;
    secret_free_text(line);
    if (!is_joined) {
        made->user_line = NULL; /* asprintf leaves it undefined */
        return init_refuse(EX_OSERR, "not enough memory", "");
    }
    return EX_OK;
}

static int make_content(const struct init_request *request, struct init_made *made)
{
    int64_t now = clock_wall_seconds();

    /* A certificate made in 1970 would have ended before anyone uses it. */
    if (!clock_is_set(now)) {
        return init_refuse(EX_UNAVAILABLE, "the clock of this host is not set",
                           "set it first, since certificates are made for a span of time");
    }
    int code = make_user(request, made);
    if (code != EX_OK) {
        return code;
    }
    if (!pki_make_ca(now, &made->ca) ||
        !pki_issue_server(&made->ca, &request->names, now, &made->server)) {
        return init_refuse(EX_OSERR, "cannot make the certificates", "not enough memory");
    }
    if (!write_config(request, made->config)) {
        return init_refuse(EX_USAGE, "the addresses are too long for moat.yaml", "");
    }
    return EX_OK;
}

static void tell(const struct init_request *request)
{
    fprintf(stderr,
            "Made %s:\n"
            "  moat.yaml        the configuration\n"
            "  passwords        the users; so far one, %s\n"
            "  tls/ca.crt       give this to every device: by it they know this server\n"
            "  tls/ca.key       keep this secret and safe: it makes further certificates\n"
            "  tls/server.crt   the server's certificate, for %d days, for these names:\n",
            request->folder, request->user, PKI_SERVER_DAYS);
    for (size_t i = 0; i < request->names.dns_count; i++) {
        fprintf(stderr, "                     %s\n", request->names.dns[i]);
    }
    for (size_t i = 0; i < request->names.address_count; i++) {
        char text[ADDRESS_TEXT_SIZE];
        address_format(&request->names.addresses[i], text);
        fprintf(stderr, "                     %s\n", text);
    }
    fprintf(stderr,
            "  tls/server.key   the server's private key\n"
            "Next:\n"
            "  moat check -c %s/moat.yaml\n"
            "  moat run -c %s/moat.yaml\n"
            "The password of %s is shown this once and kept only as a hash:\n",
            request->folder, request->folder, request->user);
}

/* Past stdio, whose buffer would keep a copy. */
static bool print_password(const char *password)
{
    char line[GENERATE_PASSWORD_SIZE];

    memcpy(line, password, sizeof line);
    line[sizeof line - 1] = '\n';
    bool is_written = write(STDOUT_FILENO, line, sizeof line) == (ssize_t)sizeof line;
    secret_wipe(line, sizeof line);
    return is_written;
}

static int write_and_tell(const struct init_request *request, const struct init_made *made)
{
    const struct init_file files[] = {
        {"tls/ca.crt", 0644, slice_from_text(made->ca.certificate)},
        {"tls/ca.key", 0600, slice_from_text(made->ca.key)},
        {"tls/server.crt", 0644, slice_from_text(made->server.certificate)},
        {"tls/server.key", 0600, slice_from_text(made->server.key)},
        {"passwords", 0600, slice_from_text(made->user_line)},
        {"moat.yaml", 0644, slice_from_text(made->config)},
    };
    char fault[INIT_FAULT_SIZE];

    if (!init_folder_make(request->folder, files, sizeof files / sizeof files[0], fault)) {
        return init_refuse(EX_CANTCREAT, fault, "");
    }
    tell(request);
    if (!print_password(made->password)) {
        return init_refuse(EX_IOERR, "the password could not be written",
                           "set a new one with moat passwd --generate");
    }
    return EX_OK;
}

int command_init(int argc, char **argv)
{
    struct init_request request;
    struct init_made made = {0};

    int code = init_request_read(argc, argv, &request);
    if (code != EX_OK || request.folder == NULL) {
        return code;
    }
    code = make_content(&request, &made);
    if (code == EX_OK) {
        code = write_and_tell(&request, &made);
    }
    made_deinit(&made);
    return code;
}
