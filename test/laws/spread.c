/* SPDX-License-Identifier: Apache-2.0 */
/* Counting, and a few tables drawn at random to compare with. */
#include "spread.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

#define RANGES 64u
#define DRAWN  3u /* tables that the expectation is taken from */
#define SWAPS  8u /* tries for each place of a table to make it a random one */

/* Partitions that leaves a and b share: at a * n + b. */
static uint32_t *count_pairs(const struct mc_plan *plan, const uint32_t *table)
{
    uint32_t n = plan->tree.leaf_count;
    uint32_t *shared = calloc((size_t)n * n, sizeof(*shared));

    for (uint32_t p = 0; p < plan->part_count; p++) {
        const uint32_t *row = table + (size_t)p * plan->stride;

        for (unsigned i = 0; i < mc_plan_row(plan, p); i++) {
            for (unsigned j = 0; j < mc_plan_row(plan, p); j++)
                shared[(size_t)row[i] * n + row[j]] += i != j;
        }
    }
    return shared;
}

static unsigned below(const struct mc_plan *plan, const uint32_t *row, unsigned width,
                      unsigned tier, uint32_t node)
{
    unsigned n = 0;

    for (unsigned i = 0; i < width; i++)
        n += plan->tree.up[row[i]][tier] == node;
    return n;
}

/* Floor and ceil still hold in a row where b is to take the place of a. */
static bool may_replace(const struct mc_plan *plan, const uint32_t *row, unsigned width,
                        uint32_t a, uint32_t b)
{
    for (unsigned i = 0; i < width; i++) {
        if (row[i] == b)
            return false;
    }
    for (unsigned t = 0; t < MC_TIERS; t++) {
        uint32_t from = plan->tree.up[a][t];
        uint32_t to = plan->tree.up[b][t];

        if (from == to)
            continue;
        if (below(plan, row, width, t, from) <=
            plan->node_quota[from] / plan->part_count)
            return false;
        if (below(plan, row, width, t, to) >= plan->node_most[to])
            return false;
    }
    return plan->quota[a] != plan->part_count && plan->quota[b] != plan->part_count;
}

/* Any table with these quotas, floor and ceil: a first one, and random exchanges
 * between two rows until little is left of it. */
static void draw(const struct mc_plan *plan, uint64_t seed, uint32_t *table)
{
    struct mc_rng rng = mc_rng_init(seed);

    if (mc_plan_first(plan, seed, table) < 0)
        abort();
    for (uint64_t n = SWAPS * plan->assignments; n > 0; n--) {
        uint32_t p = (uint32_t)mc_rng_below(&rng, plan->part_count);
        uint32_t q = (uint32_t)mc_rng_below(&rng, plan->part_count);
        unsigned p_width = mc_plan_row(plan, p);
        unsigned q_width = mc_plan_row(plan, q);
        uint32_t *in_p = table + (size_t)p * plan->stride;
        uint32_t *in_q = table + (size_t)q * plan->stride;
        unsigned i = (unsigned)mc_rng_below(&rng, p_width);
        unsigned j = (unsigned)mc_rng_below(&rng, q_width);
        uint32_t a = in_p[i];
        uint32_t b = in_q[j];

        if (p == q || a == b || !may_replace(plan, in_p, p_width, a, b) ||
            !may_replace(plan, in_q, q_width, b, a))
            continue;
        in_p[i] = b;
        in_q[j] = a;
    }
}

static void measure_primaries(const struct mc_plan *plan, const uint32_t *table,
                              struct spread *s)
{
    uint32_t n = plan->tree.leaf_count;
    double *mean = calloc(n, sizeof(*mean));
    double *var = calloc(n, sizeof(*var));
    double *first = calloc(n, sizeof(*first));
    double off = 0;
    double chance = 0;

    for (uint32_t p = 0; p < plan->part_count; p++) {
        unsigned width = mc_plan_row(plan, p);
        const uint32_t *row = table + (size_t)p * plan->stride;

        first[row[0]]++;
        for (unsigned i = 0; i < width; i++) {
            mean[row[i]] += 1.0 / width;
            var[row[i]] += (1.0 - 1.0 / width) / width;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        double d = first[i] - mean[i];

        off += d * d;
        chance += var[i];
        if (var[i] > 0 && fabs(d) / sqrt(var[i]) > s->primaries_worst)
            s->primaries_worst = fabs(d) / sqrt(var[i]);
    }
    s->primaries = chance > 0 ? off / chance : 0;
    free(mean);
    free(var);
    free(first);
}

static void measure_pairs(const struct mc_plan *plan, const uint32_t *table,
                          struct spread *s)
{
    uint32_t n = plan->tree.leaf_count;
    uint32_t *shared = count_pairs(plan, table);
    double *expect = calloc((size_t)n * n, sizeof(*expect));
    double *width = calloc(n, sizeof(*width)); /* in those drawn */
    uint32_t *drawn = malloc((size_t)plan->part_count * plan->stride * sizeof(*drawn));
    double all = 0;
    double all_drawn = 0;
    double most = 0;
    double most_drawn = 0;
    double off = 0;
    double degrees = 0;

