/* SPDX-License-Identifier: Apache-2.0 */
/* ring/measure.c -- how good a table is, counted from the table itself. */
#include "ring/measure.h"

#include <stdlib.h>

/* Replicas of one row beyond ceil in one tier; marks the nodes with enough, and
 * says whether any two are together in a node. */
static unsigned count_tier(struct mc_measure *c, const uint32_t *row, unsigned width,
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
            c->enough[v] += before + 1 == c->floor[v];
    }
    *ret_together = together;
    return beyond;
}

/* Counted once, at the tier where the row is worst, as Swift does. */
static void count_row(struct mc_measure *c, const uint32_t *row)
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

int mc_measure_init(struct mc_measure *m, const struct mc_plan *plan)
{
    *m = (struct mc_measure){.plan = plan, .tiers = floor_tiers(plan)};
    m->held = calloc(plan->tree.leaf_count, sizeof(*m->held));
    m->enough = calloc(plan->tree.node_count, sizeof(*m->enough));
    m->floor = calloc(plan->tree.node_count, sizeof(*m->floor));
    if (m->held == NULL || m->enough == NULL || m->floor == NULL)
        return MCOS_E_NOMEM;
    for (uint32_t v = 0; v < plan->tree.node_count; v++)
        m->floor[v] = (uint32_t)(plan->node_quota[v] / plan->part_count);
    return 0;
}

void mc_measure_fini(struct mc_measure *m)
{
    free(m->held);
    free(m->enough);
    free(m->floor);
    *m = (struct mc_measure){0};
}

/* Three replicas in three regions, and no floor further down: the usual row. */
static inline bool apart(struct mc_measure *m, const uint32_t *row, bool floors)
{
    uint32_t node[3];

    if (row[2] == MC_DEVICE_NONE)
        return false;
    for (unsigned i = 0; i < 3; i++)
        node[i] = m->plan->tree.up[row[i]][MC_TIER_REGION];
    if (node[0] == node[1] || node[0] == node[2] || node[1] == node[2])
        return false;
    for (unsigned i = 0; i < 3; i++) {
        m->held[row[i]]++;
        if (floors)
            m->enough[node[i]] += m->floor[node[i]] == 1;
    }
    return true;
}

void mc_measure_rows(struct mc_measure *m, const uint32_t *rows, uint32_t count)
{
    unsigned stride = m->plan->stride;
    uint32_t p = 0;

    for (; p < count && stride == 3 && m->tiers == 0; p++, rows += 3) {
        if (!apart(m, rows, false))
            count_row(m, rows);
    }
    for (; p < count && stride == 3 && m->tiers == 1; p++, rows += 3) {
        if (!apart(m, rows, true))
            count_row(m, rows);
    }
    for (; p < count; p++, rows += stride)
        count_row(m, rows);
}

void mc_measure_report(const struct mc_measure *m, struct mc_build_report *ret_report)
{
    const struct mc_plan *plan = m->plan;
    struct mc_build_report report = {.assignments = plan->assignments};

    report.violations = m->violations;
    report.dispersion = 100.0 * (double)m->violations / (double)plan->assignments;
    for (uint32_t v = 1; v < plan->tree.node_count; v++) {
        if (m->floor[v] != 0)
            report.below_floor += plan->part_count - m->enough[v];
    }
    for (uint32_t i = 0; i < plan->tree.leaf_count; i++) {
        /* A device that is due in every row: the others have no floor. */
        if (plan->quota[i] == plan->part_count)
            report.below_floor += plan->part_count - m->held[i];
    }
    measure_shares(plan, m->held, &report);
    *ret_report = report;
}

int mc_plan_measure(const struct mc_plan *plan, const uint32_t *table,
                    const struct mc_plan_old *old, struct mc_build_report *ret_report)
{
    struct mc_build_report report;
    struct mc_measure m;
    int r = mc_measure_init(&m, plan);

    if (r < 0)
        goto out;
    mc_measure_rows(&m, table, plan->part_count);
    mc_measure_report(&m, &report);
    if (old != NULL) {
        report.moved = count_moved(plan, table, old);
        r = count_gains(plan, m.held, old, &report.moved_lower_bound);
        if (r < 0)
            goto out;
    }
    *ret_report = report;
out:
    mc_measure_fini(&m);
    return r;
}
