/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/first.c -- a first table, by hierarchical systematic sampling.
 *
 * A node holds some copies of every partition and one more of those in a set.
 * Of the sequence "the set, then all partitions shuffled, then all of them
 * shuffled anew ..." each child takes, beside its own whole copies, the next
 * few; one that reaches from one pass into the next takes there only what it
 * does not have yet. So every quota is exact and every row has floor or ceil of
 * every node, by construction and without a search.
 */
#include "base/rng.h"
#include "ring/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DEPTHS (MC_TIERS + 1u)

struct dealer {
    const struct mc_plan *plan;
    struct mc_rng rng;
    uint32_t *table;
    uint8_t *filled; /* of each row */
    uint64_t *taken; /* a bit per partition */
    uint64_t placed;
    uint32_t *pass[DEPTHS];  /* the present shuffle at each depth */
    uint32_t *joint[DEPTHS]; /* the set of a child that reaches over two passes */
};

/* The rest of the sequence a node hands out. */
struct hand {
    unsigned depth;
    uint32_t *set;
    uint32_t len;
    uint32_t pos;
    uint64_t passes; /* shuffles still to come */
};

/* Two numbers from each draw: a partition count is far below 2^32, so the
 * bias is too small to see. */
static void shuffle(struct mc_rng *rng, uint32_t *a, uint32_t n)
{
    uint64_t random = 0;

    for (uint32_t i = n; i > 1; i--) {
        uint32_t x = a[i - 1];
        uint32_t j;

        random = (n - i) % 2 == 0 ? mc_rng_next(rng) : random << 32;
        j = (uint32_t)((random >> 32) * i >> 32);
        a[i - 1] = a[j];
        a[j] = x;
    }
}

static void place(struct dealer *d, uint32_t part, uint32_t leaf)
{
    assert(d->filled[part] < d->plan->stride);
    d->table[(size_t)part * d->plan->stride + d->filled[part]++] = leaf;
}

static int buffer(const struct dealer *d, uint32_t **buf)
{
    if (*buf == NULL)
        *buf = malloc(d->plan->part_count * sizeof(**buf));
    return *buf == NULL ? MCOS_E_NOMEM : 0;
}

static void mark(struct dealer *d, const uint32_t *set, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        d->taken[set[i] / 64] ^= 1ull << set[i] % 64;
}

/* The next `want` of the sequence, all different, into *ret_set. */
static int take(struct dealer *d, struct hand *h, uint32_t want, uint32_t **ret_set)
{
    uint32_t parts = d->plan->part_count;
    uint32_t first = h->len - h->pos;
    uint32_t *pass;
    uint32_t *joint;

    if (want <= first) {
        *ret_set = h->set + h->pos;
        h->pos += want;
        return 0;
    }
    if (buffer(d, &d->pass[h->depth]) < 0 || buffer(d, &d->joint[h->depth]) < 0)
        return MCOS_E_NOMEM;
    pass = d->pass[h->depth];
    joint = d->joint[h->depth];
    memcpy(joint, h->set + h->pos, first * sizeof(*joint));
    assert(h->passes > 0);
    h->passes--;
    for (uint32_t i = 0; i < parts; i++)
        pass[i] = i;
    shuffle(&d->rng, pass, parts);
    mark(d, joint, first);
    h->set = pass;
    h->len = parts;
    h->pos = 0;
    for (uint32_t i = 0; h->pos < want - first; i++) {
        uint32_t x = pass[i];

        if ((d->taken[x / 64] >> x % 64 & 1) != 0)
            continue;
        pass[i] = pass[h->pos];
        pass[h->pos++] = x;
    }
    mark(d, joint, first);
    memcpy(joint + first, pass, h->pos * sizeof(*joint));
    *ret_set = joint;
    return 0;
}

/* Node v has `whole` copies of every partition and one more of each in set. */
static int deal(struct dealer *d, unsigned depth, uint32_t v, uint64_t whole,
                uint32_t *set, uint32_t len)
{
    const struct mc_plan *plan = d->plan;
    const struct mc_tree_node *node = &plan->tree.nodes[v];
    bool leaves = v >= plan->tree.host_first;
    uint32_t parts = plan->part_count;
    struct hand h = {.depth = depth, .set = set, .len = len, .passes = whole};
    int r = 0;

    for (uint32_t c = node->child; c < node->child_end; c++)
        h.passes -= (leaves ? plan->quota[c] : plan->node_quota[c]) / parts;
    for (uint32_t c = node->child; c < node->child_end && r == 0; c++) {
        uint64_t quota = leaves ? plan->quota[c] : plan->node_quota[c];
        uint32_t more = (uint32_t)(quota % parts);
        uint32_t *part = NULL;

        if (quota == 0)
            continue;
        r = take(d, &h, more, &part);
        if (r < 0)
            return r;
        if (!leaves) {
            r = deal(d, depth + 1, c, quota / parts, part, more);
            continue;
        }
        if (quota == parts) {
            for (uint32_t p = 0; p < parts; p++)
                place(d, p, c);
        }
        for (uint32_t i = 0; i < more; i++)
            place(d, part[i], c);
        d->placed += quota;
        r = mc_plan_tell(plan, d->placed, plan->assignments);
    }
    assert(r < 0 || (h.pos == h.len && h.passes == 0));
    return r;
}

/* Otherwise the first region in the tree would have most of the first places. */
static void shuffle_rows(struct dealer *d)
{
    for (uint32_t p = 0; p < d->plan->part_count; p++) {
        uint32_t *row = d->table + (size_t)p * d->plan->stride;
        uint64_t random = mc_rng_next(&d->rng);

        assert(d->filled[p] == mc_plan_row(d->plan, p));
        for (unsigned i = d->filled[p]; i > 1; i--) {
            mc_u128 product = (mc_u128)random * i;
            unsigned j = (unsigned)(product >> 64);
            uint32_t x = row[i - 1];

            random = (uint64_t)product;
            row[i - 1] = row[j];
            row[j] = x;
        }
    }
}

int mc_plan_first(const struct mc_plan *plan, uint64_t seed, uint32_t *table)
{
    struct dealer d = {.plan = plan, .rng = mc_rng_init(seed), .table = table};
    uint64_t whole = plan->assignments / plan->part_count;
    uint32_t more = (uint32_t)(plan->assignments % plan->part_count);
    uint32_t *set = malloc((more + 1u) * sizeof(*set));
    int r = MCOS_E_NOMEM;

    d.filled = calloc(plan->part_count, sizeof(*d.filled));
    d.taken = calloc(plan->part_count / 64 + 1u, sizeof(*d.taken));
    if (set == NULL || d.filled == NULL || d.taken == NULL)
        goto out;
    memset(table, 0xff, (size_t)plan->part_count * plan->stride * sizeof(*table));
    for (uint32_t i = 0; i < more; i++)
        set[i] = i;
    shuffle(&d.rng, set, more);
    r = deal(&d, 0, 0, whole, set, more);
    if (r == 0)
        shuffle_rows(&d);
out:
    for (unsigned i = 0; i < DEPTHS; i++) {
        free(d.pass[i]);
        free(d.joint[i]);
    }
    free(set);
    free(d.filled);
    free(d.taken);
    return r;
}
