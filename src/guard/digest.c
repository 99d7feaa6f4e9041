#include "digest_internal.h"

#include <stdlib.h>

#include "moat/base/secret.h"

#define BUCKETS_MIN 64u
#define BUCKETS_MAX (1u << 20)

struct digest digest_of(const uint8_t key[DIGEST_KEY_SIZE], const struct slice *parts,
                        size_t part_count)
{
    uint8_t whole[SECRET_DIGEST_SIZE];
    struct digest digest;

    secret_hmac(slice_of(key, DIGEST_KEY_SIZE), parts, part_count, whole);
    memcpy(digest.bytes, whole, sizeof digest.bytes);
    return digest;
}

/* Goes into digests that are kept on disk. */
static const char *tag_of(enum guard_proof proof)
{
    switch (proof) {
    case GUARD_PROOF_NONE:
        return "nobody";
    case GUARD_PROOF_CERTIFICATE:
        return "certificate";
    case GUARD_PROOF_USERNAME:
        return "username";
    }
    return "nobody";
}

struct digest digest_of_identity(const uint8_t key[DIGEST_KEY_SIZE], struct slice scope,
                                 const struct guard_identity *identity)
{
    const struct slice parts[] = {scope, slice_from_text(tag_of(identity->proof)), identity->name};
    return digest_of(key, parts, sizeof parts / sizeof parts[0]);
}

int digest_table_init(struct digest_table *table, size_t size)
{
    size_t count = BUCKETS_MIN;

    while (count < size && count < BUCKETS_MAX) {
        count *= 2;
    }
    table->buckets = calloc(count, sizeof(struct digest_node *));
    table->bucket_count = table->buckets != NULL ? count : 0;
    return table->buckets != NULL ? 0 : -1;
}

void digest_table_deinit(struct digest_table *table)
{
    free(table->buckets);
    *table = (struct digest_table){.buckets = NULL};
}

static struct digest_node **bucket_of(const struct digest_table *table, const struct digest *digest)
{
    uint64_t hash = 0;
    memcpy(&hash, digest->bytes, sizeof hash);
    return &table->buckets[hash & (table->bucket_count - 1)];
}

struct digest_node *digest_table_find(const struct digest_table *table, const struct digest *digest)
{
    struct digest_node *node = *bucket_of(table, digest);
    while (node != NULL && !digest_equal(&node->digest, digest)) {
        node = node->next;
    }
    return node;
}

void digest_table_insert(struct digest_table *table, struct digest_node *node)
{
    struct digest_node **bucket = bucket_of(table, &node->digest);
    node->next = *bucket;
    *bucket = node;
}

void digest_table_remove(struct digest_table *table, struct digest_node *node)
{
    struct digest_node **link = bucket_of(table, &node->digest);
    while (*link != node) {
        link = &(*link)->next;
    }
    *link = node->next;
}
