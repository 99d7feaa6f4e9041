#include "sandbox_internal.h"

const char *const sandbox_build_paths[] = {NULL};
