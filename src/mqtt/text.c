#include "mqtt/text_internal.h"

#include "moat/base/utf8.h"

#define TEXTS(name)                                                                                \
    {                                                                                              \
        [UTF8_ILL_FORMED] = name " is not well-formed UTF-8",                                      \
        [UTF8_NUL] = name " contains U+0000",                                                      \
        [UTF8_CONTROL] = name " contains a control character",                                     \
        [UTF8_NON_CHARACTER] = name " contains a Unicode non-character",                           \
    }

static const char *const texts[][UTF8_NON_CHARACTER + 1] = {
    [MQTT_TEXT_CLIENT_ID] = TEXTS("client identifier"), /* [MQTT-3.1.3-4] */
    [MQTT_TEXT_WILL_TOPIC] = TEXTS("will topic"), /* 3.1.1 [MQTT-3.1.3-10], 5.0 [MQTT-3.1.3-11] */
    [MQTT_TEXT_USERNAME] = TEXTS("user name"),    /* 3.1.1 [MQTT-3.1.3-11], 5.0 [MQTT-3.1.3-12] */
    [MQTT_TEXT_PROPERTY] = TEXTS("property"),     /* pairs: [MQTT-1.5.7-1] */
};

/*
 * The standards forbid what is ill-formed and U+0000, in topics once more
 * [MQTT-4.7.3-2]. Control characters and non-characters they let a receiver refuse,
 * and a gateway does: the first forge lines of logs and terminals, the second are
 * read differently by different libraries, so that one name could be two.
 */
static const char *clause_of(enum utf8_status status, enum mqtt_version version)
{
    static const char *const clauses_3_1_1[] = {
        [UTF8_ILL_FORMED] = "MQTT-1.5.3-1",
        [UTF8_NUL] = "MQTT-1.5.3-2",
        [UTF8_CONTROL] = "1.5.3",
        [UTF8_NON_CHARACTER] = "1.5.3",
    };
    static const char *const clauses_5_0[] = {
        [UTF8_ILL_FORMED] = "MQTT-1.5.4-1",
        [UTF8_NUL] = "MQTT-1.5.4-2",
        [UTF8_CONTROL] = "1.5.4",
        [UTF8_NON_CHARACTER] = "1.5.4",
    };

    switch (version) {
    case MQTT_VERSION_3_1:
        return "";
    case MQTT_VERSION_3_1_1:
        return clauses_3_1_1[status];
    case MQTT_VERSION_5_0:
        return clauses_5_0[status];
    }
    return "";
}

bool mqtt_text_check(struct slice text, enum mqtt_text_field field, enum mqtt_version version,
                     size_t offset, struct mqtt_fault *out_fault)
{
    enum utf8_status status = utf8_check(text);

    if (status == UTF8_OK) {
        return true;
    }
    *out_fault = (struct mqtt_fault){
        .what = texts[field][status],
        .clause = clause_of(status, version),
        .offset = offset,
    };
    return false;
}
