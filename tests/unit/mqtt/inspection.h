/* A caller of the inspector as the session is one, that writes down what it is asked. */
#ifndef MOAT_TESTS_INSPECTION_H
#define MOAT_TESTS_INSPECTION_H

#include "moat/mqtt/inspect.h"

#define TRACE_SIZE 16384

struct reading {
    struct mqtt_inspector inspector;
    struct buffer held;
    struct buffer passed;
    size_t held_most;
    enum mqtt_inspect_status status; /* OK or MALFORMED */
    char trace[TRACE_SIZE];          /* "publish a/b, set 1" */
    size_t traced;
};

void reading_init(struct reading *reading, enum mqtt_version version);
void reading_deinit(struct reading *reading);

/* Adds what the element asks for to the trace. */
void trace_element(struct reading *reading, const struct mqtt_element *element);

/* Keeps what is not enough, lets pass what is, and checks what must hold for any input. */
void bring(struct reading *reading, struct slice bytes);

/* What passed is always the beginning of what came. */
void expect_untouched(const struct reading *reading, struct slice bytes);

#endif
