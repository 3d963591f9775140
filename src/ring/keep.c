/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/keep.c -- the start of a rebalance: what each row can keep.
 *
 * Greedy on a matroid keeps the most; the order, devices with the least surplus
 * first, only saves work later. A leaf keeps its place where it can.
 */
#include "ring/flow.h"

#include <stdlib.h>

#define TELL_ROWS 65536u

struct kept {
    uint32_t leaf;
    unsigned place;
};

/* The live old leaves of a row, each once. */
static unsigned live(const struct mc_flow *f, uint32_t part,
                     struct kept kept[MC_REPLICAS_MAX])
{
    const uint32_t *old = f->old->table + (size_t)part * f->old->stride;
    unsigned n = 0;

    for (unsigned i = 0; i < f->old->stride; i++) {
        unsigned j = 0;

        if (old[i] >= f->vacant || f->plan->quota[old[i]] == 0)
            continue;
        while (j < n && kept[j].leaf != old[i])
            j++;
        if (j == n)
            kept[n++] = (struct kept){old[i], i};
    }
    return n;
}

/* True if a has less surplus for what it held than b. */
static bool before(const struct mc_flow *f, const uint64_t *held, uint32_t a,
                   uint32_t b)
{
    return (uint64_t)f->plan->quota[a] * held[b] >
           (uint64_t)f->plan->quota[b] * held[a];
}

/* The usual row: nothing is gone, nothing is too much. */
static bool keep_whole(struct mc_flow *f, uint32_t part, unsigned width)
{
    const uint32_t *old = f->old->table + (size_t)part * f->old->stride;
    uint32_t *row = f->table + (size_t)part * f->plan->stride;

    for (unsigned i = 0; i < f->old->stride; i++) {
        if ((old[i] < f->vacant) != (i < width))
            return false;
    }
    if (f->old->stride < width)
        return false;
    for (unsigned i = 0; i < f->plan->stride; i++)
        row[i] = i < width ? old[i] : MC_DEVICE_NONE;
    if (!mc_row_ok(f->plan, row))
        return false;
    for (unsigned i = 0; i < width; i++)
        f->excess[row[i]]++;
    if (f->may_lose != NULL)
        f->may_lose[part] = f->old->frozen == NULL || f->old->frozen[part] == 0;
    return true;
}

/* All of them where they were, the other places vacant, if the row bears that. */
static bool keep_all(struct mc_flow *f, uint32_t *row, unsigned width,
                     const struct kept *all, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (all[i].place >= width)
            return false;
    }
    for (unsigned i = 0; i < n; i++)
        row[all[i].place] = all[i].leaf;
    if (mc_row_ok(f->plan, row)) {
        for (unsigned i = 0; i < n; i++)
            f->excess[all[i].leaf]++;
        return true;
    }
    for (unsigned i = 0; i < n; i++)
        row[all[i].place] = f->vacant;
    return false;
}

static void keep_row(struct mc_flow *f, uint32_t part, const uint64_t *held)
{
    const struct mc_plan *plan = f->plan;
    uint32_t *row = f->table + (size_t)part * plan->stride;
    unsigned width = mc_plan_row(plan, part);
    struct kept all[MC_REPLICAS_MAX];
    unsigned n = live(f, part, all);
    unsigned homeless = 0;
    unsigned kept = 0;

    for (unsigned i = 0; i < plan->stride; i++)
        row[i] = i < width ? f->vacant : MC_DEVICE_NONE;
    if (keep_all(f, row, width, all, n))
        kept = n;
    for (unsigned i = 1; i < n && kept < n; i++) {
        for (unsigned j = i; j > 0 && before(f, held, all[j].leaf, all[j - 1].leaf);
             j--) {
            struct kept x = all[j];

            all[j] = all[j - 1];
            all[j - 1] = x;
        }
    }
    for (unsigned i = 0; i < n && kept < width && kept < n; i++) {
        unsigned at = all[i].place;

        if (!mc_row_fits(plan, row, plan->stride, all[i].leaf))
            continue;
        if (at >= width || row[at] != f->vacant) {
            at = 0;
            while (row[at] != f->vacant)
                at++;
            homeless++;
        }
        row[at] = all[i].leaf;
        kept++;
        f->excess[all[i].leaf]++;
    }
    f->excess[f->vacant] += width - kept;
    f->lost[part] = (uint8_t)(n - kept);
    if (f->may_lose != NULL) {
        bool moves = n > kept || width > kept;
        bool frozen = f->old->frozen != NULL && f->old->frozen[part] != 0;

        f->may_lose[part] = moves ? f->lost[part] : !frozen;
    }
    if (homeless == 0)
        return;
    /* One without a place of its own may have taken another's: put those back. */
    for (unsigned i = 0; i < n; i++) {
        unsigned at = all[i].place;

        for (unsigned j = 0; at < width && j < width; j++) {
            if (row[j] == all[i].leaf && j != at) {
                uint32_t x = row[at];

                row[at] = row[j];
                row[j] = x;
                break;
            }
        }
    }
}

/* All places of a row that lost something, and vacant ones, are special. */
static void list_row(struct mc_flow *f, uint32_t part)
{
    uint32_t first = part * f->plan->stride;

    for (uint32_t i = first; i < first + mc_plan_row(f->plan, part); i++) {
        if (f->lost[part] != 0 || f->table[i] == f->vacant)
            mc_flow_list(f, i);
    }
}

void mc_flow_keep(struct mc_flow *f)
{
    const struct mc_plan *plan = f->plan;
    size_t old_places = (size_t)plan->part_count * f->old->stride;
    uint64_t *held = calloc(f->vacant, sizeof(*held));

    if (held == NULL) {
        f->err = MCOS_E_NOMEM;
        return;
    }
    for (size_t i = 0; i < old_places; i++) {
        if (f->old->table[i] < f->vacant)
            held[f->old->table[i]]++;
    }
    for (uint32_t i = 0; i < f->vacant; i++) {
        uint64_t quota = plan->quota[i];

        f->excess[i] = -(int64_t)quota;
        f->missing += quota > held[i] ? quota - held[i] : 0;
    }
    for (uint32_t i = 0; i < plan->part_count && f->err == 0; i++) {
        uint32_t p = mc_plan_scattered(plan, i);

        if (!keep_whole(f, p, mc_plan_row(plan, p))) {
            keep_row(f, p, held);
            list_row(f, p);
        }
        if (i % TELL_ROWS == 0)
            mc_flow_tell(f, i);
    }
    free(held);
}
