/* Makes calls into the C library fail, one chosen occurrence or every n-th, and counts them.
 * Loaded with LD_PRELOAD; tests/fault/test_faults.py drives it through the environment:
 *
 *   FAULT_CLASS    which calls fail: one of the names below
 *   FAULT_AT       the occurrence that fails, from 1, since the start of the process
 *   FAULT_EVERY    and every so many after it; 0 or absent: only that one
 *   FAULT_ERRNO    the number of the error
 *   FAULT_REPORT   file that gets one line for each class at exit: NAME COUNT, and besides
 *                  `live N` (allocations never freed), `descriptors N` and `injected N`
 *
 * Reads and writes count where they can fail in reality: on sockets, regular files and
 * standard error. A pipe or an eventfd that a loop has made for itself cannot. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault_class {
    FAULT_ALLOC,
    FAULT_ACCEPT,
    FAULT_READ,
    FAULT_WRITE,
    FAULT_CONNECT,
    FAULT_SOCKET,
    FAULT_OPEN,
    FAULT_THREAD,
    FAULT_CLASSES,
};

static const char *const names[FAULT_CLASSES] = {"alloc",   "accept", "read", "write",
                                                 "connect", "socket", "open", "thread"};

/* What is asked for, read once before main(). */
static int chosen = -1;
static unsigned long chosen_at;
static unsigned long chosen_every;
static int chosen_errno;
static char report_path[4096];

static atomic_ulong counts[FAULT_CLASSES];
static atomic_ulong injected;
static atomic_long live;

/* --- deciding --- */

/* Counts a call; true when it is to fail, with errno set. */
static bool must_fail(enum fault_class class)
{
    unsigned long number = atomic_fetch_add(&counts[class], 1) + 1;

    if ((int)class != chosen || number < chosen_at) {
        return false;
    }
    if (number > chosen_at && (chosen_every == 0 || (number - chosen_at) % chosen_every != 0)) {
        return false;
    }
    atomic_fetch_add(&injected, 1);
    errno = chosen_errno;
    return true;
}

static bool is_counted(int descriptor)
{
    struct stat status;
    int before = errno;
    bool result =
        descriptor == STDERR_FILENO ||
        (fstat(descriptor, &status) == 0 && (S_ISSOCK(status.st_mode) || S_ISREG(status.st_mode)));

    errno = before;
    return result;
}

/* --- the real calls --- */

/* dlsym() may allocate before the real allocator is known. */
static char early[8192];
static size_t early_used;

static bool is_early(const void *pointer)
{
    return (const char *)pointer >= early && (const char *)pointer < early + sizeof early;
}

static void *early_calloc(size_t size)
{
    size_t start = (early_used + 15u) & ~(size_t)15;

    if (size > sizeof early || start > sizeof early - size) {
        abort();
    }
    early_used = start + size;
    return early + start;
}

static _Thread_local bool is_looking_up;

