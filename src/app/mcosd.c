/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/mcosd.c -- the agent of one cluster: plugs the adapters in, runs the loop.
 *
 * The order of the start is the order of what can be refused: configuration,
 * data folder (one agent each), identity, bus, addresses. Nothing is said to
 * the others before all of it is in place.
 */
#include "adapter/amqp/bus.h"
#include "adapter/file/identity.h"
#include "adapter/file/store.h"
#include "adapter/http/listen.h"
#include "adapter/http/server.h"
#include "adapter/memcached/cache.h"
#include "adapter/os/clock.h"
#include "adapter/os/loop.h"
#include "adapter/redis/store.h"
#include "adapter/os/worker.h"
#include "adapter/sqlite/bus.h"
#include "adapter/swift/builderjson.h"
#include "adapter/swift/ringwrite.h"
#include "adapter/swift/swiftconf.h"
#include "app/config.h"
#include "app/shared_identity.h"
#include "app/swift_dir.h"
#include "base/system.h"
#include "node/agent.h"
#include "node/routes.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define TALK_TTL_INTERVALS 3u    /* what we say is worthless after so many delta_t */
#define SILENT_INTERVALS   3u    /* fewer in inactive_after are worth a warning */
#define STOP_MS            2000u /* for answers that are under way */
#define KEEP_MS            5000u /* between looks at our file in the data folder */

struct daemon {
    struct mc_loop_client client; /* first */
    struct mc_config config;
    struct mc_machine_config machine;
    struct mc_log *log;
    struct mc_swiftconf *swift_conf;
    struct mc_store *store;
    struct mc_bus *bus;
    struct mc_cache *cache; /* NULL: none */
    struct mc_http_server *http;
    struct mc_agent *agent;
    struct mc_handler *routes;
    struct mc_loop *loop;
    struct mc_swift_dir *swift_dir;
    bool registry; /* store is one of adapter/redis */
    bool shared;   /* and other agents of this cluster may use it, and its bus */
    char host[MC_NAME_MAX + 1];
    bool evicted;      /* another cluster lives under our name */
    bool outdated;     /* our cluster has another uid by now */
    uint64_t until_ms; /* stopping: answers may take so long; 0: not stopping */
    uint64_t keep_ms;  /* when to look at our file in the data folder again */
};

static void say(struct daemon *d, enum mc_log_level level, const char *text)
{
    d->log->line(d->log, level, text);
}

/* ---- turns ---- */

/* A folder that was made anew under us stays ours. What fails here fails in the
 * store too, which says so. */
static void keep_identity(struct daemon *d, uint64_t now)
{
    struct mc_identity identity = {.name = d->config.cluster};
    bool made = false;

    if (now < d->keep_ms)
        return;
    d->keep_ms = now + KEEP_MS;
    memcpy(identity.uid, d->machine.uid, MC_UID_BYTES);
    if (mc_identity_keep(d->config.data, &identity, &made, NULL) == 0 && made)
        say(d, MC_LOG_WARN,
            "event=identity-kept file=cluster.id hint=\"the data folder was made anew "
            "under the agent\"");
}

static uint64_t turn(struct mc_loop_client *client)
{
    struct daemon *d = (struct daemon *)client;
    uint64_t now;
    uint64_t due;
    uint64_t http_ms;

    mc_http_server_run(d->http);
    due = mc_agent_turn(d->agent);
    if (d->swift_dir != NULL) {
        uint64_t swift_ms = mc_swift_dir_turn(d->swift_dir, d->agent);

        if (swift_ms < due)
            due = swift_ms;
    }
    if (!d->evicted && mc_machine_status(mc_agent_machine(d->agent)).identity_lost) {
        d->evicted = true;
        (void)raise(SIGTERM);
    }
    if (d->shared && !d->outdated && mc_redis_store_status(d->store).identity_lost) {
        d->outdated = true;
        (void)raise(SIGTERM);
    }
    now = mc_agent_now_ms(d->agent);
    if (d->until_ms != 0) {
        if (mc_http_server_busy(d->http) == 0 || now >= d->until_ms)
            mc_loop_end(d->loop);
        if (due > d->until_ms)
            due = d->until_ms;
    }
    keep_identity(d, now);
    due = due > now ? due - now : 0;
    http_ms = mc_http_server_timeout_ms(d->http);
    if (http_ms < due)
        due = http_ms;
    if (d->registry) {
        uint64_t registry_ms = mc_redis_store_turn(d->store);

        if (registry_ms < due)
            due = registry_ms;
    }
    return due;
}

