/* A policy as it is kept: rules in the order they were added. */
#ifndef MOAT_POLICY_POLICY_INTERNAL_H
#define MOAT_POLICY_POLICY_INTERNAL_H

#include "moat/policy/policy.h"
#include "patterns_internal.h"

/* See struct policy_limits_spec. */
struct policy_limits {
    uint32_t keep_alive_ms;
    enum policy_zero keep_alive_zero;
    uint32_t packet_size;
    bool denies_will;
    struct templates will_topics;
    uint8_t will_qos_end;
    bool denies_will_retain;
    bool needs_clean_session;
    uint32_t client_id_length;
    struct characters client_id_characters;
    unsigned protocols; /* as in struct policy_rule */
    uint32_t connections;
};

/* See struct policy_topics_spec. */
struct policy_topics {
    struct templates allow;
    struct templates deny;
};

struct policy_rule {
    char *name;
    enum policy_mode mode;
    bool deny;
    enum policy_require require;
    enum policy_owner owner;
    bool allows_bridges;
    bool keeps_expired;
    struct globs listeners;
    struct networks addresses;
    struct globs certificates;
    struct globs issuers;
    struct globs usernames;
    struct globs client_ids;
    struct globs snis;
    unsigned protocols; /* bit N for protocol level N; 0 is "no such condition" */
    struct templates bind_client_ids;
    struct templates bind_usernames;
    struct policy_limits limits;
    struct policy_topics publish;
    struct policy_topics subscribe;
};

struct policy {
    enum policy_mode mode;
    struct policy_rule *rules;
    size_t count;
    size_t capacity;
};

#endif
