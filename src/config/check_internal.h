#ifndef MOAT_CONFIG_CHECK_INTERNAL_H
#define MOAT_CONFIG_CHECK_INTERNAL_H

#include "moat/config/config.h"

/* Who may come in: the rules, and whether the proofs they ask for can be given at all. */
void check_rules(const struct config *config, struct config_faults *faults);

#endif
