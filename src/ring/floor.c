/* SPDX-License-Identifier: Apache-2.0 */
/* ring/floor.c -- what a row may take that has to keep its floors too. */
#include "ring/floor.h"

#include <assert.h>
#include <stdlib.h>

#define ROOT_TIER MC_TIERS
#define TIERS     (MC_TIERS + 1u)

/* A node at which replicas of the row arrive. */
struct arrival {
    uint32_t node;
    uint8_t count;
};

/* What of a row arrives where. A tier has fewer nodes than the row has replicas. */
struct climb {
    uint32_t leaves[MC_REPLICAS_MAX];
    unsigned count;
    struct arrival at[TIERS][MC_REPLICAS_MAX];
    unsigned nodes[TIERS];
};

/* ---- the plan's part ---- */

static bool leaf_is_due(const struct mc_plan *plan, uint32_t leaf)
{
    return plan->quota[leaf] == plan->part_count;
}

static unsigned tier_of(const struct mc_tree *tree, uint32_t v)
{
    const uint32_t *up = tree->up[tree->nodes[v].leaf];
    unsigned t = 0;

    while (t < MC_TIERS && up[t] != v)
        t++;
    return t;
}

int mc_floor_fill(struct mc_plan *plan)
{
    const struct mc_tree *tree = &plan->tree;
    uint64_t parts = plan->part_count;
    /* What nodes take adds up to the floors, and these to no more than a row. */
    size_t most = plan->stride;

    plan->node_takes = calloc(tree->node_count, sizeof(*plan->node_takes));
    plan->node_lets = calloc(tree->node_count, sizeof(*plan->node_lets));
    plan->takers = calloc(most, sizeof(*plan->takers));
    if (plan->node_takes == NULL || plan->node_lets == NULL || plan->takers == NULL)
        return MCOS_E_NOMEM;
    for (uint32_t v = 0; v < tree->node_count; v++) {
        const struct mc_tree_node *node = &tree->nodes[v];
        uint64_t takes = plan->node_quota[v] / parts;

        for (uint32_t c = node->child; c < node->child_end; c++)
            takes -= v >= tree->host_first ? leaf_is_due(plan, c)
                                           : plan->node_quota[c] / parts;
        plan->node_takes[v] = (uint8_t)takes;
        plan->node_lets[v] = v != 0 && plan->node_quota[v] % parts != 0;
        if (v == 0 || takes == 0)
            continue;
        assert(plan->taker_count < most);
        plan->takers[plan->taker_count++] =
            (struct mc_taker){.node = v,
                              .tier = (uint8_t)tier_of(tree, v),
                              .first = node->leaf,
                              .end = node->leaf_end};
    }
    for (uint32_t leaf = 0; leaf < tree->leaf_count; leaf++) {
        if (!leaf_is_due(plan, leaf))
            continue;
        assert(plan->taker_count < most);
        plan->takers[plan->taker_count++] =
            (struct mc_taker){.node = MC_DEVICE_NONE, .first = leaf, .end = leaf + 1};
    }
    return 0;
}

/* ---- a row's part ---- */

/* A row has as many replicas as the others, or it is a long one and has one more. */
static unsigned root_takes(const struct mc_plan *plan, const uint32_t *row)
{
    return plan->node_takes[0] + (plan->long_rows < plan->part_count &&
                                  row[plan->stride - 1] != MC_DEVICE_NONE);
}

/* Counts one that arrives; how many there are now. */
static unsigned arrive(struct climb *c, unsigned tier, uint32_t node)
{
    struct arrival *at = c->at[tier];
    unsigned i = 0;

    while (i < c->nodes[tier] && at[i].node != node)
        i++;
    if (i == c->nodes[tier])
        at[c->nodes[tier]++] = (struct arrival){.node = node};
    return ++at[i].count;
}

static unsigned arrived(const struct climb *c, unsigned tier, uint32_t node)
{
    for (unsigned i = 0; i < c->nodes[tier]; i++) {
        if (c->at[tier][i].node == node)
            return c->at[tier][i].count;
    }
    return 0;
}

/* Sends the replicas of a row up, place `skip` left out. */
static void climb(const struct mc_plan *plan, const uint32_t *row, unsigned skip,
                  struct climb *c)
{
    c->count = 0;
    for (unsigned t = 0; t < TIERS; t++)
        c->nodes[t] = 0;
    for (unsigned i = 0; i < plan->stride; i++) {
        const uint32_t *up;
        bool goes_on;

        if (i == skip || row[i] >= plan->tree.leaf_count)
            continue;
        c->leaves[c->count++] = row[i];
        up = plan->tree.up[row[i]];
        goes_on = !leaf_is_due(plan, row[i]);
        for (unsigned t = MC_TIERS; t-- > 0 && goes_on;)
            goes_on = arrive(c, t, up[t]) > plan->node_takes[up[t]];
        if (goes_on)
            (void)arrive(c, ROOT_TIER, 0);
    }
}

