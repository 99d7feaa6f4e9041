/*
 * Logins that were proven a short while ago, so that a reconnect storm costs no hashing.
 *
 * Holds keyed digests only: never a password, never a user name. Fixed in size;
 * shared by all workers, locked in shards. It is told the time.
 */
#ifndef MOAT_GUARD_LOGIN_CACHE_H
#define MOAT_GUARD_LOGIN_CACHE_H

#include "moat/base/bytes.h"

struct login_cache;

/* `lifetime_ms` 0 makes a cache that remembers nothing. NULL without memory. */
struct login_cache *login_cache_new(uint64_t lifetime_ms) MOAT_MUST_CHECK;
void login_cache_free(struct login_cache *cache);

bool login_cache_has(struct login_cache *cache, struct slice username, struct slice password,
                     uint64_t now_ms) MOAT_MUST_CHECK;
void login_cache_add(struct login_cache *cache, struct slice username, struct slice password,
                     uint64_t now_ms);

#endif
