/*
 * A file of expectations: who asks to come in, and what has to become of it.
 *
 *     - name: sensors come in with their certificate
 *       client: { client_id: sensor-1, certificate: sensor-1 }
 *       expect: { verdict: allow, rule: sensors }
 */
#ifndef MOAT_CONFIG_EXPECTATIONS_H
#define MOAT_CONFIG_EXPECTATIONS_H

#include "moat/config/faults.h"
#include "moat/config/question.h"

#define EXPECTATION_CODE_UNSAID (-2)
#define EXPECTATION_CODE_NONE   (-1) /* nothing may be answered */

/* What was not written is NULL or UNSAID, and is not looked at. */
struct expectation {
    char *name;
    struct config_place place;
    struct question client;
    struct config_place listener_place;
    const char *verdict; /* "allow", "deny" or "observe"; static */
    char *rule;          /* "none" as well, where no rule is to match */
    struct config_place rule_place;
    char *reason; /* the label of a close reason */
    struct config_place reason_place;
    const char **topic_verdicts; /* as `verdict`, of each of client.topics */
    int32_t code;                /* 0 to 255, or one of the two above */
};

struct expectations {
    char *path;
    struct expectation *list;
    size_t count;
};

/* NULL when there is any error; every fault is in `faults`. */
struct expectations *expectations_load(const char *path,
                                       struct config_faults *faults) MOAT_MUST_CHECK;
void expectations_free(struct expectations *expectations);

#endif
