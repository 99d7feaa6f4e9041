#include "house.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "fuzz.h"
#include "moat/base/clock.h"
#include "moat/tls/pki.h"

struct house house;

/* When the house was built: BoringSSL asks the machine for the date, and they must agree. */
static int64_t built_seconds;

/* --- the clock: these stand in for base/clock.c --- */

uint64_t clock_monotonic_ms(void)
{
    return uv_now(NULL);
}

uint64_t clock_monotonic_us(void)
{
    return uv_now(NULL) * 1000;
}

int64_t clock_wall_seconds(void)
{
    return built_seconds + (int64_t)(uv_now(NULL) / 1000);
}

void clock_format_now(char out_text[CLOCK_TEXT_SIZE])
{
    snprintf(out_text, CLOCK_TEXT_SIZE, "2027-01-15T08:00:00.000Z");
}

/* --- what is made once --- */

static const char front[] =
    "listeners:\n"
    "  - name: mqtts\n"
    "    address: 127.0.0.1:8883\n"
    "    tls: {certificates: [{chain: server.crt, key: server.key}], max_record: 512B}\n"
    "upstream: {address: \"127.0.0.1:1883\", connect_timeout: 1s}\n"
    "credentials: {password_file: passwords, cache: 0}\n"
    "limits: {connections: 2, failed_logins: 1000000, unauthenticated_per_address: 0,\n"
    "         connect_rate_per_address: 0, connect_rate: 0}\n"
    "policy:\n"
    "  rules:\n";

static const char *const rules[HOUSE_SNAPSHOTS] = {
    "    - {name: banned, match: {client_id: banned}, action: deny}\n"
    "    - {name: topics, match: {client_id: \"topic*\"}, require: none,\n"
    "       publish: {allow: [\"a/#\"]}, subscribe: {allow: [\"a/#\"], deny: [\"a/secret\"]}}\n"
    "    - {name: small, match: {client_id: \"small*\"}, require: none, limits: {packet_size: "
    "256B}}\n"
    "    - {name: guests, match: {client_id: \"guest*\"}, require: none}\n"
    "    - {name: people, match: {username: \"*\"}, require: [password]}\n",
    "    - {name: banned, match: {client_id: [banned, \"guest*\"]}, action: deny}\n"
    "    - {name: topics, match: {client_id: \"topic*\"}, require: none,\n"
    "       publish: {allow: [\"a/#\", \"b/#\"]}, subscribe: {allow: [\"a/#\"]}}\n"
    "    - {name: people, match: {username: \"*\"}, require: [password]}\n",
};

bool house_permits(const struct mqtt_connect *connect)
{
    bool is_known = slice_is(connect->username, "bob") && slice_is(connect->password, "secret");

    if (slice_is(connect->client_id, "banned") || connect->has_authentication_method) {
        return false;
    }
    return is_known || slice_starts_with(connect->client_id, "topic") ||
           slice_starts_with(connect->client_id, "small") ||
           slice_starts_with(connect->client_id, "guest");
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    FUZZ_CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    FUZZ_CHECK(chmod(name, 0600) == 0);
}

static void write_secrets(void)
{
    static const struct pki_names names = {.dns_count = 1, .dns = {"localhost"}};
    struct pki_pair ca;
    struct pki_pair server;
    struct credentials_fault fault;

    FUZZ_CHECK(pki_make_ca(built_seconds, &ca));
    FUZZ_CHECK(pki_issue_server(&ca, &names, built_seconds, &server));
    write_file("server.crt", server.certificate);
    write_file("server.key", server.key);
    pki_pair_deinit(&ca);
    pki_pair_deinit(&server);
    char *line =
        credentials_make_line(slice_from_text("bob"), slice_from_text("secret"), 1, &fault);
    FUZZ_CHECK(line != NULL);
    write_file("passwords", line);
    free(line);
}

static void build(void)
{
    static const char *const files[] = {"server.crt", "server.key", "passwords", "moat.yaml"};
    char folder[] = "/tmp/moat-fuzz-XXXXXX";
    int here = open(".", O_RDONLY | O_DIRECTORY);

    built_seconds = time(NULL);
    FUZZ_CHECK(here >= 0 && mkdtemp(folder) != NULL && chdir(folder) == 0);
    write_secrets();
    for (size_t i = 0; i < HOUSE_SNAPSHOTS; i++) {
        struct config_faults faults;
        char text[4096];
        snprintf(text, sizeof text, "%s%s", front, rules[i]);
        write_file("moat.yaml", text);
        config_faults_init(&faults);
        house.snapshots[i] = snapshot_load("moat.yaml", &faults);
        config_faults_print(&faults, stderr, false);
        FUZZ_CHECK(house.snapshots[i] != NULL);
        config_faults_deinit(&faults);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        FUZZ_CHECK(unlink(files[i]) == 0);
    }
    FUZZ_CHECK(fchdir(here) == 0 && rmdir(folder) == 0);
    close(here);
    log_set_descriptor(open("/dev/null", O_WRONLY));
}

/* --- for each input --- */

static void on_freed(struct session_worker *worker)
{
    FUZZ_CHECK(worker == &house.worker);
    house.freed++;
}

/* The fuzzer comes and goes as it likes, whatever the door says. */
static void on_door(struct session_worker *worker, bool is_open)
{
    FUZZ_CHECK(worker == &house.worker);
    (void)is_open;
}

void house_open(void)
{
#ifdef BORINGSSL_UNSAFE_DETERMINISTIC_MODE
    RAND_reset_for_fuzzing();
#endif
    loop_reset(1000);
    if (house.snapshots[0] == NULL) {
        build();
    }
    house.current = 0;
    house.entered = 0;
    house.freed = 0;
    house.gauges = (struct session_gauges){
        .ownership = ownership_new(16, 1000), .quota = quota_new(), .ledger = ledger_new(16)};
    FUZZ_CHECK(house.gauges.ownership != NULL && house.gauges.quota != NULL &&
               house.gauges.ledger != NULL);
    house.worker = (struct session_worker){
        .snapshot = house.snapshots[0],
        .loop = &house.loop,
        .gauges = &house.gauges,
        .session_limit = 16,
        .on_freed = on_freed,
        .on_door = on_door,
    };
    FUZZ_CHECK(session_worker_init(&house.worker) == 0);
    session_watch_start(&house.worker);
}

void house_reload(void)
{
    house.current = (house.current + 1) % HOUSE_SNAPSHOTS;
    house.worker.snapshot = house.snapshots[house.current];
    session_rejudge_all(&house.worker);
}

void house_close(void)
{
    FUZZ_CHECK(house.worker.session_count == 0 && house.worker.sessions == NULL);
    FUZZ_CHECK(house.freed == house.entered);
    session_watch_stop(&house.worker);
    loop_turn();
    loop_turn();
    FUZZ_CHECK(loop_live() == 0);
    FUZZ_CHECK(house.worker.output.size == 0);
    FUZZ_CHECK(gauge_count(&house.gauges.connections) == 0);
    FUZZ_CHECK(gauge_count(&house.gauges.hashing) == 0);
    for (size_t i = 0; i < HOUSE_SNAPSHOTS; i++) {
        FUZZ_CHECK(atomic_load(&house.snapshots[i]->references) == 1);
    }
    FUZZ_CHECK(ownership_count(house.gauges.ownership).connected == 0);
    session_worker_deinit(&house.worker);
    ownership_free(house.gauges.ownership);
    quota_free(house.gauges.quota);
    ledger_free(house.gauges.ledger);
}
