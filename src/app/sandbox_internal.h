/*
 * Least trust: what the process takes from itself once its ports are bound and its keys are read,
 * and before any thread or any byte of a client. In this order, since each step needs rights that
 * a later one takes away: user, capabilities, no new privileges, no dumps, Landlock, seccomp.
 */
#ifndef MOAT_APP_SANDBOX_INTERNAL_H
#define MOAT_APP_SANDBOX_INTERNAL_H

#include <stdio.h>

#include "landlock_internal.h"
#include "moat/config/config.h"
#include "privileges_internal.h"

/* --- what a configuration needs ----------------------------------------------------------- */

#define SANDBOX_PORTS_MAX 2

struct sandbox_plan {
    struct landlock_path *paths;
    size_t path_count;
    uint16_t ports[SANDBOX_PORTS_MAX]; /* that may be connected to */
    size_t port_count;
    bool needs_resolver; /* the upstream is a name */
};

/* What this build of the program reads beside that; ends with NULL. */
extern const char *const sandbox_build_paths[];

/* 0, or -1 without memory with nothing to release. */
int sandbox_plan_make(const struct config *config, struct sandbox_plan *out_plan) MOAT_MUST_CHECK;
void sandbox_plan_release(struct sandbox_plan *plan);

/* True when the file that `path` leads to lies where the plan permits reading. */
bool sandbox_plan_covers(const struct sandbox_plan *plan, const char *path) MOAT_MUST_CHECK;

/* Calls `visit` for every file that a reload reads, with the key that names it ("" for the
 * configuration itself). */
typedef void sandbox_visit(void *context, const char *key, const char *path);
void sandbox_each_file(const struct config *config, sandbox_visit *visit, void *context);

/* The folder of the real file or, with `is_real` false, of the path as it is written, links
 * in the folders followed. NULL when there is none, or without memory; to be released with free().
 */
char *sandbox_folder_of(const char *path, bool is_real) MOAT_MUST_CHECK;

/* --- the sandbox -------------------------------------------------------------------------- */

struct sandbox {
    struct sandbox_plan plan;
    int landlock_abi; /* of the rules in force; 0: none are */
};

/* Applies and verifies everything that the configuration asks for, and logs what holds and what is
 * missing. For a process with one thread. EX_OK, or another exit code after a line in the log;
 * the process then has to end. */
int sandbox_enter(struct sandbox *sandbox, const struct config *config) MOAT_MUST_CHECK;
void sandbox_release(struct sandbox *sandbox);

/* Reports what the file at `path` asks for and this process can no longer do. */
void sandbox_check_reload(const struct sandbox *sandbox, const char *path,
                          struct config_faults *faults);

/* --- the user ----------------------------------------------------------------------------- */

enum sandbox_user {
    SANDBOX_USER_TAKEN,   /* or nothing to take: root did not start this */
    SANDBOX_USER_MISSING, /* the process goes on with more than it should have; `what` says why */
    SANDBOX_USER_REFUSED, /* it must not go on */
};

/* Becomes the user of the configuration, without a capability. */
enum sandbox_user sandbox_take_user(const struct config *config, struct identity *out_identity,
                                    char out_what[PRIVILEGES_FAULT_SIZE]) MOAT_MUST_CHECK;

/* --- before a start ----------------------------------------------------------------------- */

/* For `moat check`: errors and warnings of a user that cannot be taken, and of files that it could
 * not read on a reload. */
void sandbox_advise(const struct config *config, struct config_faults *faults);

/* For `moat check`: what this kernel offers, in lines. */
void sandbox_describe(FILE *stream);

#endif
