/* How many descriptors the process may have, and who may have them. */
#ifndef MOAT_APP_DESCRIPTORS_INTERNAL_H
#define MOAT_APP_DESCRIPTORS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "moat/base/bytes.h"

/* Clients leave these alone, so that those who are in can be connected to the broker and files can
 * be read: half of what there is for clients, if that is less. */
#define DESCRIPTORS_RESERVE 64u
/* With fewer for clients and the reserve together there is no serving anybody. */
#define DESCRIPTORS_FOR_CLIENTS_MIN 64u

struct descriptor_plan {
    size_t connections; /* limits.connections */
    size_t handshakes;  /* limits.handshakes, of each worker */
    size_t workers;     /* at least 1 */
    size_t addresses;   /* that each worker listens on */
};

/* What each worker may have. */
struct descriptor_share {
    size_t sessions; /* at least 1 */
    int ceiling;     /* numbers from here on are the reserve's */
};

/* Asks the kernel for as many descriptors as the plan needs, and returns how many there are. */
size_t descriptors_raise(const struct descriptor_plan *plan) MOAT_MUST_CHECK;

/* The fewest descriptors that the plan can be served with. */
size_t descriptors_minimum(const struct descriptor_plan *plan) MOAT_MUST_CHECK;

/* Divides `limit` descriptors, at least the minimum. Pure. */
struct descriptor_share descriptors_divide(const struct descriptor_plan *plan,
                                           size_t limit) MOAT_MUST_CHECK;

/* Held for a reload, which must be able to read files when clients have taken every descriptor. */
#define DESCRIPTORS_SPARE 4

struct descriptor_spares {
    int numbers[DESCRIPTORS_SPARE]; /* -1 where none could be had */
};

/* Copies of `open`: no file is opened for them, which a sandbox might not allow. */
void descriptors_take_spares(struct descriptor_spares *spares, int open);
void descriptors_free_spares(struct descriptor_spares *spares);

#endif
