#include "moat/policy/networks.h"

#include <stdlib.h>

#include "patterns_internal.h"

struct policy_networks {
    struct networks networks;
};

struct policy_networks *policy_networks_new(const char *const *texts, size_t count)
{
    struct policy_networks *networks = calloc(1, sizeof *networks);

    if (networks != NULL && networks_copy(&networks->networks, texts, count) != NULL) {
        policy_networks_free(networks);
        return NULL;
    }
    return networks;
}

void policy_networks_free(struct policy_networks *networks)
{
    if (networks != NULL) {
        networks_free(&networks->networks);
        free(networks);
    }
}

bool policy_networks_contain(const struct policy_networks *networks, const struct address *address)
{
    for (size_t i = 0; i < networks->networks.count; i++) {
        if (cidr_contains(&networks->networks.list[i], address)) {
            return true;
        }
    }
    return false;
}
