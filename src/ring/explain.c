/* SPDX-License-Identifier: Apache-2.0 */
/* ring/explain.c -- moves counted from two tables, reasons read from the plan. */
#include "ring/explain.h"

#include "ring/built.h"
#include "ring/floor.h"

#include <stdlib.h>
#include <string.h>

struct explaining {
    const struct mc_built *built;
    struct mc_explain *to;
    uint32_t *leaf_of; /* id -> leaf, or MC_DEVICE_NONE */
    /* Of each leaf. */
    uint64_t *has;
    uint64_t *in;
    uint64_t *out;
    mc_u128 weights; /* of all */
    uint32_t full;   /* devices that hold one replica of every partition */
};

/* What the spec asks for, also where nothing moves. */
static const struct mc_plan *due(const struct mc_built *b)
{
    return b->still ? &b->due : &b->plan;
}

/* ---- the tables ---- */

static bool row_has(const uint32_t *row, unsigned n, uint32_t leaf)
{
    for (unsigned i = 0; i < n; i++) {
        if (row[i] == leaf)
            return true;
    }
    return false;
}

/* What moves of one row; how many come. */
static unsigned count_moves(struct explaining *x, const uint32_t *now, unsigned width,
                            const uint32_t *was, unsigned was_width)
{
    unsigned moves = 0;

    for (unsigned i = 0; i < width; i++) {
        if ((i < was_width && now[i] == was[i]) || row_has(was, was_width, now[i]))
            continue;
        x->in[now[i]]++;
        moves++;
    }
    for (unsigned i = 0; i < was_width; i++) {
        if ((i < width && now[i] == was[i]) || was[i] == MC_DEVICE_NONE ||
            row_has(now, width, was[i]))
            continue;
        x->out[was[i]]++;
    }
    return moves;
}

static void note_row(struct mc_explain *to, unsigned width, unsigned moves)
{
    to->moving[moves]++;
    to->moves += moves;
    to->at_risk += moves != 0 && 2 * (width - moves) <= width;
}

static int count_tables(struct explaining *x)
{
    const struct mc_built *b = x->built;
    unsigned stride = b->plan.stride;
    struct mc_survive survive;
    int r = mc_survive_begin(&survive, &b->plan.tree);

    for (uint32_t p = 0; p < b->plan.part_count && r == 0; p++) {
        size_t at = (size_t)p * stride;
        uint32_t row[MC_REPLICAS_MAX];
        unsigned width = 0;

        for (; width < stride; width++) {
            uint32_t id = mc_draft_at(b->draft, at + width);

            if (id == MC_DEVICE_NONE)
                break;
            row[width] = x->leaf_of[id];
            x->has[row[width]]++;
        }
        for (unsigned i = width; i < stride; i++)
            row[i] = MC_DEVICE_NONE;
        x->to->below_floor +=
            !b->still && b->plan.taker_count != 0 && !mc_floor_ok(&b->plan, row);
        mc_survive_row(&survive, row, width);
        if (b->before != NULL && b->before_stride == stride &&
            memcmp(row, b->before + (size_t)p * stride, width * sizeof(*row)) == 0 &&
            (width == stride ||
             b->before[(size_t)p * stride + width] == MC_DEVICE_NONE))
            x->to->moving[0]++;
        else if (b->before != NULL)
            note_row(x->to, width,
                     count_moves(x, row, width,
                                 b->before + (size_t)p * b->before_stride,
                                 b->before_stride));
    }
    mc_survive_end(&survive, x->to->survives);
    return r;
}

/* ---- the reasons ---- */

static void add_why(struct mc_explain_device *d, struct mc_why why)
{
    d->why[d->why_count++] = why;
}

/*
 * What overload did. Its parts of the way, from the root down, multiply to what
 * became of the device: the first of them in that direction is named.
 */
static struct mc_why why_overload(const struct mc_plan *plan, uint32_t leaf, bool more)
{
    struct mc_why why = {.kind = more ? MC_WHY_TAKES : MC_WHY_GIVES,
                         .tier = MC_SURVIVE_DEVICE};

