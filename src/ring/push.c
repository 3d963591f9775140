/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/push.c -- a blocking flow over the levels of a search.
 *
 * Depth first from each device with too much in turn, only to devices one level
 * deeper; one that leads nowhere is struck out, and no place is looked at again
 * after it led nowhere, so a round costs one look at each place.
 */
#include "ring/flow.h"

#include <assert.h>
#include <stdlib.h>

#define AHEAD 8u  /* untouched places fetched before they are looked at */
#define TURN  32u /* paths from one source before the next has its turn */

enum { PHASE_MOVED, PHASE_CLEAN, PHASE_SPECIAL, PHASE_END };

struct hop {
    uint32_t from;
    uint32_t place;
    uint32_t to;
};

struct push {
    struct mc_flow *f;
    uint32_t target;
    struct hop *path;
    uint32_t hops;
};

static size_t key(const struct mc_flow *f, uint32_t level, uint32_t price)
{
    return (size_t)(level - 1) * (f->price_max + 1u) + price;
}

/* Still a device of that level that may lead somewhere. */
static bool is_open(const struct push *push, uint32_t leaf)
{
    const struct mc_flow *f = push->f;
    const struct mc_leafset *set;

    if (f->level[leaf] == 0 || f->level[leaf] > push->target)
        return false;
    set = mc_flow_set(f, key(f, f->level[leaf], f->price[leaf]));
    return set != NULL && mc_leafset_has(set, leaf);
}

static void strike(const struct push *push, uint32_t leaf)
{
    const struct mc_flow *f = push->f;

    mc_leafset_remove(mc_flow_set(f, key(f, f->level[leaf], f->price[leaf])), leaf);
}

/* A device one level deeper that may have the place of u, or MC_DEVICE_NONE. */
static uint32_t look(const struct push *push, uint32_t u, uint32_t place, bool was)
{
    struct mc_flow *f = push->f;
    const struct mc_plan *plan = f->plan;
    uint32_t part = mc_flow_part(f, place);
    unsigned skip = place - part * plan->stride;
    const uint32_t *row = f->table + (size_t)part * plan->stride;
    const struct mc_leafset *set = NULL;
    uint32_t wanted = f->price[u] - was; /* not used when it would be below 0 */
    struct mc_span spans[MC_SPANS_MAX];

    if (f->price[u] >= was && wanted <= f->price_max &&
        (!was || f->may_lose == NULL || f->lost[part] < f->may_lose[part]))
        set = mc_flow_set(f, key(f, f->level[u] + 1, wanted));
    if (set != NULL) {
        unsigned n = mc_row_closed(plan, row, skip, spans);
        uint32_t e = mc_row_find(set, spans, n, mc_flow_random(f, f->vacant));

        if (e != MC_DEVICE_NONE)
            return e;
    }
    for (unsigned i = 0; f->lost[part] != 0 && i < f->old->stride; i++) {
        uint32_t h = f->old->table[(size_t)part * f->old->stride + i];

        if (h < f->vacant && f->level[h] == f->level[u] + 1 &&
            f->price[h] == wanted + 1 && is_open(push, h) &&
            mc_row_fits(plan, row, skip, h))
            return h;
    }
    return MC_DEVICE_NONE;
}

/* The place under the cursor; false at the end of its phase. */
static bool at_cursor(const struct mc_flow *f, uint32_t u, const struct mc_cursor *c,
                      uint32_t *ret_place)
{
    if (c->phase != PHASE_CLEAN) {
        if (c->index >= f->lists[u].count)
            return false;
        *ret_place = f->lists[u].at[c->index];
        return true;
    }
    if (u == f->vacant || f->clean == NULL ||
        c->index >= f->clean_first[u + 1] - f->clean_first[u])
        return false;
    *ret_place = f->clean[f->clean_first[u] + c->stride_at];
    return true;
}

static void advance(const struct mc_flow *f, uint32_t u, struct mc_cursor *c)
{
    uint32_t len;
    uint32_t ahead;
    uint32_t part;

    c->index++;
    if (c->phase != PHASE_CLEAN)
        return;
    len = f->clean_first[u + 1] - f->clean_first[u];
    c->stride_at += f->clean_step[u];
    c->stride_at -= c->stride_at >= len ? len : 0;
    c->ahead_at += f->clean_step[u];
    c->ahead_at -= c->ahead_at >= len ? len : 0;
    c->far_at += f->clean_step[u];
    c->far_at -= c->far_at >= len ? len : 0;
    /* Scattered over a table that is larger than the caches: fetch in time. */
    __builtin_prefetch(&f->clean[f->clean_first[u] + c->far_at]);
    ahead = f->clean[f->clean_first[u] + c->ahead_at];
    part = mc_flow_part(f, ahead);
    __builtin_prefetch(&f->table[ahead]);
    __builtin_prefetch(&f->special[ahead / 64]);
    __builtin_prefetch(&f->lost[part]);
    __builtin_prefetch(&f->old->table[(size_t)part * f->old->stride]);
}

static void begin_at(struct mc_flow *f, uint32_t u, struct mc_cursor *c)
{
    uint32_t len = 0;

    *c = (struct mc_cursor){0};
    if (u != f->vacant && f->clean != NULL)
        len = f->clean_first[u + 1] - f->clean_first[u];
    if (len == 0)
        return;
    /* From anywhere: where few move, it would be the first rows again and again. */
    c->stride_at = mc_flow_random(f, len);
    c->ahead_at = (uint32_t)((c->stride_at + AHEAD * (uint64_t)f->clean_step[u]) % len);
    c->far_at =
        (uint32_t)((c->stride_at + 2 * AHEAD * (uint64_t)f->clean_step[u]) % len);
}

