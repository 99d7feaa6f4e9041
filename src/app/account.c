#include "account_internal.h"

#include <stdlib.h>
#include <sysexits.h>

#include "moat/mqtt/connect.h"

#define COLUMN_KEY    20 /* characters */
#define COLUMN_WANTED 28

/* Writes down what the policy tells while it decides. */
struct account {
    FILE *stream;
    bool in_colour;
    const char *rule; /* the one under way; owned by the policy */
    size_t rule_count;
    size_t condition_count; /* of the rule under way */
};

static const char bold[] = "\033[1m";
static const char green[] = "\033[32m";
static const char red[] = "\033[31m";
static const char plain[] = "\033[0m";

static const char *colour(const struct account *account, const char *code)
{
    return account->in_colour ? code : "";
}

/* Everything outside printable ASCII as \xNN: names in certificates are a stranger's text, and
 * terminals obey some of them. Returns the characters written. */
static size_t put_escaped(FILE *stream, struct slice text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte < ' ' || byte > '~') {
            fprintf(stream, "\\x%02x", byte);
            width += 4;
        } else {
            fputc(byte, stream);
            width++;
        }
    }
    return width;
}

static void put_text(FILE *stream, const char *text)
{
    put_escaped(stream, slice_from_text(text));
}

/* --- what the policy tells --------------------------------------------------------------- */

static void put_wanted(FILE *stream, const struct policy_trace_event *event)
{
    size_t width = 0;
    for (size_t i = 0; i < event->pattern_count; i++) {
        if (i > 0) {
            fputs(", ", stream);
            width += 2;
        }
        width += put_escaped(stream, slice_from_text(event->patterns[i]));
    }
    fprintf(stream, "%*s", width < COLUMN_WANTED ? (int)(COLUMN_WANTED - width) : 0, "");
}

static void put_fact(FILE *stream, const struct policy_trace_event *event)
{
    if (!event->has_fact) {
        fputs("none", stream);
    } else if (event->fact.size == 0) {
        fputs("\"\"", stream);
    } else {
        put_escaped(stream, event->fact);
    }
}

/* Whether it held, and what it is. */
static void begin_line(const struct account *account, const struct policy_trace_event *event,
                       const char *key)
{
    fprintf(account->stream, "    %s%-3s%s  %-*s ", colour(account, event->held ? green : red),
            event->held ? "yes" : "no", colour(account, plain), COLUMN_KEY, key);
}

/* The same, what was wanted, and what there is. */
static void put_line(const struct account *account, const struct policy_trace_event *event)
{
    begin_line(account, event, event->key);
    if (event->pattern_count > 0) {
        put_wanted(account->stream, event);
        fputs(" <- ", account->stream);
    }
    put_fact(account->stream, event);
    fputc('\n', account->stream);
}

/* What proves the user name, if it is not for a password to do that. */
static void put_name(const struct account *account, const struct policy_trace_event *event)
{
    begin_line(account, event, "name");
    if (!event->has_fact) {
        fputs("none is claimed", account->stream);
    } else {
        put_fact(account->stream, event);
        fputs(event->held ? " is proven by " : " can be proven by a password alone",
              account->stream);
        put_text(account->stream, event->held ? event->pattern : "");
    }
    fputc('\n', account->stream);
}

static void put_match(struct account *account, const struct policy_trace_event *event)
{
    const char *what = "does not match";
    if (event->held) {
        what = account->condition_count > 0 ? "matches, so this rule decides"
                                            : "is for every client, so this rule decides";
    }
    fprintf(account->stream, "    %s\n", what);
}

static void begin_rule(struct account *account, const char *rule)
{
    if (rule == NULL || rule == account->rule) {
        return;
    }
    account->rule = rule;
    account->rule_count++;
    account->condition_count = 0;
    fprintf(account->stream, "%srule %zu, ", colour(account, bold), account->rule_count);
    put_text(account->stream, rule);
    fprintf(account->stream, "%s\n", colour(account, plain));
}

static void on_event(void *context, const struct policy_trace_event *event)
{
    struct account *account = context;
    begin_rule(account, event->rule);
    switch (event->kind) {
    case POLICY_TRACE_HYGIENE:
        /* Nobody minds texts that are in order. */
        if (!event->held) {
            put_line(account, event);
        }
        break;
    case POLICY_TRACE_RULE:
        put_match(account, event);
        break;
    case POLICY_TRACE_CONDITION:
        account->condition_count++;
        put_line(account, event);
        break;
    case POLICY_TRACE_ACTION:
        if (!event->held) {
            begin_line(account, event, event->key);
            fputs("deny\n", account->stream);
        }
        break;
    case POLICY_TRACE_REQUIRE:
        begin_line(account, event, event->key);
        put_text(account->stream, event->pattern_count > 0 ? event->patterns[0] : "");
        fputc('\n', account->stream);
        break;
    case POLICY_TRACE_BIND:
    case POLICY_TRACE_LIMIT:
        put_line(account, event);
        break;
    case POLICY_TRACE_NAME:
        put_name(account, event);
        break;
    }
}

/* --- who asks ---------------------------------------------------------------------------- */

static void put_fact_of_client(const struct account *account, const char *key, const char *text)
{
    fprintf(account->stream, "    %-*s ", COLUMN_KEY, key);
    if (text == NULL) {
        fputs("none", account->stream);
    } else if (text[0] == '\0') {
        fputs("\"\"", account->stream);
    } else {
        put_text(account->stream, text);
    }
    fputc('\n', account->stream);
}

