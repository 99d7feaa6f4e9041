#include "descriptors_internal.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#include "moat/base/log.h"

/* Those that are always open: of the process, and of each worker beside its listeners. */
#define BASE_DESCRIPTORS   24u
#define WORKER_DESCRIPTORS 4u
/* A client's and an upstream's. */
#define SESSION_DESCRIPTORS 2u
/* The part of a worker's share, a quarter, that strangers may have at most. */
#define STRANGERS_PART 4u

/* What is open while nobody is connected. */
static size_t standing(const struct descriptor_plan *plan)
{
    return BASE_DESCRIPTORS + plan->workers * (WORKER_DESCRIPTORS + plan->addresses);
}

size_t descriptors_raise(const struct descriptor_plan *plan)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)plan->connections * SESSION_DESCRIPTORS +
                    (rlim_t)plan->handshakes * plan->workers + DESCRIPTORS_RESERVE + standing(plan);

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return DESCRIPTORS_RESERVE * 2;
    }
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted) {
            log_message(LOG_WARNING, "few_descriptors",
                        "%llu open files are allowed and %llu are needed for limits.connections; "
                        "raise the limit (ulimit -n, LimitNOFILE=) or lower limits.connections",
                        (unsigned long long)limit.rlim_cur, (unsigned long long)wanted);
        }
    }
    return limit.rlim_cur < INT_MAX ? (size_t)limit.rlim_cur : INT_MAX;
}

size_t descriptors_minimum(const struct descriptor_plan *plan)
{
    return standing(plan) + DESCRIPTORS_FOR_CLIENTS_MIN;
}

struct descriptor_share descriptors_divide(const struct descriptor_plan *plan, size_t limit)
{
    size_t available = limit - standing(plan);
    size_t reserve = available / 2 < DESCRIPTORS_RESERVE ? available / 2 : DESCRIPTORS_RESERVE;
    size_t share = (available - reserve) / plan->workers;
    size_t strangers = plan->handshakes;

    if (strangers > share / STRANGERS_PART) {
        strangers = share / STRANGERS_PART;
    }
    /* A stranger has one descriptor, a session inside has two. */
    size_t sessions = strangers + (share - strangers) / SESSION_DESCRIPTORS;
    return (struct descriptor_share){
        .sessions = sessions > 0 ? sessions : 1,
        .ceiling = (int)(limit - reserve),
    };
}

void descriptors_take_spares(struct descriptor_spares *spares, int open)
{
    for (size_t i = 0; i < DESCRIPTORS_SPARE; i++) {
        spares->numbers[i] = fcntl(open, F_DUPFD_CLOEXEC, 0);
    }
}

void descriptors_free_spares(struct descriptor_spares *spares)
{
    for (size_t i = 0; i < DESCRIPTORS_SPARE; i++) {
        if (spares->numbers[i] >= 0) {
            close(spares->numbers[i]);
        }
        spares->numbers[i] = -1;
    }
}
