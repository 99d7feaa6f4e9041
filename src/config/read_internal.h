/* From the tree of a file to typed values, guided by the table alone. */
#ifndef MOAT_CONFIG_READ_INTERNAL_H
#define MOAT_CONFIG_READ_INTERNAL_H

#include "document_internal.h"
#include "moat/config/config.h"

/*
 * Fills a zeroed config, which has its path and its places, from the root of a document. What was
 * not written, or not well, gets its default. Faults are reported under config->path.
 */
void read_config(const struct node *root, struct config *config, struct config_faults *faults);

/*
 * Reads the file as far as it can be read, and checks what was read: the result
 * may be incomplete when there were errors. NULL when there is no tree to read.
 */
struct config *config_read(const char *path, struct config_faults *faults) MOAT_MUST_CHECK;

/* What no single key can tell: that keys fit together and that the gate would be safe. */
void check_config(const struct config *config, struct config_faults *faults);

#endif
