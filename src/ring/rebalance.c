/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/rebalance.c -- the table that moves the fewest replicas.
 *
 * Primal-dual: keep what each row can keep, which is optimal at price 0; then
 * search from the devices that hold too much and push along shortest paths;
 * where nothing is reached, raise the price of what was. Without `gentle` the
 * end is an exact optimum (ring/flow.h). With it a row may lose only one, which
 * is no matroid any more: the same rounds, every path checked; what is held back then
 * is tried once more by taking moves back (ring/evict.c), in a small ring all of it a
 * few times with other random numbers, and what cannot move stays for the next time.
 */
#include "ring/flow.h"
#include "ring/primary.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Prices end at 3 or so where rows are matroids; where they are not, what a
 * search reaches may go to and fro without end. */
#define GENTLE_RAISES 32u

/* Tries of a gentle rebalance that holds something back, and of how large a one. */
#define AGAIN_TRIES  8u
#define AGAIN_PLACES 128u

static bool unbalanced(const struct mc_flow *f)
{
    for (uint32_t i = 0; i <= f->vacant; i++) {
        if (f->excess[i] > 0)
            return true;
    }
    return false;
}

static void raise_prices(struct mc_flow *f)
{
    for (uint32_t i = 0; i < f->reached; i++) {
        uint32_t u = f->queue[i];

        if (++f->price[u] > f->price_max)
            f->price_max = f->price[u];
    }
}

/* True if whatever is reached is too dear for any exchange with the rest. */
static bool all_too_dear(const struct mc_flow *f)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < f->vacant; i++) {
        if (f->level[i] == MC_LEVEL_NONE && f->plan->quota[i] != 0 &&
            f->price[i] > most)
            most = f->price[i];
    }
    for (uint32_t i = 0; i < f->reached; i++) {
        if (f->price[f->queue[i]] <= most + 1)
            return false;
    }
    return true;
}

static int run_rounds(struct mc_flow *f, unsigned *rounds)
{
    uint32_t raises = 0; /* since something moved */

    while (f->err == 0 && unbalanced(f)) {
        uint32_t target = mc_flow_search(f);
        bool stuck;

        if (f->err != 0)
            break;
        if (target != 0) {
            ++*rounds;
            raises = 0;
            stuck = mc_flow_push(f, target) == 0 && f->err == 0;
        } else {
            stuck =
                all_too_dear(f) || (f->may_lose != NULL && raises++ > GENTLE_RAISES);
            raise_prices(f);
        }
        assert(!stuck || f->may_lose != NULL);
        if (stuck)
            break;
    }
    return f->err;
}

/* Gives what is still vacant to a device that may have it: one with too little,
 * else one that has its quota, else any. */
static int fill_vacant(struct mc_flow *f)
{
    const struct mc_plan *plan = f->plan;
    uint32_t places = plan->part_count * plan->stride;

    if (f->excess[f->vacant] == 0)
        return 0;
    if (mc_flow_sets_reset(f, 3) < 0)
        return f->err;
    for (uint32_t i = 0; i < f->vacant; i++) {
        if (plan->quota[i] != 0 && mc_flow_set_add(f,
                                                   f->excess[i] < 0    ? 0
                                                   : f->excess[i] == 0 ? 1
                                                                       : 2,
                                                   i) < 0)
            return f->err;
    }
    for (uint32_t place = 0; place < places; place++) {
        uint32_t *row = f->table + place - place % plan->stride;
        struct mc_span spans[MC_SPANS_MAX];
        uint32_t e = MC_DEVICE_NONE;
        unsigned n;
        size_t key = 0;

        if (f->table[place] != f->vacant)
            continue;
        n = mc_row_closed(plan, row, place % plan->stride, spans);
        for (; key < 3 && e == MC_DEVICE_NONE; key++) {
            const struct mc_leafset *set = mc_flow_set(f, key);

            if (set != NULL)
                e = mc_row_find(set, spans, n, mc_flow_random(f, f->vacant));
        }
        assert(e != MC_DEVICE_NONE);
        f->table[place] = e;
        f->lost[mc_flow_part(f, place)] -= mc_flow_was(f, mc_flow_part(f, place), e);
        f->excess[f->vacant]--;
        f->excess[e]++;
        if (f->excess[e] == 0 || f->excess[e] == 1) {
            mc_leafset_remove(mc_flow_set(f, key - 1), e);
            (void)mc_flow_set_add(f, key, e);
        }
    }
    return f->err;
}

/* Replicas on a device that did not hold them. */
static uint64_t count_moved(const struct mc_flow *f)
{
    const struct mc_plan *plan = f->plan;
    uint64_t moved = 0;

    for (uint32_t p = 0; p < plan->part_count; p++) {
        const uint32_t *old = f->old->table + (size_t)p * f->old->stride;
        const uint32_t *row = f->table + (size_t)p * plan->stride;

        for (unsigned s = 0; s < mc_plan_row(plan, p); s++) {
            if (s >= f->old->stride || row[s] != old[s])
                moved += !mc_flow_was(f, p, row[s]);
        }
    }
    return moved;
}

static void figures(const struct mc_flow *f, struct mc_plan_moves *moves)
{
    moves->held_back = 0;
    for (uint32_t i = 0; i < f->vacant; i++)
        moves->held_back += f->excess[i] > 0 ? (uint64_t)f->excess[i] : 0;
    if (moves->held_back == 0 && f->missing > moves->bound)
        moves->bound = f->missing;
    moves->moved = count_moved(f);
}

