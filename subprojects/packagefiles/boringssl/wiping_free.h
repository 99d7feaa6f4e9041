/*
 * Moat's, in front of every file of libssl.
 *
 * libssl decrypts records in a buffer that it takes with malloc() and gives back with free(), as
 * it is: "doesn't contain any sensitive data". Passwords come in such records. Here the memory is
 * wiped first; the source of BoringSSL itself stays as it was published.
 */
#ifndef MOAT_WIPING_FREE_H
#define MOAT_WIPING_FREE_H

#include <malloc.h>
#include <stdlib.h>

#include <openssl/mem.h>

static inline void moat_wipe_and_free(void *memory)
{
    if (memory != NULL) {
        OPENSSL_cleanse(memory, malloc_usable_size(memory));
        free(memory);
    }
}

#define free(memory) moat_wipe_and_free(memory)

#endif
