/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The best row is found by ranks. Where replicas are worth whole numbers, the best
 * sum is the sum over all thresholds of how many replicas worth at least that much
 * fit into a row together. A row is filled from below: each node swallows `stays` of
 * the replicas that arrive there and lets `pass` of the others go up; what the root
 * swallows makes the row whole. What a threshold's new replicas bring is counted once
 * for the tree; what a row's old ones add is found by climbing from them.
 */
#include "certificate.h"

#include <assert.h>
#include <stdlib.h>

/* A node of the plan's tree, or after all of these a leaf. */
struct node {
    uint32_t above;
    uint32_t stays;
    uint32_t pass;
};

struct shape {
    uint32_t nodes;
    uint32_t count;
    struct node *node; /* stays of the root: for a long row */
};

/* What arrives where when all new replicas worth so much do. */
struct level {
    uint32_t *arrive;
    uint32_t rank; /* swallowed below the root */
};

static uint64_t sum_quota(const struct mc_plan *plan, uint32_t v)
{
    uint64_t sum = 0;

    for (uint32_t i = plan->tree.nodes[v].leaf; i < plan->tree.nodes[v].leaf_end; i++)
        sum += plan->quota[i];
    return sum;
}

static struct shape make_shape(const struct mc_plan *plan, bool floor)
{
    uint32_t nodes = plan->tree.node_count;
    uint32_t count = nodes + plan->tree.leaf_count;
    struct shape s = {nodes, count, calloc(count, sizeof(*s.node))};
    uint32_t *least = calloc(count, sizeof(*least));

    for (uint32_t v = 0; v < count; v++) {
        uint64_t quota = v < nodes ? sum_quota(plan, v) : plan->quota[v - nodes];
        uint64_t most = (quota + plan->part_count - 1) / plan->part_count;

        least[v] = floor ? (uint32_t)(quota / plan->part_count) : 0;
        s.node[v].stays = v != 0 ? least[v] : plan->stride;
        s.node[v].pass = v != 0 ? (uint32_t)most - least[v] : 0;
    }
    for (uint32_t v = 0; v < nodes; v++) {
        const struct mc_tree_node *n = &plan->tree.nodes[v];
        uint32_t base = v >= plan->tree.host_first ? nodes : 0;

        for (uint32_t c = n->child; c < n->child_end; c++) {
            s.node[base + c].above = v;
            s.node[v].stays -= least[base + c];
        }
    }
    free(least);
    return s;
}

/* Of all devices with a quota and no price above `dearest`. */
static struct level make_level(const struct mc_plan *plan, const struct shape *s,
                               const uint32_t *price, int64_t dearest)
{
    struct level l = {calloc(s->count, sizeof(*l.arrive)), 0};

    for (uint32_t v = s->count; v-- > 1;) {
        const struct node *n = &s->node[v];
        uint32_t up;

        if (v >= s->nodes) {
            uint32_t leaf = v - s->nodes;

            l.arrive[v] = plan->quota[leaf] != 0 && price[leaf] <= dearest;
        }
        up = l.arrive[v] > n->stays ? l.arrive[v] - n->stays : 0;
        l.rank += l.arrive[v] - up;
        l.arrive[n->above] += up < n->pass ? up : n->pass;
    }
    return l;
}

/* One row: where its old replicas have made a difference to a level. */
struct row {
    uint32_t at[MC_REPLICAS_MAX * (MC_TIERS + 2u)];
    uint32_t more[MC_REPLICAS_MAX * (MC_TIERS + 2u)];
    unsigned count;
};

/* The place of v in row->more. */
static unsigned place_of(struct row *row, uint32_t v)
{
    unsigned i = 0;

    while (i < row->count && row->at[i] != v)
        i++;
    if (i == row->count) {
        assert(i < sizeof(row->at) / sizeof(row->at[0]));
        row->at[i] = v;
        row->more[i] = 0;
        row->count++;
    }
    return i;
}

/* One replica more arrives at v; 1 if it finds a place. */
static unsigned climb(const struct shape *s, const struct level *l, struct row *row,
                      uint32_t v, uint32_t root_stays)
{
    for (;; v = s->node[v].above) {
        unsigned i = place_of(row, v);
        uint32_t before = l->arrive[v] + row->more[i]++;

        if (v == 0)
            return before < root_stays;
        if (before < s->node[v].stays)
            return 1;
        if (before - s->node[v].stays >= s->node[v].pass)
            return 0;
    }
}

static bool has(const uint32_t *row, unsigned n, uint32_t leaf)
{
    for (unsigned i = 0; i < n; i++) {
        if (row[i] == leaf)
            return true;
    }
    return false;
}

