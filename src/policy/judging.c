/* Trying one condition, and telling how it went. */
#include "judging_internal.h"

#include <stdio.h>

#include "glob_internal.h"

const struct template_values *judging_values(struct judging *judging)
{
    if (!judging->has_values) {
        template_values_init(&judging->values, judging->facts);
        judging->has_values = true;
    }
    return &judging->values;
}

bool judging_tell(const struct judging *judging, enum policy_trace_kind kind,
                  struct policy_trace_event event)
{
    if (judging->trace != NULL) {
        event.kind = kind;
        event.rule = judging->rule != NULL ? judging->rule->name : NULL;
        judging->trace->on_event(judging->trace->context, &event);
    }
    return event.held;
}

void judging_try_globs(const struct globs *globs, struct policy_trace_event *event)
{
    event->patterns = (const char *const *)globs->texts;
    event->pattern_count = globs->count;
    for (size_t index = 0; event->has_fact && !event->held && index < globs->count; index++) {
        if (glob_match(slice_from_text(globs->texts[index]), event->fact)) {
            event->pattern = globs->texts[index];
            event->held = true;
        }
    }
}

void judging_try_templates(struct judging *judging, const struct templates *templates,
                           struct policy_trace_event *event)
{
    const struct template_values *values = judging_values(judging);
    event->patterns = templates->texts;
    event->pattern_count = templates->count;
    for (size_t index = 0; event->has_fact && !event->held && index < templates->count; index++) {
        if (template_match(&templates->list[index], values, event->fact)) {
            event->pattern = templates->texts[index];
            event->held = true;
        }
    }
}

/* --- protocol versions ----------------------------------------------------------------- */

static const char *const version_texts[] = {[3] = "3.1", [4] = "3.1.1", [5] = "5.0"};

void protocols_text(unsigned protocols, char out_text[PROTOCOLS_TEXT_SIZE])
{
    size_t used = 0;
    out_text[0] = '\0';
    for (unsigned level = 3; level <= 5; level++) {
        if ((protocols & (1u << level)) != 0) {
            int size = snprintf(out_text + used, PROTOCOLS_TEXT_SIZE - used, "%s%s",
                                used > 0 ? ", " : "", version_texts[level]);
            used += (size_t)size;
        }
    }
}

bool protocol_holds(unsigned protocols, uint8_t level)
{
    return protocols == 0 || (level <= 5 && (protocols & (1u << level)) != 0);
}
