/* Texts that are patterns of one kind or another: what is wrong with them, and what was meant. */
#include "field_internal.h"

#include "moat/policy/policy.h"
#include "moat/tls/context.h"
#include "values_internal.h"

#define UNKNOWN_SIZE 41 /* of a slip of a substitution's name; longer ones are no slip */

static const char *check(const struct table_row *row, struct slice text, struct slice *out_unknown)
{
    switch (row->type) {
    case TABLE_GLOBS:
        return policy_check_glob(text);
    case TABLE_NETWORKS:
        return policy_check_cidr(text);
    case TABLE_PINS:
        return tls_check_pin(text);
    case TABLE_NAMES:
        return policy_check_template(text, out_unknown);
    case TABLE_FILTERS:
        return policy_check_filter(text, out_unknown);
    case TABLE_CHARACTERS:
        return policy_check_characters(text);
    case TABLE_MAP:
    case TABLE_MAPS:
    case TABLE_TEXT:
    case TABLE_PATH:
    case TABLE_ENDPOINT:
    case TABLE_BOOL:
    case TABLE_NUMBER:
    case TABLE_DURATION:
    case TABLE_SIZE:
    case TABLE_WORD:
    case TABLE_WORDS:
    case TABLE_REQUIRE:
        break;
    }
    return NULL;
}

/* The known substitution that is meant by an unknown one, or NULL. */
static const char *meant_by(struct slice unknown)
{
    char text[UNKNOWN_SIZE];
    struct suggestion suggestion;
    if (unknown.size == 0 || unknown.size >= sizeof(text)) {
        return NULL;
    }
    memcpy(text, unknown.data, unknown.size);
    text[unknown.size] = '\0';
    suggestion_init(&suggestion, text);
    const char *name = NULL;
    for (size_t i = 0; (name = policy_substitution_name(i)) != NULL; i++) {
        suggestion_offer(&suggestion, name);
    }
    return suggestion.best;
}

bool field_check_pattern(const struct table_row *row, const char *text,
                         char out_what[FIELD_FAULT_SIZE])
{
    struct slice unknown = slice_from_text("");
    const char *fault = check(row, slice_from_text(text), &unknown);
    if (fault == NULL) {
        return true;
    }
    const char *meant = meant_by(unknown);
    snprintf(out_what, FIELD_FAULT_SIZE, "\"%.80s\": %s%s%s%s", text, fault,
             meant != NULL ? " (did you mean \"${" : "", meant != NULL ? meant : "",
             meant != NULL ? "}\"?)" : "");
    return false;
}