static int rebalance(const struct mc_plan *plan, const struct mc_plan_old *old,
                     uint64_t seed, uint32_t *table, struct mc_plan_moves *ret_moves)
{
    struct mc_plan_moves moves = {0};
    struct mc_flow f;
    int r = mc_flow_init(&f, plan, old, seed, table);

    if (r < 0)
        goto out;
    mc_flow_keep(&f);
    if (f.err == 0) {
        moves.bound = (uint64_t)f.excess[f.vacant];
        for (uint32_t i = 0; i <= f.vacant; i++)
            f.to_push += f.excess[i] > 0 ? (uint64_t)f.excess[i] : 0;
    }
    r = run_rounds(&f, &moves.rounds);
    if (r == 0)
        r = fill_vacant(&f);
    if (r < 0)
        goto out;
    figures(&f, &moves);
    if (moves.held_back != 0)
        r = mc_flow_must_hold(&f);
    if (r == 0 && old->gentle &&
        (moves.held_back != 0 || (moves.moved > moves.bound && !mc_flow_proved(&f)))) {
        r = mc_flow_evict(&f);
        figures(&f, &moves);
        if (r == 0 && moves.held_back > f.must_hold)
            r = mc_flow_must_hold(&f);
    }
    if (r < 0)
        goto out;
    moves.held_bound = f.must_hold;
    if (old->tight != NULL && f.tight != NULL)
        memcpy(old->tight, f.tight, f.vacant);
    if (!old->gentle || (moves.moved > moves.bound && mc_flow_proved(&f)))
        moves.bound = moves.moved;
    r = f.err;
    if (r == 0 && moves.moved != 0)
        r = mc_primary_even(plan, old, table);
    if (r < 0)
        goto out;
    moves.undone = f.undone;
    if (old->price != NULL)
        memcpy(old->price, f.price, f.vacant * sizeof(*old->price));
    *ret_moves = moves;
out:
    mc_flow_fini(&f);
    return r;
}

/* What exact quotas cost when a row may lose any number: no table that reaches
 * them moves fewer. */
static int exact_bound(const struct mc_plan *plan, const struct mc_plan_old *old,
                       uint64_t seed, uint32_t *spare, struct mc_plan_moves *moves)
{
    struct mc_plan_old any = {
        .table = old->table, .stride = old->stride, .price = old->price};
    struct mc_plan_moves exact;
    int r = rebalance(plan, &any, seed, spare, &exact);

    if (r == 0)
        moves->bound = exact.bound;
    return r;
}

static bool is_better(const struct mc_plan_moves *a, const struct mc_plan_moves *b)
{
    return a->held_back != b->held_back ? a->held_back < b->held_back
                                        : a->moved < b->moved;
}

/* With other random numbers, until nothing is held back that need not be: the best of
 * all tries. What one of them shows to be held back is so of all. */
static int try_again(const struct mc_plan *plan, const struct mc_plan_old *old,
                     uint64_t seed, uint32_t *table, struct mc_plan_moves *moves)
{
    size_t places = (size_t)plan->part_count * plan->stride;
    uint32_t leaves = plan->tree.leaf_count;
    uint32_t *spare = calloc(places + leaves, sizeof(*spare));
    uint8_t *tight = calloc(leaves, 1);
    struct mc_plan_old other = *old;
    int r = spare == NULL || tight == NULL ? MCOS_E_NOMEM : 0;

    other.price = spare != NULL ? spare + places : NULL;
    other.tight = tight;
    for (unsigned n = 1;
         n < AGAIN_TRIES && r == 0 && moves->held_back > moves->held_bound; n++) {
        uint64_t bound = moves->held_bound;
        struct mc_plan_moves now;

        r = rebalance(plan, &other, seed + n, spare, &now);
        if (r != 0)
            break;
        if (now.held_bound > bound && old->tight != NULL)
            memcpy(old->tight, tight, leaves);
        if (is_better(&now, moves)) {
            *moves = now;
            memcpy(table, spare, places * sizeof(*table));
            if (old->price != NULL)
                memcpy(old->price, other.price, leaves * sizeof(*old->price));
        }
        moves->held_bound = now.held_bound > bound ? now.held_bound : bound;
    }
    free(spare);
    free(tight);
    return r;
}

int mc_plan_rebalance(const struct mc_plan *plan, const struct mc_plan_old *old,
                      uint64_t seed, uint32_t *table, struct mc_plan_moves *ret_moves)
{
    struct mc_plan_moves moves;
    uint32_t *spare;
    int r = rebalance(plan, old, seed, table, &moves);

    if (r == 0 && moves.held_back > moves.held_bound &&
        (uint64_t)plan->part_count * plan->stride <= AGAIN_PLACES)
        r = try_again(plan, old, seed, table, &moves);
    if (r < 0)
        return r;
    if (moves.held_back != 0 || moves.moved <= moves.bound) {
        *ret_moves = moves;
        return 0;
    }
    spare = malloc((size_t)plan->part_count * plan->stride * sizeof(*spare));
    if (spare == NULL)
        return MCOS_E_NOMEM;
    r = exact_bound(plan, old, seed, spare, &moves);
    free(spare);
    if (r == 0)
        *ret_moves = moves;
    return r;
}
