/*
 * A stand-in for libuv, without a kernel: what net/ and session/ call of it, and functions by which
 * a test plays the network, the clock and the thread pool. Everything happens in loop_turn(), in an
 * order that only depends on what was asked for, so one input always leads to the same run.
 *
 * A program that links this does not link libuv: a function of libuv that is missing here is missed
 * by the linker, and is to be added.
 */
#ifndef MOAT_TESTS_FUZZ_LOOP_H
#define MOAT_TESTS_FUZZ_LOOP_H

#include <uv.h>

#include "moat/base/bytes.h"

/* One end of a connection, as the network sees the stream that the program holds. */
struct pipe_end {
    uv_stream_t *stream; /* NULL once it was closed */
    bool is_connected;
    struct buffer incoming; /* that the program has not read yet */
    bool has_incoming_end;  /* behind it: end of file, or a failure */
    int incoming_end;       /* 0 or libuv's code */
    unsigned ends_read;     /* how often the program was told */
    struct buffer outgoing; /* that the program has written; the test takes it away */
    size_t outgoing_total;  /* bytes since it was opened */
    bool has_outgoing_end;
    size_t window;   /* bytes that the kernel takes before it refuses */
    int write_fault; /* libuv's code for all writes from now on; 0 for none */
};

/* The loop's time starts again at `now_ms`, and nothing is left of an earlier run. */
void loop_reset(uint64_t now_ms);
void loop_advance(uint64_t milliseconds);

/* Timers, reads, writes, what the test has decided, and close callbacks: once around. */
void loop_turn(void);

/* Lets the next job of the thread pool run; it is reported in the next turn. */
void loop_run_job(void);

/* Answers the connect of a stream with 0 or libuv's code. True when there was one. */
bool loop_answer_connect(struct pipe_end *end, int status);

/* The network's end of a handle; NULL when it is none of a stream. */
struct pipe_end *loop_end_of(const void *handle);

/* Handles and requests that are not closed and not reported. */
size_t loop_live(void);

#endif
