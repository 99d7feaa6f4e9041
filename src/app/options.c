#include "options_internal.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "moat/config/config.h"

#define DEFAULT_PATH "/etc/moat/moat.yaml"

const char *options_config_path(void)
{
    const char *named = getenv("MOAT_CONFIG");
    if (named != NULL && named[0] != '\0') {
        return named;
    }
    /* A file that is there is meant, whatever else is set. */
    bool has_file = access(DEFAULT_PATH, F_OK) == 0 || errno != ENOENT;
    return !has_file && config_environment_suffices() ? CONFIG_OF_ENVIRONMENT : DEFAULT_PATH;
}

const char *options_refused(int argc, char **argv)
{
    /* musl steps past the end when a value is missing. */
    int next = optind < argc ? optind : argc;
    bool is_past = next == argc || argv[next - 1][0] == '-';
    return is_past ? argv[next - 1] : argv[next];
}
