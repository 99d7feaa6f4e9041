/* moat run: serve. */
#include "moat/app/commands.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "moat/config/snapshot.h"
#include "options_internal.h"
#include "sandbox_internal.h"
#include "server_internal.h"
#include "terminal_internal.h"

static const char usage[] =
    "Usage: moat run [-c FILE]\n"
    "\n"
    "Serves until SIGTERM or SIGINT. SIGHUP reads the configuration again.\n"
    "\n"
    "  -c, --config FILE   the configuration (default: $MOAT_CONFIG, or /etc/moat/moat.yaml)\n"
    "      --help          print this and exit\n";

int command_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *path = options_config_path();
    int option = 0;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
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
        fprintf(stderr, "moat run: \"%s\" is not expected here\n%s", argv[optind], usage);
        return EX_USAGE;
    }
    if (config_is_file(path) && access(path, F_OK) != 0) {
        fprintf(
            stderr,
            "moat run: there is no file %s; name the configuration with -c FILE, make one with: "
            "moat init DIR, or set MOAT_UPSTREAM and what it then asks for\n",
            path);
        return EX_NOINPUT;
    }
    struct config_faults faults;
    config_faults_init(&faults);
    struct snapshot *snapshot = snapshot_load(path, &faults);
    if (snapshot != NULL) {
        sandbox_advise(snapshot->config, &faults);
    }
    config_faults_print(&faults, stderr, terminal_has_colour(stderr));
    if (faults.error_count > 0) {
        snapshot_unref(snapshot);
        snapshot = NULL;
    }
    config_faults_deinit(&faults);
    return snapshot != NULL ? server_run(path, snapshot) : EX_CONFIG;
}
