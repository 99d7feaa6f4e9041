/* What a configuration needs of the machine: folders to read, one to write, ports to connect to. */
#include "sandbox_internal.h"

#include <limits.h>
#include <stdlib.h>

#define PORT_DNS 53 /* the resolver asks over TCP when an answer is long */

#define KEY_SIZE 96

/* --- the files ---------------------------------------------------------------------------- */

static void visit_if_written(sandbox_visit *visit, void *context, const char *key, const char *path)
{
    if (path != NULL) {
        visit(context, key, path);
    }
}

static void each_of_listener(const struct config_listener *listener, size_t index,
                             sandbox_visit *visit, void *context)
{
    char key[KEY_SIZE];

    for (size_t i = 0; i < listener->certificate_count; i++) {
        snprintf(key, sizeof key, "listeners[%zu].tls.certificates[%zu].chain", index, i);
        visit_if_written(visit, context, key, listener->certificates[i].chain);
        snprintf(key, sizeof key, "listeners[%zu].tls.certificates[%zu].key", index, i);
        visit_if_written(visit, context, key, listener->certificates[i].key);
    }
    snprintf(key, sizeof key, "listeners[%zu].tls.client_ca", index);
    visit_if_written(visit, context, key, listener->client_ca);
    snprintf(key, sizeof key, "listeners[%zu].tls.client_crl", index);
    visit_if_written(visit, context, key, listener->client_crl);
    snprintf(key, sizeof key, "listeners[%zu].tls.ticket_key_file", index);
    visit_if_written(visit, context, key, listener->ticket_key_file);
}

void sandbox_each_file(const struct config *config, sandbox_visit *visit, void *context)
{
    if (config_is_file(config->path)) {
        visit(context, "", config->path);
    }
    for (size_t i = 0; i < config->listener_count; i++) {
        each_of_listener(&config->listeners[i], i, visit, context);
    }
    visit_if_written(visit, context, "credentials.password_file", config->password_file);
}

/* --- folders ------------------------------------------------------------------------------ */

char *sandbox_folder_of(const char *path, bool is_real)
{
    char *start = is_real ? realpath(path, NULL) : strdup(path);
    char *folder = NULL;

    if (start == NULL) {
        return NULL;
    }
    char *slash = strrchr(start, '/');
    if (slash == NULL) {
        folder = realpath(".", NULL);
    } else {
        slash[slash == start ? 1 : 0] = '\0';
        folder = realpath(start, NULL);
    }
    free(start);
    return folder;
}

static bool is_root(const char *folder)
{
    return strcmp(folder, "/") == 0;
}

/* --- making a plan ------------------------------------------------------------------------ */

struct making {
    struct sandbox_plan *plan;
    bool has_failed;
};

/* Takes over `path`, which may be NULL: there is nothing to permit then. */
static void add(struct making *making, char *path, enum landlock_grant grant)
{
    struct sandbox_plan *plan = making->plan;

    for (size_t i = 0; path != NULL && i < plan->path_count; i++) {
        if (plan->paths[i].grant == grant && strcmp(plan->paths[i].path, path) == 0) {
            free(path);
            return;
        }
    }
    if (path == NULL) {
        return;
    }
    struct landlock_path *paths = reallocarray(plan->paths, plan->path_count + 1, sizeof *paths);
    if (paths == NULL) {
        free(path);
        making->has_failed = true;
        return;
    }
    plan->paths = paths;
    paths[plan->path_count++] = (struct landlock_path){path, grant};
}

static void add_text(struct making *making, const char *path, enum landlock_grant grant)
{
    char *copy = strdup(path);
    making->has_failed = making->has_failed || copy == NULL;
    add(making, copy, grant);
}

/* The whole folder, since files are exchanged by renaming others over them. But never everything
 * there is: of a file right under / only itself. */
static void add_folder(struct making *making, const char *path, bool is_real)
{
    char *folder = sandbox_folder_of(path, is_real);

    if (folder != NULL && is_root(folder)) {
        free(folder);
        add(making, realpath(path, NULL), LANDLOCK_READ);
    } else {
        add(making, folder, LANDLOCK_READ);
    }
}

static void add_file(void *context, const char *key, const char *path)
{
    (void)key;
    add_folder(context, path, false);
    add_folder(context, path, true); /* behind a link, as certbot and Kubernetes make them */
}

/* What getaddrinfo() of the usual libraries looks at. */
static void add_resolver(struct making *making, const char *host)
{
    static const char *const files[] = {
        "/etc/hosts",     "/etc/resolv.conf", "/etc/nsswitch.conf",
        "/etc/host.conf", "/etc/gai.conf",    "/etc/services",
    };

    making->plan->needs_resolver = true;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        add_text(making, files[i], LANDLOCK_READ);
    }
    if (strcmp(host, "localhost") != 0) {
        /* Programs that follow the network's changes rename a new resolv.conf over the old. */
        add_file(making, "", "/etc/resolv.conf");
        making->plan->ports[making->plan->port_count++] = PORT_DNS;
    }
}

static void add_upstream(struct making *making, const struct endpoint *upstream)
{
    struct address address;

    if (upstream->kind == ENDPOINT_UNIX) {
        return; /* Landlock does not rule these sockets: the file's mode does */
    }
    making->plan->ports[making->plan->port_count++] = upstream->port;
    if (!address_parse(slice_from_text(upstream->host), &address)) {
        add_resolver(making, upstream->host);
    }
}

int sandbox_plan_make(const struct config *config, struct sandbox_plan *out_plan)
{
    struct sandbox_plan plan = {.paths = NULL};
    struct making making = {.plan = &plan};

    sandbox_each_file(config, add_file, &making);
    if (config->guard_state_file != NULL) {
        add(&making, sandbox_folder_of(config->guard_state_file, false), LANDLOCK_REPLACE);
    }
    add_upstream(&making, &config->upstream);
    /* libuv opens it to have a descriptor in reserve. */
    add_text(&making, "/dev/null", LANDLOCK_READ);
    for (size_t i = 0; sandbox_build_paths[i] != NULL; i++) {
        add_text(&making, sandbox_build_paths[i], LANDLOCK_BROWSE);
    }
    if (making.has_failed) {
        sandbox_plan_release(&plan);
        return -1;
    }
    *out_plan = plan;
    return 0;
}

void sandbox_plan_release(struct sandbox_plan *plan)
{
    for (size_t i = 0; i < plan->path_count; i++) {
        free(plan->paths[i].path);
    }
    free(plan->paths);
    *plan = (struct sandbox_plan){.paths = NULL};
}

/* --- asking a plan ------------------------------------------------------------------------ */

static bool is_beneath(const char *path, const char *folder)
{
    size_t size = strlen(folder);
    return strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

bool sandbox_plan_covers(const struct sandbox_plan *plan, const char *path)
{
    char *real = realpath(path, NULL);
    bool is_covered = real == NULL; /* it cannot be read for another reason, told by who tried */

    for (size_t i = 0; !is_covered && i < plan->path_count; i++) {
        is_covered = is_beneath(real, plan->paths[i].path);
    }
    free(real);
    return is_covered;
}
