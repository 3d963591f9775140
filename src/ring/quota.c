/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/quota.c -- from weights to exact numbers of replicas.
 *
 * Ideal shares first, as fixed-point numbers: by weight, no device above one
 * replica of every partition; with overload moved some way, or all the way,
 * towards the most even spread over the tree. Then whole numbers top-down by
 * largest remainder, so that every node gets floor or ceil of its ideal.
 */
#include "ring/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MILLION     1000000u
#define FACTOR_BITS 30u

/* What one node's children share: x is their claim, lo and hi bound the result. */
struct share {
    uint64_t x;
    uint64_t lo;
    uint64_t hi;
    uint64_t out;
    bool fixed;
    bool inexact;
};

struct choice {
    uint64_t fraction;
    uint32_t index;
    bool sticks; /* has the extra replica now */
};

/* One round of share_out: every free out by claim; how far beyond the bounds. */
static void share_once(struct share *s, size_t n, uint64_t left, mc_u128 sum,
                       mc_u128 *over, mc_u128 *under)
{
    for (size_t i = 0; i < n; i++) {
        mc_u128 product = (mc_u128)s[i].x * left;

        if (s[i].fixed)
            continue;
        s[i].out = (uint64_t)(product / sum);
        s[i].inexact = product % sum != 0;
        if (s[i].out < s[i].lo)
            *under += s[i].lo - s[i].out;
        else if (s[i].out >= s[i].hi)
            *over += s[i].out - s[i].hi + s[i].inexact;
    }
}

/*
 * out = clamp(c * x, lo, hi) with the one c for which they add up to total.
 * Fixes those beyond a bound, the side that is further off first, and shares
 * the rest again. What dividing leaves goes to the first that lost a fraction,
 * so an out that is a whole number by right stays one.
 */
static void share_out(struct share *s, size_t n, uint64_t total)
{
    mc_u128 over;
    mc_u128 under;

    do {
        mc_u128 sum = 0;
        uint64_t left = total;

        over = under = 0;
        for (size_t i = 0; i < n; i++) {
            if (s[i].fixed)
                left -= s[i].out;
            else
                sum += s[i].x;
        }
        if (sum == 0) {
            assert(left == 0);
            return;
        }
        share_once(s, n, left, sum, &over, &under);
        for (size_t i = 0; i < n && (over != 0 || under != 0); i++) {
            if (s[i].fixed)
                continue;
            if (over >= under && s[i].out >= s[i].hi)
                s[i].out = s[i].hi;
            else if (under >= over && s[i].out < s[i].lo)
                s[i].out = s[i].lo;
            else
                continue;
            s[i].fixed = true;
        }
    } while (over != 0 || under != 0);
    for (size_t i = 0; i < n; i++)
        total -= s[i].out;
    for (size_t i = 0; total > 0; i++) {
        assert(i < n);
        if (!s[i].fixed && s[i].inexact) {
            s[i].out++;
            total--;
        }
    }
}

/* Shares by weight, no device above one replica of every partition. */
static void by_weight(const struct mc_plan *plan, const struct mc_device *devices,
                      struct share *s)
{
    for (uint32_t i = 0; i < plan->tree.leaf_count; i++) {
        uint64_t weight = devices[plan->tree.device_of[i]].weight;

        s[i] = (struct share){.x = weight,
                              .hi = weight != 0 ? plan->part_count * MC_IDEAL_ONE : 0};
    }
    share_out(s, plan->tree.leaf_count, plan->assignments << MC_IDEAL_BITS);
    for (uint32_t i = 0; i < plan->tree.leaf_count; i++)
        plan->ideal[i] = s[i].out;
}

/* Sums of a figure of the leaves from `a` to `b`, by running totals. */
static uint64_t between(const uint64_t *running, uint32_t a, uint32_t b)
{
    return running[b] - running[a];
}

/*
 * Bounds of the children of one node for the most even spread: floor and ceil
 * of an equal part, in whole replicas of a partition; a child with fewer
 * devices than its part is given what it can hold and the others share the rest.
 */
static void even_bounds(const struct mc_plan *plan, struct share *s, size_t n,
                        uint64_t total)
{
    const uint64_t unit = plan->part_count * MC_IDEAL_ONE;
    size_t open = 0;
    bool again = true;

    for (size_t i = 0; i < n; i++)
        open += s[i].hi != 0;
    while (again) {
        uint64_t left = total;
        size_t still = open;

        again = false;
        for (size_t i = 0; i < n; i++)
            left -= s[i].fixed ? s[i].hi : 0;
        for (size_t i = 0; i < n; i++) {
            if (s[i].fixed || s[i].hi == 0 || s[i].hi > left / still)
                continue;
            s[i].fixed = true;
            s[i].lo = s[i].hi;
            open--;
            again = true;
        }
        if (again)
            continue;
        for (size_t i = 0; i < n; i++) {
            uint64_t floor = open == 0 ? 0 : left / open / unit * unit;
            uint64_t ceil = open != 0 && left > floor * open ? floor + unit : floor;

            if (s[i].fixed || s[i].hi == 0)
                continue;
            s[i].lo = floor;
            s[i].hi = ceil < s[i].hi ? ceil : s[i].hi;
        }
    }
    for (size_t i = 0; i < n; i++) {
        s[i].out = s[i].fixed ? s[i].hi : 0;
        s[i].fixed = s[i].fixed || s[i].hi == 0;
    }
}

