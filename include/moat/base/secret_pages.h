/*
 * Memory for secrets that live for a while: key files while they are parsed.
 *
 * Pages of their own, kept out of swap, out of core files and out of children as far as the
 * system allows. A limit on locked memory (RLIMIT_MEMLOCK) costs the first of these and is told at
 * level debug; it never makes an allocation fail.
 */
#ifndef MOAT_BASE_SECRET_PAGES_H
#define MOAT_BASE_SECRET_PAGES_H

#include "moat/base/bytes.h"

/* Zeroed memory of `size` bytes, which is at least 1; NULL without memory. */
void *secret_pages_new(size_t size) MOAT_MUST_CHECK;

/* Wipes and releases; NULL is allowed. `size` is what it was made with. */
void secret_pages_free(void *pages, size_t size);

#endif
