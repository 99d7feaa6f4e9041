/* What the commands' readings of their options have in common. */
#ifndef MOAT_APP_OPTIONS_INTERNAL_H
#define MOAT_APP_OPTIONS_INTERNAL_H

/* The configuration that is used when none is named: $MOAT_CONFIG, else /etc/moat/moat.yaml; where
 * that does not exist and $MOAT_UPSTREAM is set, CONFIG_OF_ENVIRONMENT. */
const char *options_config_path(void);

/* The option that getopt_long() just refused; it may not have stepped past it yet. */
const char *options_refused(int argc, char **argv);

#endif
