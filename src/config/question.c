#include "moat/config/question.h"

#include <assert.h>
#include <stdlib.h>

#include "field_internal.h"
#include "files_internal.h"
#include "moat/base/topic.h"
#include "moat/mqtt/connect.h"
#include "question_internal.h"

#define MEMBER(member)                                                                             \
    .offset = offsetof(struct question, member), .size = sizeof(((struct question *)NULL)->member)
#define RANGE(least, most) .minimum = (least), .maximum = (most)
#define SECONDS(count)     ((count)*UINT64_C(1000))
#define HELP_COLUMN        22 /* where explanations begin */

struct question_row {
    const char *option;
    const char *argument; /* for --help */
    struct table_row row; /* the path is the key */
};

/* clang-format off */
static const struct question_row rows[] = {
    {"client-id", "ID",
     {"client_id", TABLE_TEXT, RANGE(0, 65535), MEMBER(client_id),
      .doc = "the client identifier (default: empty)"}},
    {"username", "NAME",
     {"username", TABLE_TEXT, RANGE(0, 65535), MEMBER(username),
      .doc = "the user name (default: there is none)"}},
    {"password", "right|wrong|none",
     {"password", TABLE_WORD, MEMBER(password),
      .words = {{"right", QUESTION_PASSWORD_RIGHT}, {"wrong", QUESTION_PASSWORD_WRONG},
                {"none", QUESTION_PASSWORD_NONE}},
      .doc = "what to assume of the password (default: right with a user name, else none)"}},
    {"certificate", "FILE",
     {"certificate_file", TABLE_PATH, MEMBER(certificate_file),
      .doc = "the client's certificate in PEM, followed by those of its issuers"}},
    {"identity", "NAME",
     {"certificate", TABLE_TEXT, RANGE(1, 256), MEMBER(certificate),
      .doc = "instead of a file: the name that a good certificate gave"}},
    {"issuer", "DN",
     {"issuer", TABLE_TEXT, RANGE(1, 4096), MEMBER(issuer),
      .doc = "that certificate's issuer, as in CN=Device CA"}},
    {"common-name", "NAME",
     {"common_name", TABLE_TEXT, RANGE(1, 256), MEMBER(common_name),
      .doc = "its common name (default: the name above, where identity.certificate is cn)"}},
    {"address", "ADDRESS",
     {"address", TABLE_TEXT, RANGE(1, 64), MEMBER(address),
      .doc = "the client's address, without a port (default: in no network)"}},
    {"listener", "NAME",
     {"listener", TABLE_TEXT, RANGE(1, 64), MEMBER(listener),
      .doc = "where it connects (default: the first listener)"}},
    {"sni", "NAME",
     {"sni", TABLE_TEXT, RANGE(1, 255), MEMBER(sni),
      .doc = "the server name it asks for (default: none)"}},
    {"protocol", "3.1|3.1.1|5.0",
     {"protocol", TABLE_WORD, .fallback = "3.1.1", MEMBER(protocol),
      .words = {{"3.1", MQTT_VERSION_3_1}, {"3.1.1", MQTT_VERSION_3_1_1},
                {"5.0", MQTT_VERSION_5_0}},
      .doc = "the version of MQTT (default: 3.1.1)"}},
    {"bridge", "true|false",
     {"bridge", TABLE_BOOL, .fallback = "false", MEMBER(is_bridge),
      .doc = "a bridge of another broker, with bit 7 of the protocol level set"}},
    {"keep-alive", "TIME",
     {"keep_alive", TABLE_DURATION, .fallback = "60s", RANGE(0, SECONDS(65535)),
      MEMBER(keep_alive_ms), .doc = "the keep alive, as in 60s; 0 is off (default: 60s)"}},
    {"clean", "true|false",
     {"clean", TABLE_BOOL, .fallback = "true", MEMBER(is_clean),
      .doc = "clean session, in 5.0 clean start (default: true)"}},
    {"session-expiry", "TIME",
     {"session_expiry", TABLE_DURATION, .fallback = "0", RANGE(0, SECONDS(UINT32_MAX)),
      MEMBER(session_expiry_ms), .doc = "the session expiry interval of 5.0 (default: 0)"}},
    {"will-topic", "TOPIC",
     {"will_topic", TABLE_TEXT, RANGE(0, 65535), MEMBER(will_topic),
      .doc = "the topic of the will (default: there is no will)"}},
    {"will-qos", "0|1|2",
     {"will_qos", TABLE_NUMBER, .fallback = "0", RANGE(0, 2), MEMBER(will_qos),
      .doc = "its quality of service (default: 0)"}},
    {"will-retain", "true|false",
     {"will_retain", TABLE_BOOL, .fallback = "false", MEMBER(will_retain),
      .doc = "whether it is to be retained (default: false)"}},
};
/* clang-format on */

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static_assert(FIELD_FAULT_SIZE == QUESTION_FAULT_SIZE && FILE_FAULT_SIZE == QUESTION_FAULT_SIZE,
              "faults of values and files are faults of questions");

