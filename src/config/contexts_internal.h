/* The TLS contexts of the listeners, made from the files that the configuration names. */
#ifndef MOAT_CONFIG_CONTEXTS_INTERNAL_H
#define MOAT_CONFIG_CONTEXTS_INTERNAL_H

#include "moat/config/config.h"

/* NULL, with every fault reported, when the listener's context cannot be made. */
struct tls_context *context_load(const struct config *config, size_t listener,
                                 struct config_faults *faults) MOAT_MUST_CHECK;

#endif
