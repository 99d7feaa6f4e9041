#include "moat/session/close_reason.h"

#include <assert.h>

#define NONE CLOSE_CODE_NONE

/* label, text, level, CONNACK 3.x, CONNACK 5.0, DISCONNECT 5.0, form */
static const struct close_reason_row rows[] = {
    [CLOSE_TLS_FAILED] = {"tls_failed", "the TLS connection failed", LOG_INFO, NONE, NONE, NONE,
                          CLOSE_FORM_OWN},
    [CLOSE_HANDSHAKE_TIMEOUT] = {"handshake_timeout", "the TLS handshake took too long", LOG_INFO,
                                 NONE, NONE, NONE, CLOSE_FORM_OWN},
    [CLOSE_CONNECT_TIMEOUT] = {"connect_timeout", "no complete CONNECT came in time", LOG_INFO,
                               NONE, NONE, NONE, CLOSE_FORM_OWN},
    [CLOSE_NOT_CONNECT] = {"not_connect", "the first packet is not an MQTT CONNECT", LOG_INFO, NONE,
                           NONE, NONE, CLOSE_FORM_OWN},
    [CLOSE_CONNECT_MALFORMED] = {"connect_malformed", "the CONNECT packet is malformed", LOG_INFO,
                                 NONE, NONE, NONE, CLOSE_FORM_OWN},
    [CLOSE_CONNECT_TOO_LARGE] = {"connect_too_large", "the CONNECT packet exceeds a limit",
                                 LOG_INFO, NONE, NONE, NONE, CLOSE_FORM_OWN},
    [CLOSE_PROTOCOL_NAME] = {"protocol_name", "the protocol name is neither MQTT nor MQIsdp",
                             LOG_INFO, NONE, NONE, NONE, CLOSE_FORM_OWN},
    [CLOSE_PROTOCOL_LEVEL] = {"protocol_level", "the protocol level is unknown or not its name's",
                              LOG_INFO, 0x01, 0x01, NONE, CLOSE_FORM_V3},
    [CLOSE_AUTHENTICATION_METHOD] = {"authentication_method",
                                     "extended authentication is not supported", LOG_INFO, NONE,
                                     0x8C, NONE, CLOSE_FORM_OWN},
    [CLOSE_CLIENT_ID] = {"client_id", "the client identifier is not permitted", LOG_INFO, 0x02,
                         0x85, NONE, CLOSE_FORM_OWN},
    [CLOSE_USERNAME] = {"username", "the user name is not permitted", LOG_INFO, 0x04, 0x86, NONE,
                        CLOSE_FORM_OWN},
    [CLOSE_WILL_TOPIC] = {"will_topic", "the will topic is not permitted", LOG_INFO, 0x05, 0x90,
                          NONE, CLOSE_FORM_OWN},
    [CLOSE_NO_RULE] = {"no_rule", "no rule of the policy matches", LOG_INFO, 0x05, 0x87, NONE,
                       CLOSE_FORM_OWN},
    [CLOSE_RULE_DENIES] = {"rule_denies", "a rule of the policy denies", LOG_INFO, 0x05, 0x87, NONE,
                           CLOSE_FORM_OWN},
    [CLOSE_FACTOR_MISSING] = {"factor_missing", "the rule requires proof that is not there",
                              LOG_INFO, 0x05, 0x87, NONE, CLOSE_FORM_OWN},
    [CLOSE_BAD_CREDENTIALS] = {"bad_credentials", "user name and password do not prove right",
                               LOG_INFO, 0x04, 0x86, NONE, CLOSE_FORM_OWN},
    [CLOSE_BUSY] = {"busy", "too many password checks are under way", LOG_WARNING, 0x03, 0x89, NONE,
                    CLOSE_FORM_OWN},
    [CLOSE_FULL] = {"full", "the gateway has as many sessions as it may", LOG_WARNING, 0x03, 0x89,
                    NONE, CLOSE_FORM_OWN},
    [CLOSE_UPSTREAM_DOWN] = {"upstream_down", "the upstream broker cannot be reached", LOG_ERROR,
                             0x03, 0x88, NONE, CLOSE_FORM_OWN},
    [CLOSE_UPSTREAM_TIMEOUT] = {"upstream_timeout", "the upstream broker took too long to accept",
                                LOG_ERROR, 0x03, 0x88, NONE, CLOSE_FORM_OWN},
    [CLOSE_CLIENT_ENDED] = {"client_ended", "the client closed the connection", LOG_INFO, NONE,
                            NONE, NONE, CLOSE_FORM_OWN},
    [CLOSE_CLIENT_LOST] = {"client_lost", "the connection to the client broke", LOG_INFO, NONE,
                           NONE, NONE, CLOSE_FORM_OWN},
    [CLOSE_UPSTREAM_ENDED] = {"upstream_ended", "the upstream broker closed the connection",
                              LOG_INFO, NONE, NONE, NONE, CLOSE_FORM_OWN},
    [CLOSE_UPSTREAM_LOST] = {"upstream_lost", "the connection to the upstream broker broke",
                             LOG_WARNING, NONE, NONE, NONE, CLOSE_FORM_OWN},
    [CLOSE_SECOND_CONNECT] = {"second_connect", "the client sent a second CONNECT", LOG_WARNING,
                              NONE, NONE, 0x82, CLOSE_FORM_OWN},
    [CLOSE_PACKET_NOT_ALLOWED] = {"packet_not_allowed",
                                  "the client sent a packet that a client may not send",
                                  LOG_WARNING, NONE, NONE, 0x82, CLOSE_FORM_OWN},
    [CLOSE_PACKET_MALFORMED] = {"packet_malformed", "the client sent a malformed packet",
                                LOG_WARNING, NONE, NONE, 0x81, CLOSE_FORM_OWN},
    [CLOSE_UPSTREAM_PACKET] = {"upstream_packet", "the upstream sent what no MQTT broker may send",
                               LOG_ERROR, NONE, NONE, NONE, CLOSE_FORM_OWN},
    [CLOSE_SHUTTING_DOWN] = {"shutting_down", "the gateway is shutting down", LOG_INFO, 0x03, 0x88,
                             0x8B, CLOSE_FORM_OWN},
    [CLOSE_NO_MEMORY] = {"no_memory", "there is not enough memory", LOG_ERROR, 0x03, 0x89, 0x97,
                         CLOSE_FORM_OWN},
    [CLOSE_INTERNAL_FAULT] = {"internal_fault", "a fault in the gateway; please report it",
                              LOG_ERROR, NONE, NONE, NONE, CLOSE_FORM_OWN},
};

static_assert(sizeof rows / sizeof rows[0] == CLOSE_REASON_COUNT, "every reason has its row");

const struct close_reason_row *close_reason_row(enum close_reason reason)
{
    return &rows[reason];
}
