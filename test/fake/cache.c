/* SPDX-License-Identifier: Apache-2.0 */
/* test/fake/cache.c -- see cache.h. */
#include "fake/cache.h"

#include "sync/stamp.h"

#include <stdlib.h>
#include <string.h>

struct fake_cache {
    struct mc_cache cache; /* first */
    struct fake_shelf *shelf;
    uint8_t system;
    const char *trouble;
};

struct fake_item *fake_shelf_find(struct fake_shelf *shelf, uint8_t system,
                                  const char *name)
{
    for (size_t i = 0; i < FAKE_SHELF_MAX; i++) {
        struct fake_item *item = &shelf->items[i];

        if (item->ring != NULL && item->system == system &&
            strcmp(mc_ring_head(item->ring)->name.s, name) == 0)
            return item;
    }
    return NULL;
}

void fake_shelf_empty(struct fake_shelf *shelf)
{
    for (size_t i = 0; i < FAKE_SHELF_MAX; i++) {
        mc_ring_unref(shelf->items[i].ring);
        shelf->items[i] = (struct fake_item){0};
    }
}

static int say(struct fake_cache *c, int err)
{
    c->trouble = err == 0 ? "" : mcos_err_text(err);
    return err;
}

/* -1, 0, 1: what is there is older (or nothing), the same, newer. */
static int compare(const struct fake_item *item, const struct mc_ring *ring)
{
    struct mc_stamp ours = mc_stamp_of(mc_ring_head(ring));
    struct mc_stamp there;

    if (item == NULL || (item->spoilt == MCOS_E_FORMAT))
        return -1;
    there = mc_stamp_of(mc_ring_head(item->ring));
    return mc_stamp_cmp(&there, &ours);
}

static int put(struct mc_cache *cache, const struct mc_ring *ring,
               enum mc_cache_put *ret_put)
{
    struct fake_cache *c = (struct fake_cache *)cache;
    struct fake_shelf *shelf = c->shelf;
    const char *name = mc_ring_head(ring)->name.s;
    void (*between)(void *ctx) = shelf->between;
    struct fake_item *item;
    struct mc_blob *blob = mc_ring_blob(ring);
    struct mc_ring *copy = NULL;
    int order;
    int err;

    shelf->puts++;
    if (shelf->down)
        return say(c, MCOS_E_AWAY);
    if (shelf->refuses != 0)
        return say(c, shelf->refuses);
    shelf->between = NULL;
    if (between != NULL)
        between(shelf->between_ctx);
    item = fake_shelf_find(shelf, c->system, name);
    order = compare(item, ring);
    if (order > 0 ||
        (order == 0 && (item->spoilt == 0 || item->spoilt == MCOS_E_UPGRADE))) {
        *ret_put = order > 0 ? MC_CACHE_NEWER : MC_CACHE_HELD;
        return say(c, 0);
    }
    if (shelf->filling) {
        *ret_put = MC_CACHE_BUSY;
        return say(c, 0);
    }
    err = mc_ring_open(blob, MC_CHECK_NONE, &copy, NULL);
    if (err != 0)
        return say(c, err);
    for (size_t i = 0; item == NULL && i < FAKE_SHELF_MAX; i++) {
        if (shelf->items[i].ring == NULL)
            item = &shelf->items[i];
    }
    if (item == NULL) {
        mc_ring_unref(copy);
        return say(c, MCOS_E_FULL);
    }
    mc_ring_unref(item->ring);
    *item = (struct fake_item){.system = c->system, .ring = copy};
    *ret_put = MC_CACHE_FILLED;
    return say(c, 0);
}

static int get(struct mc_cache *cache, const struct mc_name *name,
               struct mc_ring **ret_ring)
{
    struct fake_cache *c = (struct fake_cache *)cache;
    struct fake_item *item = fake_shelf_find(c->shelf, c->system, name->s);

    if (c->shelf->down)
        return say(c, MCOS_E_AWAY);
    if (item == NULL)
        return say(c, MCOS_E_NOTFOUND);
    if (item->spoilt != 0)
        return say(c, item->spoilt);
    *ret_ring = mc_ring_ref(item->ring);
    return say(c, 0);
}

static int ping(struct mc_cache *cache)
{
    struct fake_cache *c = (struct fake_cache *)cache;

    c->shelf->pings++;
    return say(c, c->shelf->down ? MCOS_E_AWAY : 0);
}

static const char *trouble(const struct mc_cache *cache)
{
    return ((const struct fake_cache *)cache)->trouble;
}

static void close_it(struct mc_cache *cache)
{
    free(cache);
}

static const struct mc_cache_ops ops = {
    .put = put, .get = get, .ping = ping, .trouble = trouble, .close = close_it};

struct mc_cache *fake_cache_new(struct fake_shelf *shelf, uint8_t system)
{
    struct fake_cache *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->cache.ops = &ops;
    c->shelf = shelf;
    c->system = system;
    c->trouble = "";
    return &c->cache;
}
