/* The witness of a verdict: what it is told, and that it changes nothing. */
#include "deciding.h"
#include "oracle.h"

/* --- the witness changes nothing ------------------------------------------------------------ */

struct account {
    size_t rules;            /* told */
    size_t matches;          /* of them */
    bool is_clean;           /* no hygiene event that did not hold */
    bool is_rule_consistent; /* a rule holds exactly when all its conditions do */
    bool conditions_hold;    /* since the last rule */
    const char *refusal;     /* key of the first demand that was not met, or NULL */
    bool is_name_told;
};

static void on_event(void *context, const struct policy_trace_event *event)
{
    struct account *account = context;
    switch (event->kind) {
    case POLICY_TRACE_HYGIENE:
        account->is_clean = account->is_clean && event->held;
        cr_expect_null(event->rule);
        break;
    case POLICY_TRACE_CONDITION:
        account->conditions_hold = account->conditions_hold && event->held;
        cr_expect_gt(event->pattern_count, 0);
        cr_expect_eq(event->pattern != NULL, event->held, "%s", event->key);
        break;
    case POLICY_TRACE_RULE:
        account->rules++;
        account->matches += event->held ? 1 : 0;
        account->is_rule_consistent =
            account->is_rule_consistent && event->held == account->conditions_hold;
        account->conditions_hold = true;
        break;
    case POLICY_TRACE_ACTION:
    case POLICY_TRACE_REQUIRE:
    case POLICY_TRACE_BIND:
    case POLICY_TRACE_LIMIT:
        if (!event->held && account->refusal == NULL) {
            account->refusal = event->key;
        }
        break;
    case POLICY_TRACE_NAME:
        account->is_name_told = true;
        break;
    }
}

static const char *const some_globs[] = {"a*", "*b", "ab", "${"};
static const char *const some_names[] = {"${certificate}", "${certificate}-*", "a*", "ab"};
static const char *const some_filters[] = {"${certificate}/#", "a/+", "#"};
static const char *const some_networks[] = {"192.0.2.0/29", "198.51.100.0/24"};

static struct policy_rule_spec random_rule(struct random *random)
{
    return (struct policy_rule_spec){
        .name = "r",
        .mode = (enum policy_mode)random_below(random, 3),
        .deny = random_below(random, 6) == 0,
        .require = (enum policy_require)random_below(random, 5),
        .allows_bridges = random_below(random, 2) == 0,
        .client_ids = &some_globs[random_below(random, 3)],
        .client_id_count = random_below(random, 2),
        .snis = &some_globs[random_below(random, 3)],
        .sni_count = random_below(random, 4) == 0,
        .certificates = &some_globs[random_below(random, 3)],
        .certificate_count = random_below(random, 4) == 0,
        .addresses = &some_networks[random_below(random, 2)],
        .address_count = random_below(random, 4) == 0,
        .protocols = (const uint8_t *)"\5",
        .protocol_count = random_below(random, 5) == 0,
        .bind_client_ids = &some_names[random_below(random, 4)],
        .bind_client_id_count = random_below(random, 3) == 0,
        .bind_usernames = &some_names[random_below(random, 4)],
        .bind_username_count = random_below(random, 3) == 0,
        .limits = {.keep_alive_ms = random_below(random, 3) == 0 ? 1000 : 0,
                   .client_id_length = (uint32_t)random_below(random, 3),
                   .denies_will = random_below(random, 4) == 0,
                   .will_topics = &some_filters[random_below(random, 3)],
                   .will_topic_count = random_below(random, 3) == 0,
                   .will_qos_end = (uint8_t)random_below(random, 4),
                   .needs_clean_session = random_below(random, 4) == 0},
    };
}

static struct policy_facts random_facts(struct random *random, char texts[6][8])
{
    struct policy_facts facts = a_client();
    facts.client_id = random_text(random, "ab", texts[0], 3);
    facts.has_identity = random_below(random, 2) == 0;
    facts.identity = random_text(random, "ab", texts[1], 2);
    facts.has_username = random_below(random, 2) == 0;
    facts.username = random_text(random, random_below(random, 9) == 0 ? "ab+" : "ab", texts[2], 2);
    facts.has_password = random_below(random, 2) == 0;
    facts.has_sni = random_below(random, 2) == 0;
    facts.sni = random_text(random, "ab", texts[3], 2);
    facts.has_will = random_below(random, 2) == 0;
    facts.will_topic = random_text(random, "ab/", texts[4], 4);
    facts.will_qos = (uint8_t)random_below(random, 3);
    facts.keep_alive = (uint16_t)random_below(random, 3);
    facts.clean_start = random_below(random, 2) == 0;
    facts.protocol = (uint8_t)(3 + random_below(random, 3));
    facts.is_bridge = random_below(random, 8) == 0;
    return facts;
}

