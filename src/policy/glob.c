#include "glob_internal.h"

#include "moat/policy/policy.h"

const char *policy_check_glob(struct slice text)
{
    for (size_t at = 0; at < text.size; at++) {
        if (text.data[at] != '\\') {
            continue;
        }
        at++; /* the escaped byte is never looked at as an escape itself */
        if (at == text.size) {
            return "the pattern ends in a lone backslash; write \\\\ for a backslash";
        }
        /* A stray backslash is most likely a regular expression, or a name with its own
         * escapes (RFC 4514): silently dropping it would make a rule that never matches. */
        if (text.data[at] != '*' && text.data[at] != '?' && text.data[at] != '\\') {
            return "a backslash may only stand before *, ? or another backslash";
        }
    }
    return NULL;
}

/* Bytes of the glob's element at `at`: two for an escape, one for all else. */
static size_t element_size(struct slice glob, size_t at)
{
    return glob.data[at] == '\\' && at + 1 < glob.size ? 2 : 1;
}

/* Whether the element at `at`, which is not a star, takes this byte. */
static bool element_takes(struct slice glob, size_t at, uint8_t byte)
{
    if (glob.data[at] == '?') {
        return true;
    }
    return glob.data[at + element_size(glob, at) - 1] == byte;
}

/*
 * Only the last star met is ever tried again. That is enough: what the stars
 * before it took was the shortest that fits, and anything a longer run could gain
 * the last star can take as well. So there is no tree of tries for a client to grow.
 */
bool glob_match(struct slice glob, struct slice text)
{
    size_t g = 0;
    size_t t = 0;
    bool has_star = false;
    size_t after_star = 0; /* in the glob */
    size_t star_end = 0;   /* in the text: what the star takes ends here */

    while (t < text.size) {
        if (g < glob.size && glob.data[g] == '*') {
            has_star = true;
            after_star = ++g;
            star_end = t;
        } else if (g < glob.size && element_takes(glob, g, text.data[t])) {
            g += element_size(glob, g);
            t++;
        } else if (has_star) {
            g = after_star;
            t = ++star_end;
        } else {
            return false;
        }
    }
    while (g < glob.size && glob.data[g] == '*') {
        g++;
    }
    return g == glob.size;
}
