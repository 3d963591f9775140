/* SPDX-License-Identifier: Apache-2.0 */
/* ring/row.c -- what a row may take. */
#include "ring/row.h"

#include "ring/floor.h"

/* Without a floor anywhere both rules are one. */
static bool has_floors(const struct mc_plan *plan)
{
    return plan->strict && plan->taker_count != 0;
}

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
    if (has_floors(plan))
        return mc_floor_fits(plan, row, skip, leaf);
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

/* The leaves of a row, place `skip` left out, in order. */
static unsigned gather(const struct mc_plan *plan, const uint32_t *row, unsigned skip,
                       uint32_t leaves[MC_REPLICAS_MAX])
{
    unsigned n = 0;

    for (unsigned i = 0; i < plan->stride; i++) {
        if (i != skip && row[i] < plan->tree.leaf_count)
            leaves[n++] = row[i];
    }
    return n;
}

bool mc_row_ok(const struct mc_plan *plan, const uint32_t *row)
{
    uint32_t leaves[MC_REPLICAS_MAX];
    unsigned n;

    if (has_floors(plan))
        return mc_floor_ok(plan, row);
    n = gather(plan, row, plan->stride, leaves);
    for (unsigned i = 0; i < n; i++) {
        if (plan->quota[leaves[i]] == 0)
            return false;
    }
    for (unsigned t = 0; t < MC_TIERS; t++) {
        bool together = false;

        for (unsigned i = 1; i < n; i++) {
            uint32_t node = plan->tree.up[leaves[i]][t];
            unsigned before = 0;

            for (unsigned j = 0; j < i; j++)
                before += plan->tree.up[leaves[j]][t] == node;
            if (before >= plan->node_most[node])
                return false;
            together = together || before != 0;
        }
        if (!together) /* nor further down */
            return true;
    }
    for (unsigned i = 1; i < n; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (leaves[i] == leaves[j])
                return false;
        }
    }
    return true;
}

unsigned mc_row_closed(const struct mc_plan *plan, const uint32_t *row, unsigned skip,
                       struct mc_span spans[MC_SPANS_MAX])
{
    const struct mc_tree *tree = &plan->tree;
    uint32_t leaves[MC_REPLICAS_MAX];
    unsigned n;

    if (has_floors(plan))
        return mc_floor_closed(plan, row, skip, spans);
    n = gather(plan, row, skip, leaves);
    for (unsigned i = 0; i < n; i++) {
        const uint32_t *up = tree->up[leaves[i]];

        spans[i] = (struct mc_span){leaves[i], leaves[i] + 1};
        for (unsigned t = 0; t < MC_TIERS; t++) {
            const struct mc_tree_node *node = &tree->nodes[up[t]];
            unsigned count = 0;

            for (unsigned j = 0; j < n; j++)
                count += tree->up[leaves[j]][t] == up[t];
            if (count < plan->node_most[up[t]])
                continue;
            spans[i] = (struct mc_span){node->leaf, node->leaf_end};
            break;
        }
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
