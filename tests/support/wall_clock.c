/*
 * Put in front of a program with LD_PRELOAD: its wall clock is off by as many seconds as the file
 * says that MOAT_TEST_CLOCK names (8 bytes, as the machine writes an int64_t). The file stays
 * mapped, so whoever writes into it sets the clock while the program runs, whatever that may open
 * by then. The monotonic clocks are the machine's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static const volatile int64_t *offset;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("MOAT_TEST_CLOCK");
    int file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *mapped =
        file >= 0 ? mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;

    real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (mapped == MAP_FAILED || real_clock_gettime == NULL) {
        _exit(99); /* a test that believes in the wrong time shows nothing */
    }
    offset = mapped;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int code = real_clock_gettime(clock, now);

    if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += *offset;
    }
    return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out_now)
{
    struct timespec precise;

    clock_gettime(CLOCK_REALTIME, &precise);
    if (out_now != NULL) {
        *out_now = precise.tv_sec;
    }
    return precise.tv_sec;
}
