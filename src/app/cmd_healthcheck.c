/* moat healthcheck: asks the running gate how it is, for supervisors that only run a command. */
#include "moat/app/commands.h"

#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

#include "moat/config/config.h"
#include "options_internal.h"
#include "terminal_internal.h"

#define HEALTHCHECK_UNWELL 1
/* Seconds for each step. The gate answers within milliseconds or it is not well. */
#define HEALTHCHECK_PATIENCE 3

static const char usage[] =
    "Usage: moat healthcheck [-c FILE] [--ready]\n"
    "\n"
    "Asks the gate that runs with this configuration how it is, at its admin.http.\n"
    "\n"
    "  -c, --config FILE   the configuration (default: $MOAT_CONFIG, or /etc/moat/moat.yaml)\n"
    "      --ready         also: are its listeners up, and is it not about to stop\n"
    "      --help          print this and exit\n"
    "\n"
    "Exit codes: 0 it is well, 1 it is not or does not answer, 64 wrong usage, 78 the\n"
    "configuration has an error.\n";

static int unwell(const char *what, const char *why)
{
    fprintf(stderr, "moat healthcheck: %s: %s\n", what, why);
    return HEALTHCHECK_UNWELL;
}

/* A connected descriptor, or -1 with errno. */
static int connect_to(const struct addrinfo *info)
{
    static const struct timeval patience = {.tv_sec = HEALTHCHECK_PATIENCE};
    int descriptor = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (descriptor < 0) {
        return -1;
    }
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(descriptor, info->ai_addr, info->ai_addrlen) == 0) {
        return descriptor;
    }
    int code = errno;
    close(descriptor);
    errno = code;
    return -1;
}

/* A gate that listens everywhere is asked where this machine is to itself. */
static const char *host_of(const struct endpoint *endpoint)
{
    if (strcmp(endpoint->host, "0.0.0.0") == 0) {
        return "127.0.0.1";
    }
    return strcmp(endpoint->host, "::") == 0 ? "::1" : endpoint->host;
}

static int dial(const struct endpoint *endpoint)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char port[8];
    int descriptor = -1;

    snprintf(port, sizeof port, "%u", (unsigned)endpoint->port);
    if (getaddrinfo(host_of(endpoint), port, &hints, &list) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    for (const struct addrinfo *info = list; info != NULL && descriptor < 0; info = info->ai_next) {
        descriptor = connect_to(info);
    }
    freeaddrinfo(list);
    return descriptor;
}

/* The whole answer as text; false with errno. */
static bool exchange(int descriptor, const char *path, char *out_text, size_t capacity)
{
    char request[128];
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: moat\r\nConnection: close\r\n\r\n", path);
    size_t used = 0;
    ssize_t count = 1;

    if (send(descriptor, request, (size_t)size, MSG_NOSIGNAL) != size) {
        return false;
    }
    while (count > 0 && used < capacity - 1) {
        count = recv(descriptor, out_text + used, capacity - 1 - used, 0);
        used += count > 0 ? (size_t)count : 0;
    }
    out_text[used] = '\0';
    return count >= 0;
}

static int judge(const char *where, char *text)
{
    char *body = strstr(text, "\r\n\r\n");

    if (strncmp(text, "HTTP/1.1 ", 9) != 0 || body == NULL) {
        return unwell(where, "what answers there is not this gate");
    }
    body += 4;
    body[strcspn(body, "\r\n")] = '\0';
    if (strncmp(text + 9, "200", 3) != 0) {
        return unwell(where, body);
    }
    printf("%s\n", body);
    return EX_OK;
}

static int ask(const struct config *config, const char *path)
{
    const struct endpoint *endpoint = &config->admin_http;
    char where[ENDPOINT_HOST_SIZE + 16];
    char text[1024];

    snprintf(where, sizeof where, strchr(endpoint->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
             endpoint->host, (unsigned)endpoint->port);
    if (!config->admin_health) {
        return unwell(config->path, "admin.health is off, so nobody can be asked");
    }
    int descriptor = dial(endpoint);
    if (descriptor < 0) {
        return unwell(where, strerror(errno));
    }
    bool is_told = exchange(descriptor, path, text, sizeof text);
    int code = errno;
    close(descriptor);
    return is_told ? judge(where, text)
                   : unwell(where, code == EAGAIN ? "no answer came in time" : strerror(code));
}

int command_healthcheck(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"ready", no_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *path = options_config_path();
    const char *asked = "/healthz";
    int option = 0;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'r':
            asked = "/readyz";
            break;
        case 'h':
            fputs(usage, stdout);
            return EX_OK;
        default:
            fputs(usage, stderr);
            return EX_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "moat healthcheck: \"%s\" is not expected here\n%s", argv[optind], usage);
        return EX_USAGE;
    }
    struct config_faults faults;
    config_faults_init(&faults);
    struct config *config = config_load(path, &faults);
    int code = EX_CONFIG;
    if (config == NULL) {
        config_faults_print(&faults, stderr, terminal_has_colour(stderr));
    } else {
        code = ask(config, asked);
        config_free(config);
    }
    config_faults_deinit(&faults);
    return code;
}
