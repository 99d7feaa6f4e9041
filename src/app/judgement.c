#include "judgement_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "connect_packet_internal.h"
#include "moat/mqtt/connect.h"
#include "moat/session/facts.h"
#include "moat/session/reason_of.h"
#include "moat/tls/identify.h"

static_assert(JUDGEMENT_TEXT_SIZE >= QUESTION_FAULT_SIZE, "a question's fault fits");

/* What speaks against the client. The outcome says whether that keeps it out. */
static void object(struct judgement *judgement, enum judgement_outcome outcome,
                   enum close_reason reason, const char *format, ...) MOAT_PRINTF(4, 5);
static void object(struct judgement *judgement, enum judgement_outcome outcome,
                   enum close_reason reason, const char *format, ...)
{
    va_list arguments;
    judgement->outcome = outcome;
    judgement->reason = reason;
    va_start(arguments, format);
    vsnprintf(judgement->detail, sizeof judgement->detail, format, arguments);
    va_end(arguments);
}

/* A sentence for `out_what`, and the code that ends the command. */
static int give_up(int code, char out_what[JUDGEMENT_TEXT_SIZE], const char *format, ...)
    MOAT_PRINTF(3, 4);
static int give_up(int code, char out_what[JUDGEMENT_TEXT_SIZE], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_what, JUDGEMENT_TEXT_SIZE, format, arguments);
    va_end(arguments);
    return code;
}

bool judge_find_listener(const struct config *config, const struct question *question,
                         size_t *out_listener)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (question->listener == NULL ||
            strcmp(config->listeners[i].name, question->listener) == 0) {
            *out_listener = i;
            return true;
        }
    }
    return false;
}

/* --- the handshake ----------------------------------------------------------------------- */

/* A name that somebody vouches for instead of a file: taken as if a good certificate had it. */
static int assume_identity(const struct judge *judge, const struct question *question,
                           struct judgement *judgement, char out_what[JUDGEMENT_TEXT_SIZE])
{
    struct tls_peer *peer = &judgement->peer;
    const char *common_name = question->common_name;
    if (common_name == NULL && judge->config->certificate_identity == TLS_IDENTITY_CN) {
        common_name = question->certificate;
    }
    peer->has_certificate = true;
    peer->kind = judge->config->certificate_identity;
    peer->identity = strdup(question->certificate);
    peer->issuer = question->issuer != NULL ? strdup(question->issuer) : NULL;
    peer->common_name = common_name != NULL ? strdup(common_name) : NULL;
    bool is_kept = peer->identity != NULL && (question->issuer == NULL || peer->issuer != NULL) &&
                   (common_name == NULL || peer->common_name != NULL);
    return is_kept ? EX_OK : give_up(EX_OSERR, out_what, "not enough memory");
}

static int read_certificate(const struct judge *judge, const struct question *question,
                            struct judgement *judgement, char out_what[JUDGEMENT_TEXT_SIZE])
{
    struct buffer pem;
    const char *fault = NULL;
    if (!question_read_certificate(question, &pem, out_what)) {
        return EX_NOINPUT;
    }
    enum tls_identify_status status = tls_identify(judge->contexts[judgement->listener],
                                                   buffer_slice(&pem), &judgement->peer, &fault);
    buffer_deinit(&pem);
    switch (status) {
    case TLS_IDENTIFY_OK:
        if (judgement->peer.identity_fault != NULL) {
            snprintf(judgement->certificate_note, sizeof judgement->certificate_note, "%s",
                     judgement->peer.identity_fault);
        }
        return EX_OK;
    case TLS_IDENTIFY_NOT_ASKED: /* seen to before */
    case TLS_IDENTIFY_UNREADABLE:
        break;
    case TLS_IDENTIFY_REFUSED:
        judgement->in_handshake = true;
        object(judgement, JUDGEMENT_DENY, CLOSE_TLS_FAILED, "%s", fault);
        return EX_OK;
    }
    return give_up(EX_DATAERR, out_what, "%s: %s", question->certificate_file, fault);
}

