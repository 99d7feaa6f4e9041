#include "house.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "moat/base/clock.h"
#include "moat/tls/pki.h"

struct house house;

static char folder[] = "/tmp/moat-session-XXXXXX";

/* --- building --- */

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(name, 0600), 0);
}

static void write_secrets(void)
{
    static struct pki_names names = {.dns_count = 1, .dns = {"localhost"}};
    struct pki_pair ca;
    struct pki_pair server;
    struct credentials_fault fault;
    int64_t now = clock_wall_seconds();

    cr_assert(pki_make_ca(now, &ca));
    cr_assert(pki_issue_server(&ca, &names, now, &server));
    write_file("ca.crt", ca.certificate);
    write_file("server.crt", server.certificate);
    write_file("server.key", server.key);
    pki_pair_deinit(&ca);
    pki_pair_deinit(&server);
    char *line =
        credentials_make_line(slice_from_text("bob"), slice_from_text("secret"), 1000, &fault);
    cr_assert_not_null(line);
    write_file("passwords", line);
    free(line);
}

static const char default_rules[] =
    "    - {name: banned, match: {client_id: banned}, action: deny}\n"
    "    - {name: guests, match: {client_id: \"guest*\"}, require: none}\n"
    "    - {name: machines, match: {client_id: \"machine*\"}, require: [certificate]}\n"
    "    - {name: people, match: {username: \"*\"}, require: [password]}\n";

static void write_configuration(const struct house_plan *plan)
{
    char text[4000];
    char upstream[64];

    snprintf(upstream, sizeof upstream, "127.0.0.1:%u", (unsigned)house.broker_port);
    snprintf(text, sizeof text,
             "listeners:\n"
             "  - name: mqtts\n"
             "    address: 127.0.0.1:0\n"
             "    tls: {certificates: [{chain: server.crt, key: server.key}],\n"
             "          client_certificate: optional, client_ca: ca.crt}\n"
             "upstream: {address: \"%s\", connect_timeout: 1s}\n"
             "credentials: {password_file: passwords}\n"
             "refusal: %s\n"
             "limits: {%s}\n"
             "timeouts: {%s}\n"
             "policy:\n"
             "  rules:\n%s",
             plan->upstream != NULL ? plan->upstream : upstream, plan->silent ? "silent" : "answer",
             /* Most tests offend for another purpose than to be banned. */
             plan->limits != NULL ? plan->limits : "failed_logins: 1000000",
             plan->timeouts != NULL ? plan->timeouts : "",
             plan->rules != NULL ? plan->rules : default_rules);
    write_file("moat.yaml", text);
}

static void load(void)
{
    struct config_faults faults;
    config_faults_init(&faults);
    house.snapshot = snapshot_load("moat.yaml", &faults);
    cr_assert_not_null(house.snapshot, "%s", faults.count > 0 ? faults.list[0].what : "?");
    config_faults_deinit(&faults);
}

static void on_connection(struct net_listener *listener, int descriptor,
                          const struct address *address)
{
    cr_expect(address_is_loopback(address));
    house.accepted++;
    (void)listener;
    session_accept(&house.worker, descriptor, address, 0);
}

static void on_starved(struct net_listener *listener, int code)
{
    (void)listener;
    session_door_starved(&house.worker, code);
}

static void on_door(struct session_worker *worker, bool is_open)
{
    cr_expect_eq(worker, &house.worker);
    if (is_open) {
        net_listener_resume(&house.listener);
    } else {
        house.pauses++;
        net_listener_pause(&house.listener);
    }
}

static void on_listener_closed(struct net_listener *listener)
{
    (void)listener;
}

static void on_freed(struct session_worker *worker)
{
    cr_expect_eq(worker, &house.worker);
    house.freed++;
}

static void open_door(void)
{
    struct net_bound bound[NET_LISTENER_ADDRESSES];
    struct net_bind_fault fault;
    size_t count = 0;

    cr_assert_eq(net_bind(&house.snapshot->config->listeners[0].address, 1, bound, &count, &fault),
                 0, "%s", fault.what);
    house.port = bound[0].address.port;
    house.listener.on_connection = on_connection;
    house.listener.on_starved = on_starved;
    house.listener.on_closed = on_listener_closed;
    cr_assert_eq(net_listener_start(&house.listener, &house.loop, bound[0].descriptors[0]), 0);
    bound[0].descriptors[0] = -1;
    net_bound_close(&bound[0]);
}

static int listen_somewhere(uint16_t *out_port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    cr_assert_eq(bind(descriptor, (const struct sockaddr *)&in, sizeof in), 0);
    cr_assert_eq(listen(descriptor, 16), 0);
    cr_assert_eq(getsockname(descriptor, (struct sockaddr *)&in, &size), 0);
    *out_port = ntohs(in.sin_port);
    return descriptor;
}

