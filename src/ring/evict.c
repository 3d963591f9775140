/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/evict.c -- what a gentle rebalance held back, tried again by taking moves back.
 *
 * Where a row may lose one replica only, two of its places may have to change at
 * once: a replica moves, and the one that had moved goes home. The one that went
 * home is then too many on its device, and is pushed by another row, which may take
 * a move back in its turn: a chain that ends where a row is free, or is undone as a
 * whole. Each row takes a move back once in a chain.
 *
 * Paths are looked for by the fewest moves taken back (one at most), then by cost:
 * labels are corrected hop by hop, for a path may also gain.
 */
#include "ring/flow.h"

#include <stdlib.h>
#include <string.h>

#define HOPS_MAX    8u              /* of a path */
#define CHAIN_MAX   24u             /* paths one after another */
#define TRIES_MAX   24u             /* chains that lead nowhere, one after another */
#define FEWER_TRIES 3u              /* rounds through all rows */
#define TAKE_BACK   (4u * HOPS_MAX) /* one move taken back outweighs all costs */
#define WEIGHT_0    HOPS_MAX /* of a path that costs nothing: weights are positive */
#define WEIGHTS     (2u * TAKE_BACK + 1u)
#define FAR         (WEIGHTS - 1u)
/* Work for either aim, in places passed by; a place that is looked at counts as
 * LOOK_WORK. A tenth of a second or so. */
#define WORK_MAX  (1ull << 23)
#define LOOK_WORK 16u

struct hop {
    uint32_t place;
    uint32_t from;
    uint32_t to;
};

struct evict {
    struct mc_flow *f;
    uint32_t *weight; /* of each leaf: the least so far; FAR: not reached */
    uint32_t *at;     /* of each leaf, by level: the weight it was reached with */
    struct hop *hop;  /* and the last hop */
    uint32_t *chain;  /* of each row: the chain in which it took a move back */
    uint32_t chains;
    struct hop *done; /* what to undo */
    uint32_t done_count;
    uint32_t done_cap;
    uint64_t work;
    uint64_t work_most;
    int64_t moved; /* moves more than at first */
    bool fewer;    /* fewer moves are wanted: none may be lost by taking one back */
};

static uint64_t held_back(const struct mc_flow *f)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < f->vacant; i++)
        n += f->excess[i] > 0 ? (uint64_t)f->excess[i] : 0;
    return n;
}

/* ---- changes, and undoing them ---- */

static void put(struct evict *e, uint32_t place, uint32_t to)
{
    struct mc_flow *f = e->f;
    uint32_t part = mc_flow_part(f, place);
    uint32_t from = f->table[place];
    int more = mc_flow_was(f, part, from) - mc_flow_was(f, part, to);

    f->table[place] = to;
    f->lost[part] = (uint8_t)(f->lost[part] + more);
    e->moved += more;
    f->excess[from]--;
    f->excess[to]++;
}

static bool change(struct evict *e, uint32_t place, uint32_t to)
{
    if (e->done_count == e->done_cap) {
        uint32_t cap = e->done_cap != 0 ? 2 * e->done_cap : 64;
        struct hop *done = realloc(e->done, cap * sizeof(*done));

        if (done == NULL) {
            e->f->err = MCOS_E_NOMEM;
            return false;
        }
        e->done = done;
        e->done_cap = cap;
    }
    e->done[e->done_count++] = (struct hop){place, e->f->table[place], to};
    put(e, place, to);
    return true;
}

static void undo(struct evict *e)
{
    while (e->done_count > 0) {
        const struct hop *h = &e->done[--e->done_count];

        put(e, h->place, h->from);
    }
}

/* ---- a path ---- */

/* The move of a row, if it made just one that may be taken back: its place, and the
 * leaf that goes home. */
static bool one_move(const struct mc_flow *f, uint32_t part, unsigned *ret_slot,
                     uint32_t *ret_home)
{
    const uint32_t *row = f->table + (size_t)part * f->plan->stride;
    const uint32_t *old = f->old->table + (size_t)part * f->old->stride;
    unsigned width = mc_plan_row(f->plan, part);
    unsigned news = 0;
    uint32_t home = MC_DEVICE_NONE;

    for (unsigned i = 0; i < width; i++) {
        if (mc_flow_was(f, part, row[i]))
            continue;
        *ret_slot = i;
        news++;
    }
    for (unsigned i = 0; i < f->old->stride; i++) {
        bool here = old[i] >= f->vacant || f->plan->quota[old[i]] == 0;

        for (unsigned j = 0; j < width && !here; j++)
            here = row[j] == old[i];
        if (!here)
            home = old[i];
    }
    *ret_home = home;
    return news == 1 && home != MC_DEVICE_NONE;
}