/* The next hop from u, its cursor left on it; false when there is none left. */
static bool next_hop(struct push *push, uint32_t u, struct hop *ret_hop)
{
    struct mc_flow *f = push->f;
    struct mc_cursor *c = &f->cursors[u];

    for (; c->phase < PHASE_END; c->phase++, c->index = 0) {
        uint32_t place;

        /* An untouched place is worth 1 to its device: price first. */
        if (c->phase == PHASE_CLEAN &&
            (f->price[u] == 0 ||
             mc_flow_set(f, key(f, f->level[u] + 1, f->price[u] - 1)) == NULL))
            continue;
        for (; at_cursor(f, u, c, &place); advance(f, u, c)) {
            bool clean = (f->special[place / 64] >> place % 64 & 1) == 0;
            bool was = true;
            uint32_t e;

            if (f->table[place] != u || clean != (c->phase == PHASE_CLEAN))
                continue;
            if (!clean) {
                was = u != f->vacant && mc_flow_was(f, mc_flow_part(f, place), u);
                if (was != (c->phase == PHASE_SPECIAL))
                    continue;
            }
            e = look(push, u, place, was);
            if (e != MC_DEVICE_NONE) {
                *ret_hop = (struct hop){u, place, e};
                return true;
            }
        }
    }
    return false;
}

/* True if every row that the path uses twice is still a good one. */
static bool rows_ok(const struct push *push)
{
    const struct mc_flow *f = push->f;
    unsigned stride = f->plan->stride;

    for (uint32_t i = 1; i < push->hops; i++) {
        uint32_t part = push->path[i].place / stride;
        uint32_t j = 0;
        int lost = f->lost[part];

        while (j < i && push->path[j].place / stride != part)
            j++;
        if (j == i)
            continue;
        if (!mc_row_ok(f->plan, f->table + (size_t)part * stride))
            return false;
        if (f->may_lose == NULL)
            continue;
        for (j = 0; j < push->hops; j++) {
            const struct hop *h = &push->path[j];

            if (h->place / stride != part)
                continue;
            lost += h->from != f->vacant && mc_flow_was(f, part, h->from);
            lost -= mc_flow_was(f, part, h->to);
        }
        if (lost > f->may_lose[part])
            return false;
    }
    return true;
}

/* Carries the path out; false, and nothing done, if a row does not bear it. */
static bool apply(struct push *push)
{
    struct mc_flow *f = push->f;
    uint32_t source = push->path[0].from;
    uint32_t sink = push->path[push->hops - 1].to;

    for (uint32_t i = 0; i < push->hops; i++)
        f->table[push->path[i].place] = push->path[i].to;
    if (!rows_ok(push)) {
        for (uint32_t i = 0; i < push->hops; i++)
            f->table[push->path[i].place] = push->path[i].from;
        f->undone++;
        return false;
    }
    for (uint32_t i = 0; i < push->hops; i++)
        mc_flow_moved(f, push->path[i].place, push->path[i].from);
    f->excess[source]--;
    if (++f->excess[sink] == 0)
        strike(push, sink);
    return true;
}

/* One path from a source; false when none is left. */
static bool one_path(struct push *push, uint32_t source)
{
    struct mc_flow *f = push->f;
    uint32_t u = source;

    push->hops = 0;
    for (;;) {
        struct hop *hop = &push->path[push->hops];

        if (!next_hop(push, u, hop)) {
            if (push->hops == 0)
                return false;
            strike(push, u);
            u = push->path[--push->hops].from;
            continue;
        }
        u = hop->to;
        push->hops++;
        if (f->level[u] < push->target)
            continue;
        assert(f->excess[u] < 0);
        if (apply(push))
            return true;
        u = push->path[--push->hops].from;
        advance(f, u, &f->cursors[u]);
    }
}

uint64_t mc_flow_push(struct mc_flow *f, uint32_t target)
{
    struct push push = {.f = f, .target = target};
    uint64_t paths = 0;
    uint32_t sources = 0;

    push.path = calloc(target, sizeof(*push.path));
    if (push.path == NULL)
        f->err = MCOS_E_NOMEM;
    if (push.path == NULL ||
        mc_flow_sets_reset(f, (size_t)target * (f->price_max + 1u)) < 0)
        goto out;
    for (uint32_t i = 0; i < f->reached; i++) {
        uint32_t u = f->queue[i];

        begin_at(f, u, &f->cursors[u]);
        if (f->level[u] == 0)
            f->queue[sources++] = u;
        else if (f->level[u] < target || (f->level[u] == target && f->excess[u] < 0))
            (void)mc_flow_set_add(f, key(f, f->level[u], f->price[u]), u);
    }
    while (sources > 0 && f->err == 0) {
        uint32_t still = 0;

        for (uint32_t i = 0; i < sources && f->err == 0; i++) {
            uint32_t u = f->queue[i];
            bool more = true;

            for (unsigned t = 0; t < TURN && f->excess[u] > 0 && more && f->err == 0;
                 t++) {
                more = one_path(&push, u);
                paths += more;
                f->pushed += more;
            }
            mc_flow_tell(f, f->plan->part_count);
            if (f->excess[u] > 0 && more)
                f->queue[still++] = u;
        }
        sources = still;
    }
out:
    free(push.path);
    return paths;
}
