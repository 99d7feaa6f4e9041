/* profile: small, whose defaults are those of a router. */
#include "files.h"

#include "moat/config/config.h"

#define BODY                                                                                       \
    "listeners: [{ name: a, address: \"127.0.0.1:8883\", tls: { certificates: "                    \
    "[{ chain: c, key: k }] } }]\n"                                                                \
    "upstream: { address: \"127.0.0.1:1883\" }\n"                                                  \
    "policy: { rules: [{ name: r, require: none }] }\n"

static struct config_faults faults;

static void set_up(void)
{
    config_faults_init(&faults);
    enter_test_folder();
}

static void tear_down(void)
{
    config_faults_deinit(&faults);
    leave_test_folder();
}

TestSuite(profile, .init = set_up, .fini = tear_down);

static struct config *load(const char *text)
{
    write_text("moat.yaml", text, 0644);
    return load_sound("moat.yaml", &faults);
}

Test(profile, full_unless_told)
{
    struct config *config = load(BODY);
    cr_expect_eq(config->profile, CONFIG_PROFILE_FULL);
    cr_expect_eq(config->connections, 9000);
    config_free(config);
    config = load(BODY "profile: full\n");
    cr_expect_eq(config->connections, 9000);
    config_free(config);
}

/* Also of keys that stand before it in the file and in the table. */
Test(profile, small_has_small_defaults)
{
    struct config *config = load(BODY "profile: small\n");
    cr_expect_eq(config->profile, CONFIG_PROFILE_SMALL);
    cr_expect_eq(config->workers, 1);
    cr_expect_eq(config->guard_identifiers, 1000);
    cr_expect_eq(config->connections, 200);
    cr_expect_eq(config->handshakes, 50);
    cr_expect_eq(config->hashing, 16);
    cr_expect_eq(config->addresses, 1000);
    config_free(config);
}

Test(profile, what_is_written_counts_more)
{
    struct config *config =
        load(BODY "workers: 0\nlimits: { connections: 9000 }\nprofile: small\n");
    cr_expect_eq(config->workers, 0);
    cr_expect_eq(config->connections, 9000);
    cr_expect_eq(config->handshakes, 50);
    config_free(config);
}

Test(profile, another_word_is_told_once)
{
    write_text("moat.yaml", BODY "profile: tiny\n", 0644);
    cr_expect_null(config_load("moat.yaml", &faults));
    cr_expect_eq(faults.count, 1);
    EXPECT_ERROR(&faults, 4, 10, "profile: ");
}
