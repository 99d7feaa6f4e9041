/*
 * Finds, in a client's stream, the topics it publishes to and the filters it subscribes to.
 *
 * A few bytes of state. The caller brings the bytes behind CONNECT in order and takes them
 * away again in elements: the smallest pieces that can be judged, payloads included, which
 * are stepped over by arithmetic. Nothing is copied, changed or allocated.
 *
 *     while bytes are left:
 *         OK         judge the element, then let its bytes pass
 *         MORE       bring the same bytes again with those that follow, element.size in all
 *         MALFORMED  end the session; nothing from here on may pass
 *
 * The frame walker (frame.h) has to have seen the bytes before: which types a client may
 * send is its business. Words: an alias of a PUBLISH of 5.0 is *set* when it comes with a
 * topic, and *used* when it stands for one.
 */
#ifndef MOAT_MQTT_INSPECT_H
#define MOAT_MQTT_INSPECT_H

#include "moat/mqtt/connect.h"

enum mqtt_inspect_status {
    MQTT_INSPECT_OK = 0,
    MQTT_INSPECT_MORE,
    MQTT_INSPECT_MALFORMED,
};

enum mqtt_request {
    MQTT_REQUEST_NONE = 0,  /* nothing to judge */
    MQTT_REQUEST_PUBLISH,   /* to `topic`, a valid name */
    MQTT_REQUEST_SUBSCRIBE, /* to `topic`, a valid filter; `$share/<group>/` may stand in front */
    MQTT_REQUEST_SET_ALIAS, /* `alias` is from now on the topic of the PUBLISH under way */
    MQTT_REQUEST_USE_ALIAS, /* publish to what `alias` was last set to */
};

struct mqtt_element {
    size_t size; /* bytes from the start of those given; for MORE, how many are needed */
    enum mqtt_request request;
    struct slice topic; /* into the bytes given */
    uint16_t alias;     /* 1..65535 */
};

/* How many bytes MORE ever asks for: the header of a PUBLISH and the longest topic. */
#define MQTT_ELEMENT_HELD_MAX (5u + 2u + 65535u)

struct mqtt_inspector {
    uint8_t version; /* enum mqtt_version */
    uint8_t stage;
    uint8_t qos; /* of the PUBLISH under way */
    bool has_topic;
    bool has_alias;
    uint32_t remaining;  /* bytes of the packet under way that are still to come */
    uint32_t properties; /* of these, bytes of properties not looked at yet */
    uint32_t skip;       /* of these, bytes that come next and need no look */
    uint64_t packets;    /* that have ended */
};

void mqtt_inspector_init(struct mqtt_inspector *inspector, enum mqtt_version version);

/* True between two packets. */
static inline bool mqtt_inspector_at_boundary(const struct mqtt_inspector *inspector)
{
    return inspector->remaining == 0;
}

/*
 * The next element at the start of `bytes`, of which there must be one. *out_element is
 * written for OK and MORE; *out_fault, static text for the log, for MALFORMED. With OK the
 * inspector stands behind the element; otherwise it has not moved.
 */
enum mqtt_inspect_status mqtt_inspect(struct mqtt_inspector *inspector, struct slice bytes,
                                      struct mqtt_element *out_element,
                                      const char **out_fault) MOAT_MUST_CHECK;

#endif
