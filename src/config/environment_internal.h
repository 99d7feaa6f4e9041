/* What a configuration takes from the environment; nothing else in this layer looks there. */
#ifndef MOAT_CONFIG_ENVIRONMENT_INTERNAL_H
#define MOAT_CONFIG_ENVIRONMENT_INTERNAL_H

/* The folder of what the service manager has passed to this service alone (systemd.exec(5),
 * LoadCredential=); NULL when it has passed nothing. */
const char *environment_credentials(void);

#endif
