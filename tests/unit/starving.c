#include "starving.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

static bool is_counting;
static volatile bool has_failed; /* read by those who wait for it */
static size_t left;

bool starving_goes_on(size_t number)
{
    if (number > 0 && !has_failed) {
        return false;
    }
    is_counting = true;
    has_failed = false;
    left = number;
    return true;
}

bool starving_has_failed(void)
{
    return has_failed;
}

bool starving_end(void)
{
    is_counting = false;
    return has_failed;
}

static bool is_refused(void)
{
    if (!is_counting || has_failed || left-- > 0) {
        return false;
    }
    has_failed = true;
    errno = ENOMEM;
    return true;
}

/* The linker's names: __wrap_X is called for X, and __real_X is X itself. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
char *__wrap_strndup(const char *text, size_t size);
void *__real_secret_pages_new(size_t size);
void *__wrap_secret_pages_new(size_t size);
int __wrap_asprintf(char **out_text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __real_vasprintf(char **out_text, const char *format, va_list values);
int __wrap_vasprintf(char **out_text, const char *format, va_list values)
    __attribute__((format(printf, 2, 0)));

void *__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return is_refused() ? NULL : __real_realloc(memory, size);
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
    return is_refused() ? NULL : __real_reallocarray(memory, count, size);
}

char *__wrap_strdup(const char *text)
{
    return is_refused() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
    return is_refused() ? NULL : __real_strndup(text, size);
}

void *__wrap_secret_pages_new(size_t size)
{
    return is_refused() ? NULL : __real_secret_pages_new(size);
}

int __wrap_vasprintf(char **out_text, const char *format, va_list values)
{
    return is_refused() ? -1 : __real_vasprintf(out_text, format, values);
}

int __wrap_asprintf(char **out_text, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    int size = is_refused() ? -1 : __real_vasprintf(out_text, format, values);
    va_end(values);
    return size;
}

/* The same as _FORTIFY_SOURCE calls them. */
int __wrap___asprintf_chk(char **out_text, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int __wrap___vasprintf_chk(char **out_text, int flag, const char *format, va_list values)
    __attribute__((format(printf, 3, 0)));

int __wrap___vasprintf_chk(char **out_text, int flag, const char *format, va_list values)
{
    (void)flag;
    return __wrap_vasprintf(out_text, format, values);
}

int __wrap___asprintf_chk(char **out_text, int flag, const char *format, ...)
{
    va_list values;

    (void)flag;
    va_start(values, format);
    int size = __wrap_vasprintf(out_text, format, values);
    va_end(values);
    return size;
}

/* --- files ------------------------------------------------------------------------------- */

static enum failing_file how_it_fails;

void failing_file(enum failing_file how)
{
    how_it_fails = how;
}

/* Its name with 64 bits of offset, which is how Meson compiles; musl has only those, and on 32 bits
 * one with as many for the time. */
#if !defined(__GLIBC__) && __SIZEOF_LONG__ == 4
#define __real_fstat64 __real___fstat_time64
#define __wrap_fstat64 __wrap___fstat_time64
#elif !defined(__GLIBC__)
#define __real_fstat64 __real_fstat
#define __wrap_fstat64 __wrap_fstat
#endif
int __real_fstat64(int descriptor, struct stat *out_status);
int __wrap_fstat64(int descriptor, struct stat *out_status);
ssize_t __real_read(int descriptor, void *data, size_t size);
ssize_t __wrap_read(int descriptor, void *data, size_t size);

ssize_t __wrap_read(int descriptor, void *data, size_t size)
{
    switch (how_it_fails) {
    case FILE_FAILS_AT_READ:
        errno = EIO;
        return -1;
    case FILE_ENDS_EARLY:
        return 0;
    case FILE_IS_INTERRUPTED:
        how_it_fails = FILE_IS_SOUND;
        errno = EINTR;
        return -1;
    case FILE_IS_SOUND:
    case FILE_FAILS_AT_STAT:
    case FILE_GROWS:
        break;
    }
    return __real_read(descriptor, data, size);
}

ssize_t __wrap___read_chk(int descriptor, void *data, size_t size, size_t room);
ssize_t __wrap___read_chk(int descriptor, void *data, size_t size, size_t room)
{
    if (size > room) {
        abort();
    }
    return __wrap_read(descriptor, data, size);
}

int __wrap_fstat64(int descriptor, struct stat *out_status)
{
    if (how_it_fails == FILE_FAILS_AT_STAT) {
        errno = EIO;
        return -1;
    }
    int status = __real_fstat64(descriptor, out_status);
    out_status->st_size -= how_it_fails == FILE_GROWS ? 1 : 0;
    return status;
}
