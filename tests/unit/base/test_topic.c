#include "moat/base/topic.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* --- validity ------------------------------------------------------------------------- */

static bool name(const char *text)
{
    return topic_is_name(slice_from_text(text));
}

static bool filter(const char *text)
{
    return topic_is_filter(slice_from_text(text));
}

Test(topic, names)
{
    cr_assert(name("a"));
    cr_assert(name("/"));
    cr_assert(name("a//b/"));
    cr_assert(name("$SYS/broker"));
    cr_assert(name("caf\xC3\xA9/a b"));
    cr_assert_not(name(""));
    cr_assert_not(name("a/+"));
    cr_assert_not(name("a#"));
    cr_assert_not(name("\xC3"));
    cr_assert_not(name("a\nb"));
    cr_assert_not(name("\xEF\xBF\xBF"));
    cr_assert_not(topic_is_name(slice_of("a\0b", 3)));
    cr_assert_not(topic_is_name(slice_of(NULL, 0)));
}

Test(topic, filters)
{
    static const char *const good[] = {"a",    "+",    "#",       "/",         "+/+", "a/+/b",
                                       "+/#",  "a/#",  "/#",      "/+",        "//",  "$SYS/#",
                                       "a/+/", "$x/+", "+/a/b/#", "$share/g/#"};
    static const char *const bad[] = {"",      "a+",   "+a",   "a/+b", "a/b+/c", "#/a",
                                      "a/#/b", "a#",   "#a",   "a/#b", "++",     "##",
                                      "+#",    "a/+#", "\xFF", "\x7F"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_assert(filter(good[i]), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_not(filter(bad[i]), "%s", bad[i]);
    }
}

Test(topic, the_longest)
{
    static uint8_t text[TOPIC_SIZE_MAX + 1];

    memset(text, '/', sizeof text);
    cr_assert(topic_is_name(slice_of(text, TOPIC_SIZE_MAX)));
    cr_assert(topic_is_filter(slice_of(text, TOPIC_SIZE_MAX)));
    cr_assert_not(topic_is_name(slice_of(text, TOPIC_SIZE_MAX + 1)));
    cr_assert_not(topic_is_filter(slice_of(text, TOPIC_SIZE_MAX + 1)));
}

/* --- against sets of names ---------------------------------------------------------------- */

/* Every filter of up to three levels and every name of up to four, of these levels. Names
 * also have levels that no filter has: a wildcard stands for more than was thought of. The
 * empty text counts as a name here: `+` and "/#" would be for it, if it were one. */
static const char *const filter_levels[] = {"a", "", "$x", "+", "#"};
static const char *const name_levels[] = {"a", "", "$x", "c", "$y"};
#define LEVELS      5
#define TEXT_SIZE   16
#define FILTERS_MAX 200
#define NAMES_MAX   800

struct texts {
    char list[NAMES_MAX][TEXT_SIZE];
    size_t count;
};

/* Number 0, 1, 2, ... of `depth` levels. */
static void compose(const char *const *levels, size_t depth, size_t number, char *out_text)
{
    size_t used = 0;
    for (size_t level = 0; level < depth; level++) {
        const char *text = levels[number % LEVELS];
        number /= LEVELS;
        used +=
            (size_t)snprintf(out_text + used, TEXT_SIZE - used, "%s%s", level > 0 ? "/" : "", text);
    }
}

static void enumerate(const char *const *levels, size_t depth_max, struct texts *out_texts)
{
    out_texts->count = 0;
    size_t variants = 1;
    for (size_t depth = 1; depth <= depth_max; depth++) {
        variants *= LEVELS;
        for (size_t number = 0; number < variants; number++) {
            char *text = out_texts->list[out_texts->count];
            compose(levels, depth, number, text);
            if (filter(text) || (levels == name_levels && text[0] == '\0')) {
                out_texts->count++;
            }
        }
    }
}

/* Slow and obvious, level by level from the front. */
static bool slow_match(const char *pattern, const char *topic, bool minds_dollar)
{
    size_t ours = strcspn(pattern, "/");
    size_t theirs = strcspn(topic, "/");

    if (minds_dollar && topic[0] == '$' && (pattern[0] == '+' || pattern[0] == '#')) {
        return false;
    }
    if (pattern[0] == '#') {
        return true;
    }
    if (pattern[0] != '+' && (ours != theirs || memcmp(pattern, topic, ours) != 0)) {
        return false;
    }
    bool is_last = pattern[ours] == '\0';
    bool was_last = topic[theirs] == '\0';
    if (was_last) {
        return is_last || strcmp(pattern + ours, "/#") == 0;
    }
    return !is_last && slow_match(pattern + ours + 1, topic + theirs + 1, false);
}

/* [filter][name] */
struct table {
    bool holds[FILTERS_MAX][NAMES_MAX];
};

static void fill(const struct texts *filters, const struct texts *names, bool minds_dollar,
                 struct table *out_table)
{
    for (size_t i = 0; i < filters->count; i++) {
        for (size_t j = 0; j < names->count; j++) {
            out_table->holds[i][j] = slow_match(filters->list[i], names->list[j], minds_dollar);
        }
    }
}

static bool is_subset(const bool *inner, const bool *outer, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (inner[i] && !outer[i]) {
            return false;
        }
    }
    return true;
}

static bool is_common(const bool *one, const bool *other, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (one[i] && other[i]) {
            return true;
        }
    }
    return false;
}

static struct texts filters;
static struct texts names;
static struct table as_brokers_do;
static struct table widely;

static void enumerate_all(void)
{
    enumerate(filter_levels, 3, &filters);
    enumerate(name_levels, 4, &names);
    cr_assert_leq(filters.count, FILTERS_MAX);
    fill(&filters, &names, true, &as_brokers_do);
    fill(&filters, &names, false, &widely);
}

