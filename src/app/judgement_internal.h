/* What becomes of a client that somebody describes: the gate's own steps without its sockets. */
#ifndef MOAT_APP_JUDGEMENT_INTERNAL_H
#define MOAT_APP_JUDGEMENT_INTERNAL_H

#include "moat/config/config.h"
#include "moat/config/question.h"
#include "moat/policy/credentials.h"
#include "moat/policy/grants.h"
#include "moat/policy/trace.h"
#include "moat/session/answer.h"
#include "moat/tls/conn.h"

/* What a client is judged by. Borrowed. */
struct judge {
    const struct config *config;
    const struct policy *policy;
    const struct credentials *credentials; /* NULL: whoever is said to have the right password is a
                                              user */
    struct tls_context *const *contexts;   /* by listener; an entry may be NULL as long as no
                                              question for that listener has a certificate file */
};

#define JUDGEMENT_TEXT_SIZE 512

enum judgement_outcome {
    JUDGEMENT_DENY = 0,
    JUDGEMENT_ALLOW,
    JUDGEMENT_OBSERVE, /* let in because the gate only observes; else it would be refused */
};

struct judgement {
    enum judgement_outcome outcome;
    enum close_reason reason; /* why it is or would be refused; nothing for ALLOW */
    bool in_handshake;        /* it was refused before it could say CONNECT */
    struct answer answer;
    char rule[65]; /* the deciding rule's name, or "" */
    char detail[JUDGEMENT_TEXT_SIZE];

    struct policy_grants *grants; /* NULL: the rule says nothing of topics */
    bool observes;                /* a topic that is not permitted is logged, no more */

    /* What was seen on the way; the slices of a certificate are copies. */
    size_t listener;
    struct tls_peer peer;
    char certificate_note[JUDGEMENT_TEXT_SIZE]; /* why a certificate gives no name, or "" */
};

/* EX_OK, or another of sysexits' codes and the sentence in out_what when the question cannot be
 * judged: a listener there is none of, a certificate file that cannot be read. *out_judgement is
 * written for EX_OK and to be released. `trace` may be NULL. */
int judge_question(const struct judge *judge, const struct question *question,
                   struct policy_trace *trace, struct judgement *out_judgement,
                   char out_what[JUDGEMENT_TEXT_SIZE]) MOAT_MUST_CHECK;
void judgement_deinit(struct judgement *judgement);

/* What becomes of a client that has come in when it asks for this topic. */
enum judgement_outcome judgement_topic(const struct judgement *judgement,
                                       const struct question_topic *topic);

/* "deny", "allow" or "observe". */
const char *judgement_word(enum judgement_outcome outcome);

/* The index of the listener that the question is about; false when there is none of its name. */
bool judge_find_listener(const struct config *config, const struct question *question,
                         size_t *out_listener) MOAT_MUST_CHECK;

#endif
