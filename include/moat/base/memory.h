/* What the allocator keeps for later. */
#ifndef MOAT_BASE_MEMORY_H
#define MOAT_BASE_MEMORY_H

/* Gives freed memory back to the system: the allocator keeps it, which after a flood of
 * connections would be for ever. Takes milliseconds at most; not to be called for each free. */
void memory_give_back(void);

#endif