/* Why the parts of one node's children are not what their claims say. */
static void note_bounds(const struct mc_plan *plan, const struct share *s, size_t n,
                        uint64_t total, struct mc_bound *bounds)
{
    const uint64_t unit = plan->part_count * MC_IDEAL_ONE;
    mc_u128 sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += s[i].x;
    for (size_t i = 0; i < n && sum != 0; i++) {
        uint64_t claim = (uint64_t)((mc_u128)s[i].x * total / sum);
        uint8_t limit = (uint8_t)(s[i].out / unit);

        /* What dividing cuts off is no change. */
        if (s[i].out > claim + 1)
            bounds[i] = s[i].fixed ? (struct mc_bound){MC_BOUND_LEAST, limit}
                                   : (struct mc_bound){MC_BOUND_MORE, 0};
        else if (s[i].out < claim)
            bounds[i] = s[i].fixed ? (struct mc_bound){MC_BOUND_MOST, limit}
                                   : (struct mc_bound){MC_BOUND_LESS, 0};
    }
}

/* The most even spread that has devices enough, otherwise as near to the weights
 * as it can: node by node from the root. wanted: a slot for each leaf. */
static int most_even(const struct mc_plan *plan, const struct mc_device *devices,
                     struct share *s, uint64_t *wanted)
{
    const struct mc_tree *tree = &plan->tree;
    const uint64_t unit = plan->part_count * MC_IDEAL_ONE;
    uint64_t *ideal = calloc(tree->leaf_count + 1u, sizeof(*ideal));
    uint64_t *able = calloc(tree->leaf_count + 1u, sizeof(*able));
    uint64_t *node_wanted = calloc(tree->node_count, sizeof(*node_wanted));
    int r = MCOS_E_NOMEM;

    if (ideal == NULL || able == NULL || node_wanted == NULL)
        goto out;
    for (uint32_t i = 0; i < tree->leaf_count; i++) {
        ideal[i + 1] = ideal[i] + plan->ideal[i];
        able[i + 1] = able[i] + (devices[tree->device_of[i]].weight != 0);
    }
    node_wanted[0] = plan->assignments << MC_IDEAL_BITS;
    for (uint32_t v = 0; v < tree->node_count; v++) {
        const struct mc_tree_node *node = &tree->nodes[v];
        uint32_t n = node->child_end - node->child;
        bool leaves = v >= tree->host_first;

        for (uint32_t i = 0; i < n; i++) {
            uint32_t c = node->child + i;
            uint32_t a = leaves ? c : tree->nodes[c].leaf;
            uint32_t b = leaves ? c + 1 : tree->nodes[c].leaf_end;
            uint64_t hold = between(able, a, b);
            uint64_t most = node_wanted[v] / unit + 1;

            s[i] = (struct share){.x = between(ideal, a, b),
                                  .hi = (hold < most ? hold : most) * unit};
            s[i].x += s[i].hi != 0 && s[i].x == 0; /* too light to count, but there */
        }
        even_bounds(plan, s, n, node_wanted[v]);
        share_out(s, n, node_wanted[v]);
        note_bounds(plan, s, n, node_wanted[v],
                    (leaves ? plan->leaf_bound : plan->node_bound) + node->child);
        for (uint32_t i = 0; i < n; i++)
            (leaves ? wanted : node_wanted)[node->child + i] = s[i].out;
    }
    r = 0;
out:
    free(ideal);
    free(able);
    free(node_wanted);
    return r;
}

/*
 * Moves the ideals towards `wanted`: no device beyond its weight's share by more
 * than the overload says, all by the same part of their way. Uses wanted up.
 */
