/* Time that passes in a relaying session, by moving back what it has noted. */
#ifndef TEST_SESSION_PASSING_H
#define TEST_SESSION_PASSING_H

#include "visitor.h"

/* timeouts.stall and upstream.connack_timeout, unless configured. */
#define STALL_MS   60000u
#define CONNACK_MS 10000u

void turn_a_little(void);
/* As if the session had begun, and all had happened in it, so much earlier; the timer fires. */
void let_pass(uint64_t ms);
/* The session relays. */
void expect_alive(void);
/* The client hears this and the end, the broker the end without a DISCONNECT: the will fires. */
void expect_cut(struct device *device, int broker, struct slice goodbye, enum close_reason reason);

/* A client whose CONNECT has reached the broker; returns the broker's connection. */
int awaiting_connack(struct device *device, struct packet connect);
/* And whose broker has answered so. */
int relaying_with(struct device *device, struct packet connect, struct slice answer);

#endif
