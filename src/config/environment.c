#include "environment_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "moat/config/config.h"

const char *environment_credentials(void)
{
    return getenv("CREDENTIALS_DIRECTORY");
}

/* --- one value ---------------------------------------------------------------------------- */

static char *value_of(const char *variable)
{
    char *value = getenv(variable);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool is_of_first_entries(const char *path)
{
    for (const char *at = strchr(path, '['); at != NULL; at = strchr(at + 1, '[')) {
        if (strncmp(at, "[0]", 3) != 0) {
            return false;
        }
    }
    return true;
}

bool environment_gives(const struct table_row *row, const char *path, struct node *out_node)
{
    char *value =
        row->variable != NULL && is_of_first_entries(path) ? value_of(row->variable) : NULL;
    if (value == NULL) {
        return false;
    }
    const struct config_place place = {.variable = row->variable};
    *out_node = (struct node){
        .kind = NODE_TEXT, .place = place, .key_place = place, .text = value, .is_plain = true};
    return true;
}

bool environment_gives_beneath(const struct table_row *row, const char *path)
{
    char below[TABLE_PATH_SIZE];
    struct node node;
    table_pattern_below(row, below);
    const struct table_row *child = NULL;
    while ((child = table_next(below, child)) != NULL) {
        if (environment_gives(child, path, &node)) {
            return true;
        }
    }
    return false;
}

/* --- a whole configuration ------------------------------------------------------------------ */

#define UPSTREAM      "MOAT_UPSTREAM"
#define CLIENT_CA     "MOAT_CLIENT_CA"
#define PASSWORD_FILE "MOAT_PASSWORD_FILE"

bool config_is_file(const char *path)
{
    return strcmp(path, CONFIG_OF_ENVIRONMENT) != 0;
}

bool config_environment_suffices(void)
{
    return value_of(UPSTREAM) != NULL;
}

bool environment_text(struct config_faults *faults, char out_text[ENVIRONMENT_TEXT_SIZE])
{
    bool has_ca = value_of(CLIENT_CA) != NULL;
    bool has_passwords = value_of(PASSWORD_FILE) != NULL;
    if (!has_ca && !has_passwords) {
        config_error(faults, CONFIG_OF_ENVIRONMENT, (struct config_place){.line = 0},
                     "no client could prove itself; set " PASSWORD_FILE
                     " to the path of a password file, or " CLIENT_CA
                     " to that of the certificates that issue your clients' certificates");
        return false;
    }
    snprintf(out_text, ENVIRONMENT_TEXT_SIZE,
             "listeners:\n"
             "  - name: mqtts\n"
             "    address: \"[::]:8883\"\n"
             "    tls:\n"
             "      client_certificate: %s\n"
             "      certificates:\n"
             "        - {}\n"
             "policy:\n"
             "  rules:\n"
             "    - name: environment\n"
             "      require: [%s%s%s]\n",
             has_ca ? "required" : "none", has_ca ? "certificate" : "",
             has_ca && has_passwords ? ", " : "", has_passwords ? "password" : "");
    return true;
}
