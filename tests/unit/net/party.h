/* A stream under test that remembers what happened to it, and a bare socket at its other end. */
#ifndef TEST_NET_PARTY_H
#define TEST_NET_PARTY_H

#include "moat/base/address.h"
#include "moat/net/stream.h"

#define PARTY_SCRATCH_SIZE 65536u
#define PARTY_RECEIVED_MAX (8u << 20)

struct party {
    struct net_stream stream;
    uint8_t *received;
    size_t received_size;
    size_t largest_read;
    unsigned ends;
    int end_status;
    unsigned drains;
    unsigned failures;
    int failure_status;
    unsigned closes;
    bool closes_on_data;
};

extern const struct net_stream_events party_events;
extern const struct net_scratch party_scratch;

/* The loop of the test; the end closes it and expects that nothing was left in it. */
extern uv_loop_t party_loop;
void party_set_up(void);
void party_tear_down(void);

void party_init(struct party *party, bool is_unix);
/* Runs the loop until it has no more to do (true) or five seconds have passed. */
bool party_run_out(void);
/* Runs the loop until *what is not 0, five seconds at most. */
bool party_run_until(const unsigned *what);
/* Runs the loop until so many bytes were received, five seconds at most. */
bool party_run_until_received(const struct party *party, size_t size);
void party_run_a_little(void);
void party_close(struct party *party);

/* A connected pair: the party, and the descriptor of its other end (not blocking). */
int party_connect_tcp(struct party *party);
int party_connect_unix(struct party *party);

/* Bare sockets. */
int bare_listen(const char *host, uint16_t port, int backlog, uint16_t *out_port);
int bare_connect(uint16_t port);
/* Closes with a reset instead of an end of file. */
void bare_reset(int descriptor);
size_t bare_open_descriptors(void);

#endif
