/* What the policy is told of a client: its connection, its certificate and its CONNECT. Pure. */
#ifndef MOAT_SESSION_FACTS_H
#define MOAT_SESSION_FACTS_H

#include "moat/mqtt/connect.h"
#include "moat/policy/policy.h"
#include "moat/tls/conn.h"

/* The facts borrow from all that is given. `listener` is its name. */
struct policy_facts session_facts(const char *listener, const struct address *address,
                                  const struct tls_peer *peer, const struct mqtt_connect *connect);

#endif
