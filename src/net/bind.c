/* Binding: the only part of listening that can fail for reasons a person must mend. */
#include "moat/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void explain(const struct endpoint *endpoint, int code, struct net_bind_fault *out_fault)
{
    char where[ENDPOINT_HOST_SIZE + 16];
    const char *remedy = "check the address";

    snprintf(where, sizeof where, strchr(endpoint->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
             endpoint->host, (unsigned)endpoint->port);
    if (code == EADDRINUSE) {
        remedy = "another program listens there; stop it or choose another port";
    } else if (code == EACCES) {
        remedy = "ports below 1024 need the right to bind them; choose a port from 1024 up, or "
                 "grant CAP_NET_BIND_SERVICE";
    } else if (code == EADDRNOTAVAIL) {
        remedy = "this machine has no such address";
    } else if (code == EMFILE || code == ENFILE) {
        remedy = "raise the limit of open files (ulimit -n)";
    }
    out_fault->code = -code;
    snprintf(out_fault->what, sizeof out_fault->what, "cannot listen on %.200s: %s", where, remedy);
}

static int open_socket(const struct addrinfo *info, bool is_shared)
{
    static const int on = 1;
    int descriptor = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (descriptor < 0) {
        return -1;
    }
    bool is_ok =
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (!is_shared || setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
        bind(descriptor, info->ai_addr, info->ai_addrlen) == 0;
    if (!is_ok) {
        int code = errno;
        close(descriptor);
        errno = code;
        return -1;
    }
    return descriptor;
}

/* With SO_REUSEPORT a second gateway of the same user would silently take half of the
 * connections. So the port is tried once without it. */
static bool is_free(const struct addrinfo *info)
{
    int descriptor = open_socket(info, false);
    if (descriptor < 0) {
        return false;
    }
    bool is_ok = listen(descriptor, 1) == 0;
    int code = errno;
    close(descriptor);
    errno = code;
    return is_ok;
}

/* Port 0 asks the kernel for a free one; the other workers then need the same. */
static void adopt_port(int descriptor, struct addrinfo *info, struct net_bound *bound)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof name;

    if (getsockname(descriptor, (struct sockaddr *)&name, &size) == 0 && size <= info->ai_addrlen) {
        memcpy(info->ai_addr, &name, size);
    }
    bound->address = address_from_sockaddr(info->ai_addr);
}

void net_bound_close(struct net_bound *bound)
{
    for (size_t i = 0; i < bound->count; i++) {
        if (bound->descriptors[i] >= 0) {
            close(bound->descriptors[i]);
        }
    }
    free(bound->descriptors);
    *bound = (struct net_bound){.count = 0};
}

static int bind_address(struct addrinfo *info, size_t workers, struct net_bound *out_bound)
{
    struct net_bound bound = {.descriptors = calloc(workers, sizeof(int))};

    if (bound.descriptors == NULL) {
        errno = ENOMEM;
        return -1;
    }
    while (bound.count < workers) {
        int descriptor = open_socket(info, true);
        if (descriptor < 0) {
            int code = errno;
            net_bound_close(&bound);
            errno = code;
            return -1;
        }
        bound.descriptors[bound.count++] = descriptor;
        if (bound.count == 1) {
            adopt_port(descriptor, info, &bound);
        }
    }
    *out_bound = bound;
    return 0;
}

/* What is wrong with a socket that was passed in; NULL for one that clients can connect to. */
static const char *find_fault(int descriptor, struct sockaddr_storage *out_name)
{
    socklen_t size = sizeof *out_name;
    int is_listening = 0;
    socklen_t option_size = sizeof is_listening;

    if (getsockname(descriptor, (struct sockaddr *)out_name, &size) != 0 ||
        (out_name->ss_family != AF_INET && out_name->ss_family != AF_INET6)) {
        return "it is no TCP socket; write ListenStream= with a port";
    }
    if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &option_size) != 0 ||
        is_listening == 0) {
        return "nobody listens on it; write ListenStream= and Accept=no";
    }
    return NULL;
}

int net_inherit(int descriptor, size_t workers, struct net_bound *out_bound,
                struct net_bind_fault *out_fault)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    struct net_bound bound = {.descriptors = calloc(workers, sizeof(int))};
    const char *fault = find_fault(descriptor, &name);
    int flags = fcntl(descriptor, F_GETFL);

    if (fault == NULL && (bound.descriptors == NULL || flags < 0 ||
                          fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0)) {
        fault = strerror(bound.descriptors == NULL ? ENOMEM : errno);
    }
    while (fault == NULL && bound.count < workers) {
        int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
        if (copy < 0) {
            fault = strerror(errno);
        } else {
            bound.descriptors[bound.count++] = copy;
        }
    }
    if (fault != NULL) {
        out_fault->code = UV_EINVAL;
        snprintf(out_fault->what, sizeof out_fault->what,
                 "cannot take over the socket that was passed in: %s", fault);
        net_bound_close(&bound);
        return -1;
    }
    bound.address = address_from_sockaddr((const struct sockaddr *)&name);
    *out_bound = bound;
    return 0;
}

static int resolve(const struct endpoint *endpoint, struct addrinfo **out_list,
                   struct net_bind_fault *out_fault)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    char port[8];

    snprintf(port, sizeof port, "%u", (unsigned)endpoint->port);
    int status = getaddrinfo(endpoint->host, port, &hints, out_list);
    if (status != 0) {
        out_fault->code = UV_EAI_NONAME;
        snprintf(out_fault->what, sizeof out_fault->what,
                 "cannot listen on %.150s: the name has no address here (%.60s)", endpoint->host,
                 gai_strerror(status));
        return -1;
    }
    return 0;
}

int net_bind(const struct endpoint *endpoint, size_t workers,
             struct net_bound out_bound[NET_LISTENER_ADDRESSES], size_t *out_count,
             struct net_bind_fault *out_fault)
{
    struct addrinfo *list = NULL;
    size_t count = 0;
    int status = resolve(endpoint, &list, out_fault);

    for (struct addrinfo *info = list;
         status == 0 && info != NULL && count < NET_LISTENER_ADDRESSES; info = info->ai_next) {
        if (!is_free(info) || bind_address(info, workers, &out_bound[count]) != 0) {
            explain(endpoint, errno, out_fault);
            status = -1;
        } else {
            count++;
        }
    }
    if (list != NULL) {
        freeaddrinfo(list);
    }
    if (status != 0) {
        while (count > 0) {
            net_bound_close(&out_bound[--count]);
        }
        return -1;
    }
    *out_count = count;
    return 0;
}
