/* What a configuration takes from the environment; nothing else in this layer looks there. */
#ifndef MOAT_CONFIG_ENVIRONMENT_INTERNAL_H
#define MOAT_CONFIG_ENVIRONMENT_INTERNAL_H

#include "document_internal.h"
#include "table_internal.h"

/* The folder of what the service manager has passed to this service alone (systemd.exec(5),
 * LoadCredential=); NULL when it has passed nothing. */
const char *environment_credentials(void);

/*
 * Whether a variable is set for the row at this path ("listeners[0].address"); then *out_node is
 * its value, as the file could have held it, and borrows from the environment. Empty is not
 * set: that is how composing tools pass on what nobody wrote.
 */
bool environment_gives(const struct table_row *row, const char *path, struct node *out_node);

/* The same of any row directly beneath a TABLE_MAP at this path. */
bool environment_gives_beneath(const struct table_row *row, const char *path);

/*
 * What a configuration of variables alone has around them: one listener, and one rule that
 * requires whatever the variables make it possible to check. False, and the faults, when
 * that is nothing, so that nobody or everybody could come in.
 */
#define ENVIRONMENT_TEXT_SIZE 512
bool environment_text(struct config_faults *faults,
                      char out_text[ENVIRONMENT_TEXT_SIZE]) MOAT_MUST_CHECK;

#endif
