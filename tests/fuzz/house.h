/* One worker's sessions between a network, a clock and a pool that the fuzzer plays. */
#ifndef MOAT_TESTS_FUZZ_HOUSE_H
#define MOAT_TESTS_FUZZ_HOUSE_H

#include <openssl/ssl.h>

#include "loop.h"
#include "session/session_internal.h"

/* Two configurations between which a reload switches. */
#define HOUSE_SNAPSHOTS 2

struct house {
    uv_loop_t loop; /* an address, nothing more */
    struct session_gauges gauges;
    struct session_worker worker;
    struct snapshot *snapshots[HOUSE_SNAPSHOTS];
    size_t current;
    size_t entered;
    size_t freed;
};

extern struct house house;

/* Ready for one input; what costs time is made once. */
void house_open(void);
/* Everything that was taken must have been given back. */
void house_close(void);
void house_reload(void);

/* Whether a client with this CONNECT may come in under one of the configurations. Written apart
 * from the policy. */
bool house_permits(const struct mqtt_connect *connect);

/* A client: what it said and heard in TLS, and what the broker heard and said for it. */
struct guest {
    bool is_there;
    uint64_t id;             /* of its session */
    struct session *session; /* NULL once it is gone */
    SSL *ssl;
    BIO *heard_wire;
    BIO *said_wire;
    struct buffer on_the_way; /* ciphertext that has not been delivered */
    struct buffer said;
    struct buffer heard;
    struct buffer upstream_said;
    struct buffer upstream_heard;
    bool is_forged;    /* bytes were sent that did not come from its TLS */
    bool is_disturbed; /* a side was ended, broken or slow: not all need arrive */
};

void guest_enter(struct guest *guest);
/* After the loop has turned: takes what was written, and lets the client read it. */
void guest_collect(struct guest *guest);
void guest_say(struct guest *guest, struct slice plaintext);
/* Passes up to `size` bytes of what is on the way. */
void guest_deliver(struct guest *guest, size_t size);
void guest_forget(struct guest *guest);

struct pipe_end *guest_end(const struct guest *guest);
/* NULL as long as nobody has dialled. */
struct pipe_end *guest_upstream_end(const struct guest *guest);

#endif
