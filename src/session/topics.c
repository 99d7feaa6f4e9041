/*
 * entered from: relay.c, when the relay begins and with everything the client sends in it;
 *               rejudge.c, when a reload has changed the rule
 * leaves to:    close.c, when the client asks for a topic that its rule does not permit
 * owns:         session->topics: the client's grants, its place in the stream, and the bytes of
 *               a topic that is not all there
 * deadline:     none
 * reasons:      topic_denied, packet_malformed, no_memory
 *
 * Sessions of rules without topic lists have no such thing and are not in here. For the others
 * no byte behind a topic, nor the topic itself, reaches the upstream before the verdict; what
 * came before the packet that is at fault does. An incomplete packet is nothing to a broker.
 */
#include "session_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "aliases_internal.h"
#include "moat/base/secret.h"
#include "moat/mqtt/inspect.h"
#include "moat/policy/grants.h"

/* Topics that an observing rule tells of one session; nobody learns from more. */
#define TOPICS_TOLD_MAX 32u
/* Room for a topic in a log line, which shows less of it than this. */
#define TOPICS_DETAIL_SIZE (LOG_VALUE_MAX + 64u)

struct topics {
    struct policy_grants *grants;
    struct mqtt_inspector inspector;
    struct buffer held; /* the start of an element; no memory between elements */
    struct alias_set aliases;
    uint64_t *told; /* digests of the topics that were logged; NULL before the first */
    size_t told_count;
};

/* What ends the session, once what is in order has been passed on. */
struct stop {
    bool is_due;
    enum close_reason reason;
    char detail[TOPICS_DETAIL_SIZE];
};

static void stop_for(struct stop *stop, enum close_reason reason, const char *detail)
{
    stop->is_due = true;
    stop->reason = reason;
    snprintf(stop->detail, sizeof stop->detail, "%s", detail);
}

/* --- verdicts --- */

/* True the first time a topic is denied in this session, while there is room to remember. */
static bool is_news(struct session *session, const char *detail)
{
    struct topics *topics = session->topics;
    const uint64_t key[2] = {session->id, session->started_ms};
    uint64_t digest = secret_siphash(key, slice_from_text(detail));

    if (topics->told == NULL) {
        topics->told = calloc(TOPICS_TOLD_MAX, sizeof *topics->told);
    }
    if (topics->told == NULL || topics->told_count == TOPICS_TOLD_MAX) {
        return false;
    }
    for (size_t index = 0; index < topics->told_count; index++) {
        if (topics->told[index] == digest) {
            return false;
        }
    }
    topics->told[topics->told_count++] = digest;
    return true;
}

static void deny(struct session *session, const char *verb, struct slice topic, struct stop *stop)
{
    char detail[TOPICS_DETAIL_SIZE];
    size_t shown = topic.size < LOG_VALUE_MAX ? topic.size : LOG_VALUE_MAX;

    snprintf(detail, sizeof detail, "%s %.*s", verb, (int)shown, (const char *)topic.data);
    if (!session->observes) {
        stop_for(stop, CLOSE_TOPIC_DENIED, detail);
        return;
    }
    session->was_let_off = true; /* the broker keeps a subscription */
    if (is_news(session, detail)) {
        report_observed(session, CLOSE_TOPIC_DENIED, detail);
    }
}

static void judge(struct session *session, const struct mqtt_element *element, struct stop *stop)
{
    struct topics *topics = session->topics;

    switch (element->request) {
    case MQTT_REQUEST_NONE:
        break;
    case MQTT_REQUEST_PUBLISH:
        if (!policy_grants_may_publish(topics->grants, element->topic)) {
            deny(session, "publish", element->topic, stop);
        }
        break;
    case MQTT_REQUEST_SUBSCRIBE:
        if (!policy_grants_may_subscribe(topics->grants, element->topic)) {
            deny(session, "subscribe", element->topic, stop);
        }
        break;
    case MQTT_REQUEST_SET_ALIAS:
        if (!alias_set_add(&topics->aliases, element->alias)) {
            stop_for(stop, CLOSE_NO_MEMORY, "for a topic alias");
        }
        break;
    case MQTT_REQUEST_USE_ALIAS:
        if (!alias_set_has(&topics->aliases, element->alias)) {
            stop_for(stop, CLOSE_PACKET_MALFORMED, "a topic alias that was not set");
        }
        break;
    }
}

/* The element at the start of `bytes`, judged; true when its bytes may pass. */
static bool take_element(struct session *session, struct slice bytes,
                         struct mqtt_element *out_element, struct stop *stop)
{
    struct mqtt_inspector *inspector = &session->topics->inspector;
    uint64_t packets = inspector->packets;
    const char *fault;

    switch (mqtt_inspect(inspector, bytes, out_element, &fault)) {
    case MQTT_INSPECT_OK:
        judge(session, out_element, stop);
        inspector->packets = stop->is_due ? packets : inspector->packets;
        return !stop->is_due;
    case MQTT_INSPECT_MORE:
        return false;
    case MQTT_INSPECT_MALFORMED:
        stop_for(stop, CLOSE_PACKET_MALFORMED, fault);
        break;
    }
    return false;
}

/* --- bytes --- */

static void hold(struct session *session, struct slice bytes, struct stop *stop)
{
    if (!buffer_append(&session->topics->held, bytes)) {
        stop_for(stop, CLOSE_NO_MEMORY, "for a topic");
    }
}

