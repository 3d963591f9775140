/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files with a registry in Redis beside them keep the promises of the port, and
 * the registry ends up holding what the files hold. Run by test/live, which
 * starts the server: its address is in MCOS_REDIS_URL, and its data is wiped.
 */
#include "adapter/file/store.h"
#include "adapter/os/clock.h"
#include "adapter/redis/registry.h"
#include "adapter/redis/store.h"
#include "contract/contract_store.h"
#include "contract/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP 4u

/* The file store's get() reads back from the medium: nobody who merges waits for it. */
static const struct mc_store_ops *file_ops;
static const struct mc_store_ops *redis_ops;
static unsigned gets;

static int counted_get(struct mc_store *store, const struct mc_name *name,
                       struct mc_ring **ret_ring)
{
    gets++;
    return file_ops->get(store, name, ret_ring);
}

static int checked_merge(struct mc_store *store, struct mc_ring *ring,
                         struct mc_merge *ret_merge)
{
    unsigned before = gets;
    int err = redis_ops->merge(store, ring, ret_merge);

    if (err == 0 && gets != before) {
        (void)fprintf(stderr, "# a merge read the files back %u times\n",
                      gets - before);
        abort();
    }
    return err;
}

/* Counts what the Redis store asks of the one below it. */
static void count_gets(struct mc_store *inner)
{
    static struct mc_store_ops ops;

    file_ops = inner->ops;
    ops = *file_ops;
    ops.get = counted_get;
    inner->ops = &ops;
}

static void check_merges(struct mc_store *store)
{
    static struct mc_store_ops ops;

    redis_ops = store->ops;
    ops = *redis_ops;
    ops.merge = checked_merge;
    store->ops = &ops;
}

struct redis_world {
    struct contract_store_world world; /* first */
    char data[SCRATCH_MAX];
    const char *url;
};

static int open_it(struct redis_world *w)
{
    struct mc_file_store_config files = {
        .data = w->data, .keep_versions = KEEP, .verify = true};
    struct mc_redis_store_config config = {.url = w->url, .clock = mc_os_clock()};
    struct mcos_diag diag = {.offset = -1};
    int err = mc_file_store_open(&files, &config.inner, &diag);

    if (err == 0) {
        count_gets(config.inner);
        err = mc_redis_store_open(&config, &w->world.store, &diag);
    }
    if (err != 0)
        (void)fprintf(stderr, "# %s\n", diag.text);
    else
        check_merges(w->world.store);
    if (err == 0 && !mc_redis_store_status(w->world.store).up) {
        (void)fprintf(stderr, "# %s\n", mc_redis_store_status(w->world.store).why);
        return MCOS_E_AWAY;
    }
    return err;
}

static int wipe(const struct redis_world *w)
{
    static const char command[] = "FLUSHALL";
    const struct mc_bytes args[] = {{(const uint8_t *)command, sizeof(command) - 1}};
    struct mc_redis_url url;
    struct mc_redis_link *link = NULL;
    struct redisReply *reply = NULL;
    int err = mc_redis_url_parse(w->url, &url, NULL);

    if (err == 0)
        err = mc_redis_link_open(&url, MC_REDIS_DEADLINE_MS, &link, NULL);
    if (err == 0)
        err = mc_redis_link_call(link, args, 1, 0, &reply, NULL);
    mc_redis_reply_free(reply);
    mc_redis_link_close(link);
    return err;
}

static int fresh(struct contract_store_world *world)
{
    struct redis_world *w = (struct redis_world *)world;

    return wipe(w) == 0 && scratch_make(w->data) ? open_it(w) : -1;
}

static int reopen(struct contract_store_world *world)
{
    world->store->ops->close(world->store);
    world->store = NULL;
    return open_it((struct redis_world *)world);
}

/* What the files hold the registry must hold, or the case has failed unseen. */
static void check_registry(const struct redis_world *w)
{
    struct mc_redis_url url;
    struct mc_redis_link *link = NULL;
    struct mc_name *names = NULL;
    size_t count = 0;

    if (mc_redis_url_parse(w->url, &url, NULL) != 0 ||
        mc_redis_link_open(&url, MC_REDIS_DEADLINE_MS, &link, NULL) != 0)
        abort();
    if (w->world.store->ops->list(w->world.store, &names, &count) != 0)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        struct mc_ring *here = NULL;
        struct mc_ring *there = NULL;
        struct mc_stamp a;
        struct mc_stamp b;

        if (w->world.store->ops->get(w->world.store, &names[i], &here) != 0)
            continue;
        if (mc_redis_registry_pull(link, &names[i], &there, NULL) != 0)
            abort();
        a = mc_stamp_of(mc_ring_head(here));
        b = mc_stamp_of(mc_ring_head(there));
        if (mc_stamp_cmp(&a, &b) != 0)
            abort();
        mc_ring_unref(here);
        mc_ring_unref(there);
    }
    free(names);
    mc_redis_link_close(link);
}

static void close_it(struct contract_store_world *world)
{
    struct redis_world *w = (struct redis_world *)world;

    if (world->store != NULL) {
        check_registry(w);
        world->store->ops->close(world->store);
    }
    world->store = NULL;
    scratch_remove(w->data);
}

/* Folders where files would be made aside; a link where losers would be kept. */
static void break_writes(struct contract_store_world *world, bool on)
{
    static const char *const asides[] = {"rings/.tmp.r.ring", "rings/.tmp.s.ring"};
    char path[SCRATCH_MAX + 64];
    struct redis_world *w = (struct redis_world *)world;

    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", w->data, asides[i]);
        (void)(on ? mkdir(path, 0700) : rmdir(path));
    }
    (void)snprintf(path, sizeof(path), "%s/conflicts", w->data);
    if (on)
        (void)symlink("/nowhere", path);
    else
        (void)unlink(path);
}

static void wipe_files(struct contract_store_world *world)
{
    char path[SCRATCH_MAX + 8];

    (void)snprintf(path, sizeof(path), "%s/rings", ((struct redis_world *)world)->data);
    scratch_remove(path);
}

int main(void)
{
    struct redis_world w = {.world = {.name = "files and Redis",
                                      .keeps = KEEP,
                                      .looks = true,
                                      .fresh = fresh,
                                      .reopen = reopen,
                                      .close = close_it,
                                      .break_writes = break_writes,
                                      .wipe = wipe_files},
                            .url = getenv("MCOS_REDIS_URL")};

    if (w.url == NULL) {
        (void)fprintf(stderr, "MCOS_REDIS_URL is not set\n");
        return 2;
    }
    return contract_store_run(&w.world);
}
