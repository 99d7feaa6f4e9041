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
    struct slice listener;    /* the listener's name */
    struct address address;   /* of the client */
    bool has_identity;        /* a verified certificate gave `identity` and `issuer` */
    struct slice identity;    /* as the configuration chose: common name, a SAN, ... */
    struct slice issuer;      /* the issuer's distinguished name, RFC 4514 */
    struct slice common_name; /* of the same certificate; empty when it has no usable one */
    bool has_sni;             /* the client said in its ClientHello which host it wants */
    struct slice sni;
    uint8_t protocol;        /* 3, 4 or 5: the protocol level of CONNECT, bit 7 aside */
    bool is_bridge;          /* the level had bit 7 set */
    bool clean_start;        /* Clean Session in 3.x */
    uint32_t session_expiry; /* seconds; 0 in 3.x */
    uint16_t keep_alive;     /* seconds; 0 is off */
    struct slice client_id;
    bool has_username; /* the field was there; it may be empty */
    bool has_password;
    struct slice username;
    bool has_will;
    struct slice will_topic;
    uint8_t will_qos; /* 0..2 */
    bool will_retain;
};

enum policy_outcome {
    POLICY_DENY = 0,
    POLICY_ALLOW,
    POLICY_PROVE, /* allowed if user name and password prove right, else denied as bad credentials
                   */
};

enum policy_reason {
    POLICY_REASON_NO_RULE = 0,    /* nothing matched */
    POLICY_REASON_RULE_DENIES,    /* action: deny */
    POLICY_REASON_FACTOR_MISSING, /* the rule requires a certificate or a password that is not there
                                   */
    POLICY_REASON_PASSWORD_MISSING, /* a user name without a password, or an empty user name */
    POLICY_REASON_CLIENT_ID,        /* wildcard in the client identifier */
    POLICY_REASON_USERNAME,         /* wildcard in the user name */
    POLICY_REASON_WILL_TOPIC,       /* wildcard in the will topic, or it begins with '$' */
    POLICY_REASON_BIND_CLIENT_ID,   /* not what bind.client_id says it must be */
    POLICY_REASON_BIND_USERNAME,
    POLICY_REASON_CLIENT_ID_LIMIT, /* too long, or of characters it may not have */
    POLICY_REASON_PROTOCOL,        /* a version that is not for this client */
    POLICY_REASON_BRIDGE,          /* a bridge where none may come in */
    POLICY_REASON_KEEP_ALIVE,
    POLICY_REASON_CLEAN_SESSION,
    POLICY_REASON_WILL, /* no will, or none on this topic */
    POLICY_REASON_WILL_QOS,
    POLICY_REASON_WILL_RETAIN,
    POLICY_REASON_ALLOWED,
};

struct policy_verdict {
    enum policy_outcome outcome;
    enum policy_reason reason; /* when `is_observed`, what would have been refused */
    const char *rule;          /* the deciding rule's name, owned by the policy; NULL when none */
    const struct policy_rule *decider; /* the rule itself; NULL when none */
    bool is_observed;          /* let in although `reason` speaks against it: to be logged */
    bool is_password_observed; /* of PROVE: a wrong password is logged, and the client let in */
    bool observes;             /* what this client does against its rule later is logged, no more */
    bool observes_names;       /* the whole policy observes: names are what they were without it */
};

enum policy_mode {
    POLICY_MODE_INHERIT = 0, /* of a rule: what the policy's mode is */
    POLICY_MODE_ENFORCE,
    POLICY_MODE_OBSERVE,
};

enum policy_require {
    POLICY_REQUIRE_NONE,        /* `none`: anybody the conditions let through */
    POLICY_REQUIRE_CERTIFICATE, /* [certificate] */
    POLICY_REQUIRE_PASSWORD,    /* [password] */
    POLICY_REQUIRE_BOTH,        /* [certificate, password] */
    POLICY_REQUIRE_ANY,         /* any: [certificate, password] */
};

/* Which proof decides who a client is for the ownership of its client identifier. */
enum policy_owner {
    POLICY_OWNER_PROOF = 0, /* of a rule: the one that `require` asks for */
    POLICY_OWNER_CERTIFICATE,
    POLICY_OWNER_USERNAME,
};

/* Whether a keep alive of 0 (off) is in order. */
enum policy_zero {
    POLICY_ZERO_AS_LONGEST = 0, /* only without a longest keep alive */
    POLICY_ZERO_ALLOW,
    POLICY_ZERO_DENY,
};

