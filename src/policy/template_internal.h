/*
 * Texts of a rule in which facts of the client are put: "${certificate}-*" for a name,
 * "devices/${username}/#" for a topic.
 *
 * A template is cut into parts when the configuration is read; a fact that takes the
 * place of a substitution is compared as text and never looked at as a pattern, whatever
 * characters it is made of. A fact that is missing or empty makes every match fail.
 */
#ifndef MOAT_POLICY_TEMPLATE_INTERNAL_H
#define MOAT_POLICY_TEMPLATE_INTERNAL_H

#include "moat/policy/policy.h"

enum template_kind {
    TEMPLATE_NAME,   /* `*` any run of bytes, `?` any one byte, `\` takes * ? \ $ literally */
    TEMPLATE_FILTER, /* a topic filter of MQTT: + for one level, # for all that follow; no escapes
                      */
};

enum template_variable {
    TEMPLATE_CERTIFICATE, /* ${certificate}: the identity */
    TEMPLATE_COMMON_NAME, /* ${certificate.cn} */
    TEMPLATE_USERNAME,    /* ${username} */
    TEMPLATE_ADDRESS,     /* ${address}, without the port */
    TEMPLATE_VARIABLES,
};

enum template_part_kind {
    TEMPLATE_TEXT,
    TEMPLATE_VARIABLE,
    TEMPLATE_RUN,   /* * */
    TEMPLATE_ONE,   /* ? */
    TEMPLATE_LEVEL, /* + */
    TEMPLATE_REST,  /* #; always last */
};

struct template_part {
    enum template_part_kind kind;
    enum template_variable variable; /* of TEMPLATE_VARIABLE */
    struct slice text;               /* of TEMPLATE_TEXT; into the template's `bytes` */
};

struct template
{
    enum template_kind kind;
    char *written;  /* as the configuration has it */
    uint8_t *bytes; /* the literal text, escapes undone */
    struct template_part *parts;
    size_t count;
};

/* What the substitutions stand for; an empty slice for what is not known. Borrows from the
 * facts and from itself: it is not to be copied, and not to outlive the facts. */
struct template_values {
    struct slice of[TEMPLATE_VARIABLES];
    char address[ADDRESS_TEXT_SIZE];
};

void template_values_init(struct template_values *values, const struct policy_facts *facts);

/* What is wrong with the text, as a static sentence, or NULL. *out_unknown is what stands
 * in place of a substitution's name when that is the fault, and empty otherwise. */
const char *template_check(enum template_kind kind, struct slice text,
                           struct slice *out_unknown) MOAT_MUST_CHECK;

/* NULL, or what is wrong, "out of memory" included; *template is to be released in either case. */
const char *template_compile(enum template_kind kind, struct slice text,
                             struct template *out_template) MOAT_MUST_CHECK;
void template_deinit(struct template *template);

/*
 * True when the whole text matches. A TEMPLATE_NAME takes at most its own size times that of
 * the text in steps, a TEMPLATE_FILTER their sum; nothing is allocated. A filter that begins
 * with a wildcard takes no topic that begins with `$` [MQTT-4.7.2-1], and a fact that could
 * reach into other levels makes it void: it takes nothing (see template_expand()).
 */
bool template_match(const struct template *template, const struct template_values *values,
                    struct slice text) MOAT_MUST_CHECK;

/* True when a fact is missing, or would change what the template means. */
bool template_is_void(const struct template *template,
                      const struct template_values *values) MOAT_MUST_CHECK;

enum template_expansion {
    TEMPLATE_VOID = 0, /* a fact is missing, or would change what the filter means */
    TEMPLATE_EXPANDED,
    TEMPLATE_NO_MEMORY,
};

/*
 * The topic filter with the facts in their places, to be released with free(). Void when a
 * fact is missing or empty, holds `/`, `+`, `#` or NUL, or begins with `$`: such a client
 * would choose its own levels; and when the whole is longer than a topic may be. A void filter
 * allows nothing, and where it denies, it denies all.
 */
enum template_expansion template_expand(const struct template *filter,
                                        const struct template_values *values,
                                        char **out_text) MOAT_MUST_CHECK;

#endif
