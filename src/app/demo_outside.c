/* SPDX-License-Identifier: Apache-2.0 */
/* app/demo_outside.c -- what is in a cluster's Redis and memcached. */
#include "app/demo_outside.h"

#include "adapter/memcached/cache.h"

#include <string.h>

#define CLI_MS   5000u
#define TEXT_MAX 1024u

struct name {
    const char *account;
    const char *container; /* NULL: none */
    const char *object;    /* NULL: none */
};

/* The last is the one that people are shown. */
static const struct name names[] = {
    {"AUTH_test", NULL, NULL},
    {"AUTH_test", "c", "o"},
    {"AUTH_me", "holidays", "beach.jpg"},
};

/* ---- Redis ---- */

/* One line of it, for a person: "partition 2475: sa-north, us-west". */
static void one_line(const char *answer, char dst[TEXT_MAX])
{
    size_t first = strcspn(answer, "\n");
    size_t used =
        (size_t)snprintf(dst, TEXT_MAX, "partition %.*s:", (int)first, answer);
    const char *at = answer + first + (answer[first] != '\0');

    for (const char *mark = " "; *at != '\0' && used < TEXT_MAX; mark = ", ") {
        size_t len = strcspn(at, "\n");

        used +=
            (size_t)snprintf(dst + used, TEXT_MAX - used, "%s%.*s", mark, (int)len, at);
        at += len + (at[len] != '\0');
    }
}

/* "2475\nsa-north\nus-west\naf-west\n", as redis-cli prints to a pipe. */
static bool ask_agent(struct mc_site *site, const char *ring, const struct name *name,
                      char dst[TEXT_MAX])
{
    json_t *doc = NULL;
    size_t used;
    size_t i;
    json_t *d;

    if (mc_api_get(&site->api, &doc, "/v1/rings/%s/lookup?account=%s%s%s%s%s", ring,
                   name->account, name->container == NULL ? "" : "&container=",
                   name->container == NULL ? "" : name->container,
                   name->object == NULL ? "" : "&object=",
                   name->object == NULL ? "" : name->object) < 0)
        return false;
    used = (size_t)snprintf(dst, TEXT_MAX, "%lld\n", mc_doc_int(doc, "partition"));
    json_array_foreach(json_object_get(doc, "devices"), i, d)
    {
        if (used < TEXT_MAX)
            used += (size_t)snprintf(dst + used, TEXT_MAX - used, "%.64s\n",
                                     mc_doc_text(d, "name"));
    }
    json_decref(doc);
    return used < TEXT_MAX;
}

static bool ask_redis(struct mc_demo *demo, unsigned number, const char *ring,
                      const struct name *name, char dst[TEXT_MAX])
{
    const struct mc_engines *engines = &demo->world.engines;
    char key[MC_NAME_MAX + 16];
    const char *args[] = {
        engines->redis_cli, "-s",         engines->list[MC_ENGINE_REDIS(number)].socket,
        "RING.LOOKUP",      key,          name->account,
        name->container,    name->object, NULL};

    (void)snprintf(key, sizeof(key), "mcos:ring:%s", ring);
    return mc_process_ask(args, dst, TEXT_MAX, CLI_MS);
}

