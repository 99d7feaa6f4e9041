/* What the files share that hold the rows of the table, one for each part of the configuration. */
#ifndef MOAT_CONFIG_TABLE_ROWS_INTERNAL_H
#define MOAT_CONFIG_TABLE_ROWS_INTERNAL_H

#include <stddef.h>

#include "table_internal.h"

/* Rows that stand together in the reference page. */
struct table_section {
    const struct table_row *rows;
    size_t count;
};

#define TABLE_SECTION(rows)                                                                        \
    {                                                                                              \
        (rows), sizeof(rows) / sizeof((rows)[0])                                                   \
    }

extern const struct table_section table_listeners;
extern const struct table_section table_upstream;
extern const struct table_section table_policy;
extern const struct table_section table_guard;
extern const struct table_section table_strangers;
extern const struct table_section table_process;
extern const struct table_section table_admin;

/* Where a value goes. */
#define MEMBER(type, member)                                                                       \
    .offset = offsetof(struct type, member), .size = sizeof(((struct type *)NULL)->member)
#define LIST(type, member, counter)                                                                \
    .offset = offsetof(struct type, member), .size = sizeof(*((struct type *)NULL)->member),       \
    .counter_offset = offsetof(struct type, counter)
#define RANGE(least, most) .minimum = (least), .maximum = (most)

#define SECONDS(count) ((count)*UINT64_C(1000))
#define HOURS(count)   SECONDS((count)*UINT64_C(3600))
#define KIB(count)     ((count)*UINT64_C(1024))

#endif
