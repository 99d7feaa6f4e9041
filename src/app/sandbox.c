#include "sandbox_internal.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "moat/base/log.h"
#include "process_limits_internal.h"
#include "seccomp_internal.h"

/* --- the parts ---------------------------------------------------------------------------- */

struct part {
    const char *name;
    int (*apply)(struct sandbox *sandbox);
    bool (*verify)(void);
    const char *remedy;
};

static int apply_privileges(struct sandbox *sandbox)
{
    (void)sandbox;
    return process_forbid_new_privileges();
}

static int apply_dumps(struct sandbox *sandbox)
{
    (void)sandbox;
    return process_forbid_dumps();
}

static bool verify_dumps(void)
{
    return process_has_no_core() && process_is_not_dumpable();
}

static int apply_landlock(struct sandbox *sandbox)
{
    const struct sandbox_plan *plan = &sandbox->plan;
    int status = landlock_apply(plan->paths, plan->path_count, plan->ports, plan->port_count);

    sandbox->landlock_abi = status == 0 ? landlock_abi() : 0;
    return status;
}

static int apply_seccomp(struct sandbox *sandbox)
{
    (void)sandbox;
    return seccomp_apply();
}

static const struct part parts[] = {
    {"no_new_privs", apply_privileges, process_has_no_new_privileges, "use Linux 3.5 or later"},
    {"no_dumps", apply_dumps, verify_dumps, "allow setrlimit(2) and prctl(2) in the container"},
    {"landlock", apply_landlock, landlock_verify,
     "use Linux 5.13 or later with landlock among its security modules (lsm=), and a container "
     "that permits its calls"},
    {"seccomp", apply_seccomp, seccomp_verify,
     "use a kernel with CONFIG_SECCOMP_FILTER, and a build of moat without a sanitizer for x86_64, "
     "arm64 or arm"},
};

#define PART_COUNT (sizeof parts / sizeof parts[0])

/* --- telling ------------------------------------------------------------------------------ */

static void tell_missing(const struct config *config, const char *name, const char *what)
{
    struct log_line line;
    bool is_required = config->sandbox == SANDBOX_REQUIRED;

    log_begin(&line, is_required ? LOG_ERROR : LOG_WARNING, "sandbox_missing");
    log_text(&line, "part", name);
    log_text(&line, "msg", what);
    log_end(&line);
}

static void tell(const struct sandbox *sandbox, const struct config *config,
                 const struct identity *identity)
{
    static const char *const modes[] = {
        [SANDBOX_OFF] = "off", [SANDBOX_AUTO] = "auto", [SANDBOX_REQUIRED] = "required"};
    bool has_seccomp = config->sandbox != SANDBOX_OFF && seccomp_verify();
    struct log_line line;

    log_begin(&line, LOG_INFO, "sandbox");
    log_text(&line, "mode", modes[config->sandbox]);
    log_text(&line, "user", identity->name);
    log_number(&line, "uid", identity->user);
    log_text(&line, "capabilities", "none");
    log_text(&line, "no_new_privs", process_has_no_new_privileges() ? "yes" : "no");
    log_text(&line, "core", process_has_no_core() ? "no" : "yes");
    log_text(&line, "dumpable", process_is_not_dumpable() ? "no" : "yes");
    log_number(&line, "landlock", (uint64_t)sandbox->landlock_abi);
    log_text(&line, "seccomp", has_seccomp ? "yes" : "no");
    log_end(&line);
}

/* --- entering ----------------------------------------------------------------------------- */

/* What is read into memory only when it is first needed has to be there before. */
static void prepare(const struct config *config, const struct sandbox *sandbox)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;

    /* Newer ones would use io_uring, whose work no filter sees. */
    (void)setenv("UV_USE_IO_URING", "0", 1);
    /* The libraries behind /etc/nsswitch.conf. Whether there is an answer does not matter. */
    if (sandbox->plan.needs_resolver &&
        getaddrinfo(config->upstream.host, NULL, &hints, &list) == 0) {
        freeaddrinfo(list);
    }
}

/* False when a part did not take. */
static bool apply(struct sandbox *sandbox, const struct config *config, const struct part *part)
{
    char what[512];
    const char *absence = part->apply == apply_seccomp ? seccomp_absence() : NULL;
    int status = absence == NULL ? part->apply(sandbox) : -ENOSYS;

    if (status == 0 && part->verify()) {
        return true;
    }
    const char *reason = status != 0 ? strerror(-status) : "it took, and does not hold";
    snprintf(what, sizeof what, "%s: %s; %s", part->name, absence != NULL ? absence : reason,
             part->remedy);
    tell_missing(config, part->name, what);
    return false;
}

