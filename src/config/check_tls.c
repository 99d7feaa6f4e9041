#include "check_internal.h"

#include "places_internal.h"
#include "table_internal.h"

/* True when a key under a listener's tls has a fault of its own. */
static bool has_fault(const struct config *config, size_t at, const char *key)
{
    return !config_is_sound(config, "listeners[%zu].tls.%s", at, key);
}

static void fault(const struct config *config, size_t at, const char *key, const char *what,
                  struct config_faults *faults)
{
    config_error(faults, config->path, config_place_of(config, "listeners[%zu].tls.%s", at, key),
                 "listeners[%zu].tls.%s: %s", at, key, what);
}

static void check_trust(const struct config *config, size_t at, struct config_faults *faults)
{
    const struct config_listener *listener = &config->listeners[at];
    bool asks = listener->client_certificate != TLS_CLIENT_CERTIFICATE_NONE;
    bool has_pins = listener->spki_pin_count > 0;
    if (has_fault(config, at, "client_certificate") || has_fault(config, at, "client_ca") ||
        has_fault(config, at, "spki_pins")) {
        return;
    }
    if (asks && listener->client_ca == NULL && !has_pins) {
        fault(config, at, "client_certificate",
              "nothing says which certificates are good; name their authority with client_ca, or "
              "their keys with spki_pins",
              faults);
    }
    if (!asks && listener->client_ca != NULL) {
        fault(config, at, "client_ca",
              "no client is asked for a certificate; write client_certificate: optional or "
              "required, or remove client_ca",
              faults);
    }
    if (!asks && has_pins) {
        fault(config, at, "spki_pins",
              "no client is asked for a certificate; write client_certificate: optional or "
              "required, or remove spki_pins",
              faults);
    }
}

static void check_revocation(const struct config *config, size_t at, struct config_faults *faults)
{
    const struct config_listener *listener = &config->listeners[at];
    if (has_fault(config, at, "client_ca") || has_fault(config, at, "client_crl")) {
        return;
    }
    if (listener->client_crl != NULL && listener->client_ca == NULL) {
        fault(config, at, "client_crl",
              "there is no client_ca whose certificates it could revoke; write client_ca, or "
              "remove client_crl",
              faults);
    }
}

static void check_protocol(const struct config *config, size_t at, struct config_faults *faults)
{
    const struct config_listener *listener = &config->listeners[at];
    if (listener->profile == TLS_PROFILE_MODERN && listener->minimum_version == TLS_1_2) {
        fault(config, at, "minimum_version",
              "profile: modern speaks TLS 1.3 alone; remove minimum_version, or write profile: iot",
              faults);
    }
    if (!listener->tickets && listener->ticket_key_file != NULL &&
        !has_fault(config, at, "tickets")) {
        fault(config, at, "ticket_key_file",
              "tickets: false gives out no tickets; remove one of the two", faults);
    }
}

void check_tls(const struct config *config, size_t at, struct config_faults *faults)
{
    check_trust(config, at, faults);
    check_revocation(config, at, faults);
    check_protocol(config, at, faults);
}
