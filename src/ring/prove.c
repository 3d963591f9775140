/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/prove.c -- is what came out the optimum, by its prices?
 *
 * With exact quotas it is if no exchange in any row gains, whichever way it was found:
 * a row that no exchange betters is its best at these prices, and over all rows the
 * prices cancel out.
 */
#include "ring/flow.h"

/* True if some device would be worth more in that place than who has it. */
static bool gains(const struct mc_flow *f, uint32_t part, unsigned skip,
                  uint32_t cheapest)
{
    const struct mc_plan *plan = f->plan;
    const uint32_t *row = f->table + (size_t)part * plan->stride;
    const uint32_t *old = f->old->table + (size_t)part * f->old->stride;
    uint32_t u = row[skip];
    uint32_t was = mc_flow_was(f, part, u);
    uint32_t price = f->price[u];
    struct mc_span spans[MC_SPANS_MAX];
    unsigned n = 0;

    if (price > was + cheapest)
        n = mc_row_closed(plan, row, skip, spans);
    for (uint32_t q = cheapest; q + was < price; q++) {
        const struct mc_leafset *set = mc_flow_set(f, q);

        if (set != NULL && mc_row_find(set, spans, n, 0) != MC_DEVICE_NONE)
            return true;
    }
    for (unsigned i = 0; i < f->old->stride && f->lost[part] != 0; i++) {
        uint32_t h = old[i];

        if (h < f->vacant && f->price[h] + was < price + 1 &&
            mc_row_fits(plan, row, skip, h))
            return true;
    }
    return false;
}

bool mc_flow_proved(struct mc_flow *f)
{
    const struct mc_plan *plan = f->plan;
    uint32_t cheapest = UINT32_MAX;

    if (mc_flow_sets_reset(f, f->price_max + 1u) < 0)
        return false;
    for (uint32_t i = 0; i < f->vacant; i++) {
        if (f->excess[i] != 0)
            return false;
        if (plan->quota[i] == 0)
            continue;
        cheapest = f->price[i] < cheapest ? f->price[i] : cheapest;
        if (mc_flow_set_add(f, f->price[i], i) < 0)
            return false;
    }
    for (uint32_t p = 0; p < plan->part_count; p++) {
        const uint32_t *row = f->table + (size_t)p * plan->stride;

        for (unsigned s = 0; s < mc_plan_row(plan, p); s++) {
            /* One that was there before, and is no dearer by 1, in a row that lost
             * none. */
            if (f->lost[p] == 0 && f->price[row[s]] <= cheapest + 1 &&
                mc_flow_was(f, p, row[s]))
                continue;
            if (gains(f, p, s, cheapest))
                return false;
        }
    }
    return true;
}