/* A function's type cannot be had from an object pointer by a cast in C. */
#define REAL(name)                                                                                 \
    static __typeof__(&name) real;                                                                 \
    if (real == NULL) {                                                                            \
        is_looking_up = true;                                                                      \
        void *found = dlsym(RTLD_NEXT, #name);                                                     \
        memcpy(&real, &found, sizeof real);                                                        \
        is_looking_up = false;                                                                     \
    }

/* --- memory --- */

static void *counted(void *pointer)
{
    if (pointer != NULL) {
        atomic_fetch_add(&live, 1);
    }
    return pointer;
}

void *malloc(size_t size)
{
    if (is_looking_up) {
        return early_calloc(size);
    }
    REAL(malloc);
    return must_fail(FAULT_ALLOC) ? NULL : counted(real(size));
}

void *calloc(size_t count, size_t size)
{
    if (is_looking_up) {
        return early_calloc(count * size);
    }
    REAL(calloc);
    return must_fail(FAULT_ALLOC) ? NULL : counted(real(count, size));
}

void *realloc(void *pointer, size_t size)
{
    REAL(realloc);
    if (must_fail(FAULT_ALLOC)) {
        return NULL;
    }
    void *moved = real(pointer, size);
    if (pointer == NULL) {
        counted(moved);
    } else if (moved == NULL && size == 0) {
        atomic_fetch_sub(&live, 1);
    }
    return moved;
}

int posix_memalign(void **out_pointer, size_t alignment, size_t size)
{
    REAL(posix_memalign);
    if (must_fail(FAULT_ALLOC)) {
        return ENOMEM;
    }
    int status = real(out_pointer, alignment, size);
    if (status == 0) {
        counted(*out_pointer);
    }
    return status;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    REAL(aligned_alloc);
    return must_fail(FAULT_ALLOC) ? NULL : counted(real(alignment, size));
}

void free(void *pointer)
{
    if (pointer == NULL || is_early(pointer)) {
        return;
    }
    REAL(free);
    atomic_fetch_sub(&live, 1);
    real(pointer);
}

/* --- sockets and files --- */

int accept4(int descriptor, struct sockaddr *address, socklen_t *size, int flags)
{
    REAL(accept4);
    return must_fail(FAULT_ACCEPT) ? -1 : real(descriptor, address, size, flags);
}

int accept(int descriptor, struct sockaddr *address, socklen_t *size)
{
    REAL(accept);
    return must_fail(FAULT_ACCEPT) ? -1 : real(descriptor, address, size);
}

int connect(int descriptor, const struct sockaddr *address, socklen_t size)
{
    REAL(connect);
    return must_fail(FAULT_CONNECT) ? -1 : real(descriptor, address, size);
}

int socket(int domain, int type, int protocol)
{
    REAL(socket);
    return must_fail(FAULT_SOCKET) ? -1 : real(domain, type, protocol);
}

ssize_t read(int descriptor, void *data, size_t size)
{
    REAL(read);
    return is_counted(descriptor) && must_fail(FAULT_READ) ? -1 : real(descriptor, data, size);
}

ssize_t readv(int descriptor, const struct iovec *parts, int count)
{
    REAL(readv);
    return is_counted(descriptor) && must_fail(FAULT_READ) ? -1 : real(descriptor, parts, count);
}

ssize_t recv(int descriptor, void *data, size_t size, int flags)
{
    REAL(recv);
    return must_fail(FAULT_READ) ? -1 : real(descriptor, data, size, flags);
}

ssize_t recvmsg(int descriptor, struct msghdr *message, int flags)
{
    REAL(recvmsg);
    return must_fail(FAULT_READ) ? -1 : real(descriptor, message, flags);
}

ssize_t write(int descriptor, const void *data, size_t size)
{
    REAL(write);
    return is_counted(descriptor) && must_fail(FAULT_WRITE) ? -1 : real(descriptor, data, size);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    REAL(writev);
    return is_counted(descriptor) && must_fail(FAULT_WRITE) ? -1 : real(descriptor, parts, count);
}

ssize_t send(int descriptor, const void *data, size_t size, int flags)
{
    REAL(send);
    return must_fail(FAULT_WRITE) ? -1 : real(descriptor, data, size, flags);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags)
{
    REAL(sendmsg);
    return must_fail(FAULT_WRITE) ? -1 : real(descriptor, message, flags);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? (mode_t)va_arg(arguments, int) : 0;
}

int open(const char *path, int flags, ...)
{
    REAL(open);
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return must_fail(FAULT_OPEN) ? -1 : real(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    REAL(openat);
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return must_fail(FAULT_OPEN) ? -1 : real(folder, path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    REAL(fopen);
    return must_fail(FAULT_OPEN) ? NULL : real(path, mode);
}

/* --- threads --- */

int pthread_create(pthread_t *out_thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument)
{
    REAL(pthread_create);
    return must_fail(FAULT_THREAD) ? chosen_errno : real(out_thread, attributes, run, argument);
}

/* --- beginning and end --- */

static unsigned long number_of(const char *name)
{
    const char *text = getenv(name);
    return text != NULL ? strtoul(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *class = getenv("FAULT_CLASS");
    const char *path = getenv("FAULT_REPORT");

    snprintf(report_path, sizeof report_path, "%s", path != NULL ? path : "");
    chosen_at = number_of("FAULT_AT");
    chosen_every = number_of("FAULT_EVERY");
    chosen_errno = (int)number_of("FAULT_ERRNO");
    for (int i = 0; class != NULL && i < FAULT_CLASSES; i++) {
        if (strcmp(class, names[i]) == 0) {
            chosen = i;
        }
    }
}

/* The pool's threads free what is theirs when they end, which libuv sees to; perhaps only later. */
static void end_pool(void)
{
    void (*shutdown_library)(void) = NULL;
    void *found = dlsym(RTLD_DEFAULT, "uv_library_shutdown");

    if (found != NULL) {
        memcpy(&shutdown_library, &found, sizeof shutdown_library);
        shutdown_library();
    }
}

__attribute__((destructor)) static void end(void)
{
    char text[1024];
    int used = 0;
    int descriptors = 0;

    chosen = -1;
    end_pool();
    for (int i = 0; i < 4096; i++) {
        descriptors += fcntl(i, F_GETFD) >= 0;
    }
    for (int i = 0; i < FAULT_CLASSES; i++) {
        used += snprintf(text + used, sizeof text - (size_t)used, "%s %lu\n", names[i],
                         atomic_load(&counts[i]));
    }
    used += snprintf(text + used, sizeof text - (size_t)used,
                     "live %ld\ndescriptors %d\ninjected %lu\n", atomic_load(&live), descriptors,
                     atomic_load(&injected));
    int file = report_path[0] != '\0' ? open(report_path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    if (file < 0 || write(file, text, (size_t)used) != used) {
        return;
    }
    close(file);
}
