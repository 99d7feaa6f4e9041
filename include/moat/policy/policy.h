/*
 * The policy: facts about one CONNECT in, a verdict out.
 *
 * Pure: no I/O, no clock, no global. Rules are tried in order and the first whose
 * conditions all hold decides; no rule is a refusal. A policy is immutable once
 * built and may be asked by several threads at once.
 */
#ifndef MOAT_POLICY_POLICY_H
#define MOAT_POLICY_POLICY_H

#include "moat/base/address.h"
#include "moat/base/bytes.h"

struct policy;
struct policy_rule;

/* What is known of the client when its CONNECT is judged. Slices are borrowed. */
struct policy_facts {
    struct slice listener;  /* the listener's name */
    struct address address; /* of the client */
    bool has_identity;      /* a verified certificate gave `identity` and `issuer` */
    struct slice identity;  /* as the configuration chose: common name, a SAN, ... */
    struct slice issuer;    /* the issuer's distinguished name, RFC 4514 */
    uint8_t protocol;       /* 3, 4 or 5: the protocol level of CONNECT */
    struct slice client_id;
    bool has_username; /* the field was there; it may be empty */
    bool has_password;
    struct slice username;
    bool has_will;
    struct slice will_topic;
};

enum policy_outcome {
    POLICY_DENY = 0,
    POLICY_ALLOW,
    POLICY_PROVE, /* allowed if the password proves right, else denied as bad credentials */
};

enum policy_reason {
    POLICY_REASON_NO_RULE = 0,      /* nothing matched */
    POLICY_REASON_RULE_DENIES,      /* action: deny */
    POLICY_REASON_FACTOR_MISSING,   /* a certificate or password that the rule requires */
    POLICY_REASON_PASSWORD_MISSING, /* a user name without a password, or an empty user name */
    POLICY_REASON_CLIENT_ID,        /* wildcard or control character in the client identifier */
    POLICY_REASON_USERNAME,         /* the same in the user name */
    POLICY_REASON_WILL_TOPIC,       /* the same in the will topic, or it begins with '$' */
    POLICY_REASON_ALLOWED,          /* of ALLOW and of PROVE */
};

struct policy_verdict {
    enum policy_outcome outcome;
    enum policy_reason reason;
    const char *rule; /* the deciding rule's name, owned by the policy; NULL when none */
};

enum policy_require {
    POLICY_REQUIRE_NONE,        /* `none`: anybody the conditions let through */
    POLICY_REQUIRE_CERTIFICATE, /* [certificate] */
    POLICY_REQUIRE_PASSWORD,    /* [password] */
    POLICY_REQUIRE_BOTH,        /* [certificate, password] */
    POLICY_REQUIRE_ANY,         /* any: [certificate, password] */
};

/* One rule as written. All texts are copied. NULL or a count of 0: no such condition. */
struct policy_rule_spec {
    const char *name;
    bool deny; /* action: deny; `require` is then not looked at */
    enum policy_require require;
    /* match */
    const char *const *listeners; /* globs; one must hold */
    size_t listener_count;
    const char *const *addresses; /* CIDR texts; one must hold */
    size_t address_count;
    const char *const *certificates; /* globs over the certificate's identity */
    size_t certificate_count;
    const char *const *issuers;
    size_t issuer_count;
    const char *const *usernames; /* globs; a CONNECT without user name matches none */
    size_t username_count;
    const char *const *client_ids;
    size_t client_id_count;
    const uint8_t *protocols; /* protocol levels 3, 4, 5; one must hold */
    size_t protocol_count;
};

/* NULL without memory. */
struct policy *policy_new(void) MOAT_MUST_CHECK;
void policy_free(struct policy *policy);

/* Appends a rule. Returns NULL, or what is wrong with it as a static sentence
 * (callers check globs and CIDR texts beforehand to say where). */
const char *policy_add(struct policy *policy, const struct policy_rule_spec *spec) MOAT_MUST_CHECK;

size_t policy_rule_count(const struct policy *policy);

/* The verdict on one CONNECT. Never allocates. */
void policy_decide(const struct policy *policy, const struct policy_facts *facts,
                   struct policy_verdict *out_verdict);

/* What is wrong with a glob or a CIDR as written, as a static sentence, or NULL. */
const char *policy_check_glob(struct slice text) MOAT_MUST_CHECK;
const char *policy_check_cidr(struct slice text) MOAT_MUST_CHECK;

/* The reason in words for the log, a static text: "no rule matches". */
const char *policy_reason_text(enum policy_reason reason);

#endif
