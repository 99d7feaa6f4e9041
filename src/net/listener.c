#include "moat/net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_close(uv_handle_t *handle)
{
    struct net_listener *listener = handle->data;
    listener->on_closed(listener);
}

/* What failed accept(2) leaves us to do. */
enum accept_fault {
    ACCEPT_NOBODY, /* the backlog is empty */
    ACCEPT_NEXT,   /* only that one connection is gone */
    ACCEPT_STARVED /* the next call would fail as well */
};

static enum accept_fault fault_of(int code)
{
    switch (code) {
    case EAGAIN:
        return ACCEPT_NOBODY;
    /* The connection ended before it was accepted; Linux passes on what the network said of it. */
    case EINTR:
    case ECONNABORTED:
    case EPERM: /* the firewall's word */
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP:
    case ETIMEDOUT:
        return ACCEPT_NEXT;
    default:
        /* EMFILE, ENFILE, ENOBUFS, ENOMEM; and whatever is not known, which must not spin. */
        return ACCEPT_STARVED;
    }
}

static void starve(struct net_listener *listener, int code)
{
    net_listener_pause(listener);
    listener->on_starved(listener, code);
}

/* False when there is no point in asking for another one now. */
static bool accept_one(struct net_listener *listener)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof name;
    int descriptor = accept4(listener->descriptor, (struct sockaddr *)&name, &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (descriptor >= 0) {
        const struct address address = address_from_sockaddr((const struct sockaddr *)&name);
        listener->on_connection(listener, descriptor, &address);
        return true;
    }
    switch (fault_of(errno)) {
    case ACCEPT_NOBODY:
        return false;
    case ACCEPT_NEXT:
        return true;
    case ACCEPT_STARVED:
        starve(listener, -errno);
        return false;
    }
    return false;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct net_listener *listener = poll->data;
    (void)events;

    if (status != 0) {
        starve(listener, status);
        return;
    }
    for (unsigned i = 0; i < NET_LISTENER_BATCH && listener->is_open && !listener->is_paused; i++) {
        if (!accept_one(listener)) {
            return;
        }
    }
}

int net_listener_start(struct net_listener *listener, uv_loop_t *loop, int descriptor)
{
    int status = listen(descriptor, NET_LISTENER_BACKLOG) == 0 ? 0 : -errno;

    if (status == 0) {
        status = uv_poll_init(loop, &listener->poll, descriptor);
    }
    if (status != 0) {
        close(descriptor);
        return status;
    }
    listener->poll.data = listener;
    listener->descriptor = descriptor;
    listener->is_open = true;
    listener->is_paused = true;
    net_listener_resume(listener);
    return 0;
}

void net_listener_pause(struct net_listener *listener)
{
    if (listener->is_open && !listener->is_paused) {
        listener->is_paused = true;
        uv_poll_stop(&listener->poll);
    }
}

void net_listener_resume(struct net_listener *listener)
{
    if (listener->is_open && listener->is_paused) {
        listener->is_paused = false;
        /* Fails only for a handle that is being closed. */
        uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    }
}

void net_listener_close(struct net_listener *listener)
{
    if (listener->is_open) {
        listener->is_open = false;
        uv_close((uv_handle_t *)&listener->poll, on_close);
        close(listener->descriptor);
        listener->descriptor = -1;
    }
}
