/* What the kernel is told about this process: nothing of it leaves it, and it gains nothing. */
#ifndef MOAT_APP_PROCESS_LIMITS_INTERNAL_H
#define MOAT_APP_PROCESS_LIMITS_INTERNAL_H

#include "moat/base/bytes.h"

/* Each returns 0 or a negative errno value. */

/* No program that is started from here can have more rights. */
int process_forbid_new_privileges(void) MOAT_MUST_CHECK;

/* No core file, and nobody but root may look into the memory: after the user has changed, which
 * sets this anew. */
int process_forbid_dumps(void) MOAT_MUST_CHECK;

/* The number of descriptors stays as it is now. */
int process_fix_descriptors(void) MOAT_MUST_CHECK;

/* Ask the kernel. */
bool process_has_no_new_privileges(void) MOAT_MUST_CHECK;
bool process_has_no_core(void) MOAT_MUST_CHECK;
bool process_is_not_dumpable(void) MOAT_MUST_CHECK;

#endif
