#ifndef MOAT_CONFIG_CHECK_INTERNAL_H
#define MOAT_CONFIG_CHECK_INTERNAL_H

#include "moat/config/config.h"
#include "moat/policy/credentials.h"

/* How the keys under one listener's tls fit together. */
void check_tls(const struct config *config, size_t listener, struct config_faults *faults);

/* How the bind, limits and mode of one rule fit together, and the mode of the whole policy. */
void check_limits(const struct config *config, size_t rule, struct config_faults *faults);
void check_policy_mode(const struct config *config, struct config_faults *faults);

/* The topic lists of one rule. */
void check_topics(const struct config *config, size_t rule, struct config_faults *faults);

/* Warnings of users whom no rule lets in, and of hashes that are quick to guess. */
void check_users(const struct config *config, const struct credentials *credentials,
                 struct config_faults *faults);

/* Warnings of rules and patterns that do nothing. */
void check_reach(const struct config *config, struct config_faults *faults);

/* The same of one rule, for what nobody at all can meet. */
void check_reach_none(const struct config *config, size_t rule, struct config_faults *faults);
/* True when clients of the rule could show a certificate, as far as that can be told. */
bool check_can_show_certificate(const struct config *config, const struct policy_rule_spec *spec);
/* What strangers are kept to. */
void check_strangers(const struct config *config, struct config_faults *faults);

/* Who may come in: the rules, and whether the proofs they ask for can be given at all. */
void check_rules(const struct config *config, struct config_faults *faults);

#endif
