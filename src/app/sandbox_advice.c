/* What can be said of the sandbox before it is entered. */
#include "sandbox_internal.h"

#include <unistd.h>

#include "seccomp_internal.h"

struct advising {
    const struct config *config;
    const struct identity *identity;
    struct config_faults *faults;
};

static void advise_file(void *context, const char *key, const char *path)
{
    const struct advising *advising = context;

    if (access(path, R_OK) != 0 || privileges_could_read(advising->identity, path)) {
        return;
    }
    config_warning(advising->faults, advising->config->path,
                   config_place_of(advising->config, "%s", key),
                   "%s%s%s cannot be read by the user %s, as whom moat runs: it starts, and "
                   "refuses every reload; run chown %s %s, and let the user enter its folders",
                   key, key[0] != '\0' ? ": " : "", path, advising->identity->name,
                   advising->identity->name, path);
}

void sandbox_advise(const struct config *config, struct config_faults *faults)
{
    struct identity identity;
    char what[PRIVILEGES_FAULT_SIZE] = "";

    /* Only root can become another, and only of root can be said what that would mean. */
    if (geteuid() != 0) {
        return;
    }
    struct config_place place = config_place_of(config, "user");
    if (!privileges_find(config->user, &identity, what)) {
        if (config->user != NULL) {
            config_error(faults, config->path, place, "user: %s", what);
        } else {
            config_warning(faults, config->path, place, "%s", what);
        }
        return;
    }
    if (identity.user == 0) {
        return;
    }
    struct advising advising = {config, &identity, faults};
    sandbox_each_file(config, advise_file, &advising);
}

void sandbox_describe(FILE *stream)
{
    const char *absence = seccomp_absence();
    int abi = landlock_abi();

    fputs("sandbox on this machine: landlock ", stream);
    if (abi == 0) {
        fputs("is not offered", stream);
    } else {
        fprintf(stream, "version %d (%s)", abi,
                abi >= LANDLOCK_ABI_SCOPE ? "files, TCP ports, signals"
                : abi >= LANDLOCK_ABI_TCP ? "files, TCP ports"
                                          : "files");
    }
    if (absence != NULL) {
        fprintf(stream, "; seccomp is not used: %s\n", absence);
    } else {
        fprintf(stream, "; seccomp is %soffered\n", seccomp_is_offered() ? "" : "not ");
    }
}
