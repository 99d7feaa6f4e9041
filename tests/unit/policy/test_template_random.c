/* Templates against matchers that are obviously right, and as slow as they like. */
#include "oracle.h"

#include "policy/template_internal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define ELEMENTS_MAX 6
#define TEXT_MAX     256

/* A template as it was made, before it was written down. */
struct element {
    enum template_part_kind kind;
    enum template_variable variable;
    char byte;
};

struct made {
    struct element elements[ELEMENTS_MAX];
    size_t count;
    char written[TEXT_MAX];
};

static const char *const names[] = {"${certificate}", "${certificate.cn}", "${username}",
                                    "${address}"};

static const char *write_element(const struct element *element, char out_text[8])
{
    switch (element->kind) {
    case TEMPLATE_VARIABLE:
        return names[element->variable];
    case TEMPLATE_RUN:
        return "*";
    case TEMPLATE_ONE:
        return "?";
    case TEMPLATE_TEXT:
    case TEMPLATE_LEVEL:
    case TEMPLATE_REST:
        break;
    }
    snprintf(out_text, 8, "%s%c", strchr("*?\\$", element->byte) != NULL ? "\\" : "",
             element->byte);
    return out_text;
}

static void make_name(struct random *random, struct made *made)
{
    static const char alphabet[] = "ab*?\\$-";
    made->count = random_below(random, ELEMENTS_MAX + 1);
    made->written[0] = '\0';
    for (size_t index = 0; index < made->count; index++) {
        struct element *element = &made->elements[index];
        char text[8];
        *element = (struct element){.kind = (enum template_part_kind)random_below(random, 4),
                                    .variable = (enum template_variable)random_below(random, 4),
                                    .byte = alphabet[random_below(random, sizeof alphabet - 1)]};
        const char *piece = write_element(element, text);
        strncat(made->written, piece, TEXT_MAX - strlen(made->written) - 1);
    }
}

/* Tries everything a star can take. */
static bool slow_match(const struct made *made, size_t index, const struct template_values *values,
                       struct slice text)
{
    if (index == made->count) {
        return text.size == 0;
    }
    const struct element *element = &made->elements[index];
    struct slice piece = slice_of(&element->byte, 1);
    switch (element->kind) {
    case TEMPLATE_RUN:
        for (size_t taken = 0; taken <= text.size; taken++) {
            if (slow_match(made, index + 1, values, slice_after(text, taken))) {
                return true;
            }
        }
        return false;
    case TEMPLATE_ONE:
        return text.size > 0 && slow_match(made, index + 1, values, slice_after(text, 1));
    case TEMPLATE_VARIABLE:
        piece = values->of[element->variable];
        break;
    case TEMPLATE_TEXT:
    case TEMPLATE_LEVEL:
    case TEMPLATE_REST:
        break;
    }
    if (element->kind == TEMPLATE_VARIABLE && piece.size == 0) {
        return false;
    }
    return text.size >= piece.size && slice_equal(slice_of(text.data, piece.size), piece) &&
           slow_match(made, index + 1, values, slice_after(text, piece.size));
}

/* Facts of the very characters that mean something in templates. */
static void random_values(struct random *random, const char *alphabet,
                          char texts[TEMPLATE_VARIABLES][8], struct template_values *values)
{
    *values = (struct template_values){.address = ""};
    for (size_t index = 0; index < TEMPLATE_VARIABLES; index++) {
        values->of[index] = random_text(random, alphabet, texts[index], 3);
    }
}

/* A text that has a chance to match: the pieces, with something in the place of wildcards. */
static struct slice likely_text(struct random *random, const struct made *made,
                                const struct template_values *values, char out_text[TEXT_MAX])
{
    size_t size = 0;
    for (size_t index = 0; index < made->count; index++) {
        const struct element *element = &made->elements[index];
        char filling[8];
        struct slice piece = slice_of(&element->byte, 1);
        if (element->kind == TEMPLATE_VARIABLE) {
            piece = values->of[element->variable];
        } else if (element->kind != TEMPLATE_TEXT) {
            piece = random_text(random, "ab*?-", filling, element->kind == TEMPLATE_RUN ? 3 : 1);
        }
        for (size_t at = 0; at < piece.size; at++) {
            out_text[size++] = (char)piece.data[at];
        }
    }
    if (size > 0 && random_below(random, 4) == 0) {
        out_text[random_below(random, size)] = "ab*?\\$-"[random_below(random, 7)];
    }
    return slice_of(out_text, size);
}

Test(template_random, names_match_as_by_trying_everything)
{
    struct random random = random_start(20261122);
    size_t matched = 0;
    for (size_t round = 0; round < 300000; round++) {
        struct made made;
        struct template template;
        struct template_values values;
        char texts[TEMPLATE_VARIABLES][8];
        char text[TEXT_MAX];
        make_name(&random, &made);
        random_values(&random, "ab*?\\${}", texts, &values);
        const char *fault =
            template_compile(TEMPLATE_NAME, slice_from_text(made.written), &template);
        cr_assert_null(fault, "%s: %s", made.written, fault);
        struct slice tried = likely_text(&random, &made, &values, text);
        bool expected = slow_match(&made, 0, &values, tried);
        cr_assert_eq(template_match(&template, &values, tried), expected, "round %zu: %s on %.*s",
                     round, made.written, (int)tried.size, text);
        matched += expected ? 1 : 0;
        template_deinit(&template);
    }
    cr_expect(matched > 50000 && matched < 250000, "%zu rounds say little", matched);
}

