#include "pool_internal.h"

/* libuv's own number, unless UV_THREADPOOL_SIZE says otherwise. */
#define POOL_THREADS 4u

static void do_nothing(void *argument)
{
    (void)argument;
}

static void work_nothing(uv_work_t *work)
{
    (void)work;
}

static void after_nothing(uv_work_t *work, int status)
{
    (void)work;
    (void)status;
}

int pool_start(uv_loop_t *loop, uv_work_t *first)
{
    uv_thread_t threads[POOL_THREADS];
    size_t count = 0;
    int status = 0;

    while (status == 0 && count < POOL_THREADS) {
        status = uv_thread_create(&threads[count], do_nothing, NULL);
        count += status == 0;
    }
    for (size_t i = 0; i < count; i++) {
        uv_thread_join(&threads[i]);
    }
    return status != 0 ? status : uv_queue_work(loop, first, work_nothing, after_nothing);
}