static int enter_user(const struct config *config, struct identity *identity, bool *is_whole)
{
    char what[PRIVILEGES_FAULT_SIZE] = "";

    switch (sandbox_take_user(config, identity, what)) {
    case SANDBOX_USER_TAKEN:
        return EX_OK;
    case SANDBOX_USER_MISSING:
        tell_missing(config, "user", what);
        *is_whole = false;
        return EX_OK;
    case SANDBOX_USER_REFUSED:
        break;
    }
    log_message(LOG_ERROR, "sandbox_refused", "%s", what);
    return EX_UNAVAILABLE;
}

int sandbox_enter(struct sandbox *sandbox, const struct config *config)
{
    struct identity identity;
    bool is_whole = true;

    *sandbox = (struct sandbox){.landlock_abi = 0};
    if (geteuid() != 0) {
        log_message(LOG_DEBUG, "sandbox", "not started by root: there is no user to change");
    }
    int code = enter_user(config, &identity, &is_whole);
    if (code != EX_OK) {
        return code;
    }
    if (config->sandbox != SANDBOX_OFF) {
        if (sandbox_plan_make(config, &sandbox->plan) != 0) {
            log_message(LOG_ERROR, "sandbox_refused", "not enough memory");
            return EX_OSERR;
        }
        prepare(config, sandbox);
        int status = process_fix_descriptors();
        is_whole = status == 0 && is_whole;
        for (size_t i = 0; i < PART_COUNT; i++) {
            is_whole = apply(sandbox, config, &parts[i]) && is_whole;
        }
    }
    tell(sandbox, config, &identity);
    if (config->sandbox == SANDBOX_REQUIRED && !is_whole) {
        log_message(LOG_ERROR, "sandbox_refused",
                    "sandbox: required, and a part of it did not take; do what the lines above "
                    "say, or write sandbox: auto");
        return EX_UNAVAILABLE;
    }
    return EX_OK;
}

void sandbox_release(struct sandbox *sandbox)
{
    sandbox_plan_release(&sandbox->plan);
}

/* --- reload ------------------------------------------------------------------------------- */

struct reload {
    const struct sandbox *sandbox;
    const struct config *next;
    struct config_faults *faults;
};

static void check_file(void *context, const char *key, const char *path)
{
    const struct reload *reload = context;

    if (!sandbox_plan_covers(&reload->sandbox->plan, path)) {
        config_error(reload->faults, reload->next->path, config_place_of(reload->next, "%s", key),
                     "%s: %s is in a folder that moat has no access to since it started; put it "
                     "where the other files are, or restart moat",
                     key, path);
    }
}

static bool has_port(const struct sandbox_plan *plan, uint16_t port)
{
    for (size_t i = 0; i < plan->port_count; i++) {
        if (plan->ports[i] == port) {
            return true;
        }
    }
    return false;
}

static void check_upstream(const struct reload *reload)
{
    const struct sandbox *sandbox = reload->sandbox;
    const struct config *next = reload->next;
    struct config_place place = config_place_of(next, "upstream.address");
    struct sandbox_plan plan;

    if (sandbox_plan_make(next, &plan) != 0) {
        config_error(reload->faults, next->path, place, "not enough memory");
        return;
    }
    bool is_port_ruled = sandbox->landlock_abi >= LANDLOCK_ABI_TCP;
    if (is_port_ruled && next->upstream.kind == ENDPOINT_TCP &&
        !has_port(&sandbox->plan, next->upstream.port)) {
        config_error(reload->faults, next->path, place,
                     "upstream.address: moat cannot connect to port %u since it started; keep the "
                     "port, or restart moat",
                     (unsigned)next->upstream.port);
    } else if (plan.needs_resolver && !sandbox->plan.needs_resolver) {
        config_error(reload->faults, next->path, place,
                     "upstream.address: moat cannot look up names since it started; write an "
                     "address, or restart moat");
    }
    sandbox_plan_release(&plan);
}

void sandbox_check_reload(const struct sandbox *sandbox, const char *path,
                          struct config_faults *faults)
{
    struct config_faults told; /* by who loads the snapshot */

    if (sandbox->landlock_abi == 0) {
        return;
    }
    config_faults_init(&told);
    struct config *next = config_load(path, &told);
    if (next != NULL) {
        const struct reload reload = {sandbox, next, faults};
        sandbox_each_file(next, check_file, (void *)(uintptr_t)&reload);
        check_upstream(&reload);
        config_free(next);
    }
    config_faults_deinit(&told);
}