const struct table_row *question_row(size_t index)
{
    return index < ROW_COUNT ? &rows[index].row : NULL;
}

const char *question_option(size_t index)
{
    return index < ROW_COUNT ? rows[index].option : NULL;
}

void question_describe(size_t index, FILE *stream)
{
    char option[64];
    snprintf(option, sizeof(option), "--%s %s", rows[index].option, rows[index].argument);
    /* An option that is longer than its column has a line of its own. */
    bool is_long = strlen(option) > HELP_COLUMN - 4;
    fprintf(stream, "  %-*s%s%s\n", is_long ? 0 : HELP_COLUMN - 2, option,
            is_long ? "\n                      " : "", rows[index].row.doc);
}

void question_init(struct question *question)
{
    char what[FIELD_FAULT_SIZE];
    *question = (struct question){.password = QUESTION_PASSWORD_UNSAID};
    for (size_t i = 0; i < ROW_COUNT; i++) {
        /* The defaults of this table are sound, and none of them takes memory. */
        (void)(rows[i].row.fallback != NULL &&
               field_put(&rows[i].row, question, rows[i].row.fallback, "", what));
    }
}

void question_deinit(struct question *question)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        field_release(&rows[i].row, question);
    }
    for (size_t i = 0; i < question->topic_count; i++) {
        free(question->topics[i].text);
    }
    free(question->topics);
    *question = (struct question){.password = QUESTION_PASSWORD_UNSAID};
}

/* A text that is set a second time replaces the first. */
static void forget(struct question *question, const struct table_row *row)
{
    char *none = NULL;
    if (row->type == TABLE_TEXT || row->type == TABLE_PATH) {
        field_release(row, question);
        memcpy((unsigned char *)question + row->offset, &none, sizeof(none));
    }
}

bool question_put(struct question *question, size_t index, const char *text, const char *folder,
                  char out_what[QUESTION_FAULT_SIZE])
{
    forget(question, &rows[index].row);
    return field_put(&rows[index].row, question, text, folder, out_what);
}

static bool is_topic(bool is_subscription, const char *text)
{
    struct slice topic = slice_from_text(text);
    struct slice filter;
    return is_subscription ? topic_unshare(topic, &filter) && topic_is_filter(filter)
                           : topic_is_name(topic);
}