void house_begin(void)
{
    signal(SIGPIPE, SIG_IGN);
}

void house_build(const struct house_plan *plan)
{
    static const struct house_plan nothing;

    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    house.broker = listen_somewhere(&house.broker_port);
    write_secrets();
    write_configuration(plan != NULL ? plan : &nothing);
    house.log = memfd_create("log", 0);
    log_set_descriptor(house.log);
    load();
    cr_assert_eq(uv_loop_init(&house.loop), 0);
    house.gauges.ownership = ownership_new(1000, 1000);
    house.gauges.quota = quota_new();
    house.gauges.ledger = ledger_new(1000);
    cr_assert_not_null(house.gauges.ledger);
    cr_assert_not_null(house.gauges.ownership);
    cr_assert_not_null(house.gauges.quota);
    house.worker.snapshot = house.snapshot;
    house.worker.loop = &house.loop;
    house.worker.gauges = &house.gauges;
    house.worker.session_limit = 100;
    house.worker.on_freed = on_freed;
    house.worker.on_door = on_door;
    cr_assert_eq(session_worker_init(&house.worker), 0);
    session_watch_start(&house.worker);
    open_door();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

void house_leave(void)
{
    HOUSE_UNTIL(house.worker.session_count == 0);
    cr_expect_eq(house.freed, house.accepted);
    cr_expect_null(house.worker.sessions);
    cr_expect_eq(gauge_count(&house.gauges.connections), 0);
    cr_expect_eq(gauge_count(&house.gauges.listeners[0]), 0);
    cr_expect_eq(gauge_count(&house.gauges.hashing), 0);
    cr_expect_eq(atomic_load(&house.snapshot->references), 1, "a session kept its snapshot");
    cr_expect_eq(house.worker.output.size, 0, "the output is empty between two callbacks");
    net_listener_close(&house.listener);
    session_watch_stop(&house.worker);
    HOUSE_UNTIL(!uv_loop_alive(&house.loop));
    cr_expect_eq(uv_loop_close(&house.loop), 0);
    session_worker_deinit(&house.worker);
    ownership_free(house.gauges.ownership);
    quota_free(house.gauges.quota);
    ledger_free(house.gauges.ledger);
    snapshot_unref(house.snapshot);
    close(house.broker);
    log_set_descriptor(STDERR_FILENO);
    close(house.log);
    cr_assert_eq(chdir("/"), 0);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void house_turn(void)
{
    uv_run(&house.loop, UV_RUN_NOWAIT);
    usleep(200);
}

const char *house_log(void)
{
    static char text[1u << 20];
    ssize_t size = pread(house.log, text, sizeof text - 1, 0);
    cr_assert_geq(size, 0);
    text[size] = '\0';
    return text;
}

struct session *house_session(void)
{
    cr_assert_not_null(house.worker.sessions);
    return house.worker.sessions;
}

void house_expect_reason(enum close_reason reason)
{
    char wanted[64];
    HOUSE_UNTIL(house.worker.session_count == 0);
    const char *log = house_log();
    const char *last = strstr(log, " reason=");
    cr_assert_not_null(last, "nothing was logged: %s", log);
    for (const char *next = last; next != NULL; next = strstr(last + 1, " reason=")) {
        last = next;
    }
    int size = snprintf(wanted, sizeof wanted, " reason=%s ", close_reason_row(reason)->label);
    cr_expect_eq(strncmp(last, wanted, (size_t)size), 0, "not%s but%.60s", wanted, last);
}

/* --- the pool --- */

#define POOL_THREADS 4

static uv_work_t plugs[POOL_THREADS];
static pthread_mutex_t plug_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint plugged;

static void plug(uv_work_t *work)
{
    (void)work;
    atomic_fetch_add(&plugged, 1);
    pthread_mutex_lock(&plug_lock);
    pthread_mutex_unlock(&plug_lock);
}

static unsigned plugs_left;

static void unplugged(uv_work_t *work, int status)
{
    (void)work;
    (void)status;
    plugs_left--;
}

void house_block_pool(void)
{
    HOUSE_UNTIL(plugs_left == 0);
    pthread_mutex_lock(&plug_lock);
    atomic_store(&plugged, 0);
    plugs_left = POOL_THREADS;
    for (size_t i = 0; i < POOL_THREADS; i++) {
        cr_assert_eq(uv_queue_work(&house.loop, &plugs[i], plug, unplugged), 0);
    }
    HOUSE_UNTIL(atomic_load(&plugged) == POOL_THREADS);
}

void house_free_pool(void)
{
    pthread_mutex_unlock(&plug_lock);
}