static int64_t best_row(const struct mc_plan *plan, const struct shape *s,
                        const struct level *levels, uint32_t dearest,
                        const uint32_t *price, uint32_t part, const uint32_t *old,
                        unsigned old_stride)
{
    unsigned width = mc_plan_row(plan, part);
    uint32_t root_stays = s->node[0].stays - (plan->stride - width);
    int64_t sum = -(int64_t)dearest * width;

    /* levels[i]: worth at least 1 - i; new ones have a price of at most i - 1. */
    for (uint32_t i = 0; i <= dearest; i++) {
        const struct level *l = &levels[i];
        uint32_t root = l->arrive[0];
        struct row row = {.count = 0};

        sum += l->rank + (root < root_stays ? root : root_stays);
        for (unsigned j = 0; j < old_stride; j++) {
            uint32_t leaf = old[j];

            if (leaf < plan->tree.leaf_count && plan->quota[leaf] != 0 &&
                price[leaf] == i && !has(old, j, leaf))
                sum += climb(s, l, &row, s->nodes + leaf, root_stays);
        }
    }
    return sum;
}

int64_t most_kept(const struct mc_plan *plan, const uint32_t *old, unsigned old_stride,
                  const uint32_t *price, bool floor)
{
    struct shape s = make_shape(plan, floor);
    struct level *levels;
    uint32_t dearest = 0;
    int64_t sum = 0;

    for (uint32_t i = 0; i < plan->tree.leaf_count; i++) {
        if (plan->quota[i] == 0)
            continue;
        dearest = price[i] > dearest ? price[i] : dearest;
        sum += (int64_t)price[i] * plan->quota[i];
    }
    levels = calloc(dearest + 1u, sizeof(*levels));
    for (uint32_t i = 0; i <= dearest; i++)
        levels[i] = make_level(plan, &s, price, (int64_t)i - 1);
    for (uint32_t p = 0; p < plan->part_count; p++)
        sum += best_row(plan, &s, levels, dearest, price, p,
                        old + (size_t)p * old_stride, old_stride);
    for (uint32_t i = 0; i <= dearest; i++)
        free(levels[i].arrive);
    free(levels);
    free(s.node);
    return sum;
}

int64_t kept(const struct mc_plan *plan, const uint32_t *old, unsigned old_stride,
             const uint32_t *table)
{
    int64_t sum = 0;

    for (uint32_t p = 0; p < plan->part_count; p++) {
        const uint32_t *row = table + (size_t)p * plan->stride;

        for (unsigned i = 0; i < mc_plan_row(plan, p); i++)
            sum += has(old + (size_t)p * old_stride, old_stride, row[i]);
    }
    return sum;
}

bool has_quotas(const struct mc_plan *plan, const uint32_t *table)
{
    size_t places = (size_t)plan->part_count * plan->stride;
    uint32_t *held = calloc(plan->tree.leaf_count, sizeof(*held));
    bool good = true;

    for (size_t i = 0; i < places; i++) {
        if (table[i] < plan->tree.leaf_count)
            held[table[i]]++;
    }
    for (uint32_t i = 0; i < plan->tree.leaf_count; i++)
        good = good && held[i] == plan->quota[i];
    free(held);
    return good;
}

bool within_rule(const struct mc_plan *plan, const uint32_t *table, bool floor)
{
    struct shape s = make_shape(plan, floor);
    uint32_t parts = plan->part_count;
    uint32_t *in_row = calloc(s.count, sizeof(*in_row));
    uint32_t *least = calloc(s.count, sizeof(*least)); /* rows at floor or above */
    bool good = true;

    for (uint32_t p = 0; p < parts && good; p++) {
        const uint32_t *row = table + (size_t)p * plan->stride;
        unsigned width = mc_plan_row(plan, p);

        for (unsigned i = 0; i < plan->stride && good; i++) {
            if (i >= width) {
                good = row[i] == MC_DEVICE_NONE;
                continue;
            }
            good = row[i] < plan->tree.leaf_count;
            if (!good)
                break;
            for (uint32_t v = s.nodes + row[i]; v != 0; v = s.node[v].above) {
                uint64_t quota =
                    v < s.nodes ? plan->node_quota[v] : plan->quota[v - s.nodes];

                in_row[v]++;
                good = good && in_row[v] <= (quota + parts - 1) / parts;
                least[v] += in_row[v] == quota / parts;
            }
        }
        for (unsigned i = 0; i < width && good; i++) {
            for (uint32_t v = s.nodes + row[i]; v != 0; v = s.node[v].above)
                in_row[v] = 0;
        }
    }
    for (uint32_t v = 1; v < s.count && good && floor; v++) {
        uint64_t quota = v < s.nodes ? plan->node_quota[v] : plan->quota[v - s.nodes];

        good = quota < parts || least[v] == parts;
    }
    free(s.node);
    free(in_row);
    free(least);
    return good;
}

