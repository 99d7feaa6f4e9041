/* Root's rights, and how they are given up for good. */
#ifndef MOAT_APP_PRIVILEGES_INTERNAL_H
#define MOAT_APP_PRIVILEGES_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "moat/base/bytes.h"

/* The user that root's process becomes where none is named: the first of these that exists. */
#define PRIVILEGES_USER       "moat"
#define PRIVILEGES_USER_SPARE "nobody"

#define PRIVILEGES_NAME_SIZE  33
#define PRIVILEGES_FAULT_SIZE 256

/* Whom to become. */
struct identity {
    char name[PRIVILEGES_NAME_SIZE];
    uid_t user;
    gid_t group;
};

/* Looks up `name`, or where it is NULL the first default that exists. False, and what is wrong
 * with the remedy, when there is no such user. */
bool privileges_find(const char *name, struct identity *out_identity,
                     char out_what[PRIVILEGES_FAULT_SIZE]) MOAT_MUST_CHECK;

/* Who runs already; its name is the number where nobody knows it. */
void privileges_self(struct identity *out_identity);

/* Becomes `identity` in all three user and group identifiers, without supplementary groups. Only
 * root can. 0, or a negative errno value; the process must then not go on as if it had worked. */
int privileges_become(const struct identity *identity) MOAT_MUST_CHECK;

/* Takes every capability from what a program started from here could have, where this process has
 * the right to (root's, before it becomes another). Elsewhere no_new_privs has the same effect. */
void privileges_drop_bounding(void);

/* Gives up every capability in every other set. 0 or a negative errno value. */
int privileges_drop_capabilities(void) MOAT_MUST_CHECK;

/* Asks the kernel who this is and what is left. True when it is `identity` and nobody else, and no
 * capability is left that could be used or taken again. */
bool privileges_verify(const struct identity *identity) MOAT_MUST_CHECK;

/* Whether `identity` could open a file for reading once everything is dropped, found out by a child
 * process that is it. For a process with one thread, run by root. True as well where that cannot
 * be tried. */
bool privileges_could_read(const struct identity *identity, const char *path) MOAT_MUST_CHECK;

#endif
