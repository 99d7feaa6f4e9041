/* What the files of session/ share and nobody else knows. */
#ifndef MOAT_SESSION_INTERNAL_H
#define MOAT_SESSION_INTERNAL_H

#include "moat/mqtt/connack.h"
#include "moat/mqtt/connect.h"
#include "moat/mqtt/frame.h"
#include "moat/net/dial.h"
#include "moat/session/close_reason.h"
#include "moat/session/session.h"

enum session_state {
    SESSION_HANDSHAKE,
    SESSION_ADMIT,
    SESSION_AUTHORISE,
    SESSION_DIAL,
    SESSION_RELAY,
    SESSION_CLOSING,
    SESSION_STATES,
};

enum session_event {
    EVENT_CLIENT_DATA,    /* bytes: ciphertext */
    EVENT_CLIENT_END,     /* status: 0 or libuv's code */
    EVENT_CLIENT_DRAINED, /* the client has taken all that was queued for it */
    EVENT_CLIENT_BROKEN,  /* a write to the client failed */
    EVENT_VERDICT,        /* status: 0 when the password is right; see authorise.c */
    EVENT_DIALLED,        /* status: 0 when the upstream is connected */
    EVENT_UPSTREAM_DATA,  /* bytes */
    EVENT_UPSTREAM_END,   /* status */
    EVENT_UPSTREAM_DRAINED,
    EVENT_UPSTREAM_BROKEN,
    EVENT_DEADLINE,
    SESSION_EVENTS,
};

struct session_input {
    struct slice bytes;
    int status;
};

/* Pipelined bytes that are held behind a CONNECT until the upstream may have them. */
#define SESSION_HOLD_MAX 16384u
/* One read before the relay; a stranger gets no more of our time at once. */
#define SESSION_READ_EARLY 4096u
/* One read while relaying. What the kernel then refuses on the other side is at most what
 * one read brought, so these keep each direction within 64 KiB: a client's read may
 * complete a record of 16 KiB that began before, an upstream's read grows by the
 * overhead of its records. */
#define SESSION_READ_CLIENT   (SESSION_PLAIN_SIZE - TLS_RECORD_MAX - 1024u)
#define SESSION_READ_UPSTREAM (SESSION_SCRATCH_SIZE - 1024u)
/* A refused client has this long to read the answer and close; then we do. */
#define SESSION_LINGER_MS 500u
/* One side has ended; the other has this long to follow. */
#define SESSION_HALF_CLOSED_MS 30000u

/* A stranger is not sent away for a newcomer before it had this long. */
#define DOOR_PATIENCE_MS 1000u
/* What is short is looked for again after this long, then after twice that, ... */
#define DOOR_RETRY_MIN_MS 100u
#define DOOR_RETRY_MAX_MS 1000u
/* So many descriptors must be free beside the reserve before the door opens again. */
#define DOOR_SLACK 16
/* Handshakes that go one step on in each turn of the loop. */
#define TURNS_EACH 4u

struct login_job;
struct topics;
struct session_claim;

/* What is needed only until the relay begins. */
struct admission {
    struct buffer kept;
    struct mqtt_connect connect; /* slices into `kept`, valid until it grows: see admit.c */
    struct mqtt_fault fault;
    bool is_parsed;
    struct net_dial dial;
    struct login_job *login;   /* under way on the thread pool, or NULL */
    bool is_password_observed; /* a wrong password is logged, and the client let in */
};

/* What one side has taken, to see whether it takes anything at all. */
struct session_stall {
    uint64_t taken; /* net_stream_taken() when it last changed */
    uint64_t since_ms;
};

/* How long a relaying session may wait for what; see watch.c. Times are the loop's. */
struct session_watch {
    uint64_t begun_ms; /* the relay */
    uint64_t heard_ms; /* the client's last bytes */
    struct session_stall client;
    struct session_stall upstream;
    struct mqtt_connack connack;
    bool has_connack;
    bool is_second_look; /* a limit has passed; what waits in the kernel is read first */
    uint16_t keep_alive; /* seconds; 0 for none */
};

struct session {
    struct session_worker *worker;
    struct session *previous;
    struct session *next;
    struct snapshot *snapshot;
    size_t listener; /* index into the snapshot's listeners */
    uint64_t id;
    uint64_t started_ms;
    enum session_state state;
    unsigned pending; /* libuv callbacks that will still come: open handles, pool work */

    struct net_stream client;
    struct net_stream upstream;
    uv_timer_t deadline;
    struct tls_conn tls;
    struct tls_peer peer;
    struct address address;
    struct admission *admission;   /* NULL once relaying */
    struct ownership_claim *owned; /* these two: NULL when there is none to be given back */
    struct quota_account *account;
    struct ledger_place place;       /* of its address, until it is admitted */
    struct ledger_identity identity; /* who it has proven to be, if it has */
    bool has_identity;

