/* SPDX-License-Identifier: Apache-2.0 */
/* The cache in memory keeps the same promises, so that tests may stand on it. */
#include "contract/contract_cache.h"
#include "fake/cache.h"

#include <string.h>

struct fake_world {
    struct contract_cache_world world; /* first */
    struct fake_shelf shelf;
};

static int fresh(struct contract_cache_world *world)
{
    struct fake_world *w = (struct fake_world *)world;

    memset(&w->shelf, 0, sizeof(w->shelf));
    world->one = fake_cache_new(&w->shelf, 1);
    world->two = fake_cache_new(&w->shelf, 1);
    world->other = fake_cache_new(&w->shelf, 2);
    return world->one == NULL || world->two == NULL || world->other == NULL ? -1 : 0;
}

static void close_it(struct contract_cache_world *world)
{
    fake_shelf_empty(&((struct fake_world *)world)->shelf);
    world->one->ops->close(world->one);
    world->two->ops->close(world->two);
    world->other->ops->close(world->other);
}

static void harm(struct contract_cache_world *world, const struct mc_ring *ring,
                 enum contract_cache_harm what, const struct mc_ring *other)
{
    struct fake_world *w = (struct fake_world *)world;
    struct fake_item *item = fake_shelf_find(&w->shelf, 1, mc_ring_head(ring)->name.s);

    (void)other;
    switch (what) {
    case HARM_MANIFEST_GONE:
        mc_ring_unref(item->ring);
        *item = (struct fake_item){0};
        break;
    case HARM_MANIFEST_FOREIGN:
    case HARM_MANIFEST_LARGE:
    case HARM_MANIFEST_OTHER:
        item->spoilt = MCOS_E_FORMAT;
        break;
    case HARM_MANIFEST_LATER:
        item->spoilt = MCOS_E_UPGRADE;
        break;
    case HARM_PIECE_GONE:
        item->spoilt = MCOS_E_NOTFOUND;
        break;
    case HARM_MANIFEST_BIT:
    case HARM_PIECE_FOREIGN:
    case HARM_PIECE_SHORT:
    case HARM_PIECE_LONG:
    case HARM_PIECE_BIT:
    case HARM_PIECE_MIXED:
        item->spoilt = MCOS_E_DIGEST;
        break;
    }
}

static void down(struct contract_cache_world *world, bool on)
{
    struct fake_world *w = (struct fake_world *)world;

    w->shelf.down = on;
    if (!on)
        fake_shelf_empty(&w->shelf);
}

static void hang(struct contract_cache_world *world, bool on)
{
    ((struct fake_world *)world)->shelf.down = on;
}

static void interrupt(struct contract_cache_world *world, void (*between)(void *ctx),
                      void *ctx)
{
    struct fake_world *w = (struct fake_world *)world;

    w->shelf.between = between;
    w->shelf.between_ctx = ctx;
}

int main(void)
{
    struct fake_world w = {.world = {.name = "cache in memory",
                                     .fresh = fresh,
                                     .close = close_it,
                                     .harm = harm,
                                     .down = down,
                                     .hang = hang,
                                     .interrupt = interrupt,
                                     .call_ms = 100}};

    return contract_cache_run(&w.world);
}
