/* Changing one user's line in the text of a password file; all else stays byte for byte. */
#ifndef MOAT_APP_PASSWORD_EDIT_INTERNAL_H
#define MOAT_APP_PASSWORD_EDIT_INTERNAL_H

#include "moat/base/bytes.h"

/* What is left where a line was deleted. */
enum password_gap {
    PASSWORD_GAP_NONE,
    PASSWORD_GAP_BLANK, /* an empty line, so that the lines below keep their numbers */
};

/* Appends the text to *out_text with `line` in the place of the user's first line, or behind
 * the last line when there is none. *out_found says which. False without room or memory. */
bool password_edit_set(struct slice text, struct slice username, struct slice line,
                       struct buffer *out_text, bool *out_found) MOAT_MUST_CHECK;

/* Appends the text to *out_text without any line of the user: whoever is deleted is gone,
 * also from a file in which he stood twice. False without room or memory. */
bool password_edit_delete(struct slice text, struct slice username, enum password_gap gap,
                          struct buffer *out_text, bool *out_found) MOAT_MUST_CHECK;

#endif
