/* The whole daemon: workers, signals, reload, the way down. */
#ifndef MOAT_APP_SERVER_INTERNAL_H
#define MOAT_APP_SERVER_INTERNAL_H

#include "moat/config/snapshot.h"

/* Serves until a signal ends it. `path` is read again on SIGHUP. Takes over the caller's
 * reference to `snapshot`. Returns a sysexits code; what went wrong was printed or logged. */
int server_run(const char *path, struct snapshot *snapshot) MOAT_MUST_CHECK;

#endif
