/* Globs: `*` is any run of bytes, `?` any one byte, `\` takes `*`, `?` or `\` literally. */
#ifndef MOAT_POLICY_GLOB_INTERNAL_H
#define MOAT_POLICY_GLOB_INTERNAL_H

#include "moat/base/bytes.h"

/*
 * True when the whole text matches the whole glob, byte for byte and with case.
 * The glob must have passed policy_check_glob(). Takes at most
 * glob.size * text.size steps whatever the two contain, and no memory.
 */
bool glob_match(struct slice glob, struct slice text) MOAT_MUST_CHECK;

#endif
