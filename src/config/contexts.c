#include "contexts_internal.h"

#include <stdio.h>

#include "files_internal.h"
#include "moat/config/snapshot.h"
#include "places_internal.h"
#include "table_internal.h"

/* A list of all clients that ever lost a device may be long: about 40 bytes for each. */
#define CRL_SIZE_MAX (16u * 1024 * 1024)

/* The files of one listener, while its context is made. */
struct tls_files {
    struct file_bytes chains[TLS_CERTIFICATES_MAX];
    struct file_bytes keys[TLS_CERTIFICATES_MAX];
    struct file_bytes client_ca;
    struct file_bytes client_crl;
    struct file_bytes ticket_keys;
};

/* One of those files: which setting it is, and what is asked of it. */
struct file_request {
    enum tls_setting setting;
    size_t index; /* of the certificate */
    const char *path;
    struct file_bytes *bytes;
};

static void setting_path(size_t listener, enum tls_setting setting, size_t index,
                         char out_path[TABLE_PATH_SIZE])
{
    const char *key = "";
    switch (setting) {
    case TLS_SETTING_CHAIN:
    case TLS_SETTING_KEY:
        snprintf(out_path, TABLE_PATH_SIZE, "listeners[%zu].tls.certificates[%zu].%s", listener,
                 index, setting == TLS_SETTING_CHAIN ? "chain" : "key");
        return;
    case TLS_SETTING_CLIENT_CA:
        key = ".client_ca";
        break;
    case TLS_SETTING_CLIENT_CRL:
        key = ".client_crl";
        break;
    case TLS_SETTING_TICKET_KEYS:
        key = ".ticket_key_file";
        break;
    case TLS_SETTING_OTHER:
        break;
    }
    snprintf(out_path, TABLE_PATH_SIZE, "listeners[%zu].tls%s", listener, key);
}

static bool is_secret(enum tls_setting setting)
{
    return setting == TLS_SETTING_KEY || setting == TLS_SETTING_TICKET_KEYS;
}

/* Reads the file that a key names; true as well when the key was not written. */
static bool read_file(const struct config *config, size_t listener,
                      const struct file_request *request, struct config_faults *faults)
{
    char what[FILE_FAULT_SIZE];
    char path[TABLE_PATH_SIZE];
    enum file_secrecy secrecy = is_secret(request->setting) ? FILE_SECRET : FILE_PUBLIC;
    size_t most = request->setting == TLS_SETTING_CLIENT_CRL ? CRL_SIZE_MAX : FILE_SIZE_MAX;
    if (request->path == NULL) {
        return true;
    }
    setting_path(listener, request->setting, request->index, path);
    if (file_read_up_to(request->path, secrecy, most, request->bytes, what)) {
        if (request->bytes->is_alterable) {
            config_warning(faults, config->path, config_place_of(config, "%s", path),
                           "%s: every user of this machine can change %s; run chmod o-w %s", path,
                           request->path, request->path);
        }
        return true;
    }
    config_error(faults, config->path, config_place_of(config, "%s", path), "%s: %s", path, what);
    return false;
}

/* Reads all files, so that the faults of all are told. */
static bool read_files(const struct config *config, size_t at,
                       const struct config_listener *listener, struct tls_files *files,
                       struct config_faults *faults)
{
    const struct file_request others[] = {
        {TLS_SETTING_CLIENT_CA, 0, listener->client_ca, &files->client_ca},
        {TLS_SETTING_CLIENT_CRL, 0, listener->client_crl, &files->client_crl},
        {TLS_SETTING_TICKET_KEYS, 0, listener->ticket_key_file, &files->ticket_keys},
    };
    bool has_all = true;
    for (size_t i = 0; i < listener->certificate_count; i++) {
        const struct config_certificate *pair = &listener->certificates[i];
        const struct file_request chain = {TLS_SETTING_CHAIN, i, pair->chain, &files->chains[i]};
        const struct file_request key = {TLS_SETTING_KEY, i, pair->key, &files->keys[i]};
        has_all = read_file(config, at, &chain, faults) && has_all;
        has_all = read_file(config, at, &key, faults) && has_all;
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        has_all = read_file(config, at, &others[i], faults) && has_all;
    }
    return has_all;
}

