/* What must hold for any lists. */
#include "moat/base/topic.h"

#include "oracle.h"
#include "topic_lists.h"

static const char *const filters[] = {
    "#",    "+", "a",     "a/#", "a/+",   "+/b",    "+/#", "b/#",   "a/b", "a/b/#",        "$x/#",
    "$x/+", "/", "a/+/c", "c",   "+/+/c", "$share", "+/+", "a/b/c", "/#",  "u/${username}"};
static const char *const names[] = {"a",     "b",     "c",     "a/b", "a/c",    "a/b/c",
                                    "b/b",   "$x",    "$x/b",  "$y",  "/",      "/b",
                                    "b/x/c", "x/y/z", "u/ann", "u/b", "a/b/c/d"};
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static void random_list(struct random *random, const char **list)
{
    size_t count = random_below(random, LIST_MAX);
    for (size_t index = 0; index < count; index++) {
        list[index] = filters[random_below(random, COUNT_OF(filters))];
    }
    list[count] = NULL;
}

static struct lists random_lists(struct random *random)
{
    struct lists lists;
    random_list(random, lists.allow);
    random_list(random, lists.deny);
    return lists;
}

/* No message comes by a permitted subscription that a publish list of the same words would
 * not let out. */
Test(grants_random, a_subscription_brings_only_what_is_permitted)
{
    struct random random = random_start(3);
    struct policy_facts facts = facts_of("ann");
    size_t seen = 0;

    for (size_t round = 0; round < 20000; round++) {
        struct lists lists = random_lists(&random);
        struct policy_grants *grants = grants_of(&lists, &lists, &facts);
        struct slice filter =
            slice_from_text(filters[random_below(&random, COUNT_OF(filters) - 1)]);
        if (policy_grants_may_subscribe(grants, filter)) {
            for (size_t i = 0; i < COUNT_OF(names); i++) {
                struct slice name = slice_from_text(names[i]);
                bool comes = topic_covers(filter, name);
                seen += comes ? 1 : 0;
                cr_assert(!comes || policy_grants_may_publish(grants, name), "%s by %s", names[i],
                          (const char *)filter.data);
            }
        }
        policy_grants_free(grants);
    }
    cr_assert_gt(seen, 1000);
}

/* A name is permitted exactly when the lists say so, one by one. */
Test(grants_random, publishing_by_the_book)
{
    struct random random = random_start(4);
    struct policy_facts facts = facts_of(NULL);

    for (size_t round = 0; round < 20000; round++) {
        struct lists lists = random_lists(&random);
        struct policy_grants *grants = grants_of(&lists, &no_lists, &facts);
        const char *name = names[random_below(&random, COUNT_OF(names))];
        bool is_allowed = lists.allow[0] == NULL && (lists.deny[0] == NULL || name[0] != '$');
        bool is_denied = false;
        for (size_t i = 0; lists.allow[i] != NULL; i++) {
            is_allowed = is_allowed ||
                         (strchr(lists.allow[i], '{') == NULL &&
                          topic_covers(slice_from_text(lists.allow[i]), slice_from_text(name)));
        }
        for (size_t i = 0; lists.deny[i] != NULL; i++) {
            is_denied = is_denied || strchr(lists.deny[i], '{') != NULL ||
                        topic_overlaps(slice_from_text(lists.deny[i]), slice_from_text(name));
        }
        cr_assert_eq(policy_grants_may_publish(grants, slice_from_text(name)),
                     is_allowed && !is_denied, "%s", name);
        policy_grants_free(grants);
    }
}

/* --- comparing -----------------------------------------------------------------------------------
 */

Test(grants_random, what_includes_the_former_lists_permits_all_they_did)
{
    struct random random = random_start(5);
    struct policy_facts facts = facts_of(NULL);
    size_t included = 0;

    for (size_t round = 0; round < 40000; round++) {
        struct lists now = random_lists(&random);
        struct lists before = random_lists(&random);
        struct policy_grants *later = grants_of(&now, &now, &facts);
        struct policy_grants *earlier = grants_of(&before, &before, &facts);
        bool includes = policy_grants_include(later, earlier);
        included += includes && before.allow[0] != NULL ? 1 : 0;
        for (size_t i = 0; includes && i < COUNT_OF(names); i++) {
            struct slice name = slice_from_text(names[i]);
            cr_assert(!policy_grants_may_publish(earlier, name) ||
                      policy_grants_may_publish(later, name));
        }
        for (size_t i = 0; includes && i + 1 < COUNT_OF(filters); i++) {
            struct slice filter = slice_from_text(filters[i]);
            cr_assert(!policy_grants_may_subscribe(earlier, filter) ||
                      policy_grants_may_subscribe(later, filter));
        }
        policy_grants_free(later);
        policy_grants_free(earlier);
    }
    cr_assert_gt(included, 100);
}
