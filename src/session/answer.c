#include "moat/session/answer.h"

#include "moat/mqtt/connect.h"

static const struct answer nothing = {.size = 0, .code = CLOSE_CODE_NONE};

void answer_connack(enum close_reason reason, const struct answer_terms *terms,
                    struct answer *out_answer)
{
    const struct close_reason_row *row = close_reason_row(reason);
    bool is_v5 = terms->version == MQTT_VERSION_5_0 && row->form == CLOSE_FORM_OWN;
    bool knows_client = terms->version != 0 || row->form == CLOSE_FORM_V3;
    struct answer answer = {.code = is_v5 ? row->code_v5 : row->code_v3};

    *out_answer = nothing;
    if (answer.code == CLOSE_CODE_NONE || !knows_client || terms->is_silent) {
        return;
    }
    answer.size = is_v5 ? mqtt_encode_connack_v5((uint8_t)answer.code, answer.bytes)
                        : mqtt_encode_connack_v3((uint8_t)answer.code, answer.bytes);
    if (is_v5 && answer.size > terms->maximum_packet_size) {
        return;
    }
    *out_answer = answer;
}

void answer_disconnect(enum close_reason reason, const struct answer_terms *terms,
                       struct answer *out_answer)
{
    struct answer answer = {.code = close_reason_row(reason)->disconnect};

    *out_answer = nothing;
    if (answer.code == CLOSE_CODE_NONE || terms->version != MQTT_VERSION_5_0 || terms->is_silent) {
        return;
    }
    answer.size = mqtt_encode_disconnect_v5((uint8_t)answer.code, answer.bytes);
    if (answer.size > terms->maximum_packet_size) {
        return;
    }
    *out_answer = answer;
}
