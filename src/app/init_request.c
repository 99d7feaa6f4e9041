#include "app/init_request_internal.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#include "moat/app/host_names.h"
#include "options_internal.h"

static const char usage[] =
    "Usage: moat init DIR [OPTION]...\n"
    "\n"
    "Makes the folder DIR with all that 'moat run' needs: a certificate authority, a\n"
    "server certificate for this host's names and addresses, a first user with a\n"
    "generated password, and moat.yaml. Nothing that exists is ever changed.\n"
    "\n"
    "  --listen ADDRESS    where devices connect, host:port (default: port 8883 everywhere)\n"
    "  --upstream ADDRESS  the broker, host:port or unix:/path (default: 127.0.0.1:1883)\n"
    "  --name NAME         another name or address of this host for the certificate;\n"
    "                      may be given several times\n"
    "  --user NAME         the first user's name (default: device)\n"
    "  --help              this text\n"
    "\n"
    "The password goes to standard output, everything else to standard error.\n";

int init_refuse(int code, const char *what, const char *fault)
{
    fprintf(stderr, "moat init: %s%s%s\n", what, fault[0] != '\0' ? ": " : "", fault);
    return code;
}

/* The address stands between double quotes in moat.yaml. */
static bool is_quotable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\') {
            return false;
        }
    }
    return true;
}

static int check_upstream(const char *text)
{
    struct endpoint endpoint;
    const char *fault = endpoint_parse(slice_from_text(text), &endpoint);

    if (fault == NULL && !is_quotable(text)) {
        fault = "the path holds a character that moat.yaml cannot hold as it is";
    }
    if (fault == NULL && endpoint.kind == ENDPOINT_TCP && endpoint.port == 0) {
        fault = "a broker has a port from 1 to 65535";
    }
    if (fault == NULL && !endpoint_is_local(&endpoint)) {
        fault = "the broker is not on this host, and passwords would reach it in plain text; "
                "run moat beside it, or see upstream.allow_remote_plaintext in the manual";
    }
    return fault == NULL ? EX_OK : init_refuse(EX_USAGE, "--upstream", fault);
}

/* An address that devices are told to use belongs into the certificate. */
static int check_listen(struct init_request *request)
{
    struct endpoint endpoint;
    const char *fault = endpoint_parse(slice_from_text(request->listen), &endpoint);

    if (fault == NULL && endpoint.kind != ENDPOINT_TCP) {
        fault = "devices connect over the network; write host:port";
    }
    if (fault == NULL && strcmp(endpoint.host, "0.0.0.0") != 0 &&
        strcmp(endpoint.host, "::") != 0) {
        fault = host_names_add(&request->names, slice_from_text(endpoint.host));
    }
    return fault == NULL ? EX_OK : init_refuse(EX_USAGE, "--listen", fault);
}

static int read_options(int argc, char **argv, struct init_request *request)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'}, {"upstream", required_argument, NULL, 'u'},
        {"name", required_argument, NULL, 'n'},   {"user", required_argument, NULL, 'U'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int option;

    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        const char *fault = NULL;
        if (option == 'l') {
            request->listen = optarg;
        } else if (option == 'u') {
            request->upstream = optarg;
        } else if (option == 'U') {
            request->user = optarg;
        } else if (option == 'n') {
            fault = host_names_add(&request->names, slice_from_text(optarg));
        } else if (option == 'h') {
            request->folder = NULL;
            return fputs(usage, stdout) < 0 ? EX_IOERR : EX_OK;
        } else {
            fault = option == ':' ? "needs a value" : "no such option; see moat init --help";
        }
        if (fault != NULL) {
            return init_refuse(EX_USAGE, option == 'n' ? "--name" : options_refused(argc, argv),
                               fault);
        }
    }
    if (argc - optind != 1 || argv[optind][0] == '\0') {
        return init_refuse(EX_USAGE, "name one folder; see moat init --help", "");
    }
    request->folder = argv[optind];
    return EX_OK;
}

/* The order matters where there are more than fit: a person's choice before interfaces. */
int init_request_read(int argc, char **argv, struct init_request *out_request)
{
    *out_request = (struct init_request){
        .listen = host_has_ipv6() ? "[::]:8883" : "0.0.0.0:8883",
        .upstream = "127.0.0.1:1883",
        .user = "device",
    };
    host_names_add_own(&out_request->names);
    int code = read_options(argc, argv, out_request);
    if (code != EX_OK || out_request->folder == NULL) {
        return code;
    }
    code = check_listen(out_request);
    if (code == EX_OK) {
        code = check_upstream(out_request->upstream);
    }
    host_names_add_interfaces(&out_request->names);
    return code;
}