    bool is_stranger;      /* in the list of the door: */
    struct session *older; /* NULL at its ends */
    struct session *younger;
    bool awaits_turn;            /* in the line of the worker's turns: */
    struct session *turn_before; /* NULL at its ends */
    struct session *turn_after;

    bool is_counted;  /* holds a place of gauges->connections and of its listener's */
    bool is_admitted; /* the decision was logged: admitted */
    bool client_has_ended;
    bool client_is_broken;
    bool upstream_has_ended;
    bool upstream_is_broken;
    bool is_ending;               /* one side has ended or is broken; the deadline is that wait's */
    enum close_reason end_reason; /* who ended first, once one has */

    uint8_t version;            /* enum mqtt_version; 0 until CONNECT was read that far */
    uint32_t client_packet_max; /* Maximum Packet Size of a 5.0 client, in bytes */
    char *client_id;            /* for the log; NULL until CONNECT was read */
    char *username;
    const char *rule;                  /* owned by the snapshot's policy, as the next */
    const struct policy_rule *decider; /* NULL when no rule decided */
    struct session_claim *claim;       /* what CONNECT said; NULL until it was read */
    bool is_proven;                    /* the user name, by its password */
    bool observes;                     /* what it does against its rule is logged, no more */
    bool observes_names; /* even whose client identifier it takes: the whole policy observes */
    bool was_let_off;    /* it got what was only observed, and no later verdict can take back */
    bool is_bridge;
    struct topics *topics; /* NULL unless the rule has topic lists; see topics.c */
    struct mqtt_frame_walker from_client;
    struct mqtt_frame_walker from_upstream;
    struct session_watch watch;
    uint64_t client_bytes; /* MQTT bytes from the client that were passed on */
    uint64_t upstream_bytes;
};

/* session.c */
static inline const struct config *session_config(const struct session *session)
{
    return session->snapshot->config;
}
/* The only function that changes state. `deadline_ms` from now; 0 for none. */
void session_enter(struct session *session, enum session_state state, uint64_t deadline_ms);
void session_set_deadline(struct session *session, uint64_t deadline_ms);
void session_dispatch(struct session *session, enum session_event event,
                      struct session_input input);
/* One callback less is due; frees the session after the last. */
void session_release(struct session *session);
/* Starts or stops reading both sides as state and queues ask for it. */
void session_update_reading(struct session *session);
/* Sends what TLS wrote. False when the session is closing now because the client is gone. */
bool session_flush(struct session *session);
/* A cell of the state table that cannot happen. */
void session_impossible(struct session *session, const struct session_input *input);

/* welcome.c: whether a connection from `address` may become a session, which then owns the place
 * and gives it back. */
bool welcome_address(struct session_worker *worker, const struct address *address,
                     struct ledger_place *out_place) MOAT_MUST_CHECK;
bool welcome_is_trusted(const struct snapshot *snapshot,
                        const struct address *address) MOAT_MUST_CHECK;
/* Now and then: tells what was only counted. */
void welcome_sweep(struct session_worker *worker);

/* blame.c: the client failed to prove what it claims; `reason` is one word for the log. */
void blame_address(const struct session *session, const char *reason);
/* Its address was banned since it came. */
bool blame_has_banned(const struct session *session) MOAT_MUST_CHECK;
/* The session ends for this reason, which may be a breach of its identity's. */
void blame_identity(const struct session *session, enum close_reason reason);

/* door.c */
void door_start(struct session_worker *worker);
void door_stop(struct session_worker *worker);
/* Opens or shuts the door as all that counts says now. */
void door_review(struct session_worker *worker);
/* The session's state has changed: it is a stranger now, or no longer. */
void door_note(struct session *session);
/* For one more session, by sending a stranger away if need be. False: there is none. */
bool door_make_room(struct session_worker *worker) MOAT_MUST_CHECK;
/* A session was made of this descriptor. */
void door_took(struct session_worker *worker, int descriptor);
/* True for a descriptor that shows how few are left. */
bool door_is_reserve(const struct session_worker *worker, int descriptor);
/* Now and then: tells what was only counted. */
void door_sweep(struct session_worker *worker);

/* turns.c. A session waits once, whatever the number of calls, and leaves when it ends. */
void turns_start(struct session_worker *worker);
void turns_stop(struct session_worker *worker);
void turns_join(struct session *session);
void turns_leave(struct session *session);

