#include "files.h"

#include <dirent.h>

#include "moat/config/expectations.h"

#define VECTORS TEST_SOURCE_ROOT "/tests/vectors/expectations"

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

TestSuite(expectations, .init = set_up, .fini = tear_down);

/* How many faults the file says it has; each must be among those found. */
static size_t check_expected(const char *path, const char *name)
{
    char line[400];
    size_t count = 0;
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        unsigned row = 0;
        unsigned column = 0;
        int used = 0;
        if (sscanf(line, "# expect: %u:%u: %n", &row, &column, &used) == 2 && used > 0) {
            line[strcspn(line, "\n")] = '\0';
            count++;
            cr_expect(has_fault(&faults, false, row, column, line + used), "%s: not reported: %s",
                      name, line);
        }
    }
    fclose(file);
    return count;
}

static void check_vector(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", VECTORS, name);
    struct expectations *expectations = expectations_load(path, &faults);
    size_t count = check_expected(path, name);
    cr_expect_eq(faults.count, count, "%s: %zu faults, %zu expected", name, faults.count, count);
    cr_expect_eq(expectations != NULL, count == 0, "%s", name);
    if (faults.count != count) {
        show_faults(&faults);
    }
    expectations_free(expectations);
    config_faults_deinit(&faults);
}

Test(expectations, every_vector)
{
    size_t count = 0;
    DIR *folder = opendir(VECTORS);
    cr_assert_not_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        const char *ending = strrchr(entry->d_name, '.');
        if (ending != NULL && strcmp(ending, ".yaml") == 0) {
            check_vector(entry->d_name);
            count++;
        }
    }
    closedir(folder);
    cr_expect_geq(count, 8);
}

Test(expectations, every_key_arrives)
{
    struct expectations *all = expectations_load(VECTORS "/good_every_key.yaml", &faults);
    cr_assert_not_null(all);
    cr_assert_eq(all->count, 4);
    const struct expectation *first = &all->list[0];
    const struct question *client = &first->client;
    cr_expect_str_eq(first->name, "every key of a client");
    cr_expect_eq(first->place.line, 1);
    cr_expect_str_eq(client->client_id, "c");
    cr_expect_str_eq(client->username, "u");
    cr_expect(question_has_password(client) && !question_is_password_right(client));
    cr_expect_str_eq(client->certificate, "sensor-1");
    cr_expect_str_eq(client->common_name, "Sensor 1");
    cr_expect_str_eq(client->issuer, "CN=Device CA");
    cr_expect_str_eq(client->listener, "mqtts");
    cr_expect_eq(first->listener_place.line, 10);
    cr_expect_str_eq(client->sni, "mqtt.example");
    cr_expect_eq(client->protocol, 5);
    cr_expect(client->is_bridge && !client->is_clean && client->will_retain);
    cr_expect_eq(client->keep_alive_ms, 600000);
    cr_expect_eq(client->session_expiry_ms, 3600000);
    cr_expect_str_eq(client->will_topic, "a/b");
    cr_expect_eq(client->will_qos, 2);
    cr_expect_str_eq(first->verdict, "deny");
    cr_expect_str_eq(first->rule, "people");
    cr_expect_str_eq(first->reason, "bad_credentials");
    cr_expect_eq(first->code, 0x86);
    cr_expect_str_eq(all->list[1].client.certificate_file, VECTORS "/tls/device.crt");
    cr_expect_eq(all->list[1].code, EXPECTATION_CODE_NONE);
    cr_expect_str_eq(all->list[2].verdict, "observe");
    cr_expect_eq(all->list[2].code, EXPECTATION_CODE_UNSAID);
    cr_expect_null(all->list[2].rule);
    cr_expect_eq(all->list[3].code, 0xFF);
    expectations_free(all);
}

