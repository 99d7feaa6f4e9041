/* The names and addresses under which clients may reach this host, for its certificate. */
#ifndef MOAT_APP_HOST_NAMES_H
#define MOAT_APP_HOST_NAMES_H

#include "moat/tls/pki.h"

/* Adds a DNS name or a numeric address given by a person; one that is there already is
 * not added again. Returns NULL, or what is wrong as a sentence without a full stop. */
const char *host_names_add(struct pki_names *names, struct slice text) MOAT_MUST_CHECK;

/* Adds what every certificate has: the host's own name, if it is one that DNS could
 * hold, with and without ".local", then "localhost" and the two loopback addresses. */
void host_names_add_own(struct pki_names *names);

/* Adds the addresses of the interfaces that are up, as far as there is room. Link-local
 * IPv6 addresses are left out: a client writes them with an interface's name. */
void host_names_add_interfaces(struct pki_names *names);

/* True when an interface of this host has an IPv6 address. */
bool host_has_ipv6(void);

#endif
