/* From what the CONNECT parser and the policy found to the reason a session ends with. Pure. */
#ifndef MOAT_SESSION_REASON_OF_H
#define MOAT_SESSION_REASON_OF_H

#include "moat/mqtt/connect.h"
#include "moat/policy/policy.h"
#include "moat/session/close_reason.h"

/* Not for OK and MORE, which end nothing: these give CLOSE_INTERNAL_FAULT. */
enum close_reason close_reason_of_connect(enum mqtt_connect_status status);

/* Not for ALLOWED, which gives CLOSE_INTERNAL_FAULT. */
enum close_reason close_reason_of_policy(enum policy_reason reason);

#endif
