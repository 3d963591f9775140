/* SPDX-License-Identifier: Apache-2.0 */
/* app/demo_full.c -- the engines' part of the full demo. */
#include "app/demo_full.h"

#include "app/demo_consumer.h"
#include "app/demo_outside.h"

#include <string.h>

#define START_MS  120000u /* RabbitMQ needs 6 s where nothing else runs */
#define RETURN_MS 90000u  /* who finds no broker waits longer from try to try */
#define POLL_MS   50u

static bool again(uint64_t until)
{
    if (mc_cli_signal != 0 || mc_api_now_ms() >= until)
        return false;
    mc_api_sleep_ms(POLL_MS);
    return mc_cli_signal == 0;
}

/* ---- engines ---- */

static bool launch(struct mc_demo *demo, unsigned which)
{
    struct mcos_diag diag = {.offset = -1};

    if (mc_engine_start(&demo->world.engines, which, &diag) == 0)
        return true;
    mc_demo_promise(&demo->log, false, 0, "%s starts: %s",
                    demo->world.engines.list[which].name, diag.text);
    return false;
}

/* Until it answers; a promise if it does not. */
static bool await(struct mc_demo *demo, unsigned which)
{
    struct mc_engine *engine = &demo->world.engines.list[which];
    uint64_t until = mc_api_now_ms() + START_MS;
    bool runs;

    do {
        if (mc_engine_answers(&demo->world.engines, which))
            return true;
        runs = mc_process_runs(&engine->process);
    } while (runs && again(until));
    if (mc_cli_signal == 0)
        mc_demo_promise(&demo->log, false, 0, "%s answers within %u s%s", engine->name,
                        START_MS / 1000, runs ? "" : ": it ended by itself");
    return false;
}

bool mc_full_start(struct mc_demo *demo)
{
    struct mc_engines *engines = &demo->world.engines;
    double start = mc_demo_log_now(&demo->log);

    mc_demo_step(&demo->log,
                 "the engines start: one RabbitMQ; for each cluster a Redis "
                 "with mcos.so and a memcached");
    if (!launch(demo, MC_ENGINE_EPMD) || !await(demo, MC_ENGINE_EPMD))
        return false;
    for (unsigned i = MC_ENGINE_BUS; i < MC_ENGINES; i++) {
        if (!launch(demo, i))
            return false;
    }
    mc_demo_say(&demo->log, "all of it is in %s", engines->folder);
    mc_demo_say(&demo->log, "RabbitMQ   amqp://guest:guest@127.0.0.1:%u/",
                engines->bus_port);
    mc_demo_say(&demo->log, "Redis      eu-west.redis, and so on: unix sockets");
    mc_demo_say(&demo->log, "memcached  eu-west.cache, and so on: unix sockets");
    for (unsigned i = MC_ENGINES; i-- > MC_ENGINE_BUS;) {
        if (!await(demo, i))
            return false;
    }
    mc_demo_promise(&demo->log, true, mc_demo_log_now(&demo->log) - start,
                    "RabbitMQ, five Redis and five memcached answer");
    return true;
}

/* ---- promises ---- */

/* Asks each of the set until all say yes; a promise, in whose text the set's names come
 * first. */
static bool all_say(struct mc_demo *demo, unsigned set, uint32_t within_ms,
                    bool (*ask)(struct mc_demo *, unsigned, const void *),
                    const void *what, const char *text)
{
    double start = mc_demo_log_now(&demo->log);
    uint64_t until = mc_api_now_ms() + within_ms;
    unsigned missing = set;
    char names[MC_DEMO_NAMES_MAX];

    do {
        for (unsigned n = 1; n <= MC_DEMO_SITES; n++) {
            if ((missing & MC_SITE_BIT(n)) != 0 && ask(demo, n, what))
                missing &= ~MC_SITE_BIT(n);
        }
    } while (missing != 0 && again(until));
    if (mc_cli_signal != 0)
        return false;
    mc_demo_names(demo, missing != 0 ? missing : set, names);
    if (missing == 0)
        mc_demo_promise(&demo->log, true, mc_demo_log_now(&demo->log) - start, "%s: %s",
                        names, text);
    else
        mc_demo_promise(&demo->log, false, 0, "%s: %s within %u s", names, text,
                        within_ms / 1000);
    return missing == 0;
}

struct said {
    const char *key;
    const char *value;
};

