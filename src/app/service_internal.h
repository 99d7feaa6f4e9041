/*
 * What a service manager passes in and wants to hear: the protocols of sd_notify(3) and
 * sd_listen_fds(3), which need no library. Without one, everything here does nothing.
 */
#ifndef MOAT_APP_SERVICE_INTERNAL_H
#define MOAT_APP_SERVICE_INTERNAL_H

#include "moat/base/bytes.h"

struct service {
    int descriptor;       /* of the notify socket; -1 when nobody listens */
    uint64_t watchdog_ms; /* how often it must hear from us at least; 0: never */
};

/* Reads the environment and opens the notify socket, while the program may still open things. */
void service_open(struct service *service);
void service_close(struct service *service);

/* True when somebody listens. */
static inline bool service_is_supervised(const struct service *service)
{
    return service->descriptor >= 0;
}

void service_tell_ready(const struct service *service);
void service_tell_reloading(const struct service *service);
void service_tell_stopping(const struct service *service);
void service_tell_alive(const struct service *service);

/* The socket that was passed in under a FileDescriptorName=: a descriptor that stays the
 * service's, or -1. */
int service_socket(const char *name) MOAT_MUST_CHECK;

#endif
