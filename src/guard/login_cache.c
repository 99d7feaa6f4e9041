/*
 * A set-associative table of keyed digests.
 *
 * Only proven logins come in, so a stranger can neither fill it nor push anybody
 * out of it; what one finds by timing is whether a pair was proven, which the
 * answer says anyway. All sizes are fixed: a storm allocates nothing.
 */
#include "moat/guard/login_cache.h"

#include "moat/base/secret.h"

#include <pthread.h>
#include <stdlib.h>

#define SHARDS 16 /* locks; workers rarely meet on one */
#define SETS   64 /* of each shard */
#define WAYS   4  /* entries that share a set: 16 * 64 * 4 = 4096 logins */

#define CACHE_LINE 64 /* bytes; shards apart by this do not slow each other */

struct entry {
    uint8_t digest[SECRET_DIGEST_SIZE];
    uint64_t proven_ms;
    bool used;
};

struct shard {
    _Alignas(CACHE_LINE) pthread_mutex_t lock;
    struct entry sets[SETS][WAYS];
};

struct login_cache {
    uint64_t lifetime_ms;
    uint8_t key[SECRET_DIGEST_SIZE];
    struct shard shards[SHARDS];
};

struct login_cache *login_cache_new(uint64_t lifetime_ms)
{
    struct login_cache *cache = aligned_alloc(CACHE_LINE, sizeof *cache);
    if (cache == NULL) {
        return NULL;
    }
    memset(cache, 0, sizeof *cache);
    cache->lifetime_ms = lifetime_ms;
    secret_random(cache->key, sizeof cache->key);
    for (size_t index = 0; index < SHARDS; index++) {
        if (pthread_mutex_init(&cache->shards[index].lock, NULL) != 0) {
            free(cache); /* on Linux initialising a plain mutex holds nothing to give back */
            return NULL;
        }
    }
    return cache;
}

void login_cache_free(struct login_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t index = 0; index < SHARDS; index++) {
        (void)pthread_mutex_destroy(&cache->shards[index].lock);
    }
    secret_wipe(cache, sizeof *cache);
    free(cache);
}

static void digest_login(const struct login_cache *cache, struct slice username,
                         struct slice password, uint8_t out_digest[SECRET_DIGEST_SIZE])
{
    const struct slice parts[] = {username, password};
    secret_hmac(slice_of(cache->key, sizeof cache->key), parts, 2, out_digest);
}

/* The digest is keyed, so nobody can aim at a shard or a set. */
static struct shard *shard_of(struct login_cache *cache, const uint8_t *digest)
{
    return &cache->shards[digest[0] % SHARDS];
}

static struct entry *set_of(struct shard *shard, const uint8_t *digest)
{
    return shard->sets[digest[1] % SETS];
}

/* Workers tell slightly different times, so an entry may lie in the caller's future. */
static bool is_fresh(const struct login_cache *cache, const struct entry *entry, uint64_t now_ms)
{
    return entry->used &&
           (now_ms <= entry->proven_ms || now_ms - entry->proven_ms < cache->lifetime_ms);
}

static struct entry *find(struct entry *set, const uint8_t *digest)
{
    for (size_t way = 0; way < WAYS; way++) {
        if (set[way].used && secret_equal(slice_of(set[way].digest, SECRET_DIGEST_SIZE),
                                          slice_of(digest, SECRET_DIGEST_SIZE))) {
            return &set[way];
        }
    }
    return NULL;
}

/* A free entry, or else the one proven longest ago. */
static struct entry *choose_victim(struct entry *set)
{
    struct entry *victim = &set[0];
    for (size_t way = 0; way < WAYS; way++) {
        if (!set[way].used) {
            return &set[way];
        }
        if (set[way].proven_ms < victim->proven_ms) {
            victim = &set[way];
        }
    }
    return victim;
}

bool login_cache_has(struct login_cache *cache, struct slice username, struct slice password,
                     uint64_t now_ms)
{
    if (cache->lifetime_ms == 0) {
        return false;
    }
    uint8_t digest[SECRET_DIGEST_SIZE];
    digest_login(cache, username, password, digest);
    struct shard *shard = shard_of(cache, digest);

    (void)pthread_mutex_lock(&shard->lock);
    struct entry *entry = find(set_of(shard, digest), digest);
    bool has = entry != NULL && is_fresh(cache, entry, now_ms);
    if (entry != NULL && !has) {
        secret_wipe(entry, sizeof *entry);
    }
    (void)pthread_mutex_unlock(&shard->lock);

    secret_wipe(digest, sizeof digest);
    return has;
}

void login_cache_add(struct login_cache *cache, struct slice username, struct slice password,
                     uint64_t now_ms)
{
    if (cache->lifetime_ms == 0) {
        return;
    }
    uint8_t digest[SECRET_DIGEST_SIZE];
    digest_login(cache, username, password, digest);
    struct shard *shard = shard_of(cache, digest);

    (void)pthread_mutex_lock(&shard->lock);
    struct entry *set = set_of(shard, digest);
    struct entry *entry = find(set, digest);
    if (entry == NULL) {
        entry = choose_victim(set);
    }
    memcpy(entry->digest, digest, sizeof digest);
    entry->proven_ms = now_ms;
    entry->used = true;
    (void)pthread_mutex_unlock(&shard->lock);

    secret_wipe(digest, sizeof digest);
}