static void reach(struct evict *e, uint32_t level, uint32_t weight, struct hop hop)
{
    struct mc_flow *f = e->f;
    size_t i = (size_t)level * f->vacant + hop.to;

    mc_leafset_remove(mc_flow_set(f, e->weight[hop.to]), hop.to);
    e->weight[hop.to] = weight;
    (void)mc_flow_set_add(f, weight, hop.to);
    e->at[i] = weight;
    e->hop[i] = hop;
}

/* All that may join the row, reached with more than this weight so far. */
static void reach_open(struct evict *e, uint32_t level, uint32_t weight,
                       const uint32_t *row, uint32_t place)
{
    struct mc_flow *f = e->f;
    struct mc_span spans[MC_SPANS_MAX];
    unsigned n = mc_row_closed(f->plan, row, place % f->plan->stride, spans);

    for (uint32_t w = FAR; w > weight; w--) {
        for (;;) {
            struct mc_leafset *set = mc_flow_set(f, w);
            uint32_t to = MC_DEVICE_NONE;

            if (set != NULL)
                to = mc_row_find(set, spans, n, mc_flow_random(f, f->vacant));
            if (to == MC_DEVICE_NONE)
                break;
            reach(e, level, weight, (struct hop){place, f->table[place], to});
        }
    }
}

static void look(struct evict *e, uint32_t level, uint32_t place, uint32_t weight)
{
    struct mc_flow *f = e->f;
    uint32_t part = mc_flow_part(f, place);
    uint32_t *row = f->table + (size_t)part * f->plan->stride;
    unsigned skip = place - part * f->plan->stride;
    uint32_t u = row[skip];
    bool was = mc_flow_was(f, part, u);

    e->work += LOOK_WORK;
    for (unsigned i = 0; i < f->old->stride && f->lost[part] != 0; i++) {
        uint32_t h = f->old->table[(size_t)part * f->old->stride + i];

        if (h < f->vacant && f->plan->quota[h] != 0 &&
            weight + was - 1 < e->weight[h] && mc_row_fits(f->plan, row, skip, h))
            reach(e, level, weight + was - 1, (struct hop){place, u, h});
    }
    if (!was || f->lost[part] < f->may_lose[part]) {
        reach_open(e, level, weight + was, row, place);
    } else if (f->may_lose[part] != 0 && weight < TAKE_BACK &&
               e->chain[part] != e->chains) {
        unsigned slot = 0;
        uint32_t home = MC_DEVICE_NONE;

        if (one_move(f, part, &slot, &home)) {
            uint32_t away = row[slot];

            row[slot] = home;
            reach_open(e, level, weight + (e->fewer ? 0 : TAKE_BACK), row, place);
            row[slot] = away;
        }
    }
}

/* Labels; the best device with too little and its level, false if there is none. */
static bool search(struct evict *e, uint32_t *ret_level, uint32_t *ret_leaf)
{
    struct mc_flow *f = e->f;
    uint32_t places = f->plan->part_count * f->plan->stride;
    /* The weight to stay below: of a path after which there are still fewer moves. */
    uint32_t best = e->fewer ? (uint32_t)(WEIGHT_0 - e->moved) : FAR;
    uint32_t limit = best;

    if (mc_flow_sets_reset(f, WEIGHTS) < 0)
        return false;
    for (size_t i = 0; i < (size_t)(HOPS_MAX + 1) * f->vacant; i++)
        e->at[i] = FAR;
    for (uint32_t i = 0; i < f->vacant; i++) {
        e->weight[i] = f->excess[i] > 0 ? WEIGHT_0 : FAR;
        e->at[i] = e->weight[i];
        if (f->plan->quota[i] != 0 && mc_flow_set_add(f, e->weight[i], i) < 0)
            return false;
    }
    for (uint32_t level = 1; level <= HOPS_MAX; level++) {
        const uint32_t *from = e->at + (size_t)(level - 1) * f->vacant;
        uint32_t start = mc_flow_random(f, places);
        uint64_t work = e->work;

        for (uint32_t i = 0; i < places; i++) {
            uint32_t place = i + start < places ? i + start : i + start - places;
            uint32_t u = f->table[place];

            if (u < f->vacant && from[u] < best && from[u] == e->weight[u])
                look(e, level, place, from[u]);
        }
        if (e->work == work) /* nothing leads on */
            break;
        e->work += places;
        for (uint32_t i = 0; i < f->vacant; i++) {
            size_t k = (size_t)level * f->vacant + i;

            if (f->excess[i] < 0 && e->at[k] < best) {
                best = e->at[k];
                *ret_level = level;
                *ret_leaf = i;
            }
        }
    }
    return best < limit && f->err == 0;
}