bool mc_demo_redis_lookups(struct mc_demo *demo, const char *ring, unsigned shown)
{
    const size_t count = sizeof(names) / sizeof(names[0]);
    char answer[TEXT_MAX] = "";
    char line[TEXT_MAX];
    char line_redis[TEXT_MAX];

    for (unsigned n = 1; n <= MC_DEMO_SITES; n++) {
        struct mc_site *site = mc_demo_site(demo, n);

        for (size_t i = 0; i < count; i++) {
            char agent[TEXT_MAX] = "";
            char redis[TEXT_MAX] = "";

            if (ask_agent(site, ring, &names[i], agent) &&
                ask_redis(demo, n, ring, &names[i], redis) && strcmp(agent, redis) == 0)
                continue;
            if (mc_cli_signal != 0)
                return false;
            one_line(agent, line);
            one_line(redis, line_redis);
            mc_demo_promise(&demo->log, false, 0,
                            "%s: redis-cli answers for %s as its agent does: the agent "
                            "says \"%.120s\", redis-cli \"%.120s\"",
                            site->name, names[i].account, line, line_redis);
            return false;
        }
    }
    if (ask_redis(demo, shown, ring, &names[count - 1], answer)) {
        one_line(answer, line);
        mc_demo_say(&demo->log, "redis-cli -s %s RING.LOOKUP mcos:ring:%s %s %s %s",
                    demo->world.engines.list[MC_ENGINE_REDIS(shown)].socket, ring,
                    names[count - 1].account, names[count - 1].container,
                    names[count - 1].object);
        mc_demo_say(&demo->log, "  %s", line);
    }
    mc_demo_promise(
        &demo->log, true, 0,
        "%zu names, five clusters: RING.LOOKUP in each Redis answers as mcos "
        "lookup does",
        count);
    return true;
}

bool mc_demo_in_redis(struct mc_demo *demo, unsigned number,
                      const struct mc_target *target)
{
    const struct mc_engines *engines = &demo->world.engines;
    char key[MC_NAME_MAX + 16];
    char answer[TEXT_MAX];
    size_t len;
    const char *args[] = {
        engines->redis_cli, "-s", engines->list[MC_ENGINE_REDIS(number)].socket,
        "RING.STAMP",       key,  NULL};

    (void)snprintf(key, sizeof(key), "mcos:ring:%s", target->ring);
    if (!mc_process_ask(args, answer, sizeof(answer), CLI_MS))
        return false;
    answer[strcspn(answer, "\n")] = '\0';
    len = strlen(answer);
    return len > strlen(target->digest) &&
           strcmp(answer + len - strlen(target->digest), target->digest) == 0;
}

/* ---- memcached ---- */

/* Asked by the record's own system; what the cache gives was checked against its
 * digest, or it would be a miss. */
static bool same_in_cache(const char *socket, const struct mc_ring *ring)
{
    struct mc_memcached_config config = {0};
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_bytes served = mc_blob_get(mc_ring_blob(ring));
    struct mc_cache *cache = NULL;
    struct mc_ring *there = NULL;
    bool same = false;

    (void)snprintf(config.address.path, sizeof(config.address.path), "%s", socket);
    memcpy(config.system, head->system, MC_UID_BYTES);
    if (mc_memcached_open(&config, &cache) != 0)
        return false;
    if (cache->ops->get(cache, &head->name, &there) == 0) {
        struct mc_bytes cached = mc_blob_get(mc_ring_blob(there));

        same =
            cached.len == served.len && memcmp(cached.ptr, served.ptr, cached.len) == 0;
        mc_ring_unref(there);
    }
    cache->ops->close(cache);
    return same;
}

bool mc_demo_in_cache(struct mc_demo *demo, unsigned number,
                      const struct mc_target *target)
{
    struct mc_api *api = &mc_demo_site(demo, number)->api;
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    char digest[2 * MC_DIGEST_BYTES + 1] = "";
    bool same;

    if (mc_api_get(api, NULL, "/v1/rings/%s/file", target->ring) < 0)
        return false;
    if (mc_blob_new((struct mc_bytes){api->response.body.ptr, api->response.body.len},
                    &blob) == 0)
        (void)mc_ring_open(blob, MC_CHECK_SHA256, &ring, NULL);
    mc_blob_unref(blob);
    if (ring == NULL)
        return false;
    mc_hex(digest, mc_ring_head(ring)->digest, MC_DIGEST_BYTES);
    same =
        strcmp(digest, target->digest) == 0 &&
        same_in_cache(demo->world.engines.list[MC_ENGINE_CACHE(number)].socket, ring);
    mc_ring_unref(ring);
    return same;
}