/* How many fit into a row together: of the level's, and of these more. */
static unsigned rank(const struct shape *s, const struct level *l, unsigned root_stays,
                     const uint32_t *leaves, unsigned n)
{
    uint32_t root = l->arrive[0];
    unsigned sum = l->rank + (root < root_stays ? root : root_stays);
    struct row row = {.count = 0};

    for (unsigned i = 0; i < n; i++)
        sum += climb(s, l, &row, s->nodes + leaves[i], root_stays);
    return sum;
}

/*
 * The fewest of a row in the set. By ranks, for what fits together are the independent
 * sets of a matroid: the best row takes old ones outside first, then old ones, then
 * others outside. One that loses nothing may give one up: if what is left of the old
 * and all outside still fill it.
 */
static unsigned least_in(const struct mc_plan *plan, const struct shape *s,
                         const struct level *none, const struct level *outside,
                         uint32_t part, const uint32_t *old, unsigned old_stride,
                         bool frozen, const uint8_t *tight)
{
    unsigned width = mc_plan_row(plan, part);
    uint32_t root_stays = s->node[0].stays - (plan->stride - width);
    uint32_t live[MC_REPLICAS_MAX]; /* outside first */
    uint32_t in[MC_REPLICAS_MAX];
    unsigned n = 0;
    unsigned in_count = 0;
    unsigned first;
    unsigned kept;

    for (unsigned i = 0; i < old_stride; i++) {
        uint32_t leaf = old[i];

        if (leaf >= plan->tree.leaf_count || plan->quota[leaf] == 0 ||
            has(old, i, leaf))
            continue;
        if (tight[leaf] != 0)
            in[in_count++] = leaf;
        else
            live[n++] = leaf;
    }
    first = rank(s, none, root_stays, live, n);
    for (unsigned i = 0; i < in_count; i++)
        live[n++] = in[i];
    kept = rank(s, none, root_stays, live, n);
    if (kept < n || kept < width)
        return kept - first + width - rank(s, outside, root_stays, in, in_count);
    for (unsigned i = 0; i < in_count && !frozen; i++) {
        uint32_t rest[MC_REPLICAS_MAX];
        unsigned rest_count = 0;

        for (unsigned j = 0; j < in_count; j++) {
            if (j != i)
                rest[rest_count++] = in[j];
        }
        if (rank(s, outside, root_stays, rest, rest_count) == width)
            return in_count - 1;
    }
    return in_count;
}

int64_t must_hold(const struct mc_plan *plan, const uint32_t *old, unsigned old_stride,
                  const uint8_t *frozen, const uint8_t *tight, bool floor)
{
    uint32_t leaves = plan->tree.leaf_count;
    struct shape s = make_shape(plan, floor);
    struct level none = {calloc(s.count, sizeof(*none.arrive)), 0};
    uint32_t *price = calloc(leaves, sizeof(*price));
    struct level outside;
    int64_t sum = 0;

    for (uint32_t i = 0; i < leaves; i++) {
        price[i] = tight[i];
        sum -= tight[i] != 0 ? plan->quota[i] : 0;
    }
    outside = make_level(plan, &s, price, 0);
    for (uint32_t p = 0; p < plan->part_count; p++)
        sum += least_in(plan, &s, &none, &outside, p, old + (size_t)p * old_stride,
                        old_stride, frozen != NULL && frozen[p] != 0, tight);
    free(none.arrive);
    free(outside.arrive);
    free(price);
    free(s.node);
    return sum;
}

struct row_loss row_loss(const struct mc_plan *plan, uint32_t part, const uint32_t *old,
                         unsigned old_stride, const uint32_t *row)
{
    struct shape s = make_shape(plan, false);
    struct level none = {calloc(s.count, sizeof(*none.arrive)), 0};
    unsigned width = mc_plan_row(plan, part);
    struct row stay = {.count = 0};
    struct row_loss loss = {0, 0};
    unsigned live = 0;
    unsigned most = 0;

    for (unsigned i = 0; i < old_stride; i++) {
        uint32_t leaf = old[i];

        if (leaf >= plan->tree.leaf_count || plan->quota[leaf] == 0 ||
            has(old, i, leaf))
            continue;
        live++;
        most += climb(&s, &none, &stay, s.nodes + leaf, width);
        loss.lost += !has(row, width, leaf);
    }
    loss.may_lose = live == most && most == width ? 1 : live - most;
    free(none.arrive);
    free(s.node);
    return loss;
}
