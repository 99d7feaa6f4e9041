/* What a client may call itself, and which of it needs no password. */
#include "deciding.h"

#define ALLOWED POLICY_ALLOW, POLICY_REASON_ALLOWED
#define PROVE   POLICY_PROVE, POLICY_REASON_ALLOWED

/* --- client identifiers ------------------------------------------------------------- */

static void expect_client_id(const char *bind, const char *client_id, bool expected)
{
    struct policy_facts facts = a_client();
    const struct policy_rule_spec spec = {.name = "r",
                                          .require = POLICY_REQUIRE_NONE,
                                          .bind_client_ids = &bind,
                                          .bind_client_id_count = 1};
    facts.client_id = slice_from_text(client_id);
    expect_decision(&spec, &facts, expected ? POLICY_ALLOW : POLICY_DENY,
                    expected ? POLICY_REASON_ALLOWED : POLICY_REASON_BIND_CLIENT_ID, client_id);
}

Test(policy_bind, client_identifiers)
{
    expect_client_id("${certificate}", "sensor-7", true);
    expect_client_id("${certificate}", "sensor-70", false);
    expect_client_id("${certificate}", "", false);
    expect_client_id("${certificate}-*", "sensor-7-a", true);
    expect_client_id("${certificate}-*", "sensor-7", false);
    expect_client_id("${certificate.cn}", "Seven", true);
    expect_client_id("${address}", "192.0.2.7", true);
    expect_client_id("${username}", "sensor-7", false); /* there is no user name */
    expect_client_id("pump-?", "pump-1", true);
    expect_client_id("pump-?", "pump-12", false);
}

Test(policy_bind, one_of_a_list_must_hold)
{
    static const char *const binds[] = {"${certificate}", "${certificate}-*"};
    const struct policy_rule_spec spec = {.name = "r",
                                          .require = POLICY_REQUIRE_NONE,
                                          .bind_client_ids = binds,
                                          .bind_client_id_count = 2};
    struct policy_facts facts = a_client();
    expect_decision(&spec, &facts, ALLOWED, "first");
    facts.client_id = slice_from_text("sensor-7-x");
    expect_decision(&spec, &facts, ALLOWED, "second");
    facts.client_id = slice_from_text("sensor-8");
    expect_decision(&spec, &facts, POLICY_DENY, POLICY_REASON_BIND_CLIENT_ID, "none");
    facts = a_client();
    facts.has_identity = false;
    expect_decision(&spec, &facts, POLICY_DENY, POLICY_REASON_BIND_CLIENT_ID, "no certificate");
}

/* --- user names ------------------------------------------------------------------------ */

