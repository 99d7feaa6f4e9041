/* Observing: what is let in that would be refused, and what never is. */
#include "deciding.h"

/* --- every kind of client under every kind of rule ------------------------------------- */

static const char *const usernames[] = {NULL, "", "sensor-7", "alice"};
static const char *const other[] = {"other"};

/* Calls `check` for each: the modes of policy and rule, what is required, what is presented,
 * and whether something else of the rule speaks against the client. */
static void for_all(void (*check)(enum policy_mode mode, const struct policy_rule_spec *spec,
                                  const struct policy_facts *facts))
{
    for (unsigned number = 0; number < 2 * 3 * 5 * 2 * 4 * 2 * 3; number++) {
        unsigned rest = number;
        enum policy_mode mode = rest % 2 == 0 ? POLICY_MODE_ENFORCE : POLICY_MODE_OBSERVE;
        rest /= 2;
        struct policy_rule_spec spec = {.name = "r", .mode = (enum policy_mode)(rest % 3)};
        rest /= 3;
        spec.require = (enum policy_require)(rest % 5);
        rest /= 5;
        struct policy_facts facts = a_client();
        facts.has_identity = rest % 2 == 0;
        rest /= 2;
        give_names(&facts, usernames[rest % 4], (rest / 4) % 2 == 0);
        rest /= 8;
        spec.deny = rest == 1;
        if (rest == 2) {
            spec.bind_client_ids = other;
            spec.bind_client_id_count = 1;
        }
        check(mode, &spec, &facts);
    }
}

static bool does_observe(enum policy_mode policy, enum policy_mode rule)
{
    return rule == POLICY_MODE_OBSERVE ||
           (rule == POLICY_MODE_INHERIT && policy == POLICY_MODE_OBSERVE);
}

static struct policy_verdict enforced(const struct policy_rule_spec *spec,
                                      const struct policy_facts *facts)
{
    struct policy_rule_spec strict = *spec;
    strict.mode = POLICY_MODE_ENFORCE;
    return verdict_of(POLICY_MODE_ENFORCE, &strict, 1, facts);
}

static void expect_strictness(enum policy_mode mode, const struct policy_rule_spec *spec,
                              const struct policy_facts *facts)
{
    struct policy_verdict verdict = verdict_of(mode, spec, 1, facts);
    struct policy_verdict strict = enforced(spec, facts);
    cr_expect_eq(verdict.observes, does_observe(mode, spec->mode));
    if (!verdict.observes) {
        cr_expect_eq(verdict.outcome, strict.outcome);
        cr_expect_eq(verdict.reason, strict.reason);
        cr_expect_not(verdict.is_observed);
        cr_expect_not(verdict.is_password_observed);
    }
}

Test(policy_observe, whoever_does_not_observe_is_strict)
{
    for_all(expect_strictness);
}

static void expect_open(enum policy_mode mode, const struct policy_rule_spec *spec,
                        const struct policy_facts *facts)
{
    struct policy_verdict verdict = verdict_of(mode, spec, 1, facts);
    if (mode == POLICY_MODE_OBSERVE && verdict.observes) {
        cr_expect_neq(verdict.outcome, POLICY_DENY);
        cr_expect_eq(verdict.outcome == POLICY_PROVE, verdict.is_password_observed);
    }
}

/* The broker behind is open today: nobody is locked out of it by a policy on trial. */
Test(policy_observe, a_policy_that_observes_lets_everybody_in)
{
    for_all(expect_open);
}

static void expect_notes(enum policy_mode mode, const struct policy_rule_spec *spec,
                         const struct policy_facts *facts)
{
    struct policy_verdict verdict = verdict_of(mode, spec, 1, facts);
    struct policy_verdict strict = enforced(spec, facts);
    bool was_refused = strict.outcome == POLICY_DENY;
    if (verdict.outcome != POLICY_DENY) {
        cr_expect_eq(verdict.is_observed, was_refused && verdict.observes);
        cr_expect_eq(verdict.reason, strict.reason);
    }
    if (was_refused && verdict.outcome == POLICY_ALLOW) {
        cr_expect(verdict.is_observed, "let in without a word");
    }
}