/* True if no more can go through a node at which so many arrive. */
static bool is_shut(const struct mc_plan *plan, uint32_t node, unsigned count)
{
    return count >= plan->node_takes[node] + (unsigned)plan->node_lets[node];
}

bool mc_floor_fits(const struct mc_plan *plan, const uint32_t *row, unsigned skip,
                   uint32_t leaf)
{
    struct climb c;

    if (plan->quota[leaf] == 0)
        return false;
    /* First: it is what most old devices of a row that lost one are refused for. */
    for (unsigned i = 0; i < plan->stride; i++) {
        if (i != skip && row[i] == leaf)
            return false;
    }
    climb(plan, row, skip, &c);
    if (leaf_is_due(plan, leaf))
        return true;
    for (unsigned t = MC_TIERS; t-- > 0;) {
        uint32_t node = plan->tree.up[leaf][t];
        unsigned count = arrived(&c, t, node);

        if (count < plan->node_takes[node])
            return true;
        if (is_shut(plan, node, count))
            return false;
    }
    return arrived(&c, ROOT_TIER, 0) < root_takes(plan, row);
}

bool mc_floor_ok(const struct mc_plan *plan, const uint32_t *row)
{
    struct climb c;

    climb(plan, row, plan->stride, &c);
    for (unsigned i = 0; i < c.count; i++) {
        if (plan->quota[c.leaves[i]] == 0)
            return false;
        for (unsigned j = 0; j < i; j++) {
            if (c.leaves[i] == c.leaves[j])
                return false;
        }
    }
    for (unsigned t = 0; t < MC_TIERS; t++) {
        for (unsigned i = 0; i < c.nodes[t]; i++) {
            const struct arrival *at = &c.at[t][i];

            if (at->count > plan->node_takes[at->node] + plan->node_lets[at->node])
                return false;
        }
    }
    return arrived(&c, ROOT_TIER, 0) <= root_takes(plan, row);
}

/* ---- what is closed, as spans that do not meet ---- */

struct paint {
    struct mc_span *spans;
    unsigned count;
};

/* Whatever is painted later is smaller: it lies in one span, or meets none. */
static unsigned span_around(const struct paint *p, uint32_t first)
{
    unsigned i = 0;

    while (i < p->count && !(p->spans[i].first <= first && first < p->spans[i].end))
        i++;
    return i;
}

static void paint_closed(struct paint *p, uint32_t first, uint32_t end)
{
    if (span_around(p, first) < p->count)
        return;
    assert(p->count < MC_SPANS_MAX);
    p->spans[p->count++] = (struct mc_span){first, end};
}

static void paint_open(struct paint *p, uint32_t first, uint32_t end)
{
    unsigned i = span_around(p, first);
    struct mc_span around;

    if (i == p->count)
        return;
    around = p->spans[i];
    p->spans[i] = p->spans[--p->count];
    if (around.first < first)
        p->spans[p->count++] = (struct mc_span){around.first, first};
    if (end < around.end) {
        assert(p->count < MC_SPANS_MAX);
        p->spans[p->count++] = (struct mc_span){end, around.end};
    }
}

/* A node that takes or stops what comes decides for all below that nothing further
 * down decides for. */
unsigned mc_floor_closed(const struct mc_plan *plan, const uint32_t *row, unsigned skip,
                         struct mc_span spans[MC_SPANS_MAX])
{
    const struct mc_tree_node *nodes = plan->tree.nodes;
    struct paint p = {.spans = spans};
    struct climb c;
    unsigned next = 0; /* takers: they stand tier by tier, leaves last */

    climb(plan, row, skip, &c);
    if (arrived(&c, ROOT_TIER, 0) >= root_takes(plan, row))
        paint_closed(&p, 0, plan->tree.leaf_count);
    for (unsigned t = 0; t < MC_TIERS; t++) {
        for (unsigned i = 0; i < c.nodes[t]; i++) {
            uint32_t v = c.at[t][i].node;

            if (is_shut(plan, v, c.at[t][i].count))
                paint_closed(&p, nodes[v].leaf, nodes[v].leaf_end);
        }
        for (; next < plan->taker_count && plan->takers[next].node != MC_DEVICE_NONE &&
               plan->takers[next].tier == t;
             next++) {
            const struct mc_taker *taker = &plan->takers[next];

            if (arrived(&c, t, taker->node) < plan->node_takes[taker->node])
                paint_open(&p, taker->first, taker->end);
        }
    }
    for (; next < plan->taker_count; next++)
        paint_open(&p, plan->takers[next].first, plan->takers[next].end);
    for (unsigned i = 0; i < c.count; i++)
        paint_closed(&p, c.leaves[i], c.leaves[i] + 1);
    return p.count;
}