static void move_ideals(struct mc_plan *plan, uint64_t *wanted, uint32_t overload)
{
    const uint64_t one = 1ull << FACTOR_BITS;
    uint32_t n = plan->tree.leaf_count;
    uint64_t more = 0; /* the largest wanted / ideal - 1, as a fraction more / than */
    uint64_t than = 1;
    uint64_t left = 0;
    uint64_t factor = one;

    for (uint32_t i = 0; i < n; i++) {
        uint64_t ideal = plan->ideal[i] != 0 ? plan->ideal[i] : 1;

        left += plan->ideal[i];
        if (wanted[i] > plan->ideal[i] &&
            (mc_u128)(wanted[i] - plan->ideal[i]) * than > (mc_u128)more * ideal) {
            more = wanted[i] - plan->ideal[i];
            than = ideal;
        }
    }
    if ((mc_u128)more * MILLION > (mc_u128)than * overload) {
        mc_u128 part = (mc_u128)than * overload / MILLION;

        factor = (uint64_t)((part << FACTOR_BITS) / more);
    }
    for (uint32_t i = 0; i < n; i++) {
        mc_u128 x =
            (mc_u128)plan->ideal[i] * (one - factor) + (mc_u128)wanted[i] * factor;

        plan->ideal[i] = (uint64_t)(x >> FACTOR_BITS);
        wanted[i] = (uint64_t)x & (one - 1); /* what was cut off */
        left -= plan->ideal[i];
    }
    for (uint32_t i = 0; left > 0; i++) {
        assert(i < n);
        plan->ideal[i] += wanted[i] != 0;
        left -= wanted[i] != 0;
    }
}

static int cmp_choice(const void *a, const void *b)
{
    const struct choice *x = a;
    const struct choice *y = b;

    if (x->fraction != y->fraction)
        return x->fraction < y->fraction ? 1 : -1;
    if (x->sticks != y->sticks)
        return x->sticks ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Whole numbers for the children of a node whose own is known. */
static void round_node(struct mc_plan *plan, uint32_t v, const uint64_t *ideal,
                       const uint64_t *held, struct choice *choices)
{
    const struct mc_tree_node *node = &plan->tree.nodes[v];
    bool leaves = v >= plan->tree.host_first;
    uint64_t left = plan->node_quota[v];
    uint32_t n = node->child_end - node->child;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t c = node->child + i;
        uint32_t a = leaves ? c : plan->tree.nodes[c].leaf;
        uint32_t b = leaves ? c + 1 : plan->tree.nodes[c].leaf_end;
        uint64_t share = between(ideal, a, b);
        uint64_t floor = share >> MC_IDEAL_BITS;

        choices[i] =
            (struct choice){share % MC_IDEAL_ONE, c, between(held, a, b) > floor};
        left -= floor;
        if (leaves)
            plan->quota[c] = (uint32_t)floor;
        else
            plan->node_quota[c] = floor;
    }
    if (left == 0)
        return;
    assert(left <= n);
    qsort(choices, n, sizeof(*choices), cmp_choice);
    for (uint64_t i = 0; i < left; i++) {
        assert(choices[i].fraction != 0);
        if (leaves)
            plan->quota[choices[i].index]++;
        else
            plan->node_quota[choices[i].index]++;
    }
}

static int round_all(struct mc_plan *plan, const uint32_t *held, bool as_held)
{
    uint32_t n = plan->tree.leaf_count;
    uint64_t *ideal = calloc(n + 1u, sizeof(*ideal));
    uint64_t *have = calloc(n + 1u, sizeof(*have));
    struct choice *choices = calloc(n, sizeof(*choices));
    int r = MCOS_E_NOMEM;

    if (ideal == NULL || have == NULL || choices == NULL)
        goto out;
    for (uint32_t i = 0; i < n; i++) {
        have[i + 1] = have[i] + (held != NULL ? held[plan->tree.device_of[i]] : 0);
        ideal[i + 1] =
            as_held ? have[i + 1] << MC_IDEAL_BITS : ideal[i] + plan->ideal[i];
    }
    plan->node_quota[0] = plan->assignments;
    for (uint32_t v = 0; v < plan->tree.node_count; v++) {
        uint64_t parts = plan->part_count;

        plan->node_most[v] = (uint8_t)((plan->node_quota[v] + parts - 1) / parts);
        round_node(plan, v, ideal, have, choices);
    }
    r = 0;
out:
    free(ideal);
    free(have);
    free(choices);
    return r;
}

int mc_quota_fill(struct mc_plan *plan, const struct mc_plan_input *in)
{
    uint32_t n = plan->tree.leaf_count;
    struct share *s = calloc(n, sizeof(*s));
    uint64_t *wanted = calloc(n, sizeof(*wanted));
    int r = MCOS_E_NOMEM;

    if (s == NULL || wanted == NULL)
        goto out;
    by_weight(plan, in->devices, s);
    if (in->overload != 0) {
        memcpy(plan->by_weight, plan->ideal, n * sizeof(*plan->ideal));
        r = most_even(plan, in->devices, s, wanted);
        if (r < 0)
            goto out;
        move_ideals(plan, wanted, in->overload);
    }
    r = round_all(plan, in->held, in->as_held);
out:
    free(s);
    free(wanted);
    return r;
}
