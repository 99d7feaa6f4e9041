#include "service_internal.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "moat/base/clock.h"
#include "moat/base/log.h"

/* The first descriptor that is passed in (SD_LISTEN_FDS_START). */
#define FIRST_DESCRIPTOR 3
/* More sockets than there may be listeners. */
#define DESCRIPTORS_MAX 64

/* --- the environment --- */

/* A decimal number, or 0. */
static uint64_t number_of(const char *variable)
{
    const char *text = getenv(variable);
    char *end = NULL;

    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return 0;
    }
    uint64_t number = strtoull(text, &end, 10);
    return *end == '\0' ? number : 0;
}

/* What is meant for another process of the service says nothing to us. */
static bool is_for_us(const char *variable)
{
    uint64_t pid = number_of(variable);
    return pid == 0 ? getenv(variable) == NULL : pid == (uint64_t)getpid();
}

static int open_notify_socket(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t size = strlen(path);

    if (size == 0 || size >= sizeof name.sun_path || (path[0] != '/' && path[0] != '@')) {
        return -1;
    }
    memcpy(name.sun_path, path, size);
    if (path[0] == '@') {
        name.sun_path[0] = '\0'; /* the abstract namespace */
    }
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor >= 0 && connect(descriptor, (const struct sockaddr *)&name, length) != 0) {
        close(descriptor);
        descriptor = -1;
    }
    return descriptor;
}

void service_open(struct service *service)
{
    const char *path = getenv("NOTIFY_SOCKET");

    *service = (struct service){.descriptor = -1};
    if (path == NULL) {
        return;
    }
    service->descriptor = open_notify_socket(path);
    if (service->descriptor < 0) {
        log_message(LOG_WARNING, "no_service_manager",
                    "NOTIFY_SOCKET names %s, which cannot be reached; the service manager will not "
                    "learn that moat is ready",
                    path);
        return;
    }
    if (is_for_us("WATCHDOG_PID")) {
        service->watchdog_ms = number_of("WATCHDOG_USEC") / 1000;
    }
}

void service_close(struct service *service)
{
    if (service->descriptor >= 0) {
        close(service->descriptor);
        service->descriptor = -1;
    }
}

/* --- what it hears --- */

/* A manager that does not take a word does not get it: nothing here may wait for it. */
static void tell(const struct service *service, const char *text)
{
    if (service->descriptor >= 0 &&
        send(service->descriptor, text, strlen(text), MSG_NOSIGNAL) < 0) {
        log_message(LOG_DEBUG, "no_service_manager", "the service manager did not take: %s", text);
    }
}

void service_tell_ready(const struct service *service)
{
    tell(service, "READY=1\nSTATUS=Serving clients");
}

void service_tell_reloading(const struct service *service)
{
    char text[64];

    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic_us());
    tell(service, text);
}

void service_tell_stopping(const struct service *service)
{
    tell(service, "STOPPING=1\nSTATUS=Waiting for clients to leave");
}

void service_tell_alive(const struct service *service)
{
    tell(service, "WATCHDOG=1");
}

/* --- what it passes in --- */

int service_socket(const char *name)
{
    const char *names = getenv("LISTEN_FDNAMES");
    uint64_t count = number_of("LISTEN_FDS");

    if (names == NULL || count == 0 || count > DESCRIPTORS_MAX || number_of("LISTEN_PID") == 0 ||
        !is_for_us("LISTEN_PID")) {
        return -1;
    }
    for (uint64_t i = 0; i < count; i++) {
        size_t size = strcspn(names, ":");
        if (size == strlen(name) && strncmp(names, name, size) == 0) {
            return FIRST_DESCRIPTOR + (int)i;
        }
        names += names[size] == ':' ? size + 1 : size;
    }
    return -1;
}
