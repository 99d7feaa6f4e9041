#include "options_internal.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>

const char *options_config_path(void)
{
    const char *named = getenv("MOAT_CONFIG");
    return named != NULL && named[0] != '\0' ? named : "/etc/moat/moat.yaml";
}

const char *options_refused(int argc, char **argv)
{
    bool is_past = optind >= argc || argv[optind - 1][0] == '-';
    return is_past ? argv[optind - 1] : argv[optind];
}
