#include "file_watch_internal.h"

#include <sys/stat.h>

#include "sandbox_internal.h"

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static void add_bytes(uint64_t *print, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;

    for (size_t i = 0; i < size; i++) {
        *print = (*print ^ byte[i]) * FNV_PRIME;
    }
}

static void add_number(uint64_t *print, uint64_t number)
{
    add_bytes(print, &number, sizeof number);
}

/* What is in a file is not read: a change leaves its mark on these, also when the path leads
 * through links. */
static void add_file(void *context, const char *key, const char *path)
{
    uint64_t *print = context;
    struct stat status;
    (void)key;

    add_bytes(print, path, strlen(path) + 1);
    if (stat(path, &status) != 0) {
        add_number(print, 0);
        return;
    }
    add_number(print, (uint64_t)status.st_dev);
    add_number(print, (uint64_t)status.st_ino);
    add_number(print, (uint64_t)status.st_size);
    add_number(print, (uint64_t)status.st_mtim.tv_sec);
    add_number(print, (uint64_t)status.st_mtim.tv_nsec);
    add_number(print, (uint64_t)status.st_ctim.tv_sec);
    add_number(print, (uint64_t)status.st_ctim.tv_nsec);
}

static uint64_t print_of(const struct config *config)
{
    uint64_t print = FNV_START;

    sandbox_each_file(config, add_file, &print);
    return print;
}

void file_watch_look(struct file_watch *watch)
{
    uint64_t before = watch->seen;

    watch->seen = print_of(watch->config);
    if (watch->seen != watch->loaded && watch->seen == before) {
        watch->on_change(watch->owner);
    }
}

static void on_interval(uv_timer_t *timer)
{
    file_watch_look(timer->data);
}

static void use(struct file_watch *watch, const struct config *config)
{
    watch->config = config;
    if (config->watch_ms > 0) {
        uv_timer_start(&watch->timer, on_interval, config->watch_ms, config->watch_ms);
    } else {
        uv_timer_stop(&watch->timer);
    }
}

void file_watch_start(struct file_watch *watch, uv_loop_t *loop, const struct config *config,
                      file_watch_callback *on_change, void *owner)
{
    uv_timer_init(loop, &watch->timer);
    watch->timer.data = watch;
    watch->on_change = on_change;
    watch->owner = owner;
    watch->loaded = print_of(config);
    watch->seen = watch->loaded;
    use(watch, config);
}

void file_watch_before_reload(struct file_watch *watch)
{
    watch->loaded = print_of(watch->config);
}

void file_watch_after_reload(struct file_watch *watch, const struct config *config)
{
    /* Another configuration may name other files. One that changed while it was read is read again:
     * the print from before then fits neither. */
    if (print_of(watch->config) == watch->loaded) {
        watch->loaded = print_of(config);
    }
    use(watch, config);
}