bool question_add_topic(struct question *question, bool is_subscription, const char *text,
                        char out_what[QUESTION_FAULT_SIZE])
{
    if (!is_topic(is_subscription, text)) {
        snprintf(out_what, QUESTION_FAULT_SIZE, "\"%.80s\": expected a topic %s", text,
                 is_subscription ? "filter, as in a/+/c or a/#" : "name, without + and #");
        return false;
    }
    struct question_topic *topics =
        reallocarray(question->topics, question->topic_count + 1, sizeof(*topics));
    if (topics != NULL) {
        question->topics = topics;
        struct question_topic *topic = &topics[question->topic_count];
        *topic = (struct question_topic){is_subscription, strdup(text)};
        if (topic->text != NULL) {
            question->topic_count++;
            return true;
        }
    }
    snprintf(out_what, QUESTION_FAULT_SIZE, "not enough memory");
    return false;
}

static size_t index_of(const char *key)
{
    size_t index = 0;
    while (strcmp(rows[index].row.path, key) != 0) {
        index++;
    }
    return index;
}

const char *question_check(const struct question *question, size_t *out_index)
{
    struct address address;
    if (question->address != NULL && !address_parse(slice_from_text(question->address), &address)) {
        *out_index = index_of("address");
        return "not an address; write one as 192.168.10.7 or 2001:db8::7, without a port";
    }
    if (question->certificate_file != NULL && question->certificate != NULL) {
        *out_index = index_of("certificate");
        return "there is a certificate file already, which gives the name; keep one of the two";
    }
    if (question->issuer != NULL && question->certificate == NULL) {
        *out_index = index_of("issuer");
        return "an issuer belongs to the name that a certificate gave; write that too";
    }
    if (question->common_name != NULL && question->certificate == NULL) {
        *out_index = index_of("common_name");
        return "a common name belongs to the name that a certificate gave; write that too";
    }
    if (question_has_password(question) && question->username == NULL &&
        question->protocol != MQTT_VERSION_5_0) {
        *out_index = index_of("password");
        return "before MQTT 5.0 there is no password without a user name; write that too";
    }
    if (question->keep_alive_ms % 1000 != 0) {
        *out_index = index_of("keep_alive");
        return "a keep alive is a whole number of seconds";
    }
    if (question->session_expiry_ms > 0 && question->protocol != MQTT_VERSION_5_0) {
        *out_index = index_of("session_expiry");
        return "only MQTT 5.0 has a session expiry; write protocol 5.0 too";
    }
    if (question->session_expiry_ms % 1000 != 0) {
        *out_index = index_of("session_expiry");
        return "a session expiry is a whole number of seconds";
    }
    if ((question->will_qos > 0 || question->will_retain) && question->will_topic == NULL) {
        *out_index = index_of(question->will_qos > 0 ? "will_qos" : "will_retain");
        return "there is no will; write its topic too";
    }
    return NULL;
}

struct address question_address(const struct question *question)
{
    struct address address = {.family = ADDRESS_NONE};
    if (question->address == NULL || !address_parse(slice_from_text(question->address), &address)) {
        return (struct address){.family = ADDRESS_NONE};
    }
    return address;
}

bool question_read_certificate(const struct question *question, struct buffer *out_bytes,
                               char out_what[QUESTION_FAULT_SIZE])
{
    struct file_bytes bytes;
    if (!file_read(question->certificate_file, FILE_PUBLIC, &bytes, out_what)) {
        return false;
    }
    buffer_init(out_bytes, bytes.size);
    bool is_kept = buffer_append(out_bytes, file_slice(&bytes));
    file_bytes_deinit(&bytes);
    if (!is_kept) {
        snprintf(out_what, QUESTION_FAULT_SIZE, "not enough memory");
    }
    return is_kept;
}

static enum question_password password_of(const struct question *question)
{
    if (question->password == QUESTION_PASSWORD_UNSAID) {
        return question->username != NULL ? QUESTION_PASSWORD_RIGHT : QUESTION_PASSWORD_NONE;
    }
    return (enum question_password)question->password;
}

bool question_has_password(const struct question *question)
{
    return password_of(question) != QUESTION_PASSWORD_NONE;
}

bool question_is_password_right(const struct question *question)
{
    return password_of(question) == QUESTION_PASSWORD_RIGHT;
}