/* --- topic filters ----------------------------------------------------------------------- */

/* The levels of a topic, each without its slashes. */
static size_t split(const char *text, char levels[32][TEXT_MAX])
{
    size_t count = 0;
    size_t size = 0;
    for (;; text++) {
        if (*text == '/' || *text == '\0') {
            levels[count++][size] = '\0';
            size = 0;
            if (*text == '\0') {
                return count;
            }
        } else {
            levels[count][size++] = *text;
        }
    }
}

/* 4.7.1 and 4.7.2, level by level. */
static bool slow_filter_match(const char *filter, const char *topic)
{
    char wanted[32][TEXT_MAX];
    char found[32][TEXT_MAX];
    size_t wanted_count = split(filter, wanted);
    size_t found_count = split(topic, found);
    if (topic[0] == '$' && (filter[0] == '+' || filter[0] == '#')) {
        return false;
    }
    for (size_t level = 0; level < wanted_count; level++) {
        if (strcmp(wanted[level], "#") == 0) {
            return true;
        }
        if (level == found_count ||
            (strcmp(wanted[level], "+") != 0 && strcmp(wanted[level], found[level]) != 0)) {
            return false;
        }
    }
    return wanted_count == found_count;
}

/* Writes a filter of up to four levels, and beside it what it is with the facts put in. False
 * when a fact makes it void. */
static bool make_filter(struct random *random, const struct template_values *values,
                        char written[TEXT_MAX], char expanded[TEXT_MAX])
{
    static const char *const pieces[] = {"a", "b", "", "+", "$s", "x-"};
    size_t levels = 1 + random_below(random, 4);
    bool is_void = false;
    written[0] = expanded[0] = '\0';
    for (size_t level = 0; level < levels; level++) {
        const char *piece = pieces[random_below(random, 6)];
        bool is_last = level + 1 == levels;
        piece = is_last && random_below(random, 3) == 0 ? "#" : piece;
        bool has_fact =
            strcmp(piece, "+") != 0 && strcmp(piece, "#") != 0 && random_below(random, 2) == 0;
        size_t variable = random_below(random, TEMPLATE_VARIABLES);
        struct slice fact = has_fact ? values->of[variable] : slice_from_text("");
        snprintf(written + strlen(written), TEXT_MAX - strlen(written), "%s%s%s",
                 level > 0 ? "/" : "", piece, has_fact ? names[variable] : "");
        snprintf(expanded + strlen(expanded), TEXT_MAX - strlen(expanded), "%s%s%.*s",
                 level > 0 ? "/" : "", piece, (int)fact.size, (const char *)fact.data);
        is_void = is_void || (has_fact && (fact.size == 0 || fact.data[0] == '$' ||
                                           strpbrk((const char *)fact.data, "/+#") != NULL));
    }
    return !is_void && written[0] != '\0';
}

Test(template_random, filters_match_level_by_level)
{
    struct random random = random_start(4711);
    size_t matched = 0;
    size_t voids = 0;
    for (size_t round = 0; round < 300000; round++) {
        struct template template;
        struct template_values values;
        char texts[TEMPLATE_VARIABLES][8];
        char written[TEXT_MAX];
        char expanded[TEXT_MAX];
        char topic[16];
        char *text = NULL;
        random_values(&random, "aaabbb$/+#", texts, &values);
        bool is_sound = make_filter(&random, &values, written, expanded);
        if (written[0] == '\0') {
            continue;
        }
        cr_assert_null(template_compile(TEMPLATE_FILTER, slice_from_text(written), &template), "%s",
                       written);
        struct slice tried = random_text(&random, "aab/$", topic, 8);
        bool expected = is_sound && slow_filter_match(expanded, topic);
        cr_assert_eq(template_match(&template, &values, tried), expected, "%s (%s) on %s", written,
                     expanded, topic);
        cr_assert_eq(template_expand(&template, &values, &text),
                     is_sound ? TEMPLATE_EXPANDED : TEMPLATE_VOID, "%s (%s)", written, expanded);
        cr_assert(!is_sound || strcmp(text, expanded) == 0, "%s is not %s", text, expanded);
        matched += expected ? 1 : 0;
        voids += is_sound ? 0 : 1;
        free(text);
        template_deinit(&template);
    }
    cr_expect(matched > 5000, "%zu matches say little", matched);
    cr_expect(voids > 5000, "%zu void filters say little", voids);
}

/* A client that picks the worst text for the worst template is answered at once. */
Test(template_random, the_worst_text_takes_no_time)
{
    static char text[65535];
    struct policy_facts facts = {.has_username = true, .username = slice_from_text("aaaaaaab")};
    struct template template;
    struct template_values values;
    memset(text, 'a', sizeof text);
    cr_assert_null(template_compile(
        TEMPLATE_NAME, slice_from_text("*a*a*a*a*a*a*${username}*a*a*a*a*b"), &template));
    template_values_init(&values, &facts);
    for (size_t round = 0; round < 100; round++) {
        cr_expect_not(template_match(&template, &values, slice_of(text, sizeof text)));
    }
    template_deinit(&template);
    cr_assert_null(
        template_compile(TEMPLATE_FILTER, slice_from_text("+/+/+/${username}/#"), &template));
    memset(text, '/', sizeof text);
    for (size_t round = 0; round < 1000; round++) {
        cr_expect_not(template_match(&template, &values, slice_of(text, sizeof text)));
    }
    template_deinit(&template);
}