static bool ask_status(struct mc_demo *demo, unsigned number, const void *what)
{
    const struct said *said = what;
    json_t *doc = NULL;
    bool yes = mc_api_get(&mc_demo_site(demo, number)->api, &doc, "/v1/status") == 0 &&
               strcmp(mc_doc_text(doc, said->key), said->value) == 0;

    json_decref(doc);
    return yes;
}

/* True when the agents say so in /v1/status; a promise. */
static bool say(struct mc_demo *demo, unsigned set, const char *key, const char *value,
                uint32_t within_ms)
{
    const struct said said = {key, value};
    char text[64];

    (void)snprintf(text, sizeof(text), "%s \"%s\" in the status", key, value);
    return all_say(demo, set, within_ms, ask_status, &said, text);
}

/* /readyz is 200, or 503, as it has to be now; a promise. */
static bool is_ready(struct mc_demo *demo, unsigned number, bool wanted)
{
    struct mc_site *site = mc_demo_site(demo, number);
    bool yes = (mc_api_get(&site->api, NULL, "/readyz") == 0) == wanted;

    if (mc_cli_signal != 0)
        return false;
    mc_demo_promise(&demo->log, yes, 0, "%s is %s: /readyz says %d", site->name,
                    wanted ? "ready" : "not ready", site->api.response.status);
    return yes;
}

static bool ask_cache(struct mc_demo *demo, unsigned number, const void *what)
{
    return mc_demo_in_cache(demo, number, what);
}

static bool in_cache(struct mc_demo *demo, unsigned set, const struct mc_target *target)
{
    char text[160];

    (void)snprintf(text, sizeof(text),
                   "memcached gives %s %s byte for byte as the agent serves it",
                   target->ring, target->stamp);
    return all_say(demo, set, RETURN_MS, ask_cache, target, text);
}

static bool ask_redis(struct mc_demo *demo, unsigned number, const void *what)
{
    return mc_demo_in_redis(demo, number, what);
}

static bool in_redis(struct mc_demo *demo, unsigned set, const struct mc_target *target)
{
    char text[160];

    (void)snprintf(text, sizeof(text), "Redis holds %s %s", target->ring,
                   target->stamp);
    return all_say(demo, set, RETURN_MS, ask_redis, target, text);
}

/* ---- chapters ---- */

/* What the agents hold, to compare the message with. */
static bool read_message(struct mc_demo *demo, struct mc_consumer *consumer,
                         const struct mc_target *target)
{
    struct mc_api *api = &mc_demo_site(demo, 1)->api;
    struct mc_consumed m = {.version = -1};
    uint64_t until = mc_api_now_ms() + MC_DEMO_SOON_MS;
    json_t *doc = NULL;
    bool yes = false;

    if (mc_api_get(api, &doc, "/v1/rings/%s", target->ring) < 0)
        return false;
    while (!yes && mc_cli_signal == 0 && mc_api_now_ms() < until &&
           mc_consumer_next(consumer, MC_DEMO_SOON_MS, &m))
        yes = strcmp(m.ring_name, target->ring) == 0 &&
              m.version == mc_doc_int(doc, "version") &&
              m.timestamp == mc_doc_int(doc, "timestamp");
    if (mc_cli_signal == 0)
        mc_demo_promise(
            &demo->log, yes, 0,
            "it reads the headers ring_name=%s version=%lld timestamp=%lld, "
            "those of %s; a body of %zu bytes",
            m.ring_name, m.version, m.timestamp, target->stamp, m.bytes);
    json_decref(doc);
    return yes;
}

static bool queue(struct mc_demo *demo, struct mc_target *objects)
{
    struct mc_consumer *consumer = NULL;
    struct mcos_diag diag = {.offset = -1};
    bool kept;

    mc_demo_step(&demo->log,
                 "a plain consumer binds a queue of its own to the exchange "
                 "\"mcos\", key \"ring\"; us-west is asked to update "
                 "\"objects\"");
    if (mc_consumer_open(demo->world.engines.bus_port, &consumer, &diag) < 0) {
        if (mc_cli_signal == 0)
            mc_demo_promise(&demo->log, false, 0, "a consumer is let in: %s",
                            diag.text);
        return false;
    }
    kept = mc_demo_update(demo, 4, "objects.json", objects) &&
           mc_demo_held(demo, MC_SITES_ALL, objects, MC_DEMO_SOON_MS) &&
           read_message(demo, consumer, objects);
    mc_consumer_close(consumer);
    return kept;
}