/* What has begun is answered, if that does not take long. */
static void stop(struct mc_loop_client *client)
{
    struct daemon *d = (struct daemon *)client;

    mc_http_server_stop(d->http);
    d->until_ms = mc_agent_now_ms(d->agent) + STOP_MS;
}

/* ---- Swift ---- */

static int import_swift(void *ctx, struct mc_bytes gz, const struct mc_secret *secret,
                        struct mc_draft *draft, struct mc_buf *extra,
                        struct mcos_diag *diag)
{
    (void)ctx;
    return mc_builderjson_decode(gz, secret, draft, extra, diag);
}

static int export_swift(void *ctx, const struct mc_ring *ring, unsigned format,
                        struct mc_buf *b, struct mcos_diag *diag)
{
    (void)ctx;
    return mc_ringgz_encode(ring, format, b, NULL, diag);
}

/* ---- registry ---- */

/* The registry holds a greater record than we: through the agent, so that it is
 * adopted and told. */
static int found(void *ctx, const struct mc_name *name, struct mc_ring *ring)
{
    struct daemon *d = ctx;

    return ring == NULL ? mc_agent_note_unread(d->agent, name)
                        : mc_agent_take(d->agent, ring);
}

static int open_registry(struct daemon *d, struct mcos_diag *diag)
{
    const struct mc_redis_store_config config = {.url = d->config.store,
                                                 .inner = d->store,
                                                 .system = d->machine.system,
                                                 .clock = mc_os_clock(),
                                                 .log = d->log,
                                                 .shared = d->shared};
    int err = mc_redis_store_open(&config, &d->store, diag);

    d->registry = err == 0;
    return err;
}

/* ---- start ---- */

