/*
 * Notices that a file which the configuration is made of has changed, for the homes in which nobody
 * sends a signal: secrets that are mounted into a container, certificates that a program renews.
 *
 * It asks at intervals and not by inotify, which sees nothing of network file systems and next to
 * nothing of a volume that is swapped by its links. On the main thread.
 */
#ifndef MOAT_APP_FILE_WATCH_INTERNAL_H
#define MOAT_APP_FILE_WATCH_INTERNAL_H

#include <uv.h>

#include "moat/config/config.h"

typedef void file_watch_callback(void *owner);

struct file_watch {
    uv_timer_t timer;
    const struct config *config; /* the one in force, whose files these are */
    file_watch_callback *on_change;
    void *owner;
    uint64_t
        loaded; /* what the files looked like when they were last read, with success or without */
    uint64_t seen; /* at the last look */
};

/* Begins, with the files as they are. `on_change` is called when they differ from what was last
 * read and did not change between two looks, `watch` of the configuration apart: a file half
 * written is not news. It is to read them between file_watch_before_reload() and, if they were
 * good, file_watch_after_reload(); of files that were refused it hears again once they change. Ends
 * when the timer is closed, which is the owner's to do; `config` has to stay until then or until
 * another takes its place. */
void file_watch_start(struct file_watch *watch, uv_loop_t *loop, const struct config *config,
                      file_watch_callback *on_change, void *owner);

/* What happens at each interval. */
void file_watch_look(struct file_watch *watch);

void file_watch_before_reload(struct file_watch *watch);

/* `config` is in force from now on. */
void file_watch_after_reload(struct file_watch *watch, const struct config *config);

#endif
