/*
 * How the gate is, for whoever supervises it: does it live, and may clients be sent to it.
 *
 *   live    every loop turns; where one does not, only a restart helps
 *   ready   it lives, its listeners are up, and it is not draining
 */
#ifndef MOAT_APP_HEALTH_INTERNAL_H
#define MOAT_APP_HEALTH_INTERNAL_H

#include "worker_internal.h"

struct health {
    const struct worker *workers;
    size_t worker_count;
    bool is_listening;
    bool is_draining;
};

#define HEALTH_TEXT_SIZE 128u

/* Each writes a line for people, with its newline. `now_ms` is clock_monotonic_ms(). */
bool health_is_live(const struct health *health, uint64_t now_ms, char out_text[HEALTH_TEXT_SIZE]);
bool health_is_ready(const struct health *health, uint64_t now_ms, char out_text[HEALTH_TEXT_SIZE]);

#endif
