/* For those who look after the gate: admin. */
#include "moat/config/config.h"
#include "table_rows_internal.h"

/* clang-format off */
static const struct table_row rows[] = {
    {"admin", TABLE_MAP, .doc = "What whoever looks after the gate can ask it while it runs."},
    {"admin.health", TABLE_WORD, .fallback = "on", .words = {{"off", false}, {"on", true}},
     .needs_restart = true,
     .doc = "Whether the gate says over HTTP how it is: /healthz that its loops turn, /readyz that "
            "clients may be sent to it, as the metric moat_ready. Nothing else can be learnt or done there.",
     .example = "off", MEMBER(config, admin_health)},
    {"admin.http", TABLE_ENDPOINT, .fallback = "127.0.0.1:9884", .needs_restart = true,
     .variable = "MOAT_ADMIN_HTTP",
     .doc = "Where it says so. If this is not written and another program listens there, as a "
            "second gate of this machine does, the gate starts without.",
     .example = "127.0.0.1:9885", MEMBER(config, admin_http)},
};
/* clang-format on */

const struct table_section table_admin = TABLE_SECTION(rows);
