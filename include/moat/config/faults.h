/* Everything that is wrong with a configuration, collected, so that one run tells all. */
#ifndef MOAT_CONFIG_FAULTS_H
#define MOAT_CONFIG_FAULTS_H

#include <stdio.h>

#include "moat/base/bytes.h"

/* A place in the configuration file, line 0 when the fault is of the whole file; or in the
 * environment, and then whatever is said of it is said of the variable instead of the file. */
struct config_place {
    unsigned line;        /* from 1 */
    unsigned column;      /* from 1 */
    const char *variable; /* that the value came from, static; NULL: it came from the file */
};

struct config_fault {
    bool is_warning;
    char *file;
    struct config_place place;
    char *what; /* a sentence with the remedy, without a full stop */
};

struct config_faults {
    struct config_fault *list;
    size_t count;
    size_t error_count;
};

void config_faults_init(struct config_faults *faults);
void config_faults_deinit(struct config_faults *faults);

/* `file` gives way to the variable of the place, if it has one. */
void config_error(struct config_faults *faults, const char *file, struct config_place place,
                  const char *format, ...) MOAT_PRINTF(4, 5);
void config_warning(struct config_faults *faults, const char *file, struct config_place place,
                    const char *format, ...) MOAT_PRINTF(4, 5);

/* "moat.yaml:12:9: error: unknown key ..." a line each in order of place, each followed by the line
 * of the file and a caret under the column. */
void config_faults_print(const struct config_faults *faults, FILE *stream, bool in_colour);

/* The same faults as log events (event=configuration_fault). */
void config_faults_log(const struct config_faults *faults);

#endif
