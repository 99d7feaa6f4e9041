#include "moat/session/facts.h"

struct policy_facts session_facts(const char *listener, const struct address *address,
                                  const struct tls_peer *peer, const struct mqtt_connect *connect)
{
    return (struct policy_facts){
        .listener = slice_from_text(listener),
        .address = *address,
        .has_identity = peer->identity != NULL,
        .identity = slice_from_text(peer->identity),
        .issuer = slice_from_text(peer->issuer),
        .protocol = (uint8_t)connect->version,
        .client_id = connect->client_id,
        .has_username = connect->has_username,
        .has_password = connect->has_password,
        .username = connect->username,
        .has_will = connect->has_will,
        .will_topic = connect->will_topic,
    };
}