/* `password` is for a client that has one; whether it is right is not known here. */
static const struct {
    const char *bind;
    const char *username;
    enum policy_require require;
    bool has_identity;
    bool has_password;
    enum policy_outcome outcome;
    enum policy_reason reason;
} names[] = {
    /* The identity proves the name, with a bind as without one. */
    {"${certificate}", "sensor-7", POLICY_REQUIRE_CERTIFICATE, true, false, ALLOWED},
    {"${certificate}", "sensor-8", POLICY_REQUIRE_CERTIFICATE, true, false, POLICY_DENY,
     POLICY_REASON_BIND_USERNAME},
    /* A right password does not help a name that is not permitted. */
    {"${certificate}", "sensor-8", POLICY_REQUIRE_CERTIFICATE, true, true, POLICY_DENY,
     POLICY_REASON_BIND_USERNAME},
    /* No user name claims nothing. */
    {"${certificate}", NULL, POLICY_REQUIRE_CERTIFICATE, true, false, ALLOWED},
    {"${certificate}", NULL, POLICY_REQUIRE_NONE, false, false, ALLOWED},
    {"${certificate}", "sensor-7", POLICY_REQUIRE_NONE, false, false, POLICY_DENY,
     POLICY_REASON_BIND_USERNAME},
    /* A text that has a verified fact in it proves what it permits, */
    {"${certificate}-*", "sensor-7-x", POLICY_REQUIRE_CERTIFICATE, true, false, ALLOWED},
    {"${certificate.cn}", "Seven", POLICY_REQUIRE_CERTIFICATE, true, false, ALLOWED},
    {"dev/${certificate.cn}", "dev/Seven", POLICY_REQUIRE_ANY, true, false, ALLOWED},
    {"*-${certificate}", "x-sensor-7", POLICY_REQUIRE_CERTIFICATE, true, false, ALLOWED},
    {"${address}", "192.0.2.7", POLICY_REQUIRE_NONE, false, false, ALLOWED},
    {"${address}", "192.0.2.8", POLICY_REQUIRE_NONE, false, false, POLICY_DENY,
     POLICY_REASON_BIND_USERNAME},
    /* but not where a wildcard touches the fact, */
    {"${certificate}*", "sensor-7x", POLICY_REQUIRE_CERTIFICATE, true, false, POLICY_DENY,
     POLICY_REASON_PASSWORD_MISSING},
    {"*${certificate}", "xsensor-7", POLICY_REQUIRE_CERTIFICATE, true, false, POLICY_DENY,
     POLICY_REASON_PASSWORD_MISSING},
    {"${certificate}?", "sensor-7x", POLICY_REQUIRE_CERTIFICATE, true, false, POLICY_DENY,
     POLICY_REASON_PASSWORD_MISSING},
    {"${certificate}*", "sensor-7x", POLICY_REQUIRE_CERTIFICATE, true, true, PROVE},
    /* nor where nothing but wildcards is in it. */
    {"*", "admin", POLICY_REQUIRE_CERTIFICATE, true, false, POLICY_DENY,
     POLICY_REASON_PASSWORD_MISSING},
    {"*", "admin", POLICY_REQUIRE_CERTIFICATE, true, true, PROVE},
    {"*", "sensor-7", POLICY_REQUIRE_CERTIFICATE, true, false, ALLOWED},
    {"adm?n", "admin", POLICY_REQUIRE_CERTIFICATE, true, false, POLICY_DENY,
     POLICY_REASON_PASSWORD_MISSING},
    {"\\*", "*", POLICY_REQUIRE_CERTIFICATE, true, false, ALLOWED}, /* written out, if oddly */
    /* A name written out is for those whom the rule asks for a certificate, and who have one. */
    {"gateway", "gateway", POLICY_REQUIRE_CERTIFICATE, true, false, ALLOWED},
    {"gateway", "gateway", POLICY_REQUIRE_ANY, true, false, ALLOWED},
    {"gateway", "gateway", POLICY_REQUIRE_ANY, false, false, POLICY_DENY,
     POLICY_REASON_PASSWORD_MISSING},
    {"gateway", "gateway", POLICY_REQUIRE_NONE, true, false, POLICY_DENY,
     POLICY_REASON_PASSWORD_MISSING},
    {"gateway", "gateway", POLICY_REQUIRE_NONE, false, false, POLICY_DENY,
     POLICY_REASON_PASSWORD_MISSING},
    {"gateway", "gateway", POLICY_REQUIRE_PASSWORD, true, true, PROVE},
    {"gateway", "gateway", POLICY_REQUIRE_PASSWORD, true, false, POLICY_DENY,
     POLICY_REASON_PASSWORD_MISSING},
    /* What the rule requires is asked for all the same. */
    {"${certificate}", "sensor-7", POLICY_REQUIRE_BOTH, true, true, PROVE},
    {"${certificate}", "sensor-7", POLICY_REQUIRE_BOTH, true, false, POLICY_DENY,
     POLICY_REASON_PASSWORD_MISSING},
    {"${certificate}-*", "sensor-7-x", POLICY_REQUIRE_BOTH, true, true, PROVE},
    {"${certificate}", "sensor-7", POLICY_REQUIRE_CERTIFICATE, false, false, POLICY_DENY,
     POLICY_REASON_FACTOR_MISSING},
    /* An empty name is no name that anything could prove. */
    {"*", "", POLICY_REQUIRE_CERTIFICATE, true, true, POLICY_DENY, POLICY_REASON_PASSWORD_MISSING},
    {"", "", POLICY_REQUIRE_CERTIFICATE, true, false, POLICY_DENY, POLICY_REASON_PASSWORD_MISSING},
};

Test(policy_bind, user_names)
{
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        char what[64];
        struct policy_facts facts = a_client();
        const struct policy_rule_spec spec = {.name = "r",
                                              .require = names[index].require,
                                              .bind_usernames = &names[index].bind,
                                              .bind_username_count = 1};
        facts.has_identity = names[index].has_identity;
        give_names(&facts, names[index].username, names[index].has_password);
        snprintf(what, sizeof what, "case %zu, %s as %s", index, names[index].bind,
                 names[index].username != NULL ? names[index].username : "nobody");
        expect_decision(&spec, &facts, names[index].outcome, names[index].reason, what);
    }
}

/* Of several texts that permit the name, one that proves it is enough, wherever it stands. */
Test(policy_bind, any_text_that_proves_is_enough)
{
    static const char *const binds[] = {"*", "${certificate}-*"};
    const struct policy_rule_spec spec = {.name = "r",
                                          .require = POLICY_REQUIRE_CERTIFICATE,
                                          .bind_usernames = binds,
                                          .bind_username_count = 2};
    struct policy_facts facts = a_client();
    give_names(&facts, "sensor-7-x", false);
    expect_decision(&spec, &facts, ALLOWED, "by the second");
    give_names(&facts, "admin", false);
    expect_decision(&spec, &facts, POLICY_DENY, POLICY_REASON_PASSWORD_MISSING, "by the first");
}

