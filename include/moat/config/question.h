/*
 * A client as somebody describes it: whom `moat explain` and `moat check --tests` ask about.
 *
 * One table of keys gives both the options of the command and the keys of the file.
 */
#ifndef MOAT_CONFIG_QUESTION_H
#define MOAT_CONFIG_QUESTION_H

#include <stdio.h>

#include "moat/base/address.h"

/* The password itself is never asked for: what counts is whether it would prove right. */
enum question_password {
    QUESTION_PASSWORD_UNSAID, /* right where there is a user name, else none */
    QUESTION_PASSWORD_NONE,
    QUESTION_PASSWORD_RIGHT,
    QUESTION_PASSWORD_WRONG,
};

/* A topic that the client would publish to or subscribe to once it is in. */
struct question_topic {
    bool is_subscription;
    char *text; /* a topic name; a topic filter, shared or not */
};

struct question {
    char *listener; /* NULL: the first */
    char *address;  /* numeric; NULL: not known, so that no network holds it */
    char *sni;      /* NULL: not sent */

    /* At most one of the two. NULL: no certificate. */
    char *certificate_file; /* PEM, read and verified as the listener would */
    char *certificate;      /* the name that a good certificate gave */
    char *common_name;      /* of the same; NULL: `certificate`, where that is the kind of name */
    char *issuer;           /* of `certificate`, RFC 4514; NULL: not known */

    uint8_t protocol; /* enum mqtt_version */
    bool is_bridge;
    bool is_clean;
    uint64_t keep_alive_ms;
    uint64_t session_expiry_ms;
    char *client_id; /* NULL: empty */
    char *username;  /* NULL: the field is not there */
    uint8_t password;
    char *will_topic; /* NULL: no will */
    uint8_t will_qos;
    bool will_retain;
    struct question_topic *topics;
    size_t topic_count;
};

#define QUESTION_FAULT_SIZE 512

/* Puts the defaults. */
void question_init(struct question *question);
void question_deinit(struct question *question);

/* The keys as options of the command line, without the dashes, by index from 0; NULL past the
 * last. */
const char *question_option(size_t index);
/* "NAME" or "right|wrong|none", and what the key means, for --help. */
void question_describe(size_t index, FILE *stream);

/* Sets a key to what the text says. Paths are joined with `folder`, which is "" or ends
 * with a slash. False, and what is wrong with the remedy, when it cannot have this value. */
bool question_put(struct question *question, size_t index, const char *text, const char *folder,
                  char out_what[QUESTION_FAULT_SIZE]) MOAT_MUST_CHECK;

/* Adds a topic. False, and what is wrong with the remedy, when MQTT knows no such topic. */
bool question_add_topic(struct question *question, bool is_subscription, const char *text,
                        char out_what[QUESTION_FAULT_SIZE]) MOAT_MUST_CHECK;

/* What does not fit together, as a static sentence, or NULL; *out_index is the key at fault. */
const char *question_check(const struct question *question, size_t *out_index) MOAT_MUST_CHECK;

/* The address in its form for the policy; of no family when none was given. */
struct address question_address(const struct question *question);

/* Reads the certificate file, which must be written, into an empty buffer that was not initialised.
 * False, and what is wrong with the remedy, when it cannot be read. */
bool question_read_certificate(const struct question *question, struct buffer *out_bytes,
                               char out_what[QUESTION_FAULT_SIZE]) MOAT_MUST_CHECK;

/* Whether a password field is in the CONNECT, and whether it proves right. */
bool question_has_password(const struct question *question);
bool question_is_password_right(const struct question *question);

#endif
