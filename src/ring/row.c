/* SPDX-License-Identifier: Apache-2.0 */
/* ring/row.c -- what a row may take. */
#include "ring/row.h"

/* Replicas of the row below a node of one tier, place `skip` left out. */
static unsigned below(const struct mc_plan *plan, const uint32_t *row, unsigned skip,
                      unsigned tier, uint32_t node)
{
    unsigned n = 0;

    for (unsigned i = 0; i < plan->stride; i++) {
        if (i != skip && row[i] < plan->tree.leaf_count)
            n += plan->tree.up[row[i]][tier] == node;
    }
    return n;
}

bool mc_row_fits(const struct mc_plan *plan, const uint32_t *row, unsigned skip,
                 uint32_t leaf)
{
    if (plan->quota[leaf] == 0)
        return false;
    for (unsigned i = 0; i < plan->stride; i++) {
        if (i != skip && row[i] == leaf)
            return false;
    }
    for (unsigned t = 0; t < MC_TIERS; t++) {
        uint32_t node = plan->tree.up[leaf][t];

        if (below(plan, row, skip, t, node) >= plan->node_most[node])
            return false;
    }
    return true;
}

bool mc_row_ok(const struct mc_plan *plan, const uint32_t *row)
{
    for (unsigned i = 0; i < plan->stride; i++) {
        if (row[i] < plan->tree.leaf_count && !mc_row_fits(plan, row, i, row[i]))
            return false;
    }
    return true;
}

unsigned mc_row_closed(const struct mc_plan *plan, const uint32_t *row, unsigned skip,
                       struct mc_span spans[MC_REPLICAS_MAX])
{
    const struct mc_tree *tree = &plan->tree;
    unsigned n = 0;

    for (unsigned i = 0; i < plan->stride; i++) {
        unsigned t = 0;
        uint32_t node = 0;

        if (i == skip || row[i] >= tree->leaf_count)
            continue;
        for (; t < MC_TIERS; t++) {
            node = tree->up[row[i]][t];
            if (below(plan, row, skip, t, node) >= plan->node_most[node])
                break;
        }
        if (t == MC_TIERS)
            spans[n++] = (struct mc_span){row[i], row[i] + 1};
        else
            spans[n++] =
                (struct mc_span){tree->nodes[node].leaf, tree->nodes[node].leaf_end};
    }
    return n;
}

/* The first member in from .. end - 1 outside all spans. */
static uint32_t find_between(const struct mc_leafset *set, const struct mc_span *spans,
                             unsigned span_count, uint32_t from, uint32_t end)
{
    for (;;) {
        uint32_t at = mc_leafset_next(set, from);
        unsigned i = 0;

        if (at >= end)
            return MC_DEVICE_NONE;
        while (i < span_count && !(spans[i].first <= at && at < spans[i].end))
            i++;
        if (i == span_count)
            return at;
        from = spans[i].end;
    }
}

uint32_t mc_row_find(const struct mc_leafset *set, const struct mc_span *spans,
                     unsigned span_count, uint32_t start)
{
    uint32_t found = find_between(set, spans, span_count, start, set->size);

    if (found == MC_DEVICE_NONE && start != 0)
        found = find_between(set, spans, span_count, 0, start);
    return found;
}
