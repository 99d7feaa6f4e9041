/* Who may come in: policy. */
#include "moat/config/config.h"
#include "table_rows_internal.h"

/* clang-format off */
#define VERSIONS .words = {{"3.1", MQTT_VERSION_3_1}, {"3.1.1", MQTT_VERSION_3_1_1}, \
                           {"5.0", MQTT_VERSION_5_0}}
#define MODES .words = {{"enforce", POLICY_MODE_ENFORCE}, {"observe", POLICY_MODE_OBSERVE}}
static const struct table_row rows[] = {
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
};
/* clang-format on */

const struct table_section table_policy = TABLE_SECTION(rows);
