/* SPDX-License-Identifier: Apache-2.0 */
/* ring/measure.c -- how good a table is, counted from the table itself. */
#include "ring/plan.h"

#include <stdlib.h>

struct count {
    const struct mc_plan *plan;
    uint64_t *held;   /* of each leaf */
    uint64_t *enough; /* of each node: rows that reach its floor */
    unsigned tiers;   /* those down to the last that has a node with a floor */
    uint64_t violations;
};

/* Replicas of one row beyond ceil in one tier; marks the nodes with enough, and
 * says whether any two are together in a node. */
static unsigned count_tier(struct count *c, const uint32_t *row, unsigned width,
                           unsigned tier, bool *ret_together)
{
    const struct mc_plan *plan = c->plan;
    uint32_t node[MC_REPLICAS_MAX];
    bool floors = tier < c->tiers;
    bool together = false;
    unsigned beyond = 0;

    for (unsigned i = 0; i < width; i++)
        node[i] = plan->tree.up[row[i]][tier];
    for (unsigned i = 0; i < width; i++) {
        uint32_t v = node[i];
        unsigned before = 0;

        for (unsigned j = 0; j < i; j++)
            before += node[j] == v;
        beyond += before >= plan->node_most[v];
        together = together || before != 0;
        if (floors)
            c->enough[v] += before + 1 == plan->node_quota[v] / plan->part_count;
    }
    *ret_together = together;
    return beyond;
}

/* Counted once, at the tier where the row is worst, as Swift does. */
static void count_row(struct count *c, const uint32_t *row)
{
    bool together = true;
    unsigned worst = 0;
    unsigned width = 0;
    uint32_t leaves[MC_REPLICAS_MAX];

    for (unsigned i = 0; i < c->plan->stride; i++) {
        if (row[i] == MC_DEVICE_NONE)
            continue;
        leaves[width++] = row[i];
        c->held[row[i]]++;
    }
    /* Replicas apart in one tier are apart further down. */
    for (unsigned t = 0; t < MC_TIERS && (together || t < c->tiers); t++) {
        unsigned beyond = count_tier(c, leaves, width, t, &together);

        worst = beyond > worst ? beyond : worst;
    }
    c->violations += worst;
}

/* Tiers down to the last with a node whose floor is not 0. */
static unsigned floor_tiers(const struct mc_plan *plan)
{
    unsigned tiers = 0;

    for (uint32_t i = 0; i < plan->tree.leaf_count; i++) {
        while (tiers < MC_TIERS &&
               plan->node_quota[plan->tree.up[i][tiers]] >= plan->part_count)
            tiers++;
    }
    return tiers;
}

static bool row_has(const uint32_t *row, unsigned stride, uint32_t leaf)
{
    for (unsigned i = 0; i < stride; i++) {
        if (row[i] == leaf)
            return true;
    }
    return false;
}

static uint64_t count_moved(const struct mc_plan *plan, const uint32_t *table,
                            const struct mc_plan_old *old)
{
    uint64_t moved = 0;

    for (uint32_t p = 0; p < plan->part_count; p++) {
        const uint32_t *row = table + (size_t)p * plan->stride;
        const uint32_t *was = old->table + (size_t)p * old->stride;

        for (unsigned i = 0; i < plan->stride; i++) {
            if (row[i] != MC_DEVICE_NONE && (i >= old->stride || row[i] != was[i]))
                moved += !row_has(was, old->stride, row[i]);
        }
    }
    return moved;
}

/* What each device holds more than before had to come from somewhere. */
static int count_gains(const struct mc_plan *plan, const uint64_t *held,
                       const struct mc_plan_old *old, uint64_t *ret_gains)
{
    uint32_t n = plan->tree.leaf_count;
    size_t places = (size_t)plan->part_count * old->stride;
    uint64_t *was = calloc(n, sizeof(*was));
    uint64_t gains = 0;

    if (was == NULL)
        return MCOS_E_NOMEM;
    for (size_t i = 0; i < places; i++) {
        if (old->table[i] < n)
            was[old->table[i]]++;
    }
    for (uint32_t i = 0; i < n; i++)
        gains += held[i] > was[i] ? held[i] - was[i] : 0;
    free(was);
    *ret_gains = gains;
    return 0;
}

static void measure_shares(const struct mc_plan *plan, const uint64_t *held,
                           struct mc_build_report *report)
{
    for (uint32_t i = 0; i < plan->tree.leaf_count; i++) {
        double ideal = (double)plan->ideal[i] / (double)MC_IDEAL_ONE;
        double off = (double)held[i] - ideal;

        off = off < 0 ? -off : off;
        if (off > report->max_deviation)
            report->max_deviation = off;
        if (plan->ideal[i] != 0 && 100 * off / ideal > report->balance)
            report->balance = 100 * off / ideal;
    }
}

int mc_plan_measure(const struct mc_plan *plan, const uint32_t *table,
                    const struct mc_plan_old *old, struct mc_build_report *ret_report)
{
    struct mc_build_report report = {.assignments = plan->assignments};
    struct count c = {.plan = plan};
    int r = MCOS_E_NOMEM;

    c.held = calloc(plan->tree.leaf_count, sizeof(*c.held));
    c.enough = calloc(plan->tree.node_count, sizeof(*c.enough));
    if (c.held == NULL || c.enough == NULL)
        goto out;
    c.tiers = floor_tiers(plan);
    for (uint32_t p = 0; p < plan->part_count; p++)
        count_row(&c, table + (size_t)p * plan->stride);
    report.violations = c.violations;
    report.dispersion = 100.0 * (double)c.violations / (double)plan->assignments;
    for (uint32_t v = 1; v < plan->tree.node_count; v++) {
        if (plan->node_quota[v] >= plan->part_count)
            report.below_floor += plan->part_count - c.enough[v];
    }
    for (uint32_t i = 0; i < plan->tree.leaf_count; i++) {
        /* A device that is due in every row: the others have no floor. */
        if (plan->quota[i] == plan->part_count)
            report.below_floor += plan->part_count - c.held[i];
    }
    measure_shares(plan, c.held, &report);
    r = 0;
    if (old != NULL) {
        report.moved = count_moved(plan, table, old);
        r = count_gains(plan, c.held, old, &report.moved_lower_bound);
        if (r < 0)
            goto out;
    }
    *ret_report = report;
out:
    free(c.held);
    free(c.enough);
    return r;
}
