#include "connect_packet_internal.h"

#include "moat/mqtt/connect.h"

#define FIRST_BYTE      0x10 /* CONNECT, whose flags are 0 */
#define FLAG_CLEAN      0x02
#define FLAG_WILL       0x04
#define FLAG_RETAIN     0x20
#define FLAG_PASSWORD   0x40
#define FLAG_USERNAME   0x80
#define WILL_QOS_SHIFT  3
#define LEVEL_BRIDGE    0x80 /* as Mosquitto's bridges say with try_private */
#define SESSION_EXPIRY  0x11 /* identifier of the property */
#define BYTES_OF_LENGTH 4    /* most that a remaining length has */

static bool put_byte(struct buffer *buffer, unsigned byte)
{
    uint8_t one = (uint8_t)byte;
    return buffer_append(buffer, slice_of(&one, 1));
}

static bool put_number(struct buffer *buffer, uint16_t number)
{
    return put_byte(buffer, number >> 8) && put_byte(buffer, number & 0xffu);
}

static bool put_text(struct buffer *buffer, const char *text)
{
    size_t size = strlen(text);
    return size <= UINT16_MAX && put_number(buffer, (uint16_t)size) &&
           buffer_append(buffer, slice_of(text, size));
}

/* Seven bits a byte, the lowest first (2.2.3 of MQTT 3.1.1). */
static bool put_remaining_length(struct buffer *buffer, size_t length)
{
    bool is_put = true;
    for (unsigned i = 0; is_put && (i == 0 || length > 0); i++) {
        bool goes_on = length > 0x7f;
        is_put = i < BYTES_OF_LENGTH && put_byte(buffer, (length & 0x7f) | (goes_on ? 0x80u : 0));
        length >>= 7;
    }
    return is_put;
}

static unsigned flags_of(const struct question *question)
{
    unsigned flags = question->is_clean ? FLAG_CLEAN : 0;
    if (question->will_topic != NULL) {
        flags |= FLAG_WILL | (unsigned)question->will_qos << WILL_QOS_SHIFT;
        flags |= question->will_retain ? FLAG_RETAIN : 0;
    }
    flags |= question->username != NULL ? FLAG_USERNAME : 0;
    return flags | (question_has_password(question) ? FLAG_PASSWORD : 0);
}

static bool put_properties(const struct question *question, struct buffer *body)
{
    uint32_t expiry = (uint32_t)(question->session_expiry_ms / 1000);
    if (question->protocol != MQTT_VERSION_5_0) {
        return true;
    }
    if (expiry == 0) {
        return put_byte(body, 0);
    }
    return put_byte(body, 5) && put_byte(body, SESSION_EXPIRY) &&
           put_number(body, (uint16_t)(expiry >> 16)) && put_number(body, (uint16_t)expiry);
}

static bool put_header(const struct question *question, struct buffer *body)
{
    bool is_old = question->protocol == MQTT_VERSION_3_1;
    unsigned level = question->protocol | (question->is_bridge ? LEVEL_BRIDGE : 0u);
    return put_text(body, is_old ? "MQIsdp" : "MQTT") && put_byte(body, level) &&
           put_byte(body, flags_of(question)) &&
           put_number(body, (uint16_t)(question->keep_alive_ms / 1000)) &&
           put_properties(question, body);
}

static bool put_will(const struct question *question, struct buffer *body)
{
    if (question->will_topic == NULL) {
        return true;
    }
    bool has_properties = question->protocol == MQTT_VERSION_5_0;
    return (!has_properties || put_byte(body, 0)) && put_text(body, question->will_topic) &&
           put_text(body, "");
}

/* What stands for the password is never compared with anything. */
static bool put_login(const struct question *question, struct buffer *body)
{
    return (question->username == NULL || put_text(body, question->username)) &&
           (!question_has_password(question) || put_text(body, "*"));
}

bool connect_packet_write(const struct question *question, struct buffer *packet)
{
    struct buffer body;
    buffer_init(&body, CONNECT_PACKET_MAX);
    bool is_written = put_header(question, &body) &&
                      put_text(&body, question->client_id != NULL ? question->client_id : "") &&
                      put_will(question, &body) && put_login(question, &body) &&
                      put_byte(packet, FIRST_BYTE) && put_remaining_length(packet, body.size) &&
                      buffer_append(packet, buffer_slice(&body));
    buffer_deinit(&body);
    return is_written;
}
