#include "moat/base/secret_pages.h"

#include <errno.h>
#include <sys/mman.h>

#include "moat/base/log.h"
#include "moat/base/secret.h"

void *secret_pages_new(size_t size)
{
    /* cppcheck-suppress invalidFunctionArg ; memory alone has no descriptor */
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED) {
        return NULL;
    }
    if (mlock(pages, size) != 0) {
        log_message(LOG_DEBUG, "not_locked",
                    "%zu bytes of secrets may be swapped out: %s; raise the limit of locked memory "
                    "(ulimit -l, LimitMEMLOCK=)",
                    size, strerror(errno));
    }
    /* Old kernels know one or both of these not; nothing rests on them alone. */
    (void)madvise(pages, size, MADV_DONTDUMP);
    (void)madvise(pages, size, MADV_WIPEONFORK);
    return pages;
}

void secret_pages_free(void *pages, size_t size)
{
    if (pages != NULL) {
        secret_wipe(pages, size);
        munmap(pages, size); /* unlocks as well */
    }
}
