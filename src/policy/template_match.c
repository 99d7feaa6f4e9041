/* Comparing a text with a template, in loops only: a client chooses the text. */
#include "template_internal.h"

#include <stdlib.h>

#include "moat/base/topic.h"

/* What a part of fixed text stands for. */
static struct slice piece_of(const struct template_part *part, const struct template_values *values)
{
    return part->kind == TEMPLATE_VARIABLE ? values->of[part->variable] : part->text;
}

static bool is_piece(const struct template_part *part)
{
    return part->kind == TEMPLATE_TEXT || part->kind == TEMPLATE_VARIABLE;
}

static bool begins_with(struct slice text, struct slice piece)
{
    return text.size >= piece.size &&
           (piece.size == 0 || memcmp(text.data, piece.data, piece.size) == 0);
}

/* Whether the part, which is not a run, takes the start of what is left; and how much. */
static bool takes(const struct template_part *part, const struct template_values *values,
                  struct slice rest, size_t *out_size)
{
    if (part->kind == TEMPLATE_ONE) {
        *out_size = 1;
        return rest.size > 0;
    }
    struct slice piece = piece_of(part, values);
    *out_size = piece.size;
    return begins_with(rest, piece);
}

/* As in glob_match(): only the last run met is ever tried again, one byte longer. */
static bool match_name(const struct template *template, const struct template_values *values,
                       struct slice text)
{
    size_t part = 0;
    size_t at = 0;
    bool has_run = false;
    size_t after_run = 0;
    size_t run_end = 0;
    size_t size = 0;

    while (part < template->count || at < text.size) {
        if (part < template->count && template->parts[part].kind == TEMPLATE_RUN) {
            has_run = true;
            after_run = ++part;
            run_end = at;
        } else if (part < template->count &&
                   takes(&template->parts[part], values, slice_after(text, at), &size)) {
            part++;
            at += size;
        } else if (has_run && part == template->count && after_run == template->count) {
            return true; /* a run at the end takes all there is */
        } else if (has_run && run_end < text.size) {
            part = after_run;
            at = ++run_end;
        } else {
            return false;
        }
    }
    return true;
}

/* A piece never ends inside a level of its own making (see template_is_void()), so nothing has
 * to be tried twice: `+` ends where the topic's level ends. */
static bool match_filter(const struct template *template, const struct template_values *values,
                         struct slice topic)
{
    size_t at = 0;
    for (size_t index = 0; index < template->count; index++) {
        const struct template_part *part = &template->parts[index];
        struct slice rest = slice_after(topic, at);
        if (part->kind == TEMPLATE_REST) {
            return true;
        }
        if (part->kind == TEMPLATE_LEVEL) {
            while (at < topic.size && topic.data[at] != '/') {
                at++;
            }
            continue;
        }
        struct slice piece = piece_of(part, values);
        /* "a/#" is also for "a" itself: there the slash before # finds the topic's end. */
        bool is_before_rest =
            index + 2 == template->count && template->parts[index + 1].kind == TEMPLATE_REST;
        if (is_before_rest && piece.size == rest.size + 1 && begins_with(piece, rest)) {
            return true;
        }
        if (!begins_with(rest, piece)) {
            return false;
        }
        at += piece.size;
    }
    return at == topic.size;
}

/* --- facts that must not become part of a topic -------------------------------------------- */

static bool is_harmful_in_filter(struct slice value)
{
    return value.data[0] == '$' || memchr(value.data, '/', value.size) != NULL ||
           memchr(value.data, '+', value.size) != NULL ||
           memchr(value.data, '#', value.size) != NULL ||
           memchr(value.data, '\0', value.size) != NULL;
}

bool template_is_void(const struct template *template, const struct template_values *values)
{
    for (size_t index = 0; index < template->count; index++) {
        const struct template_part *part = &template->parts[index];
        if (part->kind != TEMPLATE_VARIABLE) {
            continue;
        }
        struct slice value = values->of[part->variable];
        if (value.size == 0 || (template->kind == TEMPLATE_FILTER && is_harmful_in_filter(value))) {
            return true;
        }
    }
    return false;
}

bool template_match(const struct template *template, const struct template_values *values,
                    struct slice text)
{
    if (template_is_void(template, values)) {
        return false;
    }
    if (template->kind == TEMPLATE_NAME) {
        return match_name(template, values, text);
    }
    bool begins_with_wildcard = template->count > 0 && !is_piece(&template->parts[0]);
    if (begins_with_wildcard && slice_starts_with(text, "$")) {
        return false; /* [MQTT-4.7.2-1] */
    }
    return match_filter(template, values, text);
}

/* --- as text ----------------------------------------------------------------------------- */

static struct slice text_of(const struct template_part *part, const struct template_values *values)
{
    switch (part->kind) {
    case TEMPLATE_TEXT:
    case TEMPLATE_VARIABLE:
        return piece_of(part, values);
    case TEMPLATE_LEVEL:
        return slice_from_text("+");
    case TEMPLATE_REST:
        return slice_from_text("#");
    case TEMPLATE_RUN: /* no part of a filter */
    case TEMPLATE_ONE:
        break;
    }
    return slice_from_text("");
}

enum template_expansion template_expand(const struct template *filter,
                                        const struct template_values *values, char **out_text)
{
    if (template_is_void(filter, values)) {
        return TEMPLATE_VOID;
    }
    size_t size = 1;
    for (size_t index = 0; index < filter->count; index++) {
        size += text_of(&filter->parts[index], values).size;
    }
    if (size > TOPIC_SIZE_MAX + 1) {
        return TEMPLATE_VOID;
    }
    char *text = malloc(size);
    if (text == NULL) {
        return TEMPLATE_NO_MEMORY;
    }
    size_t used = 0;
    for (size_t index = 0; index < filter->count; index++) {
        struct slice piece = text_of(&filter->parts[index], values);
        memcpy(text + used, piece.data, piece.size); /* no part is empty */
        used += piece.size;
    }
    text[used] = '\0';
    *out_text = text;
    return TEMPLATE_EXPANDED;
}
