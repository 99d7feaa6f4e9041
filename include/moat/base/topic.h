/*
 * MQTT topics as text: which topic names a topic filter stands for (4.7 of 3.1.1 and 5.0).
 *
 * A name is a filter that stands for itself alone, so the functions below take either in
 * every place. Topics are cut into levels at each slash; `+` is one level, `#` at the end
 * all that follow. Nothing allocates, and the time is the sum of both sizes.
 */
#ifndef MOAT_BASE_TOPIC_H
#define MOAT_BASE_TOPIC_H

#include "moat/base/bytes.h"

#define TOPIC_SIZE_MAX 65535u /* bytes of a name or a filter [MQTT-4.7.3-3] */

/* At least one character, well-formed, no NUL, control or non-character, no wildcard. */
bool topic_is_name(struct slice text) MOAT_MUST_CHECK;

/* The same, with wildcards in their places. */
bool topic_is_filter(struct slice text) MOAT_MUST_CHECK;

/*
 * True when `filter` stands for every name that `asked` stands for. A wildcard in front
 * takes no name that begins with `$` [MQTT-4.7.2-1]. Both must be valid.
 */
bool topic_covers(struct slice filter, struct slice asked) MOAT_MUST_CHECK;

/*
 * True when some name is in both. This is for refusing, so it reads a wildcard in front as
 * widely as it can be read: `#` and `$SYS/#` have names in common here. Both must be valid.
 */
bool topic_overlaps(struct slice filter, struct slice asked) MOAT_MUST_CHECK;

/*
 * The filter of a subscription without the `$share/<group>/` in front, which is where there
 * is one. False when `$share` is not followed by a group without wildcards and a filter that
 * is not shared once more: what a broker makes of that is anybody's guess.
 */
bool topic_unshare(struct slice filter, struct slice *out_filter) MOAT_MUST_CHECK;

#endif
