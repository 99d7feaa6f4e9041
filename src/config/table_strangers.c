/* What strangers are kept to, under limits: counts, rates, failures, bans. */
#include "moat/config/config.h"
#include "table_rows_internal.h"

/* Also a bound for what state files may hold. */
#define BAN_MAX HOURS(8760)

/* clang-format off */
static const struct table_row rows[] = {
    {"limits.unauthenticated_per_address", TABLE_NUMBER, .fallback = "64", RANGE(0, 1000000),
     .doc = "How many connections one address may have that are not let in yet. Past it a new one is "
            "closed before TLS. An IPv6 address stands for its /64. 0 is no limit.",
     .example = "16", MEMBER(config, strangers.present)},
    {"limits.connect_rate_per_address", TABLE_NUMBER, .fallback = "20", RANGE(0, 1000000),
     .doc = "How many connections a second one address may open for long. Past it a new one is "
            "closed before TLS. 0 is no limit.",
     .example = "5", MEMBER(config, strangers.rate)},
    {"limits.connect_burst_per_address", TABLE_NUMBER, .fallback = "100", RANGE(1, 1000000),
     .doc = "How many connections one address may open at once after it was quiet.",
     .example = "20", MEMBER(config, strangers.burst)},
    {"limits.connect_rate", TABLE_NUMBER, .fallback = "1000", RANGE(0, 1000000),
     .doc = "How many connections a second all addresses together may open on all listeners, and how "
            "many at once. Past it a new one is closed before TLS, so that the signatures of "
            "handshakes leave time for the sessions that are in. 0 is no limit.",
     .example = "100", MEMBER(config, strangers.total_rate)},
    {"limits.connect_rate_per_identity", TABLE_NUMBER, .fallback = "10", RANGE(0, 1000000),
     .doc = "How many times a second one proven identity (certificate or user name) may connect for "
            "long. Past it it is refused with code 0x03, in MQTT 5.0 0x9F. 0 is no limit.",
     .example = "1", MEMBER(config, strangers.identity_rate)},
    {"limits.connect_burst_per_identity", TABLE_NUMBER, .fallback = "60", RANGE(1, 1000000),
     .doc = "How many times one proven identity may connect at once after it was quiet. A fleet that "
            "shares one user name needs as many as it has devices.",
     .example = "5", MEMBER(config, strangers.identity_burst)},
    {"limits.failed_logins", TABLE_NUMBER, .fallback = "5", RANGE(0, 1000000),
     .doc = "How many wrong passwords, unknown user names and client certificates that are not valid "
            "lead to a ban of their address. As many breaches of MQTT or of its topics after it was "
            "let in ban an identity. 0: nobody is banned.",
     .example = "10", MEMBER(config, strangers.failures)},
    {"limits.failed_login_window", TABLE_DURATION, .fallback = "1m", RANGE(SECONDS(1), HOURS(24)),
     .doc = "The time in which they must happen, from the first of them.", .example = "5m",
     MEMBER(config, strangers.window_ms)},
    {"limits.failed_login_alarm", TABLE_NUMBER, .fallback = "100", RANGE(0, 1000000),
     .doc = "How many failed logins of all addresses together within a minute are worth a warning: "
            "many addresses that fail once each are banned nowhere. Trusted networks are counted as "
            "well. 0: none is given.",
     .example = "20", MEMBER(config, failed_login_alarm)},
    {"limits.ban", TABLE_DURATION, .fallback = "10m", RANGE(SECONDS(1), BAN_MAX),
     .doc = "How long the first ban takes. Each further one takes twice as long as the one before, "
            "until a day has passed without a failure.",
     .example = "1h", MEMBER(config, strangers.ban_ms)},
    {"limits.ban_max", TABLE_DURATION, .fallback = "24h", RANGE(SECONDS(1), BAN_MAX),
     .doc = "How long a ban takes at most.", .example = "168h", MEMBER(config, strangers.ban_max_ms)},
    {"limits.trusted", TABLE_NETWORKS,
     .doc = "Networks whose clients are exempt from everything that goes by address: bans, rates, "
            "counts. For what many clients share, a NAT or a load balancer. Passwords are checked "
            "there as everywhere.",
     .example = "[10.1.0.0/16]", LIST(config, trusted, trusted_count)},
    {"limits.addresses", TABLE_NUMBER, .fallback = "20000", .small = "1000", RANGE(128, 1000000),
     .needs_restart = true,
     .doc = "How many addresses and identities are remembered for all this, at 72 bytes each. When all "
            "places are taken, those that did nothing make room first and banned ones last.",
     .example = "2000", MEMBER(config, addresses)},
};
/* clang-format on */

const struct table_section table_strangers = TABLE_SECTION(rows);
