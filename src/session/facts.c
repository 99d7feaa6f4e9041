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
        .common_name = slice_from_text(peer->common_name),
        .has_sni = peer->sni != NULL,
        .sni = slice_from_text(peer->sni),
        .protocol = (uint8_t)connect->version,
        .is_bridge = connect->is_bridge,
        .clean_start = connect->clean_start,
        .session_expiry = connect->session_expiry,
        .keep_alive = connect->keep_alive,
        .client_id = connect->client_id,
        .has_username = connect->has_username,
        .has_password = connect->has_password,
        .username = connect->username,
        .has_will = connect->has_will,
        .will_topic = connect->will_topic,
        .will_qos = connect->will_qos,
        .will_retain = connect->will_retain,
    };
}
