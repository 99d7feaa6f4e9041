/*
 * What a rule matches with: globs, networks and texts with substitutions. Texts, each ended by FF:
 * the pattern, a second pattern, what is matched, user name, certificate's name.
 *
 * Globs and names are held against a matcher that tries everything; networks bit by bit.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "fuzz.h"
#include "moat/policy/reach.h"
#include "policy/cidr_internal.h"
#include "policy/glob_internal.h"
#include "policy/template_internal.h"

#define TEXT_END 0xFF
/* Trying everything takes long for many stars. */
#define STARS_MAX 4
#define SLOW_MAX  40

static bool slow_glob(struct slice glob, struct slice text)
{
    if (glob.size == 0) {
        return text.size == 0;
    }
    if (glob.data[0] == '*') {
        for (size_t taken = 0; taken <= text.size; taken++) {
            if (slow_glob(slice_after(glob, 1), slice_after(text, taken))) {
                return true;
            }
        }
        return false;
    }
    size_t width = glob.data[0] == '\\' ? 2 : 1;
    bool takes = text.size > 0 &&
                 ((width == 1 && glob.data[0] == '?') || glob.data[width - 1] == text.data[0]);
    return takes && slow_glob(slice_after(glob, width), slice_after(text, 1));
}

static bool is_quick(struct slice glob, struct slice text)
{
    size_t stars = 0;

    for (size_t i = 0; i < glob.size; i++) {
        stars += glob.data[i] == '*' ? 1 : 0;
    }
    return stars <= STARS_MAX && glob.size <= SLOW_MAX && text.size <= SLOW_MAX;
}

static void check_globs(struct slice glob, struct slice other, struct slice text)
{
    if (policy_check_glob(glob) != NULL) {
        return;
    }
    bool matches = glob_match(glob, text);
    FUZZ_CHECK(!is_quick(glob, text) || matches == slow_glob(glob, text));
    if (policy_check_glob(other) == NULL) {
        char *wide = slice_to_text(glob);
        char *narrow = slice_to_text(other);
        if (strlen(wide) == glob.size && strlen(narrow) == other.size) {
            bool covers = policy_glob_covers(wide, narrow);
            FUZZ_CHECK(policy_glob_takes(wide, text) == matches);
            FUZZ_CHECK(!covers || !glob_match(other, text) || matches);
            FUZZ_CHECK(!policy_glob_takes_all(wide) || matches);
        }
        free(wide);
        free(narrow);
    }
}

/* --- networks --- */

static bool bit(const uint8_t *bytes, unsigned index)
{
    return (bytes[index / 8] >> (7 - index % 8) & 1) != 0;
}

static void check_network(struct slice text, struct slice asked)
{
    struct network network;
    struct address address;
    const char *fault = cidr_parse(text, &network);

    FUZZ_CHECK((fault == NULL) == (policy_check_cidr(text) == NULL));
    if (fault != NULL) {
        return;
    }
    unsigned bits = network.first.family == ADDRESS_IPV4 ? 32 : 128;
    FUZZ_CHECK(network.prefix <= bits && cidr_contains(&network, &network.first));
    for (unsigned i = network.prefix; i < bits; i++) {
        FUZZ_CHECK(!bit(network.first.bytes, i));
    }
    if (address_parse(asked, &address)) {
        bool expected = address.family == network.first.family;
        for (unsigned i = 0; expected && i < network.prefix; i++) {
            expected = bit(address.bytes, i) == bit(network.first.bytes, i);
        }
        FUZZ_CHECK(cidr_contains(&network, &address) == expected);
        char written[ADDRESS_TEXT_SIZE];
        struct address again;
        address_format(&address, written);
        FUZZ_CHECK(address_parse(slice_from_text(written), &again));
        FUZZ_CHECK(memcmp(&again, &address, sizeof again) == 0);
    }
}

/* --- texts with substitutions --- */

static bool slow_template(const struct template *template, size_t part,
                          const struct template_values *values, struct slice text)
{
    if (part == template->count) {
        return text.size == 0;
    }
    const struct template_part *now = &template->parts[part];
    struct slice piece = now->kind == TEMPLATE_VARIABLE ? values->of[now->variable] : now->text;
    switch (now->kind) {
    case TEMPLATE_RUN:
        for (size_t taken = 0; taken <= text.size; taken++) {
            if (slow_template(template, part + 1, values, slice_after(text, taken))) {
                return true;
            }
        }
        return false;
    case TEMPLATE_ONE:
        return text.size > 0 && slow_template(template, part + 1, values, slice_after(text, 1));
    case TEMPLATE_VARIABLE:
    case TEMPLATE_TEXT:
        return piece.size > 0 && text.size >= piece.size &&
               memcmp(text.data, piece.data, piece.size) == 0 &&
               slow_template(template, part + 1, values, slice_after(text, piece.size));
    case TEMPLATE_LEVEL:
    case TEMPLATE_REST:
        break;
    }
    FUZZ_CHECK(template->kind == TEMPLATE_FILTER);
    return false;
}

static void check_template(enum template_kind kind, struct slice written, struct slice text,
                           const struct policy_facts *facts)
{
    struct template template;
    struct template_values values;
    struct slice unknown = {.size = 0};
    char *expanded = NULL;
    const char *fault = template_check(kind, written, &unknown);
    const char *compiled = template_compile(kind, written, &template);

    FUZZ_CHECK((fault == NULL) == (compiled == NULL));
    if (fault == NULL) {
        template_values_init(&values, facts);
        bool matches = template_match(&template, &values, text);
        FUZZ_CHECK(!matches || !template_is_void(&template, &values));
        if (kind == TEMPLATE_NAME && is_quick(written, text)) {
            FUZZ_CHECK(matches == slow_template(&template, 0, &values, text));
        }
        if (kind == TEMPLATE_FILTER) {
            enum template_expansion found = template_expand(&template, &values, &expanded);
            FUZZ_CHECK((found == TEMPLATE_EXPANDED) == (expanded != NULL));
            FUZZ_CHECK(!matches || found == TEMPLATE_EXPANDED);
        }
    }
    free(expanded);
    template_deinit(&template);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct slice pattern = fuzz_until(&input, TEXT_END);
    struct slice other = fuzz_until(&input, TEXT_END);
    struct slice text = fuzz_until(&input, TEXT_END);
    struct policy_facts facts = {.has_username = true, .has_identity = true};

    facts.username = fuzz_until(&input, TEXT_END);
    facts.identity = fuzz_until(&input, TEXT_END);
    facts.common_name = facts.identity;
    check_globs(pattern, other, text);
    check_network(pattern, text);
    check_template(TEMPLATE_NAME, pattern, text, &facts);
    check_template(TEMPLATE_FILTER, pattern, text, &facts);
    const char *what = policy_check_characters(pattern);
    FUZZ_CHECK(what == NULL || what[0] != '\0');
    what = policy_check_bind_username(pattern);
    FUZZ_CHECK(what == NULL || what[0] != '\0');
    return 0;
}