/* Without a bind nothing has changed: the identity, or a password. */
Test(policy_bind, a_common_name_alone_proves_nothing)
{
    const struct policy_rule_spec spec = {.name = "r", .require = POLICY_REQUIRE_CERTIFICATE};
    struct policy_facts facts = a_client();
    give_names(&facts, "Seven", false);
    expect_decision(&spec, &facts, POLICY_DENY, POLICY_REASON_PASSWORD_MISSING, "common name");
    give_names(&facts, "192.0.2.7", false);
    expect_decision(&spec, &facts, POLICY_DENY, POLICY_REASON_PASSWORD_MISSING, "address");
}

/* --- names made to be misread -------------------------------------------------------------- */

static const char *const hostile[] = {
    "*",      "?",         "**",        "${username}", "${certificate}",
    "$",      "\\",        "\\*",       "a*",          "sensor-*",
    "[a-z]*", "%u",        "%c",        ".*",          "${address}",
    "-",      "sensor-7 ", " sensor-7", "SENSOR-7",    "sensor-7-"};

Test(policy_bind, hostile_names_gain_nothing)
{
    static const char *const binds[] = {"${certificate}", "${username}", "${certificate.cn}"};
    for (size_t bind = 0; bind < sizeof binds / sizeof binds[0]; bind++) {
        const struct policy_rule_spec spec = {.name = "r",
                                              .require = POLICY_REQUIRE_NONE,
                                              .bind_client_ids = &binds[bind],
                                              .bind_client_id_count = 1};
        for (size_t own = 0; own < sizeof hostile / sizeof hostile[0]; own++) {
            for (size_t wanted = 0; wanted < sizeof hostile / sizeof hostile[0]; wanted++) {
                struct policy_facts facts = a_client();
                facts.identity = facts.common_name = slice_from_text(hostile[own]);
                give_names(&facts, hostile[own], true);
                facts.client_id = slice_from_text(hostile[wanted]);
                enum policy_outcome outcome =
                    verdict_of(POLICY_MODE_ENFORCE, &spec, 1, &facts).outcome;
                cr_expect_eq(outcome != POLICY_DENY, own == wanted, "%s as %s by %s", hostile[own],
                             hostile[wanted], binds[bind]);
            }
        }
    }
}

Test(policy_bind, wildcards_of_topics_never_pass)
{
    static const char *const dirty[] = {"+", "#", "a+", "#a"};
    static const char *const bind[] = {"*"};
    const struct policy_rule_spec spec = {.name = "r",
                                          .require = POLICY_REQUIRE_NONE,
                                          .bind_client_ids = bind,
                                          .bind_client_id_count = 1,
                                          .bind_usernames = bind,
                                          .bind_username_count = 1};
    for (size_t index = 0; index < sizeof dirty / sizeof dirty[0]; index++) {
        struct policy_facts facts = a_client();
        facts.client_id = slice_from_text(dirty[index]);
        expect_decision(&spec, &facts, POLICY_DENY, POLICY_REASON_CLIENT_ID, dirty[index]);
        facts = a_client();
        facts.identity = slice_from_text(dirty[index]);
        give_names(&facts, dirty[index], true);
        expect_decision(&spec, &facts, POLICY_DENY, POLICY_REASON_USERNAME, dirty[index]);
    }
}

Test(policy_bind, what_cannot_be_compiled_is_refused)
{
    static const char *const unknown[] = {"${user}"};
    static const char *const itself[] = {"${username}"};
    struct policy *policy = policy_new();
    cr_assert_not_null(policy);
    cr_expect_not_null(policy_add(policy, &(struct policy_rule_spec){.name = "r",
                                                                     .bind_client_ids = unknown,
                                                                     .bind_client_id_count = 1}));
    cr_expect_not_null(policy_add(policy, &(struct policy_rule_spec){.name = "r",
                                                                     .bind_usernames = unknown,
                                                                     .bind_username_count = 1}));
    cr_expect_not_null(policy_add(policy, &(struct policy_rule_spec){.name = "r",
                                                                     .bind_usernames = itself,
                                                                     .bind_username_count = 1}));
    cr_expect_null(policy_add(policy, &(struct policy_rule_spec){.name = "r",
                                                                 .bind_client_ids = itself,
                                                                 .bind_client_id_count = 1}));
    cr_expect_eq(policy_rule_count(policy), 1);
    policy_free(policy);
}
