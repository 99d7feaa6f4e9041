#include "environment_internal.h"

#include <stdlib.h>

const char *environment_credentials(void)
{
    return getenv("CREDENTIALS_DIRECTORY");
}