static void release_files(struct tls_files *files)
{
    for (size_t i = 0; i < TLS_CERTIFICATES_MAX; i++) {
        file_bytes_deinit(&files->chains[i]);
        file_bytes_deinit(&files->keys[i]);
    }
    file_bytes_deinit(&files->client_ca);
    file_bytes_deinit(&files->client_crl);
    file_bytes_deinit(&files->ticket_keys);
}

static void report(const struct config *config, size_t listener,
                   const struct tls_context_fault *list, size_t count, struct config_faults *faults)
{
    for (size_t i = 0; i < count; i++) {
        char path[TABLE_PATH_SIZE];
        setting_path(listener, list[i].setting, list[i].index, path);
        struct config_place place = config_place_of(config, "%s", path);
        if (list[i].is_warning) {
            config_warning(faults, config->path, place, "%s: %s", path, list[i].what);
        } else {
            config_error(faults, config->path, place, "%s: %s", path, list[i].what);
        }
    }
}

/* True when nothing that a context is made of has a fault that was reported already. */
static bool is_complete(const struct config_listener *listener)
{
    bool asks = listener->client_certificate != TLS_CLIENT_CERTIFICATE_NONE;
    bool has_trust = listener->client_ca != NULL || listener->spki_pin_count > 0;
    bool has_pairs = listener->certificate_count > 0;
    for (size_t i = 0; i < listener->certificate_count; i++) {
        const struct config_certificate *pair = &listener->certificates[i];
        has_pairs = has_pairs && pair->chain != NULL && pair->key != NULL;
    }
    return listener->name != NULL && has_pairs && asks == has_trust;
}

static struct tls_context *make(const struct config *config, size_t at,
                                const struct config_listener *listener,
                                const struct tls_files *files, struct config_faults *faults)
{
    struct tls_settings settings = {
        .certificate_count = listener->certificate_count,
        .profile = listener->profile,
        .minimum_version = listener->minimum_version,
        .max_record = listener->max_record,
        .client_certificate = listener->client_certificate,
        .client_ca = file_slice(&files->client_ca),
        .client_crl = file_slice(&files->client_crl),
        .crl_expired = listener->crl_expired,
        .pins = (const char *const *)listener->spki_pins,
        .pin_count = listener->spki_pin_count,
        .identity = config->certificate_identity,
        .tickets = listener->tickets,
        .ticket_keys = file_slice(&files->ticket_keys),
        .scope = slice_from_text(listener->name),
    };
    for (size_t i = 0; i < listener->certificate_count; i++) {
        settings.certificates[i] =
            (struct tls_pair){file_slice(&files->chains[i]), file_slice(&files->keys[i])};
    }
    struct tls_context_fault list[TLS_CONTEXT_FAULTS];
    size_t count = 0;
    struct tls_context *context = tls_context_new(&settings, list, &count);
    report(config, at, list, count, faults);
    return context;
}

struct tls_context *context_load(const struct config *config, size_t at,
                                 struct config_faults *faults)
{
    const struct config_listener *listener = &config->listeners[at];
    struct tls_files files = {.client_ca = {.data = NULL}};
    struct tls_context *context = NULL;
    if (read_files(config, at, listener, &files, faults) && is_complete(listener)) {
        context = make(config, at, listener, &files, faults);
    }
    release_files(&files);
    return context;
}

struct tls_context *snapshot_client_context(const struct config *config, size_t at,
                                            struct config_faults *faults)
{
    struct config_listener listener = config->listeners[at];
    struct tls_files files = {.client_ca = {.data = NULL}};
    struct tls_context *context = NULL;
    /* What is left is what clients are verified with. */
    listener.certificate_count = 0;
    listener.tickets = false;
    listener.ticket_key_file = NULL;
    if (read_files(config, at, &listener, &files, faults)) {
        context = make(config, at, &listener, &files, faults);
    }
    release_files(&files);
    return context;
}
