/* What a rule requires, and what a user name requires by itself. */
#include "verdicts.h"

static const struct policy_rule_spec anybody = {.name = "anybody", .require = POLICY_REQUIRE_NONE};

/* --- factors: the whole matrix ----------------------------------------------------------- */

enum name {
    NAME_ABSENT,
    NAME_EMPTY,
    NAME_IDENTITY,
    NAME_OTHER,
};

static struct policy_facts matrix_facts(bool certificate, enum name name, bool password)
{
    struct policy_facts facts = plain_facts();
    facts.protocol = 5; /* the one that allows a password without a user name */
    facts.has_identity = certificate;
    facts.identity = slice_from_text(certificate ? "device-1" : "");
    facts.has_username = name != NAME_ABSENT;
    switch (name) {
    case NAME_ABSENT:
    case NAME_EMPTY:
        break;
    case NAME_IDENTITY:
        facts.username = slice_from_text("device-1");
        break;
    case NAME_OTHER:
        facts.username = slice_from_text("device-2");
        break;
    }
    facts.has_password = password;
    return facts;
}

/* Written out by hand from the text of the rules: A allow, P prove, F factor missing,
 * M password missing. A column is a user name, - without and + with a password. */
static const struct {
    enum policy_require require;
    bool certificate;
    const char *expected;
} matrix[] = {
    /*                             absent empty identity other
                                     -+    -+     -+      -+  */
    {POLICY_REQUIRE_NONE, false,
     "AA"
     "MM"
     "MP"
     "MP"},
    {POLICY_REQUIRE_NONE, true,
     "AA"
     "MM"
     "AA"
     "MP"},
    {POLICY_REQUIRE_CERTIFICATE, false,
     "FF"
     "FF"
     "FF"
     "FF"},
    {POLICY_REQUIRE_CERTIFICATE, true,
     "AA"
     "MM"
     "AA"
     "MP"},
    {POLICY_REQUIRE_PASSWORD, false,
     "FF"
     "MM"
     "MP"
     "MP"},
    {POLICY_REQUIRE_PASSWORD, true,
     "FF"
     "MM"
     "MP"
     "MP"},
    {POLICY_REQUIRE_BOTH, false,
     "FF"
     "FF"
     "FF"
     "FF"},
    {POLICY_REQUIRE_BOTH, true,
     "FF"
     "MM"
     "MP"
     "MP"},
    {POLICY_REQUIRE_ANY, false,
     "FF"
     "MM"
     "MP"
     "MP"},
    {POLICY_REQUIRE_ANY, true,
     "AA"
     "MM"
     "AA"
     "MP"},
};

static char letter_of(struct policy_verdict verdict)
{
    if (verdict.outcome == POLICY_ALLOW && verdict.reason == POLICY_REASON_ALLOWED) {
        return 'A';
    }
    if (verdict.outcome == POLICY_PROVE && verdict.reason == POLICY_REASON_ALLOWED) {
        return 'P';
    }
    if (verdict.outcome == POLICY_DENY && verdict.reason == POLICY_REASON_FACTOR_MISSING) {
        return 'F';
    }
    return verdict.outcome == POLICY_DENY && verdict.reason == POLICY_REASON_PASSWORD_MISSING ? 'M'
                                                                                              : '?';
}

/* The same again without a table: every way in which this client might have shown
 * enough is tried, one after the other. */
static char oracle(enum policy_require require, bool certificate, enum name name, bool password)
{
    bool by_certificate = require == POLICY_REQUIRE_CERTIFICATE || require == POLICY_REQUIRE_BOTH ||
                          require == POLICY_REQUIRE_ANY;
    bool by_password = require == POLICY_REQUIRE_PASSWORD || require == POLICY_REQUIRE_BOTH ||
                       require == POLICY_REQUIRE_ANY;
    bool both = require == POLICY_REQUIRE_BOTH;
    char best = '?';
    /* way 0: no password checked; way 1: password checked */
    for (int way = 1; way >= 0; way--) {
        bool claims_login = way == 1;
        bool satisfied = require == POLICY_REQUIRE_NONE;
        if (both) {
            satisfied = certificate && claims_login;
        } else {
            satisfied =
                satisfied || (by_certificate && certificate) || (by_password && claims_login);
        }
        bool name_true =
            name == NAME_ABSENT || claims_login || (name == NAME_IDENTITY && certificate);
        if (satisfied && name_true) {
            best = claims_login ? 'P' : 'A';
        }
    }
    if (best == 'A' || (best == 'P' && name > NAME_EMPTY && password)) {
        return best;
    }
    return best == '?' || name == NAME_ABSENT ? 'F' : 'M';
}