static const char *password_text(const struct question *question)
{
    if (!question_has_password(question)) {
        return NULL;
    }
    bool is_assumed = question->password == QUESTION_PASSWORD_UNSAID;
    if (question_is_password_right(question)) {
        return is_assumed ? "taken to be right" : "right";
    }
    return "wrong";
}

static void put_certificate(const struct account *account, const struct judgement *judgement)
{
    const struct tls_peer *peer = &judgement->peer;
    if (judgement->certificate_note[0] != '\0') {
        fprintf(account->stream, "    %-*s none: %s\n", COLUMN_KEY, "certificate",
                judgement->certificate_note);
    } else {
        put_fact_of_client(account, "certificate", peer->identity);
    }
    if (peer->issuer != NULL) {
        put_fact_of_client(account, "issuer", peer->issuer);
    }
}

static void put_client(const struct account *account, const struct judge *judge,
                       const struct question *question, const struct judgement *judgement)
{
    const char *version = mqtt_version_text((enum mqtt_version)question->protocol);
    fprintf(account->stream, "%sclient%s\n", colour(account, bold), colour(account, plain));
    put_fact_of_client(account, "listener", judge->config->listeners[judgement->listener].name);
    put_fact_of_client(account, "address",
                       question->address != NULL ? question->address : "not known");
    if (question->sni != NULL) {
        put_fact_of_client(account, "sni", question->sni);
    }
    put_certificate(account, judgement);
    put_fact_of_client(account, "protocol", version);
    put_fact_of_client(account, "client_id",
                       question->client_id != NULL ? question->client_id : "");
    put_fact_of_client(account, "username", question->username);
    put_fact_of_client(account, "password", password_text(question));
}

/* --- what becomes of it ------------------------------------------------------------------ */

static void put_answer(const struct account *account, const struct judgement *judgement)
{
    const struct answer *answer = &judgement->answer;
    FILE *stream = account->stream;
    fprintf(stream, "%sanswer%s  ", colour(account, bold), colour(account, plain));
    if (judgement->in_handshake) {
        fputs("a TLS alert; no MQTT is spoken", stream);
    } else if (judgement->outcome != JUDGEMENT_DENY) {
        fputs("the broker's", stream);
    } else if (answer->size == 0) {
        fputs("none, the connection is closed", stream);
    }
    for (size_t i = 0; i < answer->size; i++) {
        fprintf(stream, "%s%02x", i > 0 ? " " : "", answer->bytes[i]);
    }
    fputc('\n', stream);
}

static void put_verdict(const struct account *account, const struct judgement *judgement)
{
    FILE *stream = account->stream;
    const char *mark = colour(account, judgement->outcome == JUDGEMENT_DENY ? red : green);
    fprintf(stream, "%sverdict%s %s%s%s", colour(account, bold), colour(account, plain), mark,
            judgement_word(judgement->outcome), colour(account, plain));
    if (judgement->rule[0] != '\0') {
        fputs(" by rule ", stream);
        put_text(stream, judgement->rule);
    }
    fputc('\n', stream);
    if (judgement->outcome != JUDGEMENT_ALLOW) {
        const struct close_reason_row *row = close_reason_row(judgement->reason);
        fprintf(stream, "%sreason%s  %s: ", colour(account, bold), colour(account, plain),
                row->label);
        put_text(stream, judgement->detail[0] != '\0' ? judgement->detail : row->text);
        fputs(judgement->outcome == JUDGEMENT_OBSERVE ? " (let in, because it is only observed)\n"
                                                      : "\n",
              stream);
    }
    put_answer(account, judgement);
}

/* Verdicts on what the client would do once it is in. True when all of it is permitted. */
static bool put_topics(const struct account *account, const struct question *question,
                       const struct judgement *judgement)
{
    bool is_permitted = true;
    for (size_t i = 0; i < question->topic_count; i++) {
        const struct question_topic *topic = &question->topics[i];
        enum judgement_outcome outcome = judgement_topic(judgement, topic);
        fprintf(account->stream, "%-10s %s%-7s%s ",
                topic->is_subscription ? "subscribe" : "publish",
                colour(account, outcome == JUDGEMENT_DENY ? red : green), judgement_word(outcome),
                colour(account, plain));
        put_text(account->stream, topic->text);
        fputc('\n', account->stream);
        is_permitted = is_permitted && outcome != JUDGEMENT_DENY;
    }
    return is_permitted;
}

/* The client comes first, but what its certificate is worth is known only at the end. */
int account_write(const struct judge *judge, const struct question *question, FILE *stream,
                  bool in_colour, enum judgement_outcome *out_outcome,
                  char out_what[JUDGEMENT_TEXT_SIZE])
{
    struct judgement judgement;
    char *text = NULL;
    size_t size = 0;
    struct account account = {.stream = open_memstream(&text, &size), .in_colour = in_colour};
    struct policy_trace trace = {.on_event = on_event, .context = &account};
    if (account.stream == NULL) {
        snprintf(out_what, JUDGEMENT_TEXT_SIZE, "not enough memory");
        return EX_OSERR;
    }
    int code = judge_question(judge, question, &trace, &judgement, out_what);
    fclose(account.stream);
    if (code == EX_OK) {
        account.stream = stream;
        put_client(&account, judge, question, &judgement);
        fputs(text != NULL ? text : "", stream);
        put_verdict(&account, &judgement);
        bool is_permitted = put_topics(&account, question, &judgement);
        *out_outcome = is_permitted ? judgement.outcome : JUDGEMENT_DENY;
        judgement_deinit(&judgement);
    }
    free(text);
    return code;
}
