/*
 * Why a session ended: the one table of reasons and of the codes that go with them.
 * No other file knows a CONNACK or DISCONNECT code.
 */
#ifndef MOAT_SESSION_CLOSE_REASON_H
#define MOAT_SESSION_CLOSE_REASON_H

#include <stdint.h>

#include "moat/base/log.h"

enum close_reason {
    /* before and during the handshake */
    CLOSE_TLS_FAILED,
    CLOSE_HANDSHAKE_TIMEOUT,
    /* CONNECT as a packet */
    CLOSE_CONNECT_TIMEOUT,
    CLOSE_NOT_CONNECT,
    CLOSE_CONNECT_MALFORMED,
    CLOSE_CONNECT_TOO_LARGE,
    CLOSE_PROTOCOL_NAME,
    CLOSE_PROTOCOL_LEVEL,
    CLOSE_AUTHENTICATION_METHOD,
    /* the verdict */
    CLOSE_CLIENT_ID,
    CLOSE_USERNAME,
    CLOSE_WILL_TOPIC,
    CLOSE_BIND_CLIENT_ID,
    CLOSE_BIND_USERNAME,
    CLOSE_CLIENT_ID_LIMIT,
    CLOSE_PROTOCOL_NOT_ALLOWED,
    CLOSE_BRIDGE,
    CLOSE_KEEP_ALIVE,
    CLOSE_CLEAN_SESSION,
    CLOSE_WILL_NOT_ALLOWED,
    CLOSE_WILL_QOS,
    CLOSE_WILL_RETAIN,
    CLOSE_NO_RULE,
    CLOSE_RULE_DENIES,
    CLOSE_FACTOR_MISSING,
    CLOSE_BAD_CREDENTIALS,
    CLOSE_BANNED,
    CLOSE_TOO_FAST,
    CLOSE_CLIENT_ID_OWNED,
    CLOSE_QUOTA,
    CLOSE_BUSY,
    CLOSE_FULL,
    CLOSE_UPSTREAM_DOWN,
    CLOSE_UPSTREAM_TIMEOUT,
    /* while relaying */
    CLOSE_CLIENT_ENDED,
    CLOSE_CLIENT_LOST,
    CLOSE_UPSTREAM_ENDED,
    CLOSE_UPSTREAM_LOST,
    CLOSE_SECOND_CONNECT,
    CLOSE_PACKET_NOT_ALLOWED,
    CLOSE_PACKET_MALFORMED,
    CLOSE_PACKET_TOO_LARGE,
    CLOSE_TOPIC_DENIED,
    CLOSE_UPSTREAM_PACKET,
    CLOSE_KEEP_ALIVE_EXPIRED,
    CLOSE_CLIENT_STALLED,
    CLOSE_UPSTREAM_STALLED,
    CLOSE_NO_LONGER_PERMITTED,
    CLOSE_CERTIFICATE_EXPIRED,
    /* the gate itself */
    CLOSE_SHED,
    CLOSE_SHUTTING_DOWN,
    CLOSE_NO_MEMORY,
    CLOSE_INTERNAL_FAULT,

    CLOSE_REASON_COUNT,
};

/* A code that is not sent. */
#define CLOSE_CODE_NONE (-1)

/* How a CONNACK for 5.0 is written. */
enum close_form {
    CLOSE_FORM_OWN, /* the form of the client's own version */
    CLOSE_FORM_V3,  /* always 20 02 00 rc: the version is not known */
};

struct close_reason_row {
    const char *label; /* one word for logs and metrics */
    const char *text;  /* for people */
    enum log_level level;
    int16_t code_v3;    /* CONNACK return code of 3.1 and 3.1.1, until the broker has answered */
    int16_t code_v5;    /* CONNACK reason code of 5.0 */
    int16_t disconnect; /* DISCONNECT reason code of 5.0, once relaying */
    enum close_form form;
};

const struct close_reason_row *close_reason_row(enum close_reason reason);

#endif