Test(policy_factors, the_whole_matrix_of_factors)
{
    size_t cells = 0;
    for (size_t row = 0; row < sizeof matrix / sizeof matrix[0]; row++) {
        const struct policy_rule_spec spec = {.name = "rule", .require = matrix[row].require};
        for (size_t column = 0; column < 8; column++) {
            enum name name = (enum name)(column / 2);
            bool password = column % 2 == 1;
            struct policy_facts facts = matrix_facts(matrix[row].certificate, name, password);
            char got = letter_of(decide(&spec, 1, &facts));
            cr_expect_eq(got, matrix[row].expected[column], "row %zu column %zu: %c", row, column,
                         got);
            cr_expect_eq(got, oracle(matrix[row].require, matrix[row].certificate, name, password),
                         "row %zu column %zu: %c, by the oracle", row, column, got);
            cells++;
        }
    }
    cr_assert_eq(cells, 80);
}

/* What must hold of every verdict, said without looking at how it is reached. */
Test(policy_factors, nothing_unproven_reaches_the_broker_as_a_name)
{
    for (int require = POLICY_REQUIRE_NONE; require <= POLICY_REQUIRE_ANY; require++) {
        for (unsigned cell = 0; cell < 16; cell++) {
            bool certificate = (cell & 1) != 0;
            bool password = (cell & 2) != 0;
            enum name name = (enum name)(cell >> 2);
            const struct policy_rule_spec spec = {.name = "r",
                                                  .require = (enum policy_require)require};
            struct policy_facts facts = matrix_facts(certificate, name, password);
            struct policy_verdict verdict = decide(&spec, 1, &facts);
            if (verdict.outcome == POLICY_ALLOW) {
                cr_expect(name == NAME_ABSENT || (certificate && name == NAME_IDENTITY));
            }
            if (verdict.outcome == POLICY_PROVE) {
                cr_expect(password && (name == NAME_IDENTITY || name == NAME_OTHER));
            }
        }
    }
}

Test(policy_factors, an_identity_vouches_for_itself_byte_for_byte)
{
    static const char *const near[] = {"Device-1", "device-1 ", "device-", "device-11", "device-2"};
    struct policy_facts facts = matrix_facts(true, NAME_IDENTITY, false);
    expect_verdict(&anybody, &facts, POLICY_ALLOW, POLICY_REASON_ALLOWED, "equal");
    for (size_t index = 0; index < sizeof near / sizeof near[0]; index++) {
        facts.username = slice_from_text(near[index]);
        expect_verdict(&anybody, &facts, POLICY_DENY, POLICY_REASON_PASSWORD_MISSING, near[index]);
    }
    /* An identity that is not there, or is empty, vouches for nothing. */
    facts = matrix_facts(true, NAME_EMPTY, false);
    facts.identity = slice_of(NULL, 0);
    expect_verdict(&anybody, &facts, POLICY_DENY, POLICY_REASON_PASSWORD_MISSING, "both empty");
    facts = matrix_facts(true, NAME_IDENTITY, false);
    facts.has_identity = false;
    expect_verdict(&anybody, &facts, POLICY_DENY, POLICY_REASON_PASSWORD_MISSING, "not verified");
}

Test(policy_factors, a_denying_rule_looks_at_no_factor)
{
    const struct policy_rule_spec deny = {
        .name = "r", .deny = true, .require = POLICY_REQUIRE_NONE};
    for (unsigned cell = 0; cell < 16; cell++) {
        struct policy_facts facts =
            matrix_facts((cell & 1) != 0, (enum name)(cell >> 2), (cell & 2) != 0);
        expect_verdict(&deny, &facts, POLICY_DENY, POLICY_REASON_RULE_DENIES, "deny");
    }
}

/* A value out of the enum, as a stray write or a later version would make it. */
Test(policy_factors, an_unknown_requirement_asks_for_everything)
{
    const struct policy_rule_spec spec = {.name = "r", .require = (enum policy_require)7};
    struct policy_facts facts = matrix_facts(false, NAME_OTHER, true);
    expect_verdict(&spec, &facts, POLICY_DENY, POLICY_REASON_FACTOR_MISSING, "without certificate");
    facts = matrix_facts(true, NAME_ABSENT, true);
    expect_verdict(&spec, &facts, POLICY_DENY, POLICY_REASON_FACTOR_MISSING, "without name");
    facts = matrix_facts(true, NAME_IDENTITY, true);
    expect_verdict(&spec, &facts, POLICY_PROVE, POLICY_REASON_ALLOWED, "with both");
}