TestSuite(topic_sets, .init = enumerate_all);

Test(topic_sets, a_filter_covers_another)
{
    size_t covered = 0;
    for (size_t i = 0; i < filters.count; i++) {
        for (size_t j = 0; j < filters.count; j++) {
            bool expected = is_subset(as_brokers_do.holds[j], as_brokers_do.holds[i], names.count);
            covered += expected ? 1 : 0;
            cr_assert_eq(
                topic_covers(slice_from_text(filters.list[i]), slice_from_text(filters.list[j])),
                expected, "%s covers %s", filters.list[i], filters.list[j]);
        }
    }
    cr_assert_gt(covered, 2 * filters.count);
}

Test(topic_sets, a_filter_covers_a_name)
{
    for (size_t i = 0; i < filters.count; i++) {
        for (size_t j = 0; j < names.count; j++) {
            cr_assert_eq(
                topic_covers(slice_from_text(filters.list[i]), slice_from_text(names.list[j])),
                as_brokers_do.holds[i][j], "%s covers %s", filters.list[i], names.list[j]);
        }
    }
}

Test(topic_sets, two_filters_overlap)
{
    for (size_t i = 0; i < filters.count; i++) {
        for (size_t j = 0; j < filters.count; j++) {
            bool expected = is_common(widely.holds[i], widely.holds[j], names.count);
            cr_assert_eq(
                topic_overlaps(slice_from_text(filters.list[i]), slice_from_text(filters.list[j])),
                expected, "%s overlaps %s", filters.list[i], filters.list[j]);
        }
    }
}

Test(topic_sets, a_filter_overlaps_a_name)
{
    for (size_t i = 0; i < filters.count; i++) {
        for (size_t j = 0; j < names.count; j++) {
            cr_assert_eq(
                topic_overlaps(slice_from_text(filters.list[i]), slice_from_text(names.list[j])),
                widely.holds[i][j], "%s overlaps %s", filters.list[i], names.list[j]);
        }
    }
}

/* --- validity against an obvious reading ------------------------------------------------------ */

static bool slow_is_filter(const char *text)
{
    size_t size = strlen(text);
    for (size_t at = 0; at < size; at++) {
        bool begins = at == 0 || text[at - 1] == '/';
        bool ends = at + 1 == size || text[at + 1] == '/';
        if (text[at] == '+' && !(begins && ends)) {
            return false;
        }
        if (text[at] == '#' && !(begins && at + 1 == size)) {
            return false;
        }
    }
    return size > 0;
}

Test(topic, every_short_text)
{
    static const char alphabet[] = "a/+#";
    char text[8];

    for (size_t size = 0; size <= 7; size++) {
        size_t variants = (size_t)1 << (2 * size);
        for (size_t number = 0; number < variants; number++) {
            for (size_t at = 0; at < size; at++) {
                text[at] = alphabet[(number >> (2 * at)) % 4];
            }
            text[size] = '\0';
            cr_assert_eq(filter(text), slow_is_filter(text), "%s", text);
            cr_assert_eq(name(text), size > 0 && strpbrk(text, "+#") == NULL, "%s", text);
        }
    }
}

/* --- the few that are worth a name -------------------------------------------------------- */

static bool covers(const char *ours, const char *theirs)
{
    return topic_covers(slice_from_text(ours), slice_from_text(theirs));
}

static bool overlaps(const char *ours, const char *theirs)
{
    return topic_overlaps(slice_from_text(ours), slice_from_text(theirs));
}

Test(topic, worth_a_name)
{
    cr_assert(covers("sport/#", "sport"));
    cr_assert(covers("sport/#", "sport/tennis/+"));
    cr_assert_not(covers("sport/+", "sport"));
    cr_assert(covers("#", "+/#"));
    cr_assert(covers("+/#", "#"));
    cr_assert_not(covers("a/+/#", "a/#"));
    cr_assert_not(covers("#", "$SYS/#"));
    cr_assert_not(covers("+/uptime", "$SYS/uptime"));
    cr_assert(covers("$SYS/#", "$SYS/uptime"));

    cr_assert(overlaps("a/#", "#"));
    cr_assert(overlaps("a/b", "+/b"));
    cr_assert(overlaps("a/#", "a"));
    cr_assert(overlaps("#", "$SYS/#"));
    cr_assert_not(overlaps("a/b", "a/c"));
    cr_assert_not(overlaps("a/b", "a/b/c"));
}

/* --- shared subscriptions ----------------------------------------------------------------------
 */

static bool unshares_to(const char *text, const char *expected)
{
    struct slice inner = slice_of(NULL, 0);
    return topic_unshare(slice_from_text(text), &inner) && slice_is(inner, expected);
}

Test(topic, shared_subscriptions)
{
    struct slice untouched = slice_of("x", 1);
    static const char *const bad[] = {"$share",
                                      "$share/",
                                      "$share/g",
                                      "$share/g/",
                                      "$share//a",
                                      "$share/+/a",
                                      "$share/#",
                                      "$share/#/a",
                                      "$share/g+/a",
                                      "$share/g#/a",
                                      "$share/g/$share/h/#",
                                      "$share/g/$share"};

    cr_assert(unshares_to("$share/g/#", "#"));
    cr_assert(unshares_to("$share/g/a/+/b", "a/+/b"));
    cr_assert(unshares_to("$share/g//", "/"));
    cr_assert(unshares_to("a/$share/b", "a/$share/b"));
    cr_assert(unshares_to("$shared/g/a", "$shared/g/a"));
    cr_assert(unshares_to("#", "#"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_not(topic_unshare(slice_from_text(bad[i]), &untouched), "%s", bad[i]);
        cr_assert(slice_is(untouched, "x"));
    }
}
