#include "app/password_edit_internal.h"

struct line {
    struct slice content;
    struct slice end; /* "\n", "\r\n", or nothing at the end of the file */
};

static struct line take_line(struct slice *rest)
{
    const uint8_t *newline = memchr(rest->data, '\n', rest->size);
    size_t whole = newline != NULL ? (size_t)(newline - rest->data) + 1 : rest->size;
    size_t size = newline != NULL ? whole - 1 : whole;
    if (newline != NULL && size > 0 && rest->data[size - 1] == '\r') {
        size--;
    }
    struct line line = {
        .content = slice_of(rest->data, size),
        .end = slice_of(rest->data + size, whole - size),
    };
    *rest = slice_after(*rest, whole);
    return line;
}

static bool line_is_of(const struct line *line, struct slice username)
{
    struct slice content = line->content;
    if (content.size == 0 || content.data[0] == '#') {
        return false;
    }
    const uint8_t *colon = memchr(content.data, ':', content.size);
    return colon != NULL &&
           slice_equal(slice_of(content.data, (size_t)(colon - content.data)), username);
}

static bool append_line(struct buffer *text, const struct line *line)
{
    return buffer_append(text, line->content) && buffer_append(text, line->end);
}

bool password_edit_set(struct slice text, struct slice username, struct slice line,
                       struct buffer *out_text, bool *out_found)
{
    static const struct slice newline = {.data = (const uint8_t *)"\n", .size = 1};
    bool found = false;
    struct line last = {.end = newline};
    while (text.size > 0) {
        last = take_line(&text);
        if (!found && line_is_of(&last, username)) {
            found = true;
            last.content = line;
        }
        if (!append_line(out_text, &last)) {
            return false;
        }
    }
    if (!found) {
        const struct line added = {.content = line, .end = newline};
        if ((last.end.size == 0 && !buffer_append(out_text, newline)) ||
            !append_line(out_text, &added)) {
            return false;
        }
    }
    *out_found = found;
    return true;
}

bool password_edit_delete(struct slice text, struct slice username, enum password_gap gap,
                          struct buffer *out_text, bool *out_found)
{
    bool found = false;
    while (text.size > 0) {
        struct line line = take_line(&text);
        if (line_is_of(&line, username)) {
            found = true;
            line.content.size = 0;
            if (gap == PASSWORD_GAP_NONE) {
                continue;
            }
        }
        if (!append_line(out_text, &line)) {
            return false;
        }
    }
    *out_found = found;
    return true;
}
