#include "table_internal.h"

#include "moat/config/config.h"

#define MEMBER(type, member)                                                                       \
    .offset = offsetof(struct type, member), .size = sizeof(((struct type *)NULL)->member)
#define LIST(type, member, counter)                                                                \
    .offset = offsetof(struct type, member), .size = sizeof(*((struct type *)NULL)->member),       \
    .counter_offset = offsetof(struct type, counter)
#define RANGE(least, most) .minimum = (least), .maximum = (most)

#define SECONDS(count) ((count)*UINT64_C(1000))
#define HOURS(count)   SECONDS((count)*UINT64_C(3600))
#define KIB(count)     ((count)*UINT64_C(1024))

/* clang-format off */
#define VERSIONS .words = {{"3.1", MQTT_VERSION_3_1}, {"3.1.1", MQTT_VERSION_3_1_1}, \
                           {"5.0", MQTT_VERSION_5_0}}
#define MODES .words = {{"enforce", POLICY_MODE_ENFORCE}, {"observe", POLICY_MODE_OBSERVE}}
const struct table_row table_rows[] = {
    {"listeners", TABLE_MAPS, RANGE(1, 64), .is_required = true, .needs_restart = true,
     .doc = "Where clients connect. Each listener has a name, an address and its own TLS settings. "
            "A reload can change what stands under tls, not how many listeners there are.",
     .example = "[{ name: mqtts, address: \"[::]:8883\", "
                "tls: { certificates: [{ chain: a.crt, key: a.key }] } }]",
     LIST(config, listeners, listener_count), .element_size = sizeof(struct config_listener)},
    {"listeners[].name", TABLE_TEXT, RANGE(1, 64), .is_required = true, .needs_restart = true,
     .in_example = true,
     .doc = "What logs and rules call this listener. No two may have the same name.",
     .example = "mqtts", MEMBER(config_listener, name)},
    {"listeners[].address", TABLE_ENDPOINT, .is_required = true, .needs_restart = true,
     .in_example = true,
     .doc = "The address and port to accept connections on. \"[::]:8883\" is every address of "
            "this machine, "
            "\"0.0.0.0:8883\" every IPv4 address, \"127.0.0.1:8883\" this machine alone.",
     .example = "\"[::]:8883\"", MEMBER(config_listener, address)},
    {"listeners[].tls", TABLE_MAP, .is_required = true,
     .doc = "How this listener speaks TLS, which is all it speaks: version 1.2 or 1.3, with "
            "forward secrecy.",
     .example = "{ certificates: [{ chain: tls/server.crt, key: tls/server.key }] }"},
    {"listeners[].tls.certificates", TABLE_MAPS, RANGE(1, TLS_CERTIFICATES_MAX),
     .is_required = true,
     .doc = "The certificates by which clients know this gate. A client is shown the first that "
            "has the name it asks for (SNI; exact before wildcard) and is of a kind it can "
            "verify; without such a name the first that it can verify.",
     .example = "[{ chain: tls/server.crt, key: tls/server.key }]",
     LIST(config_listener, certificates, certificate_count),
     .element_size = sizeof(struct config_certificate)},
    {"listeners[].tls.certificates[].chain", TABLE_PATH, .is_required = true, .in_example = true,
     .doc = "PEM file with the server certificate first and the certificates of its issuers "
            "behind it.",
     .example = "tls/server.crt", MEMBER(config_certificate, chain)},
    {"listeners[].tls.certificates[].key", TABLE_PATH, .is_required = true, .in_example = true,
     .doc = "PEM file with the private key, not encrypted. Only its owner may have access to it "
            "(chmod 600).",
     .example = "tls/server.key", MEMBER(config_certificate, key)},
    {"listeners[].tls.profile", TABLE_WORD, .fallback = "iot",
     .words = {{"iot", TLS_PROFILE_IOT}, {"modern", TLS_PROFILE_MODERN}},
     .doc = "Which versions and suites of TLS are spoken: iot is 1.2 and 1.3, modern 1.3 alone. "
            "docs/tls.md lists what each takes.",
     .example = "modern", MEMBER(config_listener, profile)},
    {"listeners[].tls.minimum_version", TABLE_WORD, .fallback = "profile",
     .words = {{"profile", TLS_VERSION_OF_PROFILE}, {"1.2", TLS_1_2}, {"1.3", TLS_1_3}},
     .doc = "The oldest TLS version a client may use: that of the profile, or a newer one. Older "
            "ones than 1.2 cannot be had.",
     .example = "\"1.3\"", MEMBER(config_listener, minimum_version)},
    {"listeners[].tls.max_record", TABLE_SIZE, .fallback = "16KiB",
     RANGE(TLS_RECORD_MIN, TLS_RECORD_MAX),
     .doc = "The most plaintext in one TLS record that is sent. A device has to hold a whole "
            "record before it can read any of it, so small ones may need less than 16KiB.",
     .example = "1KiB", MEMBER(config_listener, max_record)},
    {"listeners[].tls.client_certificate", TABLE_WORD, .fallback = "none",
     .words = {{"none", TLS_CLIENT_CERTIFICATE_NONE}, {"optional", TLS_CLIENT_CERTIFICATE_OPTIONAL},
               {"required", TLS_CLIENT_CERTIFICATE_REQUIRED}},
     .doc = "Whether clients are asked for a certificate: never, without obligation, or with. "
            "One that is presented must be valid, also where it is optional.",
     .example = "optional", MEMBER(config_listener, client_certificate)},
    {"listeners[].tls.client_ca", TABLE_PATH,
     .doc = "PEM file with the certificates of the authorities whose client certificates are "
            "good here. "
            "This or spki_pins is needed with client_certificate optional or required.",
     .example = "tls/clients-ca.crt", MEMBER(config_listener, client_ca)},
    {"listeners[].tls.client_crl", TABLE_PATH,
     .doc = "PEM file with the certificate revocation lists of all authorities that issue client "
            "certificates, intermediate ones included. A client of an authority without a list "
            "in it is refused.",
     .example = "tls/clients.crl", MEMBER(config_listener, client_crl)},
    {"listeners[].tls.crl_expired", TABLE_WORD, .fallback = "deny",
     .words = {{"deny", TLS_CRL_EXPIRED_DENY}, {"warn", TLS_CRL_EXPIRED_WARN}},
     .doc = "What becomes of clients when the revocation list of their authority is out of date: "
            "they are refused, or let in with a mark in the log while the old list still counts.",
     .example = "warn", MEMBER(config_listener, crl_expired)},
    {"listeners[].tls.spki_pins", TABLE_PINS,
     .doc = "SHA-256 digests of public keys (SubjectPublicKeyInfo), in hexadecimal or base64, "
            "whose certificates are good without an authority, self-signed ones for instance. "
            "The digest is then the client's name, whatever identity.certificate says.",
     .example = "[HqOt4ZHtd1eTnpm0EYdzs8LgtmEvX9O5VU0cqyJ1C6k=]",
     LIST(config_listener, spki_pins, spki_pin_count)},
    {"listeners[].tls.tickets", TABLE_BOOL, .fallback = "true",
     .doc = "Whether clients may resume a TLS session, which spares both sides the costly "
            "signature.",
     .example = "false", MEMBER(config_listener, tickets)},
    {"listeners[].tls.ticket_key_file", TABLE_PATH,
     .doc = "File with the keys of session tickets, one of 64 hexadecimal digits on a line, to be "
            "shared by machines that serve the same clients: the first seals, all open. Only its "
            "owner may have access to it (chmod 600). Without it keys are made at random and "
            "replaced every 12 hours.",
     .example = "tls/ticket.keys", MEMBER(config_listener, ticket_key_file)},

    {"upstream", TABLE_MAP, .is_required = true,
     .doc = "The MQTT broker behind this gate. It sees only clients that were let in.",
     .example = "{ address: 127.0.0.1:1883 }"},
    {"upstream.address", TABLE_ENDPOINT, .is_required = true, .in_example = true,
     .doc = "Where the broker listens: host:port, [IPv6]:port, or unix:/path of a socket. "
            "A unix socket keeps other users of this machine from going round the gate.",
     .example = "127.0.0.1:1883", MEMBER(config, upstream)},
    {"upstream.connect_timeout", TABLE_DURATION, .fallback = "3s", RANGE(100, SECONDS(60)),
     .doc = "How long the broker may take to accept a connection before the client is told it is "
            "not there.",
     .example = "1s", MEMBER(config, upstream_connect_timeout_ms)},
    {"upstream.allow_remote_plaintext", TABLE_BOOL, .fallback = "false",
     .doc = "Allows a broker on another machine, although everything, passwords included, then "
            "crosses the network between the two unprotected.",
     .example = "true", MEMBER(config, allow_remote_plaintext)},

    {"identity", TABLE_MAP, .doc = "How a client certificate becomes a name."},
    {"identity.certificate", TABLE_WORD, .fallback = "cn",
     .words = {{"cn", TLS_IDENTITY_CN}, {"subject", TLS_IDENTITY_SUBJECT},
               {"san_dns", TLS_IDENTITY_SAN_DNS}, {"san_uri", TLS_IDENTITY_SAN_URI},
               {"san_email", TLS_IDENTITY_SAN_EMAIL}, {"serial", TLS_IDENTITY_SERIAL},
               {"sha256", TLS_IDENTITY_SHA256}, {"spki", TLS_IDENTITY_SPKI}},
     .doc = "The part of a client certificate that is the client's name: the common name or the "
            "whole of its subject, a subject alternative name of one type, its serial number, or "
            "the SHA-256 of the certificate or of its public key in hexadecimal digits. A "
            "certificate that has several of the kind, or none, gives no name.",
     .example = "san_uri", MEMBER(config, certificate_identity)},

    {"credentials", TABLE_MAP, .doc = "How passwords are checked."},
    {"credentials.password_file", TABLE_PATH, .in_example = true,
     .doc = "Users and the hashes of their passwords, in the format of mosquitto_passwd. Made by "
            "\"moat passwd\".",
     .example = "passwords", MEMBER(config, password_file)},
    {"credentials.cache", TABLE_DURATION, .fallback = "5m", RANGE(0, HOURS(24)),
     .doc = "How long a password that was proven right is not computed again; 0 computes it "
            "every time. "
            "A reload forgets all.",
     .example = "0", MEMBER(config, login_cache_ms)},

    {"policy", TABLE_MAP, .is_required = true, .doc = "Who may come in.",
     .example = "{ rules: [{ name: people, require: [password] }] }"},
    {"policy.mode", TABLE_WORD, .fallback = "enforce", MODES,
     .doc = "observe logs what the policy would refuse, with its reason and code "
            "(event=observed), and lets it in: for the time before a policy is trusted. Nobody is "
            "then kept from the broker by it, not even with a wrong password or a user name that "
            "is not his. What is no MQTT, and names with wildcards, are refused nevertheless.",
     .example = "observe", MEMBER(config, policy_mode)},
    {"policy.rules", TABLE_MAPS, RANGE(1, 1000), .is_required = true,
     .doc = "Tried in order; the first rule whose conditions all hold decides, and a client that "
            "no rule matches is refused. A wrong password never leads on to a later rule.",
     .example = "[{ name: people, require: [password] }]",
     LIST(config, rules, rule_count), .element_size = sizeof(struct config_rule)},
    {"policy.rules[].name", TABLE_TEXT, RANGE(1, 64), .is_required = true, .in_example = true,
     .doc = "What logs call this rule. No two may have the same name.",
     .example = "people", MEMBER(config_rule, spec.name)},
    {"policy.rules[].mode", TABLE_WORD, MODES,
     .doc = "The mode of this rule alone; without it, policy.mode counts. A rule that observes in "
            "a policy that enforces lets in what the rule refuses, but no user name that is not "
            "proven: other rules rely on names being true.",
     .example = "enforce", MEMBER(config_rule, spec.mode)},
    {"policy.rules[].match", TABLE_MAP,
     .doc = "Conditions, all of which must hold. Each takes one value or a list, of which one "
            "must hold. In patterns * stands for any characters and ? for one. Without match a "
            "rule is for every client.",
     .example = "{ username: \"*\", address: [192.168.10.0/24] }"},
    {"policy.rules[].match.listener", TABLE_GLOBS, .doc = "Names of listeners.", .example = "mqtts",
     LIST(config_rule, spec.listeners, spec.listener_count)},
    {"policy.rules[].match.address", TABLE_NETWORKS, .doc = "Networks that clients connect from.",
     .example = "[192.168.10.0/24, \"2001:db8::/32\"]",
     LIST(config_rule, spec.addresses, spec.address_count)},
    {"policy.rules[].match.sni", TABLE_GLOBS,
     .doc = "Host names that clients ask for in TLS (SNI). Who asks for none matches none.",
     .example = "\"devices.example.org\"", LIST(config_rule, spec.snis, spec.sni_count)},
    {"policy.rules[].match.certificate", TABLE_GLOBS,
     .doc = "Names proven by a client certificate.", .example = "\"sensor-*\"",
     LIST(config_rule, spec.certificates, spec.certificate_count)},
    {"policy.rules[].match.issuer", TABLE_GLOBS,
     .doc = "Names of the issuers of client certificates.", .example = "\"CN=Device CA,*\"",
     LIST(config_rule, spec.issuers, spec.issuer_count)},
    {"policy.rules[].match.username", TABLE_GLOBS, .in_example = true,
     .doc = "User names. \"*\" is every client that gives one.", .example = "\"*\"",
     LIST(config_rule, spec.usernames, spec.username_count)},
    {"policy.rules[].match.client_id", TABLE_GLOBS, .doc = "Client identifiers.",
     .example = "\"pump-*\"", LIST(config_rule, spec.client_ids, spec.client_id_count)},
    {"policy.rules[].match.protocol", TABLE_WORDS, .doc = "Versions of MQTT.",
     .example = "[\"3.1.1\", \"5.0\"]", VERSIONS,
     LIST(config_rule, spec.protocols, spec.protocol_count)},
    {"policy.rules[].require", TABLE_REQUIRE, .in_example = true,
     .doc = "What a client must prove itself with: [certificate], [password], both in one list, "
            "or one of the two with { any: [certificate, password] }. none lets in everybody "
            "whom the conditions match. It must be written unless action is deny.",
     .example = "[password]", MEMBER(config_rule, spec.require)},
    {"policy.rules[].action", TABLE_WORD, .fallback = "allow",
     .words = {{"allow", false}, {"deny", true}},
     .doc = "Whether clients of this rule may come in once they have proven themselves, or are "
            "refused.",
     .example = "deny", MEMBER(config_rule, spec.deny)},
    {"policy.rules[].certificate_expiry", TABLE_WORD, .fallback = "end",
     .words = {{"end", false}, {"keep", true}},
     .doc = "Whether a session ends when the client's certificate expires while it is connected, or "
            "lives on until the client leaves. A new connection with it is refused either way.",
     .example = "keep", MEMBER(config_rule, spec.keeps_expired)},
    {"policy.rules[].bridge", TABLE_WORD, .fallback = "deny",
     .words = {{"deny", false}, {"allow", true}},
     .doc = "Whether clients of this rule may be bridges of Mosquitto's (try_private), to which a "
            "broker sends messages with their retain flags and never their own back.",
     .example = "allow", MEMBER(config_rule, spec.allows_bridges)},
    {"policy.rules[].bind", TABLE_MAP,
     .doc = "What names a client of this rule may use. In these texts ${certificate} is the name "
            "its certificate proves, ${certificate.cn} the common name in it, ${username} the "
            "user name of CONNECT and ${address} the address it connects from; * is any "
            "characters and ? one. What is put in is compared as text, never as a pattern, and "
            "where it is missing nothing is permitted. \\$ is a dollar sign.",
     .example = "{ client_id: \"${certificate}\" }"},
    {"policy.rules[].bind.client_id", TABLE_NAMES,
     .doc = "What the client identifier must be; of a list, one must hold.",
     .example = "[\"${certificate}\", \"${certificate}-*\"]",
     LIST(config_rule, spec.bind_client_ids, spec.bind_client_id_count)},
    {"policy.rules[].bind.username", TABLE_NAMES,
     .doc = "What the user name must be, where there is one. A user name permitted here needs no "
            "password if the text has the certificate or the address in it and no * or ? next to "
            "that, or if it is written out in full and the rule requires a certificate.",
     .example = "\"${certificate}\"",
     LIST(config_rule, spec.bind_usernames, spec.bind_username_count)},
    {"policy.rules[].limits", TABLE_MAP,
     .doc = "What clients of this rule may ask for and send."},
    {"policy.rules[].limits.keep_alive", TABLE_DURATION, RANGE(SECONDS(1), SECONDS(65535)),
     .doc = "The longest keep alive. One that is off (0) is longer than any, and refused as well "
            "unless keep_alive_zero says otherwise.",
     .example = "10m", MEMBER(config_rule, spec.limits.keep_alive_ms)},
    {"policy.rules[].limits.keep_alive_zero", TABLE_WORD,
     .words = {{"allow", POLICY_ZERO_ALLOW}, {"deny", POLICY_ZERO_DENY}},
     .doc = "Whether the keep alive may be off. Without it: only where keep_alive is not written.",
     .example = "allow", MEMBER(config_rule, spec.limits.keep_alive_zero)},
    {"policy.rules[].limits.packet_size", TABLE_SIZE, RANGE(256, KIB(262144)),
     .doc = "The largest packet from a client after CONNECT. A larger one ends the session.",
     .example = "64KiB", MEMBER(config_rule, spec.limits.packet_size)},
    {"policy.rules[].limits.will", TABLE_WORD, .fallback = "allow",
     .words = {{"allow", false}, {"deny", true}}, .doc = "Whether CONNECT may have a will.",
     .example = "deny", MEMBER(config_rule, spec.limits.denies_will)},
    {"policy.rules[].limits.will_topics", TABLE_FILTERS,
     .doc = "Topics that a will may be for, with +, # and the substitutions of bind. A fact with "
            "/, + or # in it, or with $ in front, takes the whole filter away.",
     .example = "\"status/${certificate}\"",
     LIST(config_rule, spec.limits.will_topics, spec.limits.will_topic_count)},
    {"policy.rules[].limits.will_qos", TABLE_WORD, .fallback = "2",
     .words = {{"0", 1}, {"1", 2}, {"2", 3}}, .doc = "The highest QoS of a will.", .example = "1",
     MEMBER(config_rule, spec.limits.will_qos_end)},
    {"policy.rules[].limits.will_retain", TABLE_WORD, .fallback = "allow",
     .words = {{"allow", false}, {"deny", true}}, .doc = "Whether a will may be retained.",
     .example = "deny", MEMBER(config_rule, spec.limits.denies_will_retain)},
    {"policy.rules[].limits.clean_session", TABLE_WORD, .fallback = "any",
     .words = {{"any", false}, {"required", true}},
     .doc = "Whether the broker may be asked to keep a session beyond the connection. required: "
            "Clean Session, or in 5.0 Clean Start without a Session Expiry Interval.",
     .example = "required", MEMBER(config_rule, spec.limits.needs_clean_session)},
    {"policy.rules[].limits.client_id_length", TABLE_SIZE, RANGE(1, 65535),
     .doc = "The longest client identifier; limits.client_id_size holds as well.",
     .example = "23B", MEMBER(config_rule, spec.limits.client_id_length)},
    {"policy.rules[].limits.client_id_characters", TABLE_CHARACTERS,
     .doc = "What client identifiers are made of: alphanumeric is letters and digits, printable "
            "is ASCII without spaces.",
     .example = "\"[a-z0-9_-]\"", MEMBER(config_rule, spec.limits.client_id_characters)},
    {"policy.rules[].limits.protocol", TABLE_WORDS,
     .doc = "Versions of MQTT that clients of this rule may speak.", .example = "\"5.0\"", VERSIONS,
     LIST(config_rule, spec.limits.protocols, spec.limits.protocol_count)},
    {"policy.rules[].limits.connections", TABLE_NUMBER, RANGE(1, 1000000),
     .doc = "How many sessions one identity may have at a time under this rule; all who have "
            "proven nothing count as one. A client that comes back under its own client "
            "identifier is let in while its old session is still there.",
     .example = "4", MEMBER(config_rule, spec.limits.connections)},

    {"policy.rules[].publish", TABLE_MAP,
     .doc = "Topics that clients of this rule may publish to, in their wills as well. Without "
            "lists that is the broker's business. A message to another topic ends the session.",
     .example = "{ allow: [\"devices/${certificate}/#\"] }"},
    {"policy.rules[].publish.allow", TABLE_FILTERS,
     .doc = "What is permitted, with +, # and the substitutions of bind. Without it: everything "
            "that is not denied, but for topics that begin with $, which must be allowed by "
            "name. Where a fact is missing, or has /, + or # in it, the filter permits nothing.",
     .example = "[\"devices/${certificate}/#\", \"shared/+/status\"]",
     LIST(config_rule, spec.publish.allow, spec.publish.allow_count)},
    {"policy.rules[].publish.deny", TABLE_FILTERS,
     .doc = "What is not permitted although allow takes it; \"#\" is everything. Where a fact "
            "is missing, or has /, + or # in it, the filter denies everything.",
     .example = "[\"devices/+/firmware\"]",
     LIST(config_rule, spec.publish.deny, spec.publish.deny_count)},
    {"policy.rules[].subscribe", TABLE_MAP,
     .doc = "Topics that clients of this rule may subscribe to. Without lists that is the broker's "
            "business. Another subscription ends the session. Shared ones ($share/group/filter) "
            "are judged by their filter.",
     .example = "{ allow: [\"commands/${certificate}/#\"] }"},
    {"policy.rules[].subscribe.allow", TABLE_FILTERS,
     .doc = "What is permitted, as in publish. One of these filters must cover all that the "
            "client's can bring.",
     .example = "[\"commands/${certificate}/#\", \"$SYS/broker/version\"]",
     LIST(config_rule, spec.subscribe.allow, spec.subscribe.allow_count)},
    {"policy.rules[].subscribe.deny", TABLE_FILTERS,
     .doc = "What is not permitted, as in publish. A client's filter that could bring any of it "
            "is refused as a whole.",
     .example = "[\"commands/+/secret\"]",
     LIST(config_rule, spec.subscribe.deny, spec.subscribe.deny_count)},

    {"policy.rules[].owner", TABLE_WORD, .fallback = "proof",
     .words = {{"proof", POLICY_OWNER_PROOF}, {"certificate", POLICY_OWNER_CERTIFICATE},
               {"username", POLICY_OWNER_USERNAME}},
     .doc = "Who a client is when guard.client_id asks whose its client identifier is, if it has "
            "proven both a certificate and a user name. proof is the user name if the rule "
            "requires a password alone, and the certificate otherwise.",
     .example = "username", MEMBER(config_rule, spec.owner)},

    {"guard", TABLE_MAP, .doc = "What is remembered of clients from one session to the next."},
    {"guard.client_id", TABLE_WORD, .fallback = "on", .words = {{"off", false}, {"on", true}},
     .doc = "Whether a client identifier belongs to the first identity that uses it, while that is "
            "connected and for a time after. Others are refused, so that nobody can take over a "
            "session or its queued messages. A client that proves nothing never owns an "
            "identifier, and may use only what nobody owns.",
     .example = "off", MEMBER(config, guards_client_id)},
    {"guard.remember", TABLE_DURATION, .fallback = "24h", RANGE(0, HOURS(8760)),
     .doc = "How long an identifier stays with its owner that has left, in time that the gate runs.",
     .example = "7h", MEMBER(config, guard_remember_ms)},
    {"guard.identifiers", TABLE_NUMBER, .fallback = "20000", RANGE(1, 1000000),
     .needs_restart = true,
     .doc = "How many identifiers of clients that left are remembered, at 200 bytes each; of one "
            "identity never more than 256. Those of connected clients come on top.",
     .example = "2000", MEMBER(config, guard_identifiers)},
    {"guard.state_file", TABLE_PATH, .needs_restart = true,
     .doc = "File that keeps all this over a restart. Moat writes it, once a minute at most and "
            "when it stops; its folder must be writable. Without it a restart forgets who owned "
            "what.",
     .example = "/var/lib/moat/guard.state", MEMBER(config, guard_state_file)},

    {"refusal", TABLE_WORD, .fallback = "answer", .words = {{"answer", false}, {"silent", true}},
     .doc = "Whether a refused client is told why with a CONNACK or DISCONNECT, or the "
            "connection just closes.",
     .example = "silent", MEMBER(config, silent)},

    {"limits", TABLE_MAP, .doc = "What is taken from clients, most of all before they are known."},
    {"limits.connect_size", TABLE_SIZE, .fallback = "64KiB", RANGE(128, KIB(256)),
     .doc = "The largest CONNECT packet, will included.", .example = "16KiB",
     MEMBER(config, connect.packet_size)},
    {"limits.client_id_size", TABLE_SIZE, .fallback = "256B", RANGE(23, 65535),
     .doc = "The longest client identifier.", .example = "64B",
     MEMBER(config, connect.client_id_size)},
    {"limits.username_size", TABLE_SIZE, .fallback = "256B", RANGE(1, 65535),
     .doc = "The longest user name.", .example = "64B", MEMBER(config, connect.username_size)},
    {"limits.password_size", TABLE_SIZE, .fallback = "1KiB", RANGE(1, 65535),
     .doc = "The longest password.", .example = "4KiB", MEMBER(config, connect.password_size)},
    {"limits.user_properties", TABLE_NUMBER, .fallback = "32", RANGE(0, 1000),
     .doc = "How many user properties a CONNECT of MQTT 5.0 may have, those of its will included.",
     .example = "0", MEMBER(config, connect.user_properties)},
    {"limits.strict_3_1", TABLE_BOOL, .fallback = "false",
     .doc = "Refuses MQTT 3.1 client identifiers of more than 23 bytes, as its specification asks.",
     .example = "true", MEMBER(config, connect.strict_3_1)},
    {"limits.connections", TABLE_NUMBER, .fallback = "9000", RANGE(1, 1000000),
     .doc = "How many clients there may be at a time. Each needs two descriptors (see ulimit -n).",
     .example = "500", MEMBER(config, connections)},
    {"limits.hashing", TABLE_NUMBER, .fallback = "256", RANGE(1, 65535),
     .doc = "How many password checks may wait or run at a time; clients beyond are told to come "
            "back.",
     .example = "32", MEMBER(config, hashing)},

    {"timeouts", TABLE_MAP,
     .doc = "How long things may take. Each runs from the start; bytes that trickle in do not "
            "extend it."},
    {"timeouts.handshake", TABLE_DURATION, .fallback = "10s", RANGE(100, SECONDS(600)),
     .doc = "From the connection to the end of the TLS handshake.", .example = "5s",
     MEMBER(config, handshake_timeout_ms)},
    {"timeouts.connect", TABLE_DURATION, .fallback = "10s", RANGE(100, SECONDS(600)),
     .doc = "From there to the last byte of CONNECT.", .example = "5s",
     MEMBER(config, connect_timeout_ms)},
    {"timeouts.drain", TABLE_DURATION, .fallback = "30s", RANGE(0, HOURS(1)),
     .doc = "How long clients may stay after the order to stop.", .example = "5s",
     MEMBER(config, drain_timeout_ms)},

    {"workers", TABLE_NUMBER, .fallback = "0", RANGE(0, 256), .needs_restart = true,
     .doc = "Threads that serve clients; 0 is one for each processor.", .example = "2",
     MEMBER(config, workers)},

    {"log", TABLE_MAP, .doc = "What is written to standard error."},
    {"log.level", TABLE_WORD, .fallback = "info",
     .doc = "Events less important than this are left out.", .example = "debug",
     .words = {{"error", LOG_ERROR}, {"warning", LOG_WARNING}, {"info", LOG_INFO},
               {"debug", LOG_DEBUG}},
     MEMBER(config, log_level)},
    {"log.format", TABLE_WORD, .fallback = "logfmt", .words = {{"logfmt", 0}}, .example = "logfmt",
     .doc = "logfmt: one event a line, as key=value."},
};
/* clang-format on */

const size_t table_row_count = sizeof(table_rows) / sizeof(table_rows[0]);
