#include "table_internal.h"

#include "table_rows_internal.h"

/* In the order of the reference page. */
static const struct table_section *const sections[] = {
    &table_listeners, &table_upstream, &table_policy, &table_guard,
    &table_strangers, &table_process,  &table_admin,
};

#define SECTION_COUNT (sizeof(sections) / sizeof(sections[0]))

const struct table_row *table_after(const struct table_row *row)
{
    if (row == NULL) {
        return sections[0]->rows;
    }
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        const struct table_row *last = &sections[i]->rows[sections[i]->count - 1];
        if (row == last) {
            return i + 1 < SECTION_COUNT ? sections[i + 1]->rows : NULL;
        }
    }
    return row + 1;
}
