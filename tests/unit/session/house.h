/* One worker's sessions with everything around them: a listener, a TLS client and a broker, all
 * driven by the test's own thread. */
#ifndef TEST_SESSION_HOUSE_H
#define TEST_SESSION_HOUSE_H

#include "moat/net/listener.h"
#include "session/session_internal.h"

/* Parts of the configuration; NULL for what the house has anyway. */
struct house_plan {
    const char *rules;    /* default: bob by password, guests by their client identifier, a ban */
    const char *limits;   /* "connections: 1" */
    const char *timeouts; /* "connect: 100ms" */
    const char *upstream; /* "127.0.0.1:1"; default: the house's broker */
    bool silent;
};

struct house {
    uv_loop_t loop;
    struct session_gauges gauges;
    struct session_worker worker;
    struct net_listener listener;
    uint16_t port;
    struct snapshot *snapshot;
    int broker; /* listens */
    uint16_t broker_port;
    unsigned accepted;
    unsigned freed;
    unsigned pauses; /* of the listener */
    int log;
};

extern struct house house;

/* Every test begins and ends alike; in between it builds the house it wants. */
void house_begin(void);
void house_build(const struct house_plan *plan);
/* Expects that every session is gone, with all that it held. */
void house_leave(void);
void house_turn(void);
/* Runs until the condition holds; the test fails when it does not within five seconds. */
#define HOUSE_UNTIL(condition)                                                                     \
    for (int house_turns_ = 0; !(condition); house_turns_++) {                                     \
        cr_assert_lt(house_turns_, 25000, "never: " #condition);                                   \
        house_turn();                                                                              \
    }
/* Everything logged so far. */
const char *house_log(void);
/* Waits until no session is left and expects that the last one ended for this reason. */
void house_expect_reason(enum close_reason reason);
/* The youngest session. */
struct session *house_session(void);

/* Keeps the thread pool busy until house_free_pool(). */
void house_block_pool(void);
void house_free_pool(void);

#endif