Test(expectations, topics_arrive)
{
    write_text("t.yaml",
               "- name: a\n  client: {}\n"
               "  expect:\n    verdict: allow\n"
               "    subscribe: { a/#: allow, $share/g/b: deny }\n"
               "    publish: { a/b: observe }\n",
               0644);
    struct expectations *all = expectations_load("t.yaml", &faults);
    show_faults(&faults);
    cr_assert_not_null(all);
    const struct expectation *one = &all->list[0];
    cr_assert_eq(one->client.topic_count, 3);
    cr_expect_not(one->client.topics[0].is_subscription);
    cr_expect_str_eq(one->client.topics[0].text, "a/b");
    cr_expect_str_eq(one->topic_verdicts[0], "observe");
    cr_expect(one->client.topics[1].is_subscription);
    cr_expect_str_eq(one->client.topics[1].text, "a/#");
    cr_expect_str_eq(one->topic_verdicts[1], "allow");
    cr_expect_str_eq(one->client.topics[2].text, "$share/g/b");
    cr_expect_str_eq(one->topic_verdicts[2], "deny");
    expectations_free(all);
}

Test(expectations, a_file_that_is_not_there)
{
    cr_expect_null(expectations_load("absent.yaml", &faults));
    EXPECT_ERROR(&faults, 0, 0, "cannot open absent.yaml");
}

/* --- a client on its own --------------------------------------------------------------------- */

static size_t index_of(const char *option)
{
    size_t index = 0;
    while (strcmp(question_option(index), option) != 0) {
        index++;
    }
    return index;
}

Test(question, defaults)
{
    struct question question;
    struct address none;
    question_init(&question);
    none = question_address(&question);
    cr_expect_eq(question.protocol, 4);
    cr_expect_eq(question.keep_alive_ms, 60000);
    cr_expect(question.is_clean);
    cr_expect_null(question.client_id);
    cr_expect_not(question_has_password(&question));
    cr_expect_eq(none.family, ADDRESS_NONE);
    question_deinit(&question);
}

/* A user name alone is a login that succeeds, unless something else is said. */
Test(question, passwords)
{
    struct question question;
    char what[QUESTION_FAULT_SIZE];
    question_init(&question);
    cr_assert(question_put(&question, index_of("username"), "a", "", what));
    cr_expect(question_has_password(&question) && question_is_password_right(&question));
    cr_assert(question_put(&question, index_of("password"), "none", "", what));
    cr_expect_not(question_has_password(&question) || question_is_password_right(&question));
    cr_assert(question_put(&question, index_of("password"), "wrong", "", what));
    cr_expect(question_has_password(&question) && !question_is_password_right(&question));
    question_deinit(&question);
}

Test(question, the_last_value_counts)
{
    struct question question;
    char what[QUESTION_FAULT_SIZE];
    question_init(&question);
    cr_assert(question_put(&question, index_of("client-id"), "first", "", what));
    cr_assert(question_put(&question, index_of("client-id"), "second", "", what));
    cr_expect_str_eq(question.client_id, "second");
    cr_assert(question_put(&question, index_of("address"), "10.0.0.1", "", what));
    cr_expect_eq(question_address(&question).family, ADDRESS_IPV4);
    question_deinit(&question);
}

Test(question, certificate_files, .init = enter_test_folder, .fini = leave_test_folder)
{
    struct question question;
    struct buffer bytes;
    char what[QUESTION_FAULT_SIZE];
    question_init(&question);
    write_text("a.crt", "content", 0644);
    cr_assert(question_put(&question, index_of("certificate"), "a.crt", "./", what));
    cr_assert(question_read_certificate(&question, &bytes, what));
    cr_expect(slice_is(buffer_slice(&bytes), "content"));
    buffer_deinit(&bytes);
    cr_assert(question_put(&question, index_of("certificate"), "absent.crt", "", what));
    cr_expect_not(question_read_certificate(&question, &bytes, what));
    cr_expect_not_null(strstr(what, "cannot open absent.crt"));
    question_deinit(&question);
}
