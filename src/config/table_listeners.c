/* Where clients connect: listeners. */
#include "moat/config/config.h"
#include "table_rows_internal.h"

/* clang-format off */
static const struct table_row rows[] = {
    {"listeners", TABLE_MAPS, RANGE(1, CONFIG_LISTENERS_MAX), .is_required = true,
     .needs_restart = true,
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
     .variable = "MOAT_LISTEN",
     .doc = "The address and port to accept connections on. \"[::]:8883\" is every address of "
            "this machine, "
            "\"0.0.0.0:8883\" every IPv4 address, \"127.0.0.1:8883\" this machine alone. "
            "systemd:NAME is the socket that systemd passes on under this FileDescriptorName=.",
     .example = "\"[::]:8883\"", MEMBER(config_listener, address)},
    {"listeners[].connections", TABLE_NUMBER, .fallback = "0", RANGE(0, 1000000),
     .doc = "How many clients there may be at a time by this listener, within limits.connections. 0 is "
            "no limit of its own.",
     .example = "100", MEMBER(config_listener, connections)},
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
     .variable = "MOAT_CERTIFICATE",
     .doc = "PEM file with the server certificate first and the certificates of its issuers "
            "behind it.",
     .example = "tls/server.crt", MEMBER(config_certificate, chain)},
    {"listeners[].tls.certificates[].key", TABLE_PATH, .is_required = true, .in_example = true,
     .variable = "MOAT_KEY",
     .doc = "PEM file with the private key, not encrypted. Only its owner may have access to it "
            "(chmod 600); if that is root, one group that moat is in may read it (chmod 640). "
            "credential:NAME, here as for every file, is one that systemd passes in with "
            "LoadCredential=.",
     .example = "tls/server.key", MEMBER(config_certificate, key)},
    {"listeners[].tls.profile", TABLE_WORD, .fallback = "iot",
     .words = {{"iot", TLS_PROFILE_IOT}, {"modern", TLS_PROFILE_MODERN}},
     .variable = "MOAT_TLS_PROFILE",
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
     .variable = "MOAT_CLIENT_CERTIFICATE",
     .doc = "Whether clients are asked for a certificate: never, without obligation, or with. "
            "One that is presented must be valid, also where it is optional.",
     .example = "optional", MEMBER(config_listener, client_certificate)},
    {"listeners[].tls.client_ca", TABLE_PATH,
     .variable = "MOAT_CLIENT_CA",
     .doc = "PEM file with the certificates of the authorities whose client certificates are "
            "good here. "
            "This or spki_pins is needed with client_certificate optional or required.",
     .example = "tls/clients-ca.crt", MEMBER(config_listener, client_ca)},
    {"listeners[].tls.client_crl", TABLE_PATH,
     .variable = "MOAT_CLIENT_CRL",
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
};
/* clang-format on */

const struct table_section table_listeners = TABLE_SECTION(rows);