    for (unsigned f = 0; f < DRAWN; f++) {
        uint32_t *x;

        draw(plan, 1000 + f, drawn);
        x = count_pairs(plan, drawn);
        for (size_t i = 0; i < (size_t)n * n; i++) {
            expect[i] += (double)x[i] / DRAWN;
            width[i / n] += (x[i] != 0 ? 1.0 : 0.0) / DRAWN;
            if (plan->quota[i / n] != 0 &&
                (double)x[i] / plan->quota[i / n] > most_drawn)
                most_drawn = (double)x[i] / plan->quota[i / n];
        }
        free(x);
    }
    s->width_worst = 1;
    for (uint32_t a = 0; a < n; a++) {
        double mine = 0;

        for (uint32_t b = 0; b < n; b++) {
            size_t i = (size_t)a * n + b;

            mine += shared[i] != 0 ? 1.0 : 0.0;
            if (plan->quota[a] != 0 && (double)shared[i] / plan->quota[a] > most)
                most = (double)shared[i] / plan->quota[a];
            if (expect[i] >= 4) {
                double d = shared[i] - expect[i];

                off += d * d / expect[i];
                degrees += 1.0 + 1.0 / DRAWN; /* the expectation varies too */
            }
        }
        all += mine;
        all_drawn += width[a];
        if (width[a] > 0 && mine / width[a] < s->width_worst)
            s->width_worst = mine / width[a];
    }
    s->width = all_drawn > 0 ? all / all_drawn : 1;
    s->pairs = degrees > 0 ? off / degrees : 0;
    s->pair_most = most_drawn > 0 ? most / most_drawn : 0;
    free(shared);
    free(expect);
    free(width);
    free(drawn);
}

/* Chi-square of counts in ranges that should hold the same, by degree of freedom. */
static double chi_square(const uint32_t *count, double expect)
{
    double sum = 0;

    for (unsigned i = 0; i < RANGES; i++)
        sum += (count[i] - expect) * (count[i] - expect) / expect;
    return sum / (RANGES - 1);
}

static bool row_has(const uint32_t *row, unsigned n, uint32_t leaf)
{
    for (unsigned i = 0; i < n; i++) {
        if (row[i] == leaf)
            return true;
    }
    return false;
}

static void measure_ranges(const struct mc_plan *plan, const uint32_t *table,
                           const uint32_t *old, unsigned old_stride, struct spread *s)
{
    uint32_t n = plan->tree.leaf_count;
    uint32_t(*count)[RANGES] = calloc(n, sizeof(*count));
    uint32_t moved[RANGES] = {0};
    double all_moved = 0;
    unsigned devices = 0;

    for (uint32_t p = 0; p < plan->part_count; p++) {
        unsigned range = (unsigned)((uint64_t)p * RANGES / plan->part_count);

        for (unsigned i = 0; i < mc_plan_row(plan, p); i++) {
            uint32_t leaf = table[(size_t)p * plan->stride + i];

            count[leaf][range]++;
            if (old != NULL &&
                !row_has(old + (size_t)p * old_stride, old_stride, leaf)) {
                moved[range]++;
                all_moved++;
            }
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        if (plan->quota[i] < 4 * RANGES)
            continue;
        s->ranges += chi_square(count[i], (double)plan->quota[i] / RANGES);
        devices++;
    }
    s->ranges = devices != 0 ? s->ranges / devices : 0;
    s->moved_ranges =
        all_moved >= 4 * RANGES ? chi_square(moved, all_moved / RANGES) : 0;
    free(count);
}

struct spread measure_spread(const struct mc_plan *plan, const uint32_t *table,
                             const uint32_t *old, unsigned old_stride)
{
    struct spread s = {.primaries = 0};

    measure_primaries(plan, table, &s);
    measure_pairs(plan, table, &s);
    measure_ranges(plan, table, old, old_stride, &s);
    return s;
}
