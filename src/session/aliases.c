#include "aliases_internal.h"

#include <stdlib.h>

/* 512 aliases: more than most brokers allow in all. */
#define GROWTH 64u

bool alias_set_has(const struct alias_set *set, uint16_t alias)
{
    size_t at = alias / 8u;

    return at < set->size && (set->bits[at] & (1u << alias % 8u)) != 0;
}

bool alias_set_add(struct alias_set *set, uint16_t alias)
{
    size_t at = alias / 8u;

    if (at >= set->size) {
        size_t size = (at / GROWTH + 1) * GROWTH;
        uint8_t *bits = realloc(set->bits, size);
        if (bits == NULL) {
            return false;
        }
        memset(bits + set->size, 0, size - set->size);
        set->bits = bits;
        set->size = size;
    }
    set->bits[at] = (uint8_t)(set->bits[at] | (1u << alias % 8u));
    return true;
}

void alias_set_deinit(struct alias_set *set)
{
    free(set->bits);
    *set = (struct alias_set){.size = 0};
}