/* The row of a hop after all hops: good, with a move taken back if it made too many. */
static bool settle(struct evict *e, uint32_t part)
{
    struct mc_flow *f = e->f;
    uint32_t first = part * f->plan->stride;
    uint32_t *row = f->table + first;
    unsigned width = mc_plan_row(f->plan, part);

    if (f->lost[part] <= f->may_lose[part])
        return mc_row_ok(f->plan, row);
    if (f->lost[part] > f->may_lose[part] + 1u || e->chain[part] == e->chains)
        return false;
    /* What came first goes home: the last change of this row stays. */
    for (unsigned i = 0; i < width; i++) {
        bool now = false;

        if (mc_flow_was(f, part, row[i]))
            continue;
        for (uint32_t j = e->done_count; j-- > 0 && !now;)
            now = e->done[j].place == first + i;
        for (unsigned k = 0; k < f->old->stride && !now; k++) {
            uint32_t home = f->old->table[(size_t)part * f->old->stride + k];
            uint32_t away = row[i];
            bool good;

            if (home >= f->vacant || f->plan->quota[home] == 0 ||
                !mc_row_fits(f->plan, row, i, home))
                continue;
            row[i] = home;
            good = mc_row_ok(f->plan, row);
            row[i] = away;
            if (!good)
                continue;
            e->chain[part] = e->chains;
            return change(e, first + i, home);
        }
    }
    return false;
}

static bool apply(struct evict *e, uint32_t level, uint32_t leaf)
{
    struct mc_flow *f = e->f;
    uint32_t parts[HOPS_MAX];
    struct hop hops[HOPS_MAX];
    uint32_t n = level;

    for (uint32_t u = leaf; level > 0; level--) {
        const struct hop *h = &e->hop[(size_t)level * f->vacant + u];

        hops[level - 1] = *h;
        u = h->from;
    }
    for (uint32_t i = 0; i < n; i++) {
        parts[i] = mc_flow_part(f, hops[i].place);
        if (f->table[hops[i].place] != hops[i].from ||
            !change(e, hops[i].place, hops[i].to))
            return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!settle(e, parts[i]))
            return false;
    }
    return true;
}

static void begin_chain(struct evict *e)
{
    e->chains++;
    e->done_count = 0;
}

/* One path after another until no more than that is held back; false, and nothing done,
 * if they lead nowhere. */
static bool run_chain(struct evict *e, uint64_t most)
{
    uint32_t level = 0;
    uint32_t leaf = 0;

    for (unsigned i = 0; i < CHAIN_MAX && e->work < e->work_most; i++) {
        if (!search(e, &level, &leaf) || !apply(e, level, leaf))
            break;
        if (held_back(e->f) <= most)
            return true;
    }
    undo(e);
    return false;
}

static void hold_less(struct evict *e)
{
    uint64_t held = held_back(e->f);

    for (unsigned failed = 0; failed < TRIES_MAX && held > e->f->must_hold &&
                              e->f->err == 0 && e->work < e->work_most;
         failed++) {
        begin_chain(e);
        if (run_chain(e, held - 1)) {
            held = held_back(e->f);
            failed = 0;
        }
    }
}

/* Takes a move of the row back, and looks for a way to do without. */
static bool spare_one(struct evict *e, uint32_t part)
{
    struct mc_flow *f = e->f;
    uint32_t first = part * f->plan->stride;
    uint32_t *row = f->table + first;
    uint64_t held = held_back(f);
    unsigned slot = 0;
    uint32_t home = MC_DEVICE_NONE;

    if (f->lost[part] == 0 || !one_move(f, part, &slot, &home) ||
        !mc_row_fits(f->plan, row, slot, home))
        return false;
    begin_chain(e);
    e->moved = 0;
    if (!change(e, first + slot, home))
        return false;
    return held_back(f) <= held || run_chain(e, held);
}

static void move_fewer(struct evict *e)
{
    uint32_t parts = e->f->plan->part_count;
    uint32_t part = mc_flow_random(e->f, parts);

    e->fewer = true;
    for (uint32_t failed = 0;
         failed < FEWER_TRIES * parts && e->f->err == 0 && e->work < e->work_most;
         failed++) {
        if (spare_one(e, part))
            failed = 0;
        part = part + 1 < parts ? part + 1 : 0;
    }
}

int mc_flow_evict(struct mc_flow *f)
{
    struct evict e = {.f = f};
    size_t labels = (size_t)(HOPS_MAX + 1) * f->vacant;

    e.weight = malloc(f->vacant * sizeof(*e.weight));
    e.at = malloc(labels * sizeof(*e.at));
    e.hop = malloc(labels * sizeof(*e.hop));
    e.chain = calloc(f->plan->part_count, sizeof(*e.chain));
    if (e.weight == NULL || e.at == NULL || e.hop == NULL || e.chain == NULL) {
        f->err = MCOS_E_NOMEM;
    } else {
        e.work_most = WORK_MAX;
        hold_less(&e);
        e.work_most = e.work + WORK_MAX;
        move_fewer(&e);
    }
    free(e.weight);
    free(e.at);
    free(e.hop);
    free(e.chain);
    free(e.done);
    return f->err;
}