    for (unsigned t = 0; t < MC_SURVIVE_TIERS; t++) {
        const struct mc_bound *bound = t < MC_TIERS
                                           ? &plan->node_bound[plan->tree.up[leaf][t]]
                                           : &plan->leaf_bound[leaf];

        if (bound->kind == (more ? MC_BOUND_LEAST : MC_BOUND_MOST))
            return (struct mc_why){.kind = more ? MC_WHY_AT_LEAST : MC_WHY_AT_MOST,
                                   .tier = t,
                                   .limit = bound->limit};
        if (bound->kind == (more ? MC_BOUND_MORE : MC_BOUND_LESS)) {
            why.tier = t;
            return why;
        }
    }
    return why;
}

static mc_u128 wants(const struct explaining *x, uint64_t weight, unsigned bits)
{
    return ((mc_u128)weight * due(x->built)->assignments << bits) / x->weights;
}

static uint64_t apart(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static enum mc_holder holder_of(const struct mc_built *b)
{
    if (b->still)
        return b->in->spec->next_part_power != 0 ? MC_HOLDER_ANNOUNCE : MC_HOLDER_RAISE;
    return b->in->spec->min_move_seconds != 0 ? MC_HOLDER_GENTLE : MC_HOLDER_NONE;
}

static void explain_wait(const struct explaining *x, struct mc_explain_device *d)
{
    if (d->has != d->quota)
        add_why(d,
                (struct mc_why){.kind = d->has > d->quota ? MC_WHY_KEEPS : MC_WHY_WAITS,
                                .holder = x->to->holder,
                                .replicas = apart(d->has, d->quota)});
}

/*
 * From the share by weight over what a device can hold and what overload moves to
 * the quota, and from there to what it holds: where on that way half a replica or
 * more came or went; if it is a smaller thing that rounding made a whole, the larger
 * of them.
 */
static void explain_share(const struct explaining *x, struct mc_explain_device *d,
                          uint32_t leaf, uint64_t weight)
{
    const struct mc_plan *plan = due(x->built);
    uint64_t share = (uint64_t)wants(x, weight, MC_IDEAL_BITS);
    uint64_t capped =
        plan->by_weight != NULL ? plan->by_weight[leaf] : plan->ideal[leaf];
    uint64_t floor = (uint64_t)wants(x, weight, 0);
    bool whole = (mc_u128)floor * x->weights == (mc_u128)weight * plan->assignments;
    uint64_t by_cap = apart(share, capped);
    uint64_t by_overload = apart(capped, plan->ideal[leaf]);
    uint64_t least = MC_IDEAL_ONE / 2;

    if (d->has == floor || (d->has == floor + 1 && !whole))
        return;
    if (d->has == d->quota && by_cap < least && by_overload < least)
        least = by_cap > by_overload ? by_cap : by_overload;
    if (by_cap >= least)
        add_why(
            d, (struct mc_why){.kind = capped < share ? MC_WHY_FULL : MC_WHY_TAKES_OVER,
                               .devices = x->full});
    if (by_overload >= least)
        add_why(d, why_overload(plan, leaf, plan->ideal[leaf] > capped));
    explain_wait(x, d);
}

static void explain_device(const struct explaining *x, uint32_t id,
                           struct mc_explain_device *d)
{
    const struct mc_built *b = x->built;
    const struct mc_device *before = b->old != NULL ? mc_ring_device(b->old, id) : NULL;
    uint32_t leaf = x->leaf_of[id];
    uint64_t weight = b->draft->devices[id].weight;

    *d = (struct mc_explain_device){.id = id, .had = b->had[id]};
    d->added = before == NULL || before->removed;
    d->weight_before = d->added ? 0 : before->weight;
    if (leaf == MC_DEVICE_NONE) {
        d->removed = true;
        d->moves_out = d->had;
        add_why(d, (struct mc_why){.kind = MC_WHY_REMOVED});
        return;
    }
    d->quota = due(b)->quota[leaf];
    d->has = x->has[leaf];
    d->moves_in = x->in[leaf];
    d->moves_out = x->out[leaf];
    d->wants = (double)(uint64_t)wants(x, weight, MC_IDEAL_BITS) / (double)MC_IDEAL_ONE;
    if (weight == 0) {
        add_why(d, (struct mc_why){.kind = d->weight_before != 0 || d->had != 0
                                               ? MC_WHY_DRAINED
                                               : MC_WHY_NO_WEIGHT});
        explain_wait(x, d);
    } else {
        explain_share(x, d, leaf, weight);
    }
}

static int explain_devices(struct explaining *x)
{
    const struct mc_built *b = x->built;
    const struct mc_plan *plan = &b->plan;
    struct mc_explain *to = x->to;

    to->devices = calloc(b->draft->device_count, sizeof(*to->devices));
    if (to->devices == NULL)
        return MCOS_E_NOMEM;
    for (uint32_t i = 0; i < b->in->spec->device_count; i++)
        x->weights += b->in->spec->devices[i].weight;
    for (uint32_t leaf = 0; leaf < plan->tree.leaf_count; leaf++) {
        uint64_t weight = b->in->spec->devices[plan->tree.device_of[leaf]].weight;

        x->full +=
            wants(x, weight, MC_IDEAL_BITS) > (mc_u128)plan->part_count * MC_IDEAL_ONE;
    }
    for (uint32_t id = 0; id < b->draft->device_count; id++) {
        if (x->leaf_of[id] == MC_DEVICE_NONE && mc_ring_device(b->old, id)->removed)
            continue; /* long ago */
        explain_device(x, id, &to->devices[to->device_count++]);
    }
    return 0;
}

int mc_explain_init(struct mc_explain *ret, const struct mc_built *built)
{
    const struct mc_plan *plan = &built->plan;
    struct mc_explain to = {.first = built->old == NULL, .holder = holder_of(built)};
    struct explaining x = {.built = built, .to = &to};
    uint32_t ids = built->draft->device_count;
    int r = MCOS_E_NOMEM;

    x.leaf_of = malloc(ids * sizeof(*x.leaf_of));
    x.has = calloc(plan->tree.leaf_count, sizeof(*x.has));
    x.in = calloc(plan->tree.leaf_count, sizeof(*x.in));
    x.out = calloc(plan->tree.leaf_count, sizeof(*x.out));
    if (x.leaf_of == NULL || x.has == NULL || x.in == NULL || x.out == NULL)
        goto out;
    for (uint32_t id = 0; id < ids; id++) {
        uint32_t i = built->index_of[id];

        x.leaf_of[id] = i == MC_DEVICE_NONE ? i : plan->tree.leaf_of[i];
    }
    r = count_tables(&x);
    if (r == 0)
        r = explain_devices(&x);
    to.parts_before = to.first ? 0 : mc_ring_part_count(built->old);
    if (r == 0 && !to.first)
        r = mc_explain_ring(built->old, &to.was, to.survived);
out:
    free(x.leaf_of);
    free(x.has);
    free(x.in);
    free(x.out);
    if (r == 0)
        *ret = to;
    else
        mc_explain_fini(&to);
    return r;
}

int mc_explain_strict(struct mc_explain *explain, const struct mc_built *built)
{
    struct mc_plan plan = built->plan;
    struct mc_plan_old old = {.table = built->before,
                              .stride = built->before_stride,
                              .gentle = built->in->spec->min_move_seconds != 0,
                              .frozen = built->frozen};
    struct mc_plan_moves moves = {.moved = explain->moves};
    uint32_t *table = NULL;
    int r = 0;

    /* The fewest under ceil alone that keep floors too are the fewest under both. */
    if (explain->below_floor != 0 && built->old != NULL) {
        plan.strict = true;
        table = malloc((size_t)plan.part_count * plan.stride * sizeof(*table));
        r = table == NULL
                ? MCOS_E_NOMEM
                : mc_plan_rebalance(&plan, &old, built->in->seed, table, &moves);
        free(table);
    }
    if (r < 0)
        return r;
    explain->strict_known = true;
    explain->strict_moves = moves.moved;
    return 0;
}

void mc_explain_fini(struct mc_explain *explain)
{
    free(explain->devices);
    *explain = (struct mc_explain){0};
}
