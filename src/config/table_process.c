/* Times and the program itself: timeouts, workers, sandbox, log. */
#include "moat/config/config.h"
#include "table_rows_internal.h"

/* clang-format off */
static const struct table_row rows[] = {
    {"timeouts", TABLE_MAP,
     .doc = "How long things may take. Before the relay each runs from the start; bytes that "
            "trickle in do not extend it."},
    {"timeouts.handshake", TABLE_DURATION, .fallback = "10s", RANGE(100, SECONDS(600)),
     .doc = "From the connection to the end of the TLS handshake.", .example = "5s",
     MEMBER(config, handshake_timeout_ms)},
    {"timeouts.connect", TABLE_DURATION, .fallback = "10s", RANGE(100, SECONDS(600)),
     .doc = "From there to the last byte of CONNECT.", .example = "5s",
     MEMBER(config, connect_timeout_ms)},
    {"timeouts.keep_alive_grace", TABLE_DURATION, .fallback = "5s", RANGE(0, SECONDS(600)),
     .doc = "A client that sends nothing is cut after one and a half times its keep alive and this. "
            "The keep alive is that of CONNECT, or the Server Keep Alive of the broker. A client "
            "without one (0) is left to TCP, which notices one that vanished within two minutes.",
     .example = "30s", MEMBER(config, keep_alive_grace_ms)},
    {"timeouts.stall", TABLE_DURATION, .fallback = "1m", RANGE(100, HOURS(1)),
     .doc = "A client or broker that takes nothing of what is ready for it is cut after this, and "
            "at most a quarter more.",
     .example = "20s", MEMBER(config, stall_timeout_ms)},
    {"timeouts.drain", TABLE_DURATION, .fallback = "30s", RANGE(0, HOURS(1)),
     .variable = "MOAT_DRAIN_TIMEOUT",
     .doc = "How long clients may stay after the order to stop.", .example = "5s",
     MEMBER(config, drain_timeout_ms)},

    {"watch", TABLE_DURATION, .fallback = "0", RANGE(0, HOURS(24)), .variable = "MOAT_WATCH",
     .doc = "How often moat looks whether this file, a certificate, key or revocation list, the "
            "password file or the ticket keys have changed. What has changed, and was the same at "
            "two looks, is taken as on SIGHUP. 0 never looks: a reload is then only asked for by "
            "SIGHUP. For containers, whose secrets are renewed without a signal.",
     .example = "30s", MEMBER(config, watch_ms)},
    {"profile", TABLE_WORD, .fallback = "full", .needs_restart = true,
     .words = {{"full", CONFIG_PROFILE_FULL}, {"small", CONFIG_PROFILE_SMALL}},
     .doc = "small is for routers and other machines with little memory and flash for a disk: some "
            "defaults become smaller, password hashes of Argon2 (46 MiB for each check) are "
            "refused, and guard.state_file is written to when moat stops and at no other time. What "
            "is written here for a key counts more than the profile.",
     .example = "small", MEMBER(config, profile)},
    {"workers", TABLE_NUMBER, .fallback = "0", .small = "1", RANGE(0, 256), .needs_restart = true,
     .variable = "MOAT_WORKERS",
     .doc = "Threads that serve clients; 0 is one for each processor.", .example = "2",
     MEMBER(config, workers)},

    {"user", TABLE_TEXT, RANGE(1, 32), .needs_restart = true,
     .doc = "The user that moat becomes when root starts it, once its ports are bound and its files "
            "are read; when not written, moat if there is such a user, else nobody. A reload reads "
            "the files again as that user. root keeps the user and only gives up its rights.",
     .example = "moat", MEMBER(config, user)},
    {"sandbox", TABLE_WORD, .fallback = "auto", .needs_restart = true,
     .words = {{"off", SANDBOX_OFF}, {"auto", SANDBOX_AUTO}, {"required", SANDBOX_REQUIRED}},
     .variable = "MOAT_SANDBOX",
     .doc = "What moat takes from itself before the first client comes: files, ports and system "
            "calls it does not need. auto takes what the kernel offers and logs what is missing, "
            "required does not start without all of it, off is for finding faults. See "
            "docs/hardening.md.",
     .example = "required", MEMBER(config, sandbox)},

    {"log", TABLE_MAP, .doc = "What is written to standard error."},
    {"log.level", TABLE_WORD, .fallback = "info",
     .variable = "MOAT_LOG_LEVEL",
     .doc = "Events less important than this are left out.", .example = "debug",
     .words = {{"error", LOG_ERROR}, {"warning", LOG_WARNING}, {"info", LOG_INFO},
               {"debug", LOG_DEBUG}},
     MEMBER(config, log_level)},
    {"log.refusals", TABLE_NUMBER, .fallback = "200", RANGE(0, 1000000),
     .doc = "How many lines of refused clients with the same reason are written in ten seconds; "
            "of the others the log has the number. 0 writes all.",
     .example = "50", MEMBER(config, log_refusals)},
    {"log.format", TABLE_WORD, .fallback = "logfmt", .words = {{"logfmt", 0}}, .example = "logfmt",
     .variable = "MOAT_LOG_FORMAT",
     .doc = "logfmt: one event a line, as key=value."},
};
/* clang-format on */

const struct table_section table_process = TABLE_SECTION(rows);
