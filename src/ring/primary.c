/* SPDX-License-Identifier: Apache-2.0 */
/* ring/primary.c -- evens out who comes first, where something moved anyway. */
#include "ring/primary.h"

#include <stdlib.h>

#define WHOLE 720720u /* divisible by every width of a row */

struct primaries {
    const struct mc_plan *plan;
    int64_t *over; /* of each leaf: first places beyond its part of them, in WHOLEs */
    int64_t
        *limit;   /* what chance may give: three standard deviations of three places */
    uint32_t off; /* leaves beyond their limit */
};

/* The largest r with r * r <= n. */
static uint64_t root_of(uint64_t n)
{
    uint64_t r = 0;

    for (uint64_t bit = 1ull << 31; bit != 0; bit >>= 1) {
        if ((r + bit) * (r + bit) <= n)
            r += bit;
    }
    return r;
}

static bool is_off(const struct primaries *x, uint32_t leaf)
{
    return x->over[leaf] > x->limit[leaf] || -x->over[leaf] > x->limit[leaf];
}

static void count(struct primaries *x, const uint32_t *table)
{
    const struct mc_plan *plan = x->plan;

    for (uint32_t p = 0; p < plan->part_count; p++) {
        const uint32_t *row = table + (size_t)p * plan->stride;
        unsigned width = mc_plan_row(plan, p);
        int64_t part = WHOLE / width;

        x->over[row[0]] += WHOLE;
        for (unsigned i = 0; i < width; i++)
            x->over[row[i]] -= part;
    }
    for (uint32_t i = 0; i < plan->tree.leaf_count; i++) {
        x->limit[i] = (int64_t)(WHOLE * 3 / 2 * root_of(plan->quota[i]));
        x->off += is_off(x, i);
    }
}

static bool is_new(const struct mc_plan *plan, const struct mc_plan_old *old,
                   uint32_t part, const uint32_t *row)
{
    const uint32_t *was = old->table + (size_t)part * old->stride;

    for (unsigned i = 0; i < mc_plan_row(plan, part); i++) {
        unsigned j = 0;

        while (j < old->stride && was[j] != row[i])
            j++;
        if (j == old->stride)
            return true;
    }
    return false;
}

/* Exchanges the first with the one that is most behind, if that is good for one that
 * is off and does not make the other so. */
static void even_row(struct primaries *x, uint32_t *row, unsigned width)
{
    unsigned behind = 0;
    uint32_t a = row[0];
    uint32_t b;

    for (unsigned i = 1; i < width; i++) {
        if (x->over[row[i]] < x->over[row[behind]])
            behind = i;
    }
    b = row[behind];
    if ((!is_off(x, a) && !is_off(x, b)) || x->over[a] - x->over[b] <= WHOLE)
        return;
    x->off -= is_off(x, a) + is_off(x, b);
    x->over[a] -= WHOLE;
    x->over[b] += WHOLE;
    x->off += is_off(x, a) + is_off(x, b);
    row[0] = b;
    row[behind] = a;
}

int mc_primary_even(const struct mc_plan *plan, const struct mc_plan_old *old,
                    uint32_t *table)
{
    struct primaries x = {.plan = plan};
    uint32_t n = plan->tree.leaf_count;
    int r = MCOS_E_NOMEM;

    x.over = calloc(n, sizeof(*x.over));
    x.limit = calloc(n, sizeof(*x.limit));
    if (x.over == NULL || x.limit == NULL)
        goto out;
    count(&x, table);
    for (uint32_t i = 0; i < plan->part_count && x.off != 0; i++) {
        uint32_t p = mc_plan_scattered(plan, i);
        uint32_t *row = table + (size_t)p * plan->stride;

        if (is_new(plan, old, p, row))
            even_row(&x, row, mc_plan_row(plan, p));
    }
    r = 0;
out:
    free(x.over);
    free(x.limit);
    return r;
}