/* The rooms: what each state does with each event it knows. */
void handshake_on_client_data(struct session *session, const struct session_input *input);
/* One step on with what was kept: it is this session's turn. */
void handshake_step(struct session *session);

void admit_enter(struct session *session);
void admit_on_client_data(struct session *session, const struct session_input *input);
void admit_on_client_end(struct session *session, const struct session_input *input);
/* While the verdict and the upstream are awaited: keeps what comes, within bounds. */
void admit_hold_client_data(struct session *session, const struct session_input *input);
void admit_hold_client_end(struct session *session, const struct session_input *input);
void admit_free(struct session *session);

void authorise_enter(struct session *session);
void authorise_on_verdict(struct session *session, const struct session_input *input);
void authorise_cancel(struct session *session);

/* Whether the client identifier and a place are to be had. `is_name_proven`: this client, and not
 * only its rule, speaks for the user name. */
void own_enter(struct session *session, bool is_name_proven);
/* Gives back what it holds; once the upstream has ended, and again to no effect. */
void own_release(struct session *session);

void dial_enter(struct session *session);
void dial_on_done(struct session *session, const struct session_input *input);
void dial_cancel(struct session *session);

void relay_enter(struct session *session);
void relay_on_client_data(struct session *session, const struct session_input *input);
void relay_on_client_end(struct session *session, const struct session_input *input);
void relay_on_client_broken(struct session *session, const struct session_input *input);
void relay_on_upstream_data(struct session *session, const struct session_input *input);
void relay_on_upstream_end(struct session *session, const struct session_input *input);
void relay_on_upstream_broken(struct session *session, const struct session_input *input);
void relay_on_drained(struct session *session, const struct session_input *input);
/* Passes on what was judged, or needs no judging. Never closes the session. */
void relay_to_upstream(struct session *session, struct slice bytes);

/* watch.c: the limits of a relaying session, all on its one timer. */
void watch_start(struct session *session);
/* Reads the broker's CONNACK in what it said. NULL, or what is wrong with it: nothing of `bytes`
 * may pass then. */
const char *watch_read_connack(struct session *session, struct slice bytes) MOAT_MUST_CHECK;
/* The client lives. */
static inline void watch_heard(struct session *session)
{
    session->watch.heard_ms = uv_now(session->worker->loop);
}
/* After writes: something may be queued for a side now. */
void watch_queues(struct session *session);
void watch_on_deadline(struct session *session, const struct session_input *input);

/* topics.c: takes up the topic lists of session->decider, if it has any. False without memory. */
bool topics_enter(struct session *session) MOAT_MUST_CHECK;
/* Judges what a client sends behind CONNECT, and passes on what it may. False when the session is
 * closing now. For a session with topics. */
bool topics_pass(struct session *session, struct slice bytes) MOAT_MUST_CHECK;
/* After session->decider was changed by a reload: NULL, or why the session cannot go on (unless
 * that is only observed). */
const char *topics_renew(struct session *session) MOAT_MUST_CHECK;
void topics_free(struct session *session);

/* rejudge.c: keeps what a later verdict needs of the CONNECT that was just read, whose slices are
 * still good. False without memory. */
bool rejudge_remember(struct session *session) MOAT_MUST_CHECK;
/* Judges a session by the worker's snapshot if an older one has let it in. False when it is
 * closing now. */
bool rejudge_if_outdated(struct session *session) MOAT_MUST_CHECK;

/* Makes what the verdict says the session's: rule, mode, limits. */
void relay_use_verdict(struct session *session, const struct policy_verdict *verdict);

/* The one exit. `detail` is a text for the log, borrowed for the call, or NULL. */
void session_close(struct session *session, enum close_reason reason, const char *detail);
/* The code that session_close() would send now; CLOSE_CODE_NONE for none. */
int close_code(const struct session *session, enum close_reason reason);
void close_on_client_data(struct session *session, const struct session_input *input);
void close_on_client_end(struct session *session, const struct session_input *input);
void close_on_client_drained(struct session *session, const struct session_input *input);
void close_on_deadline(struct session *session, const struct session_input *input);
void close_ignore(struct session *session, const struct session_input *input);

/* report.c: one line for the decision, one for the end. */
void report_admitted(struct session *session);
/* Client identifier, user name and certificate, as far as they are known. */
void report_put_names(struct log_line *line, const struct session *session);
/* What would have been refused or ended, and was not: the policy or the rule observes. */
void report_observed(struct session *session, enum close_reason reason, const char *detail);
void report_closed(struct session *session, enum close_reason reason, const char *detail, int code);
/* Tells, once in a while, of refusals that log.refusals kept out of the log. */
void report_suppressed(struct session_worker *worker);

#endif
