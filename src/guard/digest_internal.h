/*
 * Keyed digests and a table of them.
 *
 * Peers choose client identifiers and names. Their digests are keyed with a secret, so nobody can
 * aim at a bucket; the table therefore takes a digest's own bytes for its hash. It never
 * grows: an operation costs the same on a busy day as on a quiet one.
 */
#ifndef MOAT_GUARD_DIGEST_INTERNAL_H
#define MOAT_GUARD_DIGEST_INTERNAL_H

#include "moat/guard/identity.h"

#define DIGEST_SIZE     16 /* bytes: keyed, so no two can be made to meet */
#define DIGEST_KEY_SIZE 32

struct digest {
    uint8_t bytes[DIGEST_SIZE];
};

struct digest digest_of(const uint8_t key[DIGEST_KEY_SIZE], const struct slice *parts,
                        size_t part_count);

/* An identity, in the scope of something else, or of nothing. */
struct digest digest_of_identity(const uint8_t key[DIGEST_KEY_SIZE], struct slice scope,
                                 const struct guard_identity *identity);

static inline bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

/* The first member of whatever is kept in a table. */
struct digest_node {
    struct digest_node *next; /* in the same bucket */
    struct digest digest;
};

struct digest_table {
    struct digest_node **buckets;
    size_t bucket_count; /* a power of two */
};

/* For about `size` entries; more only take longer to find. 0, or -1 without memory. */
int digest_table_init(struct digest_table *table, size_t size) MOAT_MUST_CHECK;
void digest_table_deinit(struct digest_table *table);

struct digest_node *digest_table_find(const struct digest_table *table,
                                      const struct digest *digest);
void digest_table_insert(struct digest_table *table, struct digest_node *node);
void digest_table_remove(struct digest_table *table, struct digest_node *node);

#endif
