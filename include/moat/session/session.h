/*
 * One client's way through the house, from accept to close.
 *
 *     HANDSHAKE -> ADMIT -> AUTHORISE -> DIAL -> RELAY -> CLOSING
 *                       \______________/
 *                   (no password to check)
 *
 * Every state may go to CLOSING, and CLOSING goes nowhere but to free().
 *
 * Words used here:
 *   client      the peer that connected to us; always speaks TLS
 *   upstream    the broker we stand in front of; hears only what was admitted
 *   kept        the bytes from the client that are held until the upstream may have them:
 *               its CONNECT and what it sent behind it
 *   ended       a side has said its last byte (end of file, or a reset)
 *   broken      a write to a side failed; what is meant for it is dropped from now on
 *   linger      the short time in which a closed client may still read what we said last
 */
#ifndef MOAT_SESSION_SESSION_H
#define MOAT_SESSION_SESSION_H

#include "moat/config/snapshot.h"
#include "moat/guard/alarm.h"
#include "moat/guard/gauge.h"
#include "moat/guard/ledger.h"
#include "moat/guard/ownership.h"
#include "moat/guard/pace.h"
#include "moat/guard/quota.h"
#include "moat/guard/tally.h"
#include "moat/net/stream.h"
#include "moat/session/close_reason.h"
#include "moat/tls/conn.h"

struct session;

/* The answers of the ledger by which a connection is kept out. */
#define SESSION_KEPT_OUT LEDGER_WELCOME

/* What all workers of the process share; it outlives every snapshot. */
struct session_gauges {
    struct gauge connections; /* sessions admitted and not yet closed */
    struct gauge hashing;     /* password checks queued or running */
    struct ownership *ownership;
    struct quota *quota;
    struct gauge listeners[CONFIG_LISTENERS_MAX]; /* of `connections`, those by each listener */
    struct ledger *ledger;
    struct alarm failed_logins;               /* of all addresses */
    struct tally kept_out[SESSION_KEPT_OUT];  /* before TLS, by their address alone */
    struct pace refusals[CLOSE_REASON_COUNT]; /* lines of the log */
};

/* How many times something happened since it was last told. */
struct door_tally {
    uint64_t count;
    uint64_t told_ms;
};

/* Whether a worker accepts connections; see session/door.c. */
struct session_door {
    uv_timer_t timer;  /* looks again when time alone may have changed the answer */
    uint64_t retry_ms; /* the last wait for what was short; 0 once one was accepted again */
    int shortage;      /* libuv's code of what the process lacks, or 0 */
    bool is_shut;
    bool is_told; /* the log says that accepting is paused */
    uint64_t told_ms;
    struct session *oldest; /* list of strangers */
    struct session *youngest;
    size_t strangers;
    struct door_tally shed;
    struct door_tally turned_away;
};

/* Who waits for a step of its handshake; see session/turns.c. */
struct session_turns {
    uv_idle_t idle; /* runs while anybody waits */
    struct session *first;
    struct session *last;
};

/* What the sessions of one worker thread share. Only that thread touches it. */
struct session_worker {
    uv_loop_t *loop;
    struct net_scratch scratch; /* everything is read into this */
    uint8_t *plain;             /* what TLS made of it; SESSION_PLAIN_SIZE bytes */
    struct tls_output output;   /* what TLS wants sent */
    struct session_gauges *gauges;
    struct snapshot *snapshot; /* the one in force; the owner of the worker holds the reference */
    struct session *sessions;  /* list of those that live */
    size_t session_count;
    size_t session_limit; /* what the descriptors of this process allow for this worker */
    /* A client's descriptor from this number on is the reserve's; 0: there is no reserve. */
    int descriptor_ceiling;
    struct session_door door;
    struct session_turns turns;
    uint64_t next_id;
    uv_idle_t rejudge;            /* turns after a reload until all sessions have been judged */
    struct session *rejudge_next; /* of the list above */
    uv_timer_t sweep;             /* looks for certificates that have expired */
    void (*on_freed)(struct session_worker *worker); /* a session is gone */
    /* The listeners are to resume, or to pause. */
    void (*on_door)(struct session_worker *worker, bool is_open);
    void *owner;
};

/* How often certificates of live sessions are looked at. */
#define SESSION_SWEEP_MS 10000u

#define SESSION_SCRATCH_SIZE (64u * 1024)
#define SESSION_PLAIN_SIZE   (64u * 1024)
#define SESSION_OUTPUT_SIZE  (80u * 1024)

/* Allocates the buffers; loop, gauges, snapshot, session_limit, descriptor_ceiling and the
 * callbacks are the caller's to set. 0 or -1. */
int session_worker_init(struct session_worker *worker) MOAT_MUST_CHECK;
void session_worker_deinit(struct session_worker *worker);

/* True when this worker may take one more connection. */
static inline bool session_worker_has_room(const struct session_worker *worker)
{
    return worker->session_count < worker->session_limit &&
           worker->door.strangers < worker->snapshot->config->handshakes;
}

/* Takes over a descriptor that was accepted from `address`: makes a session of it, or closes it.
 * `index` says which of the snapshot's listeners it came by. The session holds its own reference
 * to the snapshot and frees itself. */
void session_accept(struct session_worker *worker, int descriptor, const struct address *address,
                    size_t index);

/* Accepting has failed with libuv's `code` for want of something: the door shuts for a while. */
void session_door_starved(struct session_worker *worker, int code);

/* Starts and stops what looks after sessions, before the first and after the last; four handles
 * on the worker's loop. */
void session_watch_start(struct session_worker *worker);
void session_watch_stop(struct session_worker *worker);

/* After worker->snapshot has changed: judges every session that relays by it, a few in each turn
 * of the loop. Those that may no longer be in are closed; the others do not notice. */
void session_rejudge_all(struct session_worker *worker);

/* Closes every session of the worker, those in 5.0 with a word of goodbye. */
void session_shut_down_all(struct session_worker *worker);

#endif
