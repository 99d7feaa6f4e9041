/* Copying lists of patterns out of a configuration, and releasing them. */
#include "patterns_internal.h"

#include <stdlib.h>

static const char out_of_memory[] = "out of memory";

/* --- globs ------------------------------------------------------------------------- */

static void texts_free(char **texts, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        free(texts[index]);
    }
    free(texts);
}

void globs_free(struct globs *globs)
{
    texts_free(globs->texts, globs->count);
}

const char *globs_copy(struct globs *globs, const char *const *texts, size_t count)
{
    if (count == 0) {
        return NULL;
    }
    globs->texts = calloc(count, sizeof *globs->texts);
    if (globs->texts == NULL) {
        return out_of_memory;
    }
    for (size_t index = 0; index < count; index++) {
        struct slice text = slice_from_text(texts[index]);
        const char *fault = policy_check_glob(text);
        if (fault != NULL) {
            return fault;
        }
        globs->texts[index] = slice_to_text(text);
        if (globs->texts[index] == NULL) {
            return out_of_memory;
        }
        globs->count++;
    }
    return NULL;
}

/* --- networks ---------------------------------------------------------------------- */

void networks_free(struct networks *networks)
{
    texts_free(networks->texts, networks->count);
    free(networks->list);
}

const char *networks_copy(struct networks *networks, const char *const *texts, size_t count)
{
    if (count == 0) {
        return NULL;
    }
    networks->texts = calloc(count, sizeof *networks->texts);
    networks->list = calloc(count, sizeof *networks->list);
    if (networks->texts == NULL || networks->list == NULL) {
        return out_of_memory;
    }
    for (size_t index = 0; index < count; index++) {
        struct slice text = slice_from_text(texts[index]);
        const char *fault = cidr_parse(text, &networks->list[index]);
        if (fault != NULL) {
            return fault;
        }
        networks->texts[index] = slice_to_text(text);
        if (networks->texts[index] == NULL) {
            return out_of_memory;
        }
        networks->count++;
    }
    return NULL;
}

/* --- templates --------------------------------------------------------------------- */

void templates_free(struct templates *templates)
{
    for (size_t index = 0; index < templates->count; index++) {
        template_deinit(&templates->list[index]);
    }
    free(templates->list);
    free(templates->texts);
}

const char *templates_copy(struct templates *templates, enum template_kind kind,
                           const char *const *texts, size_t count)
{
    if (count == 0) {
        return NULL;
    }
    templates->texts = calloc(count, sizeof *templates->texts);
    templates->list = calloc(count, sizeof *templates->list);
    if (templates->texts == NULL || templates->list == NULL) {
        return out_of_memory;
    }
    for (size_t index = 0; index < count; index++) {
        struct template *template = &templates->list[templates->count++];
        const char *fault = template_compile(kind, slice_from_text(texts[index]), template);
        if (fault != NULL) {
            return fault;
        }
        templates->texts[index] = template->written;
    }
    return NULL;
}
