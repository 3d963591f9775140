/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/search.c -- breadth first over exchanges that cost nothing.
 *
 * Devices that are not reached yet stand in sets by their price, so what a
 * place can reach is found without trying devices one by one, and a price that
 * nobody has ends the look at once.
 */
#include "ring/flow.h"

#include <stdlib.h>

struct search {
    struct mc_flow *f;
    uint32_t waiting; /* devices with too little that are not reached yet */
    uint32_t target;  /* level of the first that is reached; 0: none yet */
    uint32_t left;    /* devices that are not reached yet */
};

static void reach(struct search *s, uint32_t leaf, uint32_t level)
{
    struct mc_flow *f = s->f;

    f->level[leaf] = level;
    f->queue[f->reached++] = leaf;
    mc_leafset_remove(mc_flow_set(f, f->price[leaf]), leaf);
    s->left--;
    if (f->excess[leaf] < 0) {
        s->waiting--;
        s->target = level;
    }
}

/* All that the place of u in this row can reach by one exchange. */
static void look(struct search *s, uint32_t u, uint32_t place, bool was)
{
    struct mc_flow *f = s->f;
    const struct mc_plan *plan = f->plan;
    uint32_t part = place / plan->stride;
    unsigned skip = place % plan->stride;
    const uint32_t *row = f->table + (size_t)part * plan->stride;
    struct mc_leafset *set = NULL;
    uint32_t wanted = f->price[u] - was; /* not used when it would be below 0 */
    struct mc_span spans[MC_SPANS_MAX];

    if (f->price[u] >= was &&
        (!was || f->may_lose == NULL || f->lost[part] < f->may_lose[part]))
        set = mc_flow_set(f, wanted);
    if (set != NULL) {
        unsigned n = mc_row_closed(plan, row, skip, spans);
        uint32_t e = mc_row_find(set, spans, n, 0);

        while (e != MC_DEVICE_NONE) {
            reach(s, e, f->level[u] + 1);
            e = set->count != 0 ? mc_row_find(set, spans, n, e) : MC_DEVICE_NONE;
        }
    }
    if (f->lost[part] == 0)
        return;
    for (unsigned i = 0; i < f->old->stride; i++) {
        uint32_t h = f->old->table[(size_t)part * f->old->stride + i];

        if (h < f->vacant && f->level[h] == MC_LEVEL_NONE && plan->quota[h] != 0 &&
            f->price[h] == wanted + 1 && mc_row_fits(plan, row, skip, h))
            reach(s, h, f->level[u] + 1);
    }
}

static void look_clean(struct search *s, uint32_t u)
{
    struct mc_flow *f = s->f;

    if (u == f->vacant || f->price[u] == 0 || mc_flow_set(f, f->price[u] - 1) == NULL)
        return;
    if (mc_flow_clean(f) < 0)
        return;
    for (uint32_t i = f->clean_first[u]; i < f->clean_first[u + 1]; i++) {
        uint32_t place = f->clean[i];

        if ((f->special[place / 64] >> place % 64 & 1) != 0)
            continue;
        look(s, u, place, true);
        if (mc_flow_set(f, f->price[u] - 1) == NULL || s->waiting == 0)
            return;
    }
}

static void look_special(struct search *s, uint32_t u)
{
    struct mc_flow *f = s->f;
    const struct mc_places *l = &f->lists[u];

    for (uint32_t i = 0; i < l->count && s->left != 0 && s->waiting != 0; i++) {
        uint32_t place = l->at[i];

        if (f->table[place] == u)
            look(s, u, place,
                 u != f->vacant && mc_flow_was(f, place / f->plan->stride, u));
    }
}

uint32_t mc_flow_search(struct mc_flow *f)
{
    struct search s = {.f = f};

    f->reached = 0;
    if (mc_flow_sets_reset(f, f->price_max + 1u) < 0)
        return 0;
    for (uint32_t i = 0; i <= f->vacant; i++) {
        f->level[i] = MC_LEVEL_NONE;
        if (f->excess[i] > 0) {
            f->level[i] = 0;
            f->queue[f->reached++] = i;
        } else if (i < f->vacant && f->plan->quota[i] != 0) {
            s.left++;
            s.waiting += f->excess[i] < 0;
            if (mc_flow_set_add(f, f->price[i], i) < 0)
                return 0;
        }
    }
    for (uint32_t i = 0; i < f->reached && s.left != 0 && s.waiting != 0; i++) {
        uint32_t u = f->queue[i];

        if (f->err != 0)
            return 0;
        if (s.target != 0 && f->level[u] >= s.target)
            break;
        look_special(&s, u);
        look_clean(&s, u);
    }
    return s.target;
}