static bool readers(struct mc_demo *demo, const struct mc_target *objects)
{
    mc_demo_step(&demo->log, "any program asks its cluster's Redis");
    if (!in_redis(demo, MC_SITES_ALL, objects) ||
        !mc_demo_redis_lookups(demo, objects->ring, 5))
        return false;
    mc_demo_step(&demo->log, "or reads its cluster's memcached");
    return in_cache(demo, MC_SITES_ALL, objects);
}

static bool no_memcached(struct mc_demo *demo, const struct mc_target *objects)
{
    const unsigned which = MC_ENGINE_CACHE(2);

    mc_demo_step(&demo->log, "eu-north's memcached is killed");
    mc_engine_kill(&demo->world.engines, which);
    if (!say(demo, MC_SITE_BIT(2), "cache", "away", MC_DEMO_SOON_MS) ||
        !is_ready(demo, 2, true) || !mc_demo_lookups(demo, objects->ring, false))
        return false;
    mc_demo_step(&demo->log, "it is started again, empty");
    return launch(demo, which) && await(demo, which) &&
           in_cache(demo, MC_SITE_BIT(2), objects) &&
           say(demo, MC_SITE_BIT(2), "cache", "up", MC_DEMO_SOON_MS);
}

static bool no_redis(struct mc_demo *demo, struct mc_target *objects)
{
    const unsigned which = MC_ENGINE_REDIS(3);

    mc_demo_step(&demo->log, "us-east's Redis is killed");
    mc_engine_kill(&demo->world.engines, which);
    if (!say(demo, MC_SITE_BIT(3), "registry", "degraded", MC_DEMO_SOON_MS) ||
        !is_ready(demo, 3, true) || !mc_demo_lookups(demo, objects->ring, false))
        return false;
    mc_demo_say(&demo->log, "us-east answers from its file; and it is asked to update "
                            "\"objects\"");
    if (!mc_demo_update(demo, 3, "objects-2.json", objects) ||
        !mc_demo_held(demo, MC_SITES_ALL, objects, MC_DEMO_SOON_MS))
        return false;
    mc_demo_step(&demo->log, "it is started again, empty");
    return launch(demo, which) && await(demo, which) &&
           in_redis(demo, MC_SITE_BIT(3), objects) &&
           say(demo, MC_SITE_BIT(3), "registry", "up", MC_DEMO_SOON_MS) &&
           mc_demo_redis_lookups(demo, objects->ring, 3);
}

static bool no_broker(struct mc_demo *demo, struct mc_target *objects)
{
    mc_demo_step(&demo->log, "RabbitMQ is killed (SIGKILL)");
    mc_engine_kill(&demo->world.engines, MC_ENGINE_BUS);
    if (!say(demo, MC_SITE_BIT(1), "bus", "down", MC_DEMO_SOON_MS) ||
        !is_ready(demo, 1, false) || !mc_demo_lookups(demo, objects->ring, false))
        return false;
    mc_demo_step(&demo->log, "eu-west is asked to update \"objects\" all the same");
    if (!mc_demo_update(demo, 1, "objects.json", objects))
        return false;
    mc_demo_promise(&demo->log, !objects->distributed, 0,
                    "it says that nobody else has it yet: distributed %s",
                    objects->distributed ? "true" : "false");
    if (objects->distributed)
        return false;
    mc_demo_step(&demo->log, "RabbitMQ is started again");
    if (!launch(demo, MC_ENGINE_BUS) || !await(demo, MC_ENGINE_BUS))
        return false;
    mc_demo_say(&demo->log, "it answers; the agents come back one by one");
    return mc_demo_held(demo, MC_SITES_ALL, objects, RETURN_MS);
}

bool mc_full_chapters(struct mc_demo *demo, struct mc_target *objects)
{
    if (!queue(demo, objects) || !readers(demo, objects) ||
        !no_memcached(demo, objects) || !no_redis(demo, objects) ||
        !no_broker(demo, objects))
        return false;
    mc_demo_step(&demo->log, "after all that");
    if (!say(demo, MC_SITES_ALL, "verdict", "ok", RETURN_MS))
        return false;
    mc_demo_matrix(&demo->log, &mc_demo_site(demo, 1)->api);
    return true;
}
