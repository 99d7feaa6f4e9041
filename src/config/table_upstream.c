/* Who is behind the gate, and how clients prove themselves: upstream, identity, credentials. */
#include "moat/config/config.h"
#include "table_rows_internal.h"

/* clang-format off */
static const struct table_row rows[] = {
    {"upstream", TABLE_MAP, .is_required = true,
     .doc = "The MQTT broker behind this gate. It sees only clients that were let in.",
     .example = "{ address: 127.0.0.1:1883 }"},
    {"upstream.address", TABLE_ENDPOINT, .is_required = true, .in_example = true,
     .variable = "MOAT_UPSTREAM",
     .doc = "Where the broker listens: host:port, [IPv6]:port, or unix:/path of a socket. "
            "A unix socket keeps other users of this machine from going round the gate.",
     .example = "127.0.0.1:1883", MEMBER(config, upstream)},
    {"upstream.connect_timeout", TABLE_DURATION, .fallback = "3s", RANGE(100, SECONDS(60)),
     .doc = "How long the broker may take to accept a connection before the client is told it is "
            "not there.",
     .example = "1s", MEMBER(config, upstream_connect_timeout_ms)},
    {"upstream.connack_timeout", TABLE_DURATION, .fallback = "10s", RANGE(100, SECONDS(600)),
     .doc = "How long the broker may then take to answer a CONNECT before the client is told that "
            "it is not there.",
     .example = "5s", MEMBER(config, connack_timeout_ms)},
    {"upstream.allow_remote_plaintext", TABLE_BOOL, .fallback = "false",
     .variable = "MOAT_ALLOW_REMOTE_PLAINTEXT",
     .doc = "Allows a broker on another machine, although everything, passwords included, then "
            "crosses the network between the two unprotected.",
     .example = "true", MEMBER(config, allow_remote_plaintext)},

    {"identity", TABLE_MAP, .doc = "How a client certificate becomes a name."},
    {"identity.certificate", TABLE_WORD, .fallback = "cn",
     .words = {{"cn", TLS_IDENTITY_CN}, {"subject", TLS_IDENTITY_SUBJECT},
               {"san_dns", TLS_IDENTITY_SAN_DNS}, {"san_uri", TLS_IDENTITY_SAN_URI},
               {"san_email", TLS_IDENTITY_SAN_EMAIL}, {"serial", TLS_IDENTITY_SERIAL},
               {"sha256", TLS_IDENTITY_SHA256}, {"spki", TLS_IDENTITY_SPKI}},
     .variable = "MOAT_IDENTITY",
     .doc = "The part of a client certificate that is the client's name: the common name or the "
            "whole of its subject, a subject alternative name of one type, its serial number, or "
            "the SHA-256 of the certificate or of its public key in hexadecimal digits. A "
            "certificate that has several of the kind, or none, gives no name.",
     .example = "san_uri", MEMBER(config, certificate_identity)},

    {"credentials", TABLE_MAP, .doc = "How passwords are checked."},
    {"credentials.password_file", TABLE_PATH, .in_example = true,
     .variable = "MOAT_PASSWORD_FILE",
     .doc = "Users and the hashes of their passwords, in the format of mosquitto_passwd. Made by "
            "\"moat passwd\".",
     .example = "passwords", MEMBER(config, password_file)},
    {"credentials.cache", TABLE_DURATION, .fallback = "5m", RANGE(0, HOURS(24)),
     .doc = "How long a password that was proven right is not computed again; 0 computes it "
            "every time. "
            "A reload forgets all.",
     .example = "0", MEMBER(config, login_cache_ms)},
};
/* clang-format on */

const struct table_section table_upstream = TABLE_SECTION(rows);
