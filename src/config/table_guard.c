/* What is remembered of clients and taken from them: guard, refusal, limits. */
#include "moat/config/config.h"
#include "table_rows_internal.h"

/* clang-format off */
static const struct table_row rows[] = {
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
    {"guard.identifiers", TABLE_NUMBER, .fallback = "20000", .small = "1000", RANGE(1, 1000000),
     .needs_restart = true,
     .doc = "How many identifiers of clients that left are remembered, at 200 bytes each; of one "
            "identity never more than 256. Those of connected clients come on top.",
     .example = "2000", MEMBER(config, guard_identifiers)},
    {"guard.state_file", TABLE_PATH, .needs_restart = true,
     .doc = "File that keeps all this, and the bans, over a restart. Moat writes it when it stops and, "
            "unless profile is small, once a minute at most; its folder must be writable. Without it a restart forgets who "
            "owned what and who is banned.",
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
    {"limits.connections", TABLE_NUMBER, .fallback = "9000", .small = "200", RANGE(1, 1000000),
     .doc = "How many clients there may be at a time. Each needs two descriptors (see ulimit -n).",
     .example = "500", MEMBER(config, connections)},
    {"limits.handshakes", TABLE_NUMBER, .fallback = "500", .small = "50", RANGE(1, 100000),
     .doc = "How many clients may be on their way in at a time, from their first byte to a complete "
            "CONNECT; for each worker. When there is no room for one more, the one that has "
            "been at it longest makes room if it has had a second; until then newcomers wait. So "
            "slow clients cannot keep others out.",
     .example = "50", MEMBER(config, handshakes)},
    {"limits.hashing", TABLE_NUMBER, .fallback = "256", .small = "16", RANGE(1, 65535),
     .doc = "How many password checks may wait or run at a time; clients beyond are told to come "
            "back.",
     .example = "32", MEMBER(config, hashing)},
};
/* clang-format on */

const struct table_section table_guard = TABLE_SECTION(rows);
