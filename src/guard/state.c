#include "state_internal.h"

bool state_begin(const struct state_form *form, const uint8_t key[DIGEST_KEY_SIZE],
                 struct buffer *state)
{
    uint8_t header[STATE_HEADER_SIZE] = {0};

    memcpy(header, form->magic, 8);
    state_put_number(header + 8, 4, form->version);
    memcpy(header + 16, key, DIGEST_KEY_SIZE);
    return buffer_append(state, slice_of(header, sizeof header));
}

bool state_end(const struct state_form *form, size_t start, struct buffer *state)
{
    uint8_t checksum[SECRET_DIGEST_SIZE];
    size_t count = (state->size - start - STATE_HEADER_SIZE) / form->record_size;

    state_put_number(state->data + start + 12, 4, count);
    secret_sha256(slice_after(buffer_slice(state), start), checksum);
    return buffer_append(state, slice_of(checksum, sizeof checksum));
}

const char *state_check(const struct state_form *form, struct slice state, size_t *out_count)
{
    uint8_t checksum[SECRET_DIGEST_SIZE];

    if (state.size < STATE_HEADER_SIZE + SECRET_DIGEST_SIZE) {
        return "it is too short";
    }
    if (!slice_starts_with(state, form->magic)) {
        return "it is not a state file of moat";
    }
    if (state_get_number(state.data + 8, 4) != form->version) {
        return "another version of moat wrote it";
    }
    size_t left = state.size - STATE_HEADER_SIZE - SECRET_DIGEST_SIZE;
    size_t count = left / form->record_size;
    if (left % form->record_size != 0 || count != state_get_number(state.data + 12, 4)) {
        return "its size is not what its header says";
    }
    struct slice sum = slice_after(state, state.size - SECRET_DIGEST_SIZE);
    secret_sha256(slice_of(state.data, state.size - SECRET_DIGEST_SIZE), checksum);
    if (!slice_equal(sum, slice_of(checksum, sizeof checksum))) {
        return "its checksum is wrong";
    }
    *out_count = count;
    return NULL;
}