/* What the client shows of itself: its certificate, if it has one and is asked for it. */
static int show_certificate(const struct judge *judge, const struct question *question,
                            struct judgement *judgement, char out_what[JUDGEMENT_TEXT_SIZE])
{
    const struct config_listener *listener = &judge->config->listeners[judgement->listener];
    bool has_one = question->certificate_file != NULL || question->certificate != NULL;
    if (has_one && listener->client_certificate == TLS_CLIENT_CERTIFICATE_NONE) {
        snprintf(judgement->certificate_note, sizeof judgement->certificate_note,
                 "listener %s asks for none, so the client does not show it", listener->name);
        return EX_OK;
    }
    if (!has_one && listener->client_certificate == TLS_CLIENT_CERTIFICATE_REQUIRED) {
        judgement->in_handshake = true;
        object(judgement, JUDGEMENT_DENY, CLOSE_TLS_FAILED,
               "the client presents no certificate, and this listener requires one");
        return EX_OK;
    }
    if (question->certificate != NULL) {
        return assume_identity(judge, question, judgement, out_what);
    }
    return has_one ? read_certificate(judge, question, judgement, out_what) : EX_OK;
}

static int shake_hands(const struct judge *judge, const struct question *question,
                       struct judgement *judgement, char out_what[JUDGEMENT_TEXT_SIZE])
{
    int code = show_certificate(judge, question, judgement, out_what);
    if (code == EX_OK && question->sni != NULL) {
        judgement->peer.sni = strdup(question->sni);
        if (judgement->peer.sni == NULL) {
            code = give_up(EX_OSERR, out_what, "not enough memory");
        }
    }
    return code;
}

/* --- CONNECT ----------------------------------------------------------------------------- */

/* What the thread pool would find out of the password: NULL when it is right. */
static const char *fault_of_password(const struct judge *judge, const struct question *question)
{
    if (judge->config->password_file == NULL) {
        return "no password file is configured";
    }
    if (judge->credentials != NULL &&
        !credentials_has(judge->credentials, slice_from_text(question->username))) {
        return "the password file has no such user, so no password is right";
    }
    return question_is_password_right(question) ? NULL : "the password is wrong";
}

static void conclude(const struct judge *judge, const struct question *question,
                     const struct policy_verdict *verdict, struct judgement *judgement)
{
    const char *fault =
        verdict->outcome == POLICY_PROVE ? fault_of_password(judge, question) : NULL;
    if (verdict->outcome == POLICY_DENY || verdict->is_observed) {
        object(judgement, verdict->outcome == POLICY_DENY ? JUDGEMENT_DENY : JUDGEMENT_OBSERVE,
               close_reason_of_policy(verdict->reason), "%s", policy_reason_text(verdict->reason));
    } else {
        judgement->outcome = JUDGEMENT_ALLOW;
    }
    if (fault != NULL && !verdict->is_password_observed) {
        object(judgement, JUDGEMENT_DENY, CLOSE_BAD_CREDENTIALS, "%s", fault);
    } else if (fault != NULL && !verdict->is_observed) {
        object(judgement, JUDGEMENT_OBSERVE, CLOSE_BAD_CREDENTIALS, "%s", fault);
    }
}

/* False without memory. */
static bool decide(const struct judge *judge, const struct question *question,
                   const struct mqtt_connect *connect, struct policy_trace *trace,
                   struct judgement *judgement)
{
    struct address address = question_address(question);
    struct policy_facts facts = session_facts(judge->config->listeners[judgement->listener].name,
                                              &address, &judgement->peer, connect);
    struct policy_verdict verdict;
    policy_decide_traced(judge->policy, &facts, trace, &verdict);
    if (verdict.rule != NULL) {
        snprintf(judgement->rule, sizeof judgement->rule, "%s", verdict.rule);
    }
    conclude(judge, question, &verdict, judgement);
    judgement->observes = verdict.observes;
    bool has_topics = verdict.decider != NULL && policy_rule_has_topics(verdict.decider);
    if (has_topics) {
        judgement->grants = policy_grants_new(verdict.decider, &facts);
    }
    return !has_topics || judgement->grants != NULL;
}

