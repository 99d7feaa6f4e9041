/* What the steps of a verdict share: the facts, the rule at hand, and the witness. */
#ifndef MOAT_POLICY_JUDGING_INTERNAL_H
#define MOAT_POLICY_JUDGING_INTERNAL_H

#include "moat/policy/trace.h"
#include "policy_internal.h"

struct judging {
    const struct policy_facts *facts;
    const struct policy_rule *rule; /* NULL before the first */
    struct policy_trace *trace;     /* NULL: nobody asks why */
    struct template_values values;
    bool has_values; /* `values` are made when the first template asks for them */
};

const struct template_values *judging_values(struct judging *judging);

/* Tells the witness, if there is one; returns event->held. */
bool judging_tell(const struct judging *judging, enum policy_trace_kind kind,
                  struct policy_trace_event event);

/* Fills in the outcome of a list of globs or templates that the fact must hold one of. */
void judging_try_globs(const struct globs *globs, struct policy_trace_event *event);
void judging_try_templates(struct judging *judging, const struct templates *templates,
                           struct policy_trace_event *event);

/* "3.1.1, 5.0" of bits as in struct policy_rule. */
#define PROTOCOLS_TEXT_SIZE 24
void protocols_text(unsigned protocols, char out_text[PROTOCOLS_TEXT_SIZE]);
bool protocol_holds(unsigned protocols, uint8_t level) MOAT_MUST_CHECK;

/* True when all of the conditions under `match` hold. */
bool rule_matches(struct judging *judging) MOAT_MUST_CHECK;

/* What the deciding rule asks for, the password's rightness aside. */
struct demands {
    bool is_refused;
    enum policy_reason reason; /* of the first that is not met */
    bool needs_password;
    bool is_name_proven; /* without a password: it is absent, the certificate's, or bound to a
                            fact */
};

void rule_demands(struct judging *judging, struct demands *out_demands);

#endif
