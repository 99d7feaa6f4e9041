/* What can be configured, written out from the table that also reads the file. */
#ifndef MOAT_CONFIG_REFERENCE_H
#define MOAT_CONFIG_REFERENCE_H

#include <stdio.h>

/* docs/configuration.md: every key with type, default, range, meaning and an example. */
void config_reference_markdown(FILE *stream);

/* config/moat.yaml: a file to start from, with every other key and its default behind a #. */
void config_reference_yaml(FILE *stream);

#endif
