/* Where each key of a configuration was written, and whether its value could be used. */
#ifndef MOAT_CONFIG_PLACES_INTERNAL_H
#define MOAT_CONFIG_PLACES_INTERNAL_H

#include "moat/config/config.h"

struct config_places;

/* NULL without memory. */
struct config_places *places_new(void) MOAT_MUST_CHECK;
void places_free(struct config_places *places);

/* Remembers a written key; false without memory. */
bool places_add(struct config_places *places, const char *path, struct config_place place,
                bool is_sound) MOAT_MUST_CHECK;

/* To be called once, after the last places_add() and before any look-up. */
void places_sort(struct config_places *places);

/* False when the key, or one around it, was written with a value that could not be
 * read: what stands in the config is then a default that nobody asked for. */
bool config_is_sound(const struct config *config, const char *format, ...) MOAT_PRINTF(2, 3);

#endif
