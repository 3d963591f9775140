/* SPDX-License-Identifier: Apache-2.0 */
/* Large rings, and what becomes of them. */
#include "big_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGIONS 3u
#define ZONES   4u

const char *const big_names[BIG_CHANGES] = {
    "nothing",  "+5 % devices", "-5 % devices", "5 % drained",   "- zone",  "+ zone",
    "- region", "+ region",     "reweight 1/7", "+0.4 replicas", "overload"};

static const char *text(const char *form, unsigned a, unsigned b)
{
    static char texts[4096][8]; /* one for each form and number */
    unsigned slot = ((unsigned)form[0] * 131u + a * 17u + b) % 4096u;

    for (;; slot = (slot + 1) % 4096u) {
        char s[8];

        (void)snprintf(s, sizeof(s), "%c%u-%u", form[0], a % 100, b % 100);
        if (texts[slot][0] == 0)
            memcpy(texts[slot], s, sizeof(s));
        if (strcmp(texts[slot], s) == 0)
            return texts[slot];
    }
}

static struct mc_device make_device(uint32_t i, bool skewed)
{
    static const uint64_t sizes[] = {1000, 2000, 4000};
    static const uint64_t skew[] = {1070, 950, 980};
    unsigned region = i % REGIONS;
    unsigned zone = i / REGIONS % ZONES;

    return (struct mc_device){
        .region = text("r", region, 0),
        .zone = text("z", region, zone),
        .host = text("h", i / (REGIONS * ZONES) / 8, 0),
        .weight =
            sizes[i / (REGIONS * ZONES) % 3] * (skewed ? skew[region] : 1000) * 1000,
    };
}

struct big_world big_first(unsigned power, uint32_t count, bool skewed)
{
    struct big_world w = {.power = power,
                          .replicas = 3000000,
                          .devices = calloc(count, sizeof(*w.devices)),
                          .count = count,
                          .made = count};

    for (uint32_t i = 0; i < count; i++)
        w.devices[i] = make_device(i, skewed);
    return w;
}

static bool goes(const struct big_world *w, uint32_t i, enum big_change change)
{
    const struct mc_device *d = &w->devices[i];
    const struct mc_device *first = &w->devices[0];

    return (change == BIG_FEWER && i % 20 == 0) ||
           (change == BIG_LESS_ZONE && strcmp(d->zone, first->zone) == 0) ||
           (change == BIG_LESS_REGION && strcmp(d->region, first->region) == 0);
}

struct big_world big_next(const struct big_world *old, enum big_change change)
{
    uint32_t more = change == BIG_MORE          ? old->count / 20
                    : change == BIG_MORE_ZONE   ? old->count / 12
                    : change == BIG_MORE_REGION ? old->count / 4
                                                : 0;
    struct big_world w = *old;

    w.devices = calloc(old->count + more, sizeof(*w.devices));
    w.was = calloc(old->count + more, sizeof(*w.was));
    w.count = 0;
    for (uint32_t i = 0; i < old->count; i++) {
        struct mc_device d = old->devices[i];

        if (goes(old, i, change))
            continue;
        if (change == BIG_WEIGHTS && i % 7 == 0)
            d.weight += d.weight / 4;
        if (change == BIG_DRAIN && i % 20 == 0)
            d.weight = 0;
        w.was[w.count] = i;
        w.devices[w.count++] = d;
    }
    for (uint32_t i = 0; i < more; i++) {
        struct mc_device d = make_device(w.made, true);

        if (change == BIG_MORE_ZONE)
            d.zone = text("y", w.made / 100, i % 2);
        if (change == BIG_MORE_REGION)
            d.region = text("q", old->count % 100, 0);
        w.was[w.count] = UINT32_MAX;
        w.devices[w.count++] = d;
        w.made++;
    }
    if (change == BIG_REPLICAS)
        w.replicas = w.replicas % 1000000 == 0 ? w.replicas + 400000 : 3000000;
    if (change == BIG_OVERLOAD)
        w.overload = w.overload == 0 ? 100000 : 0;
    return w;
}

void big_fini(struct big_world *w)
{
    free(w->devices);
    free(w->was);
}

static void start(struct big_ring *r, const uint32_t *held)
{
    uint32_t parts = 1u << r->world.power;
    struct mc_plan_input in = {.devices = r->world.devices,
                               .device_count = r->world.count,
                               .part_power = r->world.power,
                               .assignments = parts * r->world.replicas / 1000000,
                               .overload = r->world.overload,
                               .strict = r->world.strict,
                               .held = held};

    if (mc_plan_init(&r->plan, &in) < 0)
        abort();
    r->table = malloc((size_t)parts * r->plan.stride * sizeof(*r->table));
    r->price = calloc(r->plan.tree.leaf_count, sizeof(*r->price));
    r->tight = calloc(r->plan.tree.leaf_count, sizeof(*r->tight));
}

struct big_ring big_build(struct big_world take_world, uint64_t seed)
{
    struct big_ring r = {.world = take_world};

    start(&r, NULL);
    if (mc_plan_first(&r.plan, seed, r.table) < 0)
        abort();
    return r;
}

struct big_ring big_rebalance(const struct big_ring *old, enum big_change change,
                              bool gentle, uint64_t seed)
{
    size_t places = (size_t)old->plan.part_count * old->plan.stride;
    struct big_ring r = {.world = big_next(&old->world, change),
                         .before_stride = old->plan.stride};
    uint32_t *leaf = malloc(old->world.count * sizeof(*leaf)); /* old -> new */
    uint32_t *held = calloc(r.world.count, sizeof(*held));
    struct mc_plan_old was;

    for (uint32_t i = 0; i < r.world.count; i++) {
        if (r.world.was[i] != UINT32_MAX)
            held[i] = old->plan.quota[old->plan.tree.leaf_of[r.world.was[i]]];
    }
    start(&r, held);
    memset(leaf, 0xff, old->world.count * sizeof(*leaf));
    for (uint32_t i = 0; i < r.world.count; i++) {
        if (r.world.was[i] != UINT32_MAX)
            leaf[old->plan.tree.leaf_of[r.world.was[i]]] = r.plan.tree.leaf_of[i];
    }
    r.before = malloc(places * sizeof(*r.before));
    for (size_t i = 0; i < places; i++)
        r.before[i] =
            old->table[i] == MC_DEVICE_NONE ? MC_DEVICE_NONE : leaf[old->table[i]];
    was = (struct mc_plan_old){.table = r.before,
                               .stride = r.before_stride,
                               .gentle = gentle,
                               .price = r.price,
                               .tight = r.tight};
    if (mc_plan_rebalance(&r.plan, &was, seed, r.table, &r.moves) < 0)
        abort();
    free(leaf);
    free(held);
    return r;
}

void big_ring_fini(struct big_ring *r)
{
    big_fini(&r->world);
    mc_plan_fini(&r->plan);
    free(r->before);
    free(r->table);
    free(r->price);
    free(r->tight);
}
