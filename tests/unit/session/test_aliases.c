#include "session/aliases_internal.h"

#include <criterion/criterion.h>

Test(aliases, every_alias_alone)
{
    for (unsigned alias = 1; alias <= UINT16_MAX; alias += alias < 1100 ? 1 : 997) {
        struct alias_set set = {.size = 0};

        cr_assert_not(alias_set_has(&set, (uint16_t)alias));
        cr_assert(alias_set_add(&set, (uint16_t)alias));
        cr_assert(alias_set_has(&set, (uint16_t)alias));
        cr_assert_not(alias_set_has(&set, (uint16_t)(alias - 1)));
        cr_assert(alias == UINT16_MAX || !alias_set_has(&set, (uint16_t)(alias + 1)));
        cr_assert_lt(set.size, alias / 8 + 65);
        alias_set_deinit(&set);
        cr_assert_not(alias_set_has(&set, (uint16_t)alias));
    }
}

Test(aliases, all_of_them)
{
    struct alias_set set = {.size = 0};

    for (unsigned step = 0; step <= UINT16_MAX; step++) {
        /* 40,503 is odd, so this walks through all of them, far apart. */
        cr_assert(alias_set_add(&set, (uint16_t)(step * 40503u)));
        cr_assert(alias_set_add(&set, (uint16_t)(step * 40503u)));
        cr_assert(step == UINT16_MAX || !alias_set_has(&set, (uint16_t)((step + 1) * 40503u)));
    }
    for (unsigned alias = 0; alias <= UINT16_MAX; alias++) {
        cr_assert(alias_set_has(&set, (uint16_t)alias));
    }
    cr_assert_eq(set.size, 8192);
    alias_set_deinit(&set);
}