Test(policy_observe, what_is_let_in_against_the_rules_is_noted)
{
    for_all(expect_notes);
}

static void expect_true_names(enum policy_mode mode, const struct policy_rule_spec *spec,
                              const struct policy_facts *facts)
{
    struct policy_verdict verdict = verdict_of(mode, spec, 1, facts);
    bool is_true = !facts->has_username ||
                   (facts->has_identity && slice_equal(facts->username, facts->identity));
    if (mode == POLICY_MODE_OBSERVE) {
        return;
    }
    cr_expect(verdict.outcome != POLICY_ALLOW || is_true, "a name that nobody proved");
    cr_expect(!verdict.is_password_observed || is_true, "a name with a wrong password");
    if (verdict.observes && is_true) {
        cr_expect_neq(verdict.outcome, POLICY_DENY, "its own refusals are let in");
    }
}

/* Other rules rely on names: one rule on trial does not hand them out. */
Test(policy_observe, a_rule_that_observes_gives_no_name_away)
{
    for_all(expect_true_names);
}

/* --- no rule at all, and what no mode lets in --------------------------------------------- */

Test(policy_observe, no_rule)
{
    const struct policy_rule_spec spec = {
        .name = "r", .require = POLICY_REQUIRE_NONE, .client_ids = other, .client_id_count = 1};
    struct policy_facts facts = a_client();
    give_names(&facts, "alice", true);
    struct policy_verdict verdict = verdict_of(POLICY_MODE_ENFORCE, &spec, 1, &facts);
    cr_expect_eq(verdict.outcome, POLICY_DENY);
    verdict = verdict_of(POLICY_MODE_OBSERVE, &spec, 1, &facts);
    cr_expect_eq(verdict.outcome, POLICY_ALLOW);
    cr_expect_eq(verdict.reason, POLICY_REASON_NO_RULE);
    cr_expect(verdict.is_observed);
    /* A rule's own mode says nothing about those it does not match. */
    struct policy_rule_spec observing = spec;
    observing.mode = POLICY_MODE_OBSERVE;
    verdict = verdict_of(POLICY_MODE_ENFORCE, &observing, 1, &facts);
    cr_expect_eq(verdict.outcome, POLICY_DENY);
}

Test(policy_observe, wildcards_in_names_are_refused_in_every_mode)
{
    const struct policy_rule_spec spec = {
        .name = "r", .require = POLICY_REQUIRE_NONE, .mode = POLICY_MODE_OBSERVE};
    struct policy_facts facts = a_client();
    facts.client_id = slice_from_text("#");
    cr_expect_eq(verdict_of(POLICY_MODE_OBSERVE, &spec, 1, &facts).outcome, POLICY_DENY);
    facts = a_client();
    give_names(&facts, "+", true);
    cr_expect_eq(verdict_of(POLICY_MODE_OBSERVE, &spec, 1, &facts).outcome, POLICY_DENY);
    facts = a_client();
    facts.has_will = true;
    facts.will_topic = slice_from_text("$SYS/x");
    cr_expect_eq(verdict_of(POLICY_MODE_OBSERVE, &spec, 1, &facts).outcome, POLICY_DENY);
}

Test(policy_observe, a_rule_may_enforce_in_a_policy_that_observes)
{
    const struct policy_rule_spec specs[] = {
        {.name = "strict",
         .mode = POLICY_MODE_ENFORCE,
         .deny = true,
         .client_ids = other,
         .client_id_count = 1},
        {.name = "rest", .require = POLICY_REQUIRE_BOTH},
    };
    struct policy_facts facts = a_client();
    cr_expect_eq(verdict_of(POLICY_MODE_OBSERVE, specs, 2, &facts).outcome, POLICY_ALLOW);
    facts.client_id = slice_from_text("other");
    cr_expect_eq(verdict_of(POLICY_MODE_OBSERVE, specs, 2, &facts).outcome, POLICY_DENY);
}