/* Makes the folders above a path, as mkdir -p does; whether it worked shows later. */
static void make_parents(const char *path)
{
    char text[MC_CONFIG_PATH_MAX];

    (void)snprintf(text, sizeof(text), "%s", path);
    for (char *slash = strchr(text + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(text, 0750);
        *slash = '/';
    }
}

static int open_store(struct daemon *d, struct mcos_diag *diag)
{
    const struct mc_file_store_config config = {.data = d->config.data,
                                                .keep_versions =
                                                    d->config.keep_versions,
                                                .verify = true};
    bool fresh;
    int err;

    make_parents(d->config.data);
    err = mc_file_store_open(&config, &d->store, diag);
    if (err == 0 && d->shared) {
        err = open_registry(d, diag);
        if (err == 0)
            err = mc_shared_identity_open(d->store, d->log, d->config.data,
                                          &d->config.cluster, d->machine.uid, diag);
        return err;
    }
    if (err == 0)
        err = mc_identity_open(d->config.data, d->config.cluster.s, d->machine.uid,
                               &fresh, diag);
    if (err == 0 && d->config.store[0] != '\0')
        err = open_registry(d, diag);
    return err;
}

static uint64_t talk_ttl_ms(const struct daemon *d)
{
    return (uint64_t)TALK_TTL_INTERVALS * d->config.announce_interval_ms;
}

static int open_sqlite(struct daemon *d, struct mcos_diag *diag)
{
    struct mc_sqlite_bus_config config = {.path = d->config.bus,
                                          .cluster = d->config.cluster,
                                          .talk_ttl_ms = talk_ttl_ms(d),
                                          .clock = mc_os_clock()};

    make_parents(d->config.bus);
    memcpy(config.uid, d->machine.uid, MC_UID_BYTES);
    return mc_sqlite_bus_open(&config, &d->bus, diag);
}

/* A cache that is away is no reason not to start. */
static int open_cache(struct daemon *d)
{
    struct mc_memcached_config config = {.address = d->config.cache};

    if (!d->config.has_cache)
        return 0;
    memcpy(config.system, d->machine.system, MC_UID_BYTES);
    return mc_memcached_open(&config, &d->cache);
}

static int open_amqp(struct daemon *d, struct mcos_diag *diag)
{
    struct mc_amqp_bus_config config = {.url = d->config.bus,
                                        .ca = d->config.bus_ca,
                                        .cert = d->config.bus_cert,
                                        .key = d->config.bus_key,
                                        .cluster = d->config.cluster,
                                        .talk_ttl_ms = talk_ttl_ms(d),
                                        .shared = d->shared,
                                        .clock = mc_os_clock(),
                                        .log = d->log};
    int err = mc_os_random(&config.seed, sizeof(config.seed));

    memcpy(config.uid, d->machine.uid, MC_UID_BYTES);
    return err != 0 ? err : mc_amqp_bus_open(&config, &d->bus, diag);
}

static int open_bus(struct daemon *d, struct mcos_diag *diag)
{
    switch (d->config.bus_kind) {
    case MC_BUS_KIND_SQLITE:
        return open_sqlite(d, diag);
    case MC_BUS_KIND_AMQP:
        return open_amqp(d, diag);
    }
    return MCOS_E_CONFIG;
}

/* The handler exists only after the agent, the agent wants the address: so the
 * server calls through this. */
static size_t body_max(struct mc_handler *handler, const char *method,
                       const char *path);
static void handle(struct mc_handler *handler, const struct mc_request *request,
                   struct mc_response *response);

struct door {
    struct mc_handler handler; /* first */
    struct mc_handler *behind;
};

static struct door door = {{body_max, handle}, NULL};

static size_t body_max(struct mc_handler *handler, const char *method, const char *path)
{
    struct mc_handler *behind = ((struct door *)handler)->behind;

    return behind == NULL ? 0 : behind->body_max(behind, method, path);
}

static void handle(struct mc_handler *handler, const struct mc_request *request,
                   struct mc_response *response)
{
    struct mc_handler *behind = ((struct door *)handler)->behind;

    behind->handle(behind, request, response);
}

static int open_http(struct daemon *d, struct mcos_diag *diag)
{
    const char *listen[MC_CONFIG_LISTEN_MAX];
    struct mc_http_config config = {.listen = listen,
                                    .listen_count = d->config.http_count};
    const char *address;
    int err;

    for (unsigned i = 0; i < d->config.http_count; i++)
        listen[i] = d->config.http[i];
    err = mc_http_server_open(&config, &door.handler, &d->http, diag);
    if (err != 0)
        return err;
    address = mc_http_server_address(d->http, 0);
    (void)snprintf(d->machine.address, sizeof(d->machine.address), "%s%s",
                   strncmp(address, "unix:", 5) == 0 ? "" : "http://", address);
    return 0;
}

static const char *swift_trouble(void *ctx, size_t i)
{
    const struct daemon *d = ctx;

    return d->swift_dir == NULL ? NULL : mc_swift_dir_trouble(d->swift_dir, i);
}

static int open_agent(struct daemon *d, struct mcos_diag *diag)
{
    const struct mc_agent_ports ports = {
        .bus = d->bus,
        .store = d->store,
        .clock = mc_os_clock(),
        .log = d->log,
        .cache = d->cache,
        .roster = d->shared ? mc_redis_store_roster(d->store) : NULL,
        .host = d->host};
    struct mc_routes_config routes = {.system = d->config.system.s,
                                      .import_swift = import_swift,
                                      .export_swift = export_swift};
    int err = mc_loop_new(&d->client, &d->loop);

    if (d->config.export_swift[0] != '\0')
        routes.swift_trouble = swift_trouble;
    routes.swift_ctx = d;
    if (d->swift_conf != NULL)
        routes.secret = mc_swiftconf_secret(d->swift_conf);
    if (err == 0)
        err = mc_loop_work(d->loop, &routes.work);
    if (err == 0)
        err = mc_agent_new(&d->machine, &ports, &d->agent, diag);
    if (err == 0)
        err = mc_routes_new(d->agent, &routes, &d->routes);
    if (err == 0 && d->config.export_swift[0] != '\0')
        err = mc_swift_dir_open(d->config.export_swift, &routes.secret, routes.work,
                                d->log, &d->swift_dir, diag);
    if (err == 0 && d->registry)
        mc_redis_store_on_found(d->store, found, d);
    if (err == 0)
        door.behind = d->routes;
    return err;
}

static int watch_all(struct daemon *d)
{
    int fds[MC_HTTP_LISTEN_MAX];
    size_t count = mc_http_server_fds(d->http, fds, MC_HTTP_LISTEN_MAX);
    int bus_fd = d->bus->ops->fd(d->bus);
    int err = 0;

    for (size_t i = 0; err == 0 && i < count; i++)
        err = mc_loop_watch(d->loop, fds[i]);
    if (err == 0 && bus_fd >= 0)
        err = mc_loop_watch(d->loop, bus_fd);
    if (err == 0 && d->shared)
        err = mc_loop_watch(d->loop, mc_redis_store_fd(d->store));
    return err;
}

static int fill_machine(struct daemon *d)
{
    const struct mc_config *c = &d->config;
    struct mc_machine_config *m = &d->machine;
    uint64_t random[2];
    int err = mc_os_random(random, sizeof(random));

    mc_system_id(c->system.s, m->system);
    m->cluster = c->cluster;
    (void)snprintf(m->region.s, sizeof(m->region.s), "%s", c->region);
    (void)snprintf(m->zone.s, sizeof(m->zone.s), "%s", c->zone);
    m->incarnation = random[0];
    m->seed = random[1];
    m->announce_interval_ms = c->announce_interval_ms;
    m->inactive_after_ms = c->inactive_after_ms;
    m->announce = c->announce;
    m->announce_budget = c->announce_budget;
    m->alone = c->alone;
    d->shared = c->bus_kind == MC_BUS_KIND_AMQP && c->store[0] != '\0';
    m->shared = d->shared;
    if (gethostname(d->host, sizeof(d->host)) != 0)
        d->host[0] = '\0';
    d->host[sizeof(d->host) - 1] = '\0';
    return err;
}

static int open_swift_conf(struct daemon *d, struct mcos_diag *diag)
{
    struct mcos_diag why = {.offset = -1};
    int err;

    if (d->config.swift_conf[0] == '\0')
        return 0;
    err = mc_swiftconf_open(d->config.swift_conf, &d->swift_conf, &why);
    if (err == 0)
        return 0;
    return mcos_diag_set(diag, err, "swift_conf", "swift_conf: %.180s: %s",
                         d->config.swift_conf,
                         why.text[0] != '\0' ? why.text : mcos_err_text(err));
}

/* --check-config: what the start would refuse of the configuration alone. */
static int check(struct daemon *d, struct mcos_diag *diag)
{
    const struct mc_config *c = &d->config;
    int err = open_swift_conf(d, diag);

    for (unsigned i = 0; err == 0 && i < c->http_count; i++)
        err = mc_listen_check_text(c->http[i], diag);
    if (err == 0 && c->export_swift[0] != '\0')
        err = mc_swift_dir_check(c->export_swift, diag);
    mc_swiftconf_free(d->swift_conf);
    d->swift_conf = NULL;
    if (err != 0)
        return err;
    if (c->inactive_after_ms / SILENT_INTERVALS < c->announce_interval_ms)
        (void)printf("mcosd: warning: inactive_after (%g s) is below %u times "
                     "announce_interval (%g s): a few lost announcements make a "
                     "cluster INACTIVE\n",
                     c->inactive_after_ms / 1000.0, SILENT_INTERVALS,
                     c->announce_interval_ms / 1000.0);
    (void)printf("mcosd: the configuration is good\n");
    return 0;
}

static int start(struct daemon *d, struct mcos_diag *diag)
{
    char text[512];
    int err = fill_machine(d);

    if (err == 0)
        err = open_swift_conf(d, diag);
    if (err == 0)
        err = open_store(d, diag);
    if (err == 0)
        err = open_bus(d, diag);
    if (err == 0)
        err = open_cache(d);
    if (err == 0)
        err = open_http(d, diag);
    if (err == 0)
        err = open_agent(d, diag);
    if (err == 0)
        err = watch_all(d);
    if (err != 0)
        return err;
    for (unsigned i = 0; i < d->config.http_count; i++) {
        (void)snprintf(text, sizeof(text), "event=serving address=%.128s data=%.256s",
                       mc_http_server_address(d->http, i), d->config.data);
        say(d, MC_LOG_INFO, text);
    }
    return 0;
}

/*
 * What is left at the end: nothing, or jobs that nobody can stop. Those write no file
 * and hold what they read, so the process may end under them.
 */
static size_t finish(struct daemon *d)
{
    size_t left = d->loop == NULL ? 0 : mc_loop_working(d->loop);

    if (left == 0)
        mc_loop_free(d->loop);
    mc_swift_dir_close(d->swift_dir);
    mc_http_server_close(d->http);
    mc_routes_free(d->routes);
    mc_agent_free(d->agent);
    if (d->bus != NULL)
        d->bus->ops->close(d->bus);
    if (d->cache != NULL)
        d->cache->ops->close(d->cache);
    if (d->store != NULL)
        d->store->ops->close(d->store);
    mc_swiftconf_free(d->swift_conf);
    return left;
}

/* A shell's soft limit of 1024 is less than a crowd of clients and rings may need. */
static void raise_limits(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

static int complain(int err, const struct mcos_diag *diag)
{
    (void)fprintf(stderr, "mcosd: %s%s%s\n", diag->text[0] == '\0' ? "" : diag->text,
                  diag->text[0] == '\0' ? "" : ": ", mcos_err_text(err));
    return mcos_err_exit(err);
}

int main(int argc, char **argv)
{
    struct daemon d = {.client = {turn, stop}};
    struct mcos_diag diag = {.offset = -1};
    enum mc_config_want want = MC_CONFIG_RUN;
    int status = 0;
    size_t left;
    int err = mc_config_load(argc, argv, &d.config, &want, &diag);

    if (err != 0)
        return complain(err, &diag);
    if (want == MC_CONFIG_CHECK) {
        err = check(&d, &diag);
        return err == 0 ? 0 : complain(err, &diag);
    }
    if (want != MC_CONFIG_RUN)
        return 0;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(0027);
    raise_limits();
    d.log = mc_os_log(d.config.log_level, d.config.cluster.s);
    err = start(&d, &diag);
    if (err == 0) {
        mc_loop_run(d.loop);
        if (!d.evicted) /* else the name is the other's: do not say that it left */
            mc_agent_stop(d.agent);
    }
    if (err == 0 && d.evicted)
        err = mcos_diag_set(
            &diag, MCOS_E_IDENTITY, "cluster",
            "cluster \"%s\" is alive elsewhere with another data folder; give "
            "this one another name (--cluster) or stop the other",
            d.config.cluster.s);
    if (err == 0 && d.outdated)
        err = mcos_diag_set(&diag, MCOS_E_IDENTITY, "cluster",
                            "cluster \"%s\" has another uid in its Redis by now (or "
                            "the database is another cluster's); start again",
                            d.config.cluster.s);
    left = finish(&d);
    if (err != 0)
        status = complain(err, &diag);
    if (left != 0)
        _exit(status);
    return status;
}
