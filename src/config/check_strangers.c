/* What the limits of strangers say about each other. */
#include "check_internal.h"

#include "places_internal.h"

/* "0.0.0.0/0" and "::/0"; no other network is written with this end. */
static bool is_everybody(const char *network)
{
    size_t size = strlen(network);
    return size >= 2 && strcmp(network + size - 2, "/0") == 0;
}

static void check_trusted(const struct config *config, struct config_faults *faults)
{
    for (size_t i = 0; i < config->trusted_count; i++) {
        if (is_everybody(config->trusted[i])) {
            config_warning(
                faults, config->path, config_place_of(config, "limits.trusted"),
                "limits.trusted: %s is everybody, so no address is ever banned, nor kept "
                "to a rate; name the networks that many of your clients share",
                config->trusted[i]);
        }
    }
}

static void check_bans(const struct config *config, struct config_faults *faults)
{
    const struct ledger_limits *limits = &config->strangers;
    if (config_is_sound(config, "limits.ban") && config_is_sound(config, "limits.ban_max") &&
        limits->ban_max_ms < limits->ban_ms) {
        config_warning(
            faults, config->path, config_place_of(config, "limits.ban_max"),
            "limits.ban_max: shorter than limits.ban, so every ban takes only that long; "
            "make it longer, or limits.ban shorter");
    }
    if (config_is_sound(config, "limits.failed_logins") && limits->failures == 0) {
        config_warning(
            faults, config->path, config_place_of(config, "limits.failed_logins"),
            "limits.failed_logins: 0 bans nobody, so passwords can be guessed for as long "
            "as it takes; write how many failures are too many");
    }
}

void check_strangers(const struct config *config, struct config_faults *faults)
{
    check_trusted(config, faults);
    check_bans(config, faults);
}
