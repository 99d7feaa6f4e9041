#include "moat/policy/reach.h"

#include "cidr_internal.h"
#include "glob_internal.h"

/* --- patterns ------------------------------------------------------------------------------ */

static size_t element_size(struct slice glob, size_t at)
{
    return glob.data[at] == '\\' && at + 1 < glob.size ? 2 : 1;
}

/* Whether an element of `wide` that is no star takes whatever an element of `narrow` may stand for.
 * A star may stand for nothing or for many bytes, so only another star takes it. */
static bool element_covers(struct slice wide, size_t w, struct slice narrow, size_t n)
{
    if (narrow.data[n] == '*') {
        return false;
    }
    if (wide.data[w] == '?') {
        return true;
    }
    return narrow.data[n] != '?' &&
           wide.data[w + element_size(wide, w) - 1] == narrow.data[n + element_size(narrow, n) - 1];
}

/* glob_match(), with the elements of a pattern in place of the bytes of a text. */
static bool covers(struct slice wide, struct slice narrow)
{
    size_t w = 0;
    size_t n = 0;
    bool has_star = false;
    size_t after_star = 0; /* in `wide` */
    size_t star_end = 0;   /* in `narrow`: what the star takes ends here */

    while (n < narrow.size) {
        if (w < wide.size && wide.data[w] == '*') {
            has_star = true;
            after_star = ++w;
            star_end = n;
        } else if (w < wide.size && element_covers(wide, w, narrow, n)) {
            w += element_size(wide, w);
            n += element_size(narrow, n);
        } else if (has_star) {
            w = after_star;
            star_end += element_size(narrow, star_end);
            n = star_end;
        } else {
            return false;
        }
    }
    while (w < wide.size && wide.data[w] == '*') {
        w++;
    }
    return w == wide.size;
}

bool policy_glob_covers(const char *wide, const char *narrow)
{
    return covers(slice_from_text(wide), slice_from_text(narrow));
}

bool policy_glob_takes_all(const char *glob)
{
    return policy_glob_covers(glob, "*");
}

bool policy_glob_takes(const char *glob, struct slice text)
{
    return glob_match(slice_from_text(glob), text);
}

/* --- conditions ---------------------------------------------------------------------------- */

/* A condition of a rule: patterns of which one must hold. */
struct condition {
    const char *const *texts;
    size_t count;
    bool is_always_there; /* every client has this fact, be it empty */
};

static bool network_covers(const char *wide, const char *narrow)
{
    struct network outer;
    struct network inner;
    return cidr_parse(slice_from_text(wide), &outer) == NULL &&
           cidr_parse(slice_from_text(narrow), &inner) == NULL && outer.prefix <= inner.prefix &&
           cidr_contains(&outer, &inner.first);
}

static bool one_covers(const struct condition *wide, const char *narrow,
                       bool (*text_covers)(const char *wide, const char *narrow))
{
    for (size_t i = 0; i < wide->count; i++) {
        if (text_covers(wide->texts[i], narrow)) {
            return true;
        }
    }
    return false;
}

static bool all_covered(const struct condition *wide, const struct condition *narrow,
                        bool (*text_covers)(const char *wide, const char *narrow))
{
    for (size_t i = 0; i < narrow->count; i++) {
        if (!one_covers(wide, narrow->texts[i], text_covers)) {
            return false;
        }
    }
    return narrow->count > 0;
}

/* Without patterns anything meets a condition, and a pattern for everything is met by whoever has
 * the fact. `has_fact`: all whom the other rule matches have it. */
static bool globs_cover(const struct condition *wide, const struct condition *narrow, bool has_fact)
{
    return wide->count == 0 || all_covered(wide, narrow, policy_glob_covers) ||
           ((has_fact || wide->is_always_there) && one_covers(wide, "*", policy_glob_covers));
}

static bool networks_cover(const struct policy_rule_spec *earlier,
                           const struct policy_rule_spec *later)
{
    struct condition wide = {.texts = earlier->addresses, .count = earlier->address_count};
    struct condition narrow = {.texts = later->addresses, .count = later->address_count};
    return wide.count == 0 || all_covered(&wide, &narrow, network_covers);
}

static unsigned protocols_of(const struct policy_rule_spec *spec)
{
    unsigned protocols = 0;
    for (size_t i = 0; i < spec->protocol_count; i++) {
        protocols |= spec->protocols[i] < 8 ? 1u << spec->protocols[i] : 0;
    }
    return protocols != 0 ? protocols : 1u << 3 | 1u << 4 | 1u << 5;
}

bool policy_rule_covers(const struct policy_rule_spec *a, const struct policy_rule_spec *b)
{
    /* Either of the two is there only when a certificate gave a name. */
    bool has_identity = b->certificate_count > 0 || b->issuer_count > 0;
    const struct {
        struct condition wide;
        struct condition narrow;
        bool has_fact;
    } pairs[] = {
        {{a->listeners, a->listener_count, true}, {b->listeners, b->listener_count, true}, true},
        {{a->certificates, a->certificate_count, false},
         {b->certificates, b->certificate_count, false},
         has_identity},
        {{a->issuers, a->issuer_count, false}, {b->issuers, b->issuer_count, false}, has_identity},
        {{a->usernames, a->username_count, false},
         {b->usernames, b->username_count, false},
         b->username_count > 0},
        {{a->client_ids, a->client_id_count, true},
         {b->client_ids, b->client_id_count, true},
         true},
        {{a->snis, a->sni_count, false}, {b->snis, b->sni_count, false}, b->sni_count > 0},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (!globs_cover(&pairs[i].wide, &pairs[i].narrow, pairs[i].has_fact)) {
            return false;
        }
    }
    return networks_cover(a, b) && (protocols_of(b) & ~protocols_of(a)) == 0;
}