/* False without memory. */
static bool judge_packet(const struct judge *judge, const struct question *question,
                         const struct buffer *packet, struct policy_trace *trace,
                         struct judgement *judgement)
{
    struct mqtt_connect connect;
    struct mqtt_fault fault;
    struct answer_terms terms = {.is_silent = judge->config->silent};
    enum mqtt_connect_status status =
        mqtt_connect_parse(buffer_slice(packet), &judge->config->connect, &connect, &fault);
    if (status == MQTT_CONNECT_OK || status == MQTT_CONNECT_CLIENT_ID) {
        terms.version = (uint8_t)connect.version;
        terms.maximum_packet_size = connect.maximum_packet_size;
    }
    bool is_decided = true;
    if (status == MQTT_CONNECT_OK) {
        is_decided = decide(judge, question, &connect, trace, judgement);
    } else {
        object(judgement, JUDGEMENT_DENY, close_reason_of_connect(status),
               "%s at byte %zu of CONNECT", fault.what, fault.offset);
    }
    if (judgement->outcome == JUDGEMENT_DENY) {
        answer_connack(judgement->reason, &terms, &judgement->answer);
    }
    return is_decided;
}

static int judge_connect(const struct judge *judge, const struct question *question,
                         struct policy_trace *trace, struct judgement *judgement,
                         char out_what[JUDGEMENT_TEXT_SIZE])
{
    struct buffer packet;
    int code = EX_OK;
    buffer_init(&packet, CONNECT_PACKET_MAX);
    if (!connect_packet_write(question, &packet)) {
        code = give_up(EX_DATAERR, out_what, "no CONNECT can hold these texts; shorten them");
    } else if (!judge_packet(judge, question, &packet, trace, judgement)) {
        code = give_up(EX_OSERR, out_what, "not enough memory");
    }
    buffer_deinit(&packet);
    return code;
}

int judge_question(const struct judge *judge, const struct question *question,
                   struct policy_trace *trace, struct judgement *out_judgement,
                   char out_what[JUDGEMENT_TEXT_SIZE])
{
    struct judgement judgement = {.answer = {.code = CLOSE_CODE_NONE}};
    if (!judge_find_listener(judge->config, question, &judgement.listener)) {
        return give_up(EX_DATAERR, out_what, "there is no listener named \"%s\"",
                       question->listener);
    }
    int code = shake_hands(judge, question, &judgement, out_what);
    if (code == EX_OK && !judgement.in_handshake) {
        code = judge_connect(judge, question, trace, &judgement, out_what);
    }
    if (code != EX_OK) {
        judgement_deinit(&judgement);
        return code;
    }
    *out_judgement = judgement;
    return EX_OK;
}

void judgement_deinit(struct judgement *judgement)
{
    tls_peer_deinit(&judgement->peer);
    policy_grants_free(judgement->grants);
}

enum judgement_outcome judgement_topic(const struct judgement *judgement,
                                       const struct question_topic *topic)
{
    struct slice text = slice_from_text(topic->text);
    const struct policy_grants *grants = judgement->grants;
    bool is_permitted =
        grants == NULL || (topic->is_subscription ? policy_grants_may_subscribe(grants, text)
                                                  : policy_grants_may_publish(grants, text));
    if (judgement->outcome == JUDGEMENT_DENY) {
        return JUDGEMENT_DENY;
    }
    if (is_permitted) {
        return JUDGEMENT_ALLOW;
    }
    return judgement->observes ? JUDGEMENT_OBSERVE : JUDGEMENT_DENY;
}

const char *judgement_word(enum judgement_outcome outcome)
{
    switch (outcome) {
    case JUDGEMENT_DENY:
        return "deny";
    case JUDGEMENT_ALLOW:
        return "allow";
    case JUDGEMENT_OBSERVE:
        return "observe";
    }
    return "";
}