static void expect_same(const struct policy *policy, const struct policy_facts *facts, size_t count)
{
    struct policy_verdict alone;
    struct policy_verdict witnessed;
    struct account account = {
        .is_clean = true, .is_rule_consistent = true, .conditions_hold = true};
    struct policy_trace trace = {.on_event = on_event, .context = &account};
    policy_decide(policy, facts, &alone);
    policy_decide_traced(policy, facts, &trace, &witnessed);
    cr_assert_eq(alone.outcome, witnessed.outcome);
    cr_assert_eq(alone.reason, witnessed.reason);
    cr_assert_eq(alone.decider, witnessed.decider);
    cr_assert_eq(alone.is_observed, witnessed.is_observed);
    cr_assert_eq(alone.is_password_observed, witnessed.is_password_observed);
    cr_assert(account.is_rule_consistent);
    cr_assert_eq(account.matches, alone.decider != NULL ? 1 : 0);
    cr_assert_eq(account.is_name_told, alone.decider != NULL);
    cr_assert(alone.decider != NULL || !account.is_clean || account.rules == count);
    cr_assert(account.is_clean || account.rules == 0);
    if (alone.outcome == POLICY_ALLOW && !alone.is_observed) {
        cr_assert(account.is_clean);
        cr_assert_null(account.refusal, "let in against %s", account.refusal);
    }
    if (account.refusal != NULL) {
        cr_assert_neq(alone.reason, POLICY_REASON_ALLOWED, "%s", account.refusal);
    }
}

Test(policy_trace, a_witness_changes_nothing)
{
    struct random random = random_start(1883);
    for (size_t round = 0; round < 20000; round++) {
        struct policy *policy = policy_new();
        size_t count = 1 + random_below(&random, 3);
        char texts[6][8];
        cr_assert_not_null(policy);
        policy_set_mode(policy,
                        random_below(&random, 2) == 0 ? POLICY_MODE_ENFORCE : POLICY_MODE_OBSERVE);
        for (size_t index = 0; index < count; index++) {
            struct policy_rule_spec spec = random_rule(&random);
            cr_assert_null(policy_add(policy, &spec));
        }
        for (size_t client = 0; client < 10; client++) {
            struct policy_facts facts = random_facts(&random, texts);
            expect_same(policy, &facts, count);
        }
        policy_free(policy);
    }
}

/* --- what the witness is told -------------------------------------------------------------- */

struct story {
    char text[2048];
};

static void tell(void *context, const struct policy_trace_event *event)
{
    struct story *story = context;
    size_t used = strlen(story->text);
    snprintf(story->text + used, sizeof story->text - used, "%s %s[%zu] %s=%.*s %s\n",
             event->rule != NULL ? event->rule : "-", event->key != NULL ? event->key : "rule",
             event->pattern_count, event->pattern != NULL ? event->pattern : "-",
             event->has_fact ? (int)event->fact.size : 4,
             event->has_fact ? (const char *)event->fact.data : "none",
             event->held ? "held" : "failed");
}

Test(policy_trace, a_whole_story)
{
    static const char *const globs[] = {"pump-*", "sensor-*"};
    static const char *const binds[] = {"${certificate}"};
    const struct policy_rule_spec specs[] = {
        {.name = "pumps",
         .require = POLICY_REQUIRE_NONE,
         .certificates = globs,
         .certificate_count = 1,
         .snis = globs,
         .sni_count = 2},
        {.name = "sensors",
         .require = POLICY_REQUIRE_CERTIFICATE,
         .certificates = globs,
         .certificate_count = 2,
         .addresses = some_networks,
         .address_count = 2,
         .protocols = (const uint8_t[]){4, 5},
         .protocol_count = 2,
         .bind_client_ids = binds,
         .bind_client_id_count = 1,
         .limits = {.keep_alive_ms = 30000}},
    };
    struct policy *policy = policy_new();
    struct policy_facts facts = a_client();
    struct policy_verdict verdict;
    struct story story = {.text = ""};
    struct policy_trace trace = {.on_event = tell, .context = &story};
    cr_assert_not_null(policy);
    cr_assert_null(policy_add(policy, &specs[0]));
    cr_assert_null(policy_add(policy, &specs[1]));
    policy_decide_traced(policy, &facts, &trace, &verdict);
    cr_expect_eq(verdict.reason, POLICY_REASON_KEEP_ALIVE);
    cr_expect_str_eq(story.text, "- client_id[0] -=sensor-7 held\n"
                                 "- username[0] -=none held\n"
                                 "- will_topic[0] -=none held\n"
                                 "pumps match.sni[2] -=none failed\n"
                                 "pumps match.certificate[1] -=sensor-7 failed\n"
                                 "pumps rule[0] -=none failed\n"
                                 "sensors match.certificate[2] sensor-*=sensor-7 held\n"
                                 "sensors match.address[2] 192.0.2.0/29=192.0.2.7 held\n"
                                 "sensors match.protocol[1] 3.1.1, 5.0=3.1.1 held\n"
                                 "sensors rule[0] -=none held\n"
                                 "sensors action[0] -=none held\n"
                                 "sensors require[1] [certificate]=none held\n"
                                 "sensors bind.client_id[1] ${certificate}=sensor-7 held\n"
                                 "sensors limits.keep_alive[1] -=60s failed\n"
                                 "sensors username[0] -=none held\n");
    policy_free(policy);
}
