/*
 * The state file as bytes: several states, one behind the other. All numbers are little-endian:
 *
 *   0   8   "moat-grd"
 *   8   4   version, 2
 *   12  4   number of sections
 *   16      the sections; each its size (8) and then itself, which begins with a magic of 8 bytes
 *           and has a checksum of its own
 *
 * In version 1 the file was nothing but the state of the owners ("moat-own"); it is still read.
 */
#ifndef MOAT_APP_STATE_FILE_INTERNAL_H
#define MOAT_APP_STATE_FILE_INTERNAL_H

#include "moat/base/bytes.h"

#define STATE_FILE_OWNERS "moat-own"
#define STATE_FILE_BANS   "moat-ban"

/* Begins a file of `sections` sections. False without memory, as the others. */
bool state_file_begin(struct buffer *file, uint32_t sections) MOAT_MUST_CHECK;

/* Begins a section, whose bytes are then appended, and ends it. */
bool state_file_open_section(struct buffer *file, size_t *out_start) MOAT_MUST_CHECK;
void state_file_close_section(struct buffer *file, size_t start);

/* The section with this magic; empty when the file has none. NULL, or what is wrong with the
 * file as a static sentence. What is in the section is not looked at. */
const char *state_file_find(struct slice file, const char *magic,
                            struct slice *out_section) MOAT_MUST_CHECK;

#endif
