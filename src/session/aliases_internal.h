/* Which topic aliases a client has set. What they stand for was judged when it was set. */
#ifndef MOAT_SESSION_ALIASES_INTERNAL_H
#define MOAT_SESSION_ALIASES_INTERNAL_H

#include "moat/base/bytes.h"

/* Zeroed, it is empty and holds no memory; it grows to 8 KiB at most. */
struct alias_set {
    uint8_t *bits;
    size_t size; /* bytes */
};

bool alias_set_has(const struct alias_set *set, uint16_t alias) MOAT_MUST_CHECK;

/* False without memory. */
bool alias_set_add(struct alias_set *set, uint16_t alias) MOAT_MUST_CHECK;

void alias_set_deinit(struct alias_set *set);

#endif