static void pass_held(struct session *session)
{
    relay_to_upstream(session, buffer_slice(&session->topics->held));
    buffer_deinit(&session->topics->held);
}

/* Adds to what is held as much as its element needs and, when it has that, judges it and
 * lets it pass. Returns what is left of `bytes`. */
static struct slice complete_held(struct session *session, struct slice bytes, struct stop *stop)
{
    struct buffer *held = &session->topics->held;
    struct mqtt_element element;

    while (held->size > 0 && !stop->is_due) {
        if (take_element(session, buffer_slice(held), &element, stop)) {
            pass_held(session);
        } else if (stop->is_due || bytes.size == 0) {
            break;
        } else {
            size_t missing = element.size - held->size;
            size_t size = missing < bytes.size ? missing : bytes.size;
            hold(session, slice_of(bytes.data, size), stop);
            bytes = slice_after(bytes, size);
        }
    }
    return bytes;
}

/* Judges all that is whole in `bytes` and holds the rest. Returns how many may pass: behind a
 * stop, what came before its packet. */
static size_t take_all(struct session *session, struct slice bytes, struct stop *stop)
{
    struct mqtt_element element;
    size_t packet_start = 0;
    size_t at = 0;

    while (at < bytes.size) {
        if (mqtt_inspector_at_boundary(&session->topics->inspector)) {
            packet_start = at;
        }
        if (!take_element(session, slice_after(bytes, at), &element, stop)) {
            break;
        }
        at += element.size;
    }
    return stop->is_due ? packet_start : at;
}

/* What only observes loses the thread of a stream it cannot read, and lets it pass from there. */
static bool lose_thread(struct session *session, struct slice rest, const struct stop *stop)
{
    session->was_let_off = true; /* nobody knows what is asked for from here on */
    report_observed(session, stop->reason, stop->detail);
    pass_held(session);
    relay_to_upstream(session, rest);
    topics_free(session);
    return true;
}

bool topics_pass(struct session *session, struct slice bytes)
{
    struct stop stop = {.is_due = false};
    struct slice rest = complete_held(session, bytes, &stop);
    size_t clean = stop.is_due ? 0 : take_all(session, rest, &stop);

    if (stop.is_due && stop.reason == CLOSE_PACKET_MALFORMED && session->observes) {
        return lose_thread(session, rest, &stop);
    }
    relay_to_upstream(session, slice_of(rest.data, clean));
    if (!stop.is_due) {
        hold(session, slice_after(rest, clean), &stop);
    }
    if (stop.is_due) {
        session->from_client.packets = session->topics->inspector.packets;
        session_close(session, stop.reason, stop.detail);
        return false;
    }
    return true;
}

/* --- beginning and end --- */

/* As far as topic lists can name them. */
static struct policy_facts facts_of(const struct session *session)
{
    return (struct policy_facts){
        .address = session->address,
        .has_identity = session->peer.identity != NULL,
        .identity = slice_from_text(session->peer.identity),
        .common_name = slice_from_text(session->peer.common_name),
        .has_username = session->username != NULL,
        .username = slice_from_text(session->username),
    };
}

/* NULL for a rule without topic lists, too. False without memory. */
static bool make_grants(const struct session *session, struct policy_grants **out_grants)
{
    struct policy_facts facts = facts_of(session);

    *out_grants = NULL;
    if (session->decider == NULL || !policy_rule_has_topics(session->decider)) {
        return true;
    }
    *out_grants = policy_grants_new(session->decider, &facts);
    return *out_grants != NULL;
}

bool topics_enter(struct session *session)
{
    struct policy_grants *grants;
    struct topics *topics = NULL;

    if (!make_grants(session, &grants)) {
        return false;
    }
    if (grants == NULL) {
        return true;
    }
    topics = calloc(1, sizeof *topics);
    if (topics == NULL) {
        policy_grants_free(grants);
        return false;
    }
    topics->grants = grants;
    mqtt_inspector_init(&topics->inspector, (enum mqtt_version)session->version);
    buffer_init(&topics->held, MQTT_ELEMENT_HELD_MAX);
    session->topics = topics;
    return true;
}

/*
 * Wider lists take the place of the old. Narrower ones cannot: the broker keeps subscriptions
 * that were permitted before, and nobody here remembers them. The same goes for lists where
 * there were none.
 */
const char *topics_renew(struct session *session)
{
    struct topics *topics = session->topics;
    struct policy_grants *grants;

    if (!make_grants(session, &grants)) {
        return "not enough memory for the topic lists";
    }
    if (topics == NULL || grants == NULL) {
        bool is_narrower = grants != NULL;
        policy_grants_free(grants);
        if (topics != NULL) {
            pass_held(session);
            topics_free(session);
        }
        return is_narrower ? "its rule has topic lists now" : NULL;
    }
    bool is_wider = policy_grants_include(grants, topics->grants);
    policy_grants_free(topics->grants);
    topics->grants = grants;
    return is_wider ? NULL : "the topic lists of its rule are narrower now";
}

void topics_free(struct session *session)
{
    struct topics *topics = session->topics;

    if (topics == NULL) {
        return;
    }
    policy_grants_free(topics->grants);
    buffer_deinit(&topics->held);
    alias_set_deinit(&topics->aliases);
    free(topics->told);
    free(topics);
    session->topics = NULL;
}
