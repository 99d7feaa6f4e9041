#ifndef MOAT_CONFIG_CHECK_INTERNAL_H
#define MOAT_CONFIG_CHECK_INTERNAL_H

#include "moat/config/config.h"

/* Warnings of rules and patterns that do nothing. */
void check_reach(const struct config *config, struct config_faults *faults);

/* Who may come in: the rules, and whether the proofs they ask for can be given at all. */
void check_rules(const struct config *config, struct config_faults *faults);

#endif
