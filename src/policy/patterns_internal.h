/* The lists that conditions of a rule are made of, each with its texts as written. */
#ifndef MOAT_POLICY_PATTERNS_INTERNAL_H
#define MOAT_POLICY_PATTERNS_INTERNAL_H

#include "cidr_internal.h"
#include "template_internal.h"

/* A count of 0 is "no such condition". */
struct globs {
    char **texts;
    size_t count;
};

struct networks {
    char **texts;
    struct network *list;
    size_t count;
};

struct templates {
    const char **texts; /* each owned by its template */
    struct template *list;
    size_t count;
};

/* A set of ASCII characters. */
struct characters {
    char *text; /* NULL: every character */
    uint8_t bits[16];
};

/* Each returns NULL or what is wrong as a static sentence. What was copied so far is to be
 * released in either case; copying nothing is in order. */
const char *globs_copy(struct globs *globs, const char *const *texts, size_t count) MOAT_MUST_CHECK;
const char *networks_copy(struct networks *networks, const char *const *texts,
                          size_t count) MOAT_MUST_CHECK;
const char *templates_copy(struct templates *templates, enum template_kind kind,
                           const char *const *texts, size_t count) MOAT_MUST_CHECK;
const char *characters_copy(struct characters *characters, const char *text) MOAT_MUST_CHECK;

void globs_free(struct globs *globs);
void networks_free(struct networks *networks);
void templates_free(struct templates *templates);
void characters_free(struct characters *characters);

/* True when every byte of the text is in the set; the empty text is in every set. */
bool characters_hold(const struct characters *characters, struct slice text) MOAT_MUST_CHECK;

#endif