/* What clients of a rule may ask for in CONNECT and send later. Zero: no such limit. */
struct policy_limits_spec {
    uint32_t keep_alive_ms; /* the longest; whole seconds in CONNECT */
    enum policy_zero keep_alive_zero;
    uint32_t packet_size; /* bytes of the largest packet, its fixed header included */
    bool denies_will;
    const char *const *will_topics; /* filters with substitutions; one must hold */
    size_t will_topic_count;
    uint8_t will_qos_end; /* wills of this QoS and higher ones are refused */
    bool denies_will_retain;
    bool needs_clean_session;  /* 5.0: Clean Start, and a session that ends with the connection */
    uint32_t client_id_length; /* bytes */
    const char *client_id_characters; /* "alphanumeric", "printable" or "[a-z0-9_-]" */
    const uint8_t *protocols;         /* protocol levels 3, 4, 5 */
    size_t protocol_count;
    uint32_t connections; /* sessions of one identity at a time */
};

/* Topic filters with substitutions; see grants.h for how they are read. */
struct policy_topics_spec {
    const char *const *allow;
    size_t allow_count;
    const char *const *deny;
    size_t deny_count;
};

/* One rule as written. All texts are copied. NULL or a count of 0: no such condition. */
struct policy_rule_spec {
    const char *name;
    enum policy_mode mode;
    bool deny; /* action: deny; `require` is then not looked at */
    enum policy_require require;
    enum policy_owner owner;
    bool allows_bridges;
    bool keeps_expired; /* a certificate that expires does not end the session it has opened */
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
    const char *const *snis; /* globs; a client that sent no SNI matches none */
    size_t sni_count;
    /* bind: names with substitutions; one must hold */
    const char *const *bind_client_ids;
    size_t bind_client_id_count;
    const char *const *bind_usernames; /* a CONNECT without user name claims none: in order */
    size_t bind_username_count;
    struct policy_limits_spec limits;
    struct policy_topics_spec publish; /* wills included */
    struct policy_topics_spec subscribe;
};

/* NULL without memory. */
struct policy *policy_new(void) MOAT_MUST_CHECK;
void policy_free(struct policy *policy);

/* The mode of the whole policy, ENFORCE until told otherwise. */
void policy_set_mode(struct policy *policy, enum policy_mode mode);

/* Appends a rule. Returns NULL, or what is wrong with it as a static sentence
 * (callers check globs and CIDR texts beforehand to say where). */
const char *policy_add(struct policy *policy, const struct policy_rule_spec *spec) MOAT_MUST_CHECK;

size_t policy_rule_count(const struct policy *policy);

/* The largest packet that clients of this rule may send, in bytes; 0 for no limit. */
size_t policy_rule_packet_size(const struct policy_rule *rule);

/* How many sessions one identity may have under this rule; 0 for no limit. */
unsigned policy_rule_connections(const struct policy_rule *rule);

/* Which of two proofs says who a client of this rule is: CERTIFICATE or USERNAME. Where only
 * one is there, it is that. */
enum policy_owner policy_rule_owner(const struct policy_rule *rule);

/* Whether a session lives on when the client's certificate expires. */
bool policy_rule_keeps_expired(const struct policy_rule *rule);

/* The verdict on one CONNECT. Never allocates. */
void policy_decide(const struct policy *policy, const struct policy_facts *facts,
                   struct policy_verdict *out_verdict);

/* What is wrong with a glob or a CIDR as written, as a static sentence, or NULL when it is in
 * order. */
const char *policy_check_glob(struct slice text) MOAT_MUST_CHECK;
const char *policy_check_cidr(struct slice text) MOAT_MUST_CHECK;

/* The same for a name and for a topic filter with substitutions. *out_unknown becomes what was
 * written in place of a substitution's name when that is the fault, empty otherwise. */
const char *policy_check_template(struct slice text, struct slice *out_unknown) MOAT_MUST_CHECK;
const char *policy_check_filter(struct slice text, struct slice *out_unknown) MOAT_MUST_CHECK;

/* The same for a name in bind.username, where ${username} can say nothing. */
const char *policy_check_bind_username(struct slice text) MOAT_MUST_CHECK;

/* The same for limits.client_id_characters. */
const char *policy_check_characters(struct slice text) MOAT_MUST_CHECK;

/* The names of the substitutions, "certificate" first; NULL past the last. */
const char *policy_substitution_name(size_t index) MOAT_MUST_CHECK;

/* The reason in words for the log, a static text: "no rule matches". */
const char *policy_reason_text(enum policy_reason reason);

#endif
