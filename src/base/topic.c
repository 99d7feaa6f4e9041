#include "moat/base/topic.h"

#include "moat/base/utf8.h"

/* Stands in a topic between two levels, or behind the last. */
struct topic_cursor {
    struct slice rest;
    bool is_over; /* no level is left; an empty level is one like any other */
};

static struct topic_cursor cursor_of(struct slice topic)
{
    return (struct topic_cursor){.rest = topic};
}

/* The next level, of which there must be one. */
static struct slice take_level(struct topic_cursor *cursor)
{
    struct slice rest = cursor->rest;
    const uint8_t *slash = rest.size > 0 ? memchr(rest.data, '/', rest.size) : NULL;

    if (slash == NULL) {
        cursor->is_over = true;
        return rest;
    }
    size_t size = (size_t)(slash - rest.data);
    cursor->rest = slice_after(rest, size + 1);
    return slice_of(rest.data, size);
}

static bool is_wildcard(struct slice level, char wildcard)
{
    return level.size == 1 && level.data[0] == (uint8_t)wildcard;
}

/* --- validity --- */

static bool has_valid_text(struct slice text)
{
    return text.size > 0 && text.size <= TOPIC_SIZE_MAX && utf8_check(text) == UTF8_OK;
}

static bool has_wildcard(struct slice text)
{
    return memchr(text.data, '+', text.size) != NULL || memchr(text.data, '#', text.size) != NULL;
}

bool topic_is_name(struct slice text)
{
    return has_valid_text(text) && !has_wildcard(text);
}

/* [MQTT-4.7.1-2]: `#` alone in the last level. [MQTT-4.7.1-3]: `+` alone in its level. */
bool topic_is_filter(struct slice text)
{
    struct topic_cursor cursor = cursor_of(text);

    if (!has_valid_text(text)) {
        return false;
    }
    while (!cursor.is_over) {
        struct slice level = take_level(&cursor);
        bool is_whole = is_wildcard(level, '+') || (is_wildcard(level, '#') && cursor.is_over);
        if (level.size > 0 && has_wildcard(level) && !is_whole) {
            return false;
        }
    }
    return true;
}

/* --- sets of names --- */

bool topic_covers(struct slice filter, struct slice asked)
{
    struct topic_cursor ours = cursor_of(filter);
    struct topic_cursor theirs = cursor_of(asked);
    bool is_first = true;

    while (!ours.is_over) {
        struct slice our = take_level(&ours);
        bool takes_any = is_wildcard(our, '+') || is_wildcard(our, '#');
        if (is_first && takes_any && slice_starts_with(asked, "$")) {
            return false;
        }
        if (is_wildcard(our, '#')) {
            return true; /* also when nothing is left: "a/#" is for "a" as well */
        }
        if (theirs.is_over) {
            return false;
        }
        struct slice their = take_level(&theirs);
        if (is_wildcard(their, '#')) {
            /* Only `#` is for all that follow. A name has one level at least, though, so in
             * front `#` says the same as `+/#`. */
            return is_first && takes_any && slice_is(ours.rest, "#");
        }
        if (!takes_any && !slice_equal(our, their)) {
            return false;
        }
        is_first = false;
    }
    return theirs.is_over;
}

bool topic_overlaps(struct slice filter, struct slice asked)
{
    struct topic_cursor ours = cursor_of(filter);
    struct topic_cursor theirs = cursor_of(asked);

    while (!ours.is_over && !theirs.is_over) {
        struct slice our = take_level(&ours);
        struct slice their = take_level(&theirs);
        if (is_wildcard(our, '#') || is_wildcard(their, '#')) {
            return true;
        }
        if (!is_wildcard(our, '+') && !is_wildcard(their, '+') && !slice_equal(our, their)) {
            return false;
        }
    }
    /* One has a level left that the other has not: only `#` is content with none. */
    return (ours.is_over || slice_is(ours.rest, "#")) &&
           (theirs.is_over || slice_is(theirs.rest, "#"));
}

/* --- shared subscriptions (5.0, 4.8.2; brokers offer them in 3.1.1 too) --- */

bool topic_unshare(struct slice filter, struct slice *out_filter)
{
    struct topic_cursor cursor = cursor_of(filter);

    if (!slice_is(take_level(&cursor), "$share")) {
        *out_filter = filter;
        return true;
    }
    if (cursor.is_over) {
        return false;
    }
    struct slice group = take_level(&cursor);
    /* [MQTT-4.8.2-1] [MQTT-4.8.2-2] */
    if (group.size == 0 || has_wildcard(group) || cursor.is_over || cursor.rest.size == 0) {
        return false;
    }
    struct slice inner = cursor.rest;
    if (slice_is(take_level(&cursor), "$share")) {
        return false;
    }
    *out_filter = inner;
    return true;
}
