/*
 * What is decided of a connection by its address alone, before anything is spent on it: no memory,
 * no byte of TLS. Who is turned away here is not told, and costs an accept and a close.
 */
#include "session_internal.h"

bool welcome_address(struct session_worker *worker, const struct address *address, size_t index)
{
    (void)address;
    (void)index;
    /* Last, since a stranger may have to go for it. */
    return door_make_room(worker);
}
